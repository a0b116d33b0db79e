"""Dates as people write them: each form read as what it means, an order never guessed."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resight.catalogue import plan_csv
from resight.catalogue.dates import MONTHS, ORDERS, date_column, in_words, readings
from resight.catalogue.names import date_named
from resight.errors import ImportFileError

#: By what a number form needs to be known, how it is written; ``None``: nothing.
_FORMS = [
    ("{y:04}-{m:02}-{d:02}", None),
    ("{y:04}{m:02}{d:02}", None),
    ("{y:04}/{m}/{d}", None),
    ("{y:04}. {m:02}. {d:02}.", None),
    ("{y:04}:{m:02}:{d:02}", None),
    ("{d} {name} {y:04}", None),
    ("{d}{suffix} of {name} {y:04}", None),
    ("{d:02}-{short}-{y:04}", None),
    ("{d:02}{short}{y:04}", None),
    ("{name} {d}, {y:04}", None),
    ("{short}. {d}{suffix} {y:04}", None),
    ("{y:04} {short} {d}", None),
    ("{weekday}, {name} {d:02}, {y:04}", None),
    ("{d}/{m}/{y:04}", "day-first"),
    ("{d:02}.{m:02}.{y:04}", "day-first"),
    ("{d}. {m}. {y:04}", "day-first"),
    ("{m}-{d}-{y:04}", "month-first"),
    ("{m:02}/{d:02}/{y:04}", "month-first"),
]
_SHORT_FORMS = [
    ("{d}-{short}-{y2:02}", None),
    ("{short} {d}, '{y2:02}", None),
    ("{d}/{m}/{y2:02}", "day-first"),
    ("{m:02}-{d:02}-{y2:02}", "month-first"),
    ("{y2:02}-{m:02}-{d:02}", "year-first"),
]
_TIMES = [" {t:%H:%M}", "T{t:%H:%M:%S}", ", {t:%I:%M:%S %p}", " {t:%I}:{t:%M}:{t:%S}{half}"]


#: Of photos, and of notes from before them.
DAYS = st.dates(date(1800, 1, 1), date(2199, 12, 31))


def written(form: str, day: date) -> str:
    """A day in a form."""
    name = MONTHS[day.month - 1]
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10 * (day.day // 10 != 1), "th")
    weekday = ("Monday", "Tue", "Wednesday", "Thurs", "Fri.", "Saturday", "Sun")[day.weekday()]
    return form.format(
        y=day.year, y2=day.year % 100, m=day.month, d=day.day, name=name, short=name[:3],
        suffix=suffix, weekday=weekday,
    )  # fmt: skip


@given(DAYS, st.sampled_from(_FORMS))
def test_a_date_in_any_form_is_itself(day: date, form: tuple[str, str | None]) -> None:
    text = written(form[0], day)
    orders = [form[1]] if form[1] else ORDERS
    assert {readings(text)[order] for order in orders} == {day.isoformat()}
    assert set(readings(text.upper()).values()) == set(readings(text).values())


@given(st.dates(date(1969, 1, 1), date(2068, 12, 31)), st.sampled_from(_SHORT_FORMS))
def test_two_digits_are_a_year_of_1969_to_2068(day: date, form: tuple[str, str | None]) -> None:
    text = written(form[0], day)
    assert {readings(text)[order] for order in ([form[1]] if form[1] else ORDERS)} == {str(day)}


@given(
    st.datetimes(datetime(1800, 1, 1), datetime(2199, 12, 31)),
    st.sampled_from(_FORMS[2:]),
    st.sampled_from(_TIMES),
)
def test_a_time_behind_a_date_is_read(
    moment: datetime, form: tuple[str, str | None], time: str
) -> None:
    moment = moment.replace(microsecond=0, second=0 if "%S" not in time else moment.second)
    half = "am" if moment.hour < 12 else "P.M."
    text = written(form[0], moment) + time.format(t=moment, half=half)
    assert readings(text)[form[1] or "day-first"] == moment.isoformat()


@given(DAYS, st.sampled_from(["{y:04}", "{y:04}-{m:02}", "{name} {y:04}", "{m}/{y:04}"]))
def test_years_and_months_alone_stay_what_they_are(day: date, form: str) -> None:
    iso = f"{day.year:04}-{day.month:02}" if "m" in form else f"{day.year:04}"
    assert readings(written(form, day)) == dict.fromkeys(ORDERS, iso)


@given(st.text() | st.from_regex(r"[0-9 ]{0,4}[/.: -][0-9a-zA-Z]{1,9}[/., -][0-9]{1,4}.{0,9}"))
def test_whatever_is_read_is_in_canonical_form(text: str) -> None:
    for iso in readings(text).values():
        assert date_named(iso) == iso


@pytest.mark.parametrize(
    "text",
    [
        "", "yesterday", "5/7", "7-24", "Jul-24", "31/2/2024", "5 Julio 2024", "5 Ju 2024",
        "5/7.2024", "5/7/024", "32 July 2024", "Mon 5 July 2024", "5/7/2024 25:00",
        "5/7/2024 14:30 PM", "5/7/2024 0:30 AM", "July 2024 10:00", "45478", "٥/٧/٢٠٢٤", "2024.7",
        "12/31/0024", "13/7/1024",
    ],
)  # fmt: skip
def test_what_is_no_date_for_everybody_is_none(text: str) -> None:
    assert readings(text) == {}


# Columns

numbered = st.lists(st.dates(date(1969, 1, 1), date(2068, 12, 31)), min_size=1, max_size=6)
_BY_NUMBERS = st.sampled_from([each for each in _FORMS + _SHORT_FORMS if each[1]])


@given(numbered, _BY_NUMBERS)
def test_an_order_is_never_silently_guessed(days: list[date], form: tuple[str, str | None]) -> None:
    """What is read is right; where another order would do as well, nothing is read otherwise."""
    texts = [written(form[0], day) for day in days]
    column = date_column(texts)
    others = [
        order
        for order in ORDERS
        if order != form[1] and all(order in readings(text) for text in texts)
    ]
    if any(
        readings(text)[other] != str(day)
        for other in others
        for text, day in zip(texts, days, strict=True)
    ):
        assert column.unknown
        assert form[1] in column.choices
    else:
        assert [column.read(text) for text in texts] == list(map(str, days))
    for text, day in zip(texts, days, strict=True):
        try:
            read = column.read(text)
        except ValueError:
            assert column.unknown
        else:
            assert read == str(day)


@given(numbered, _BY_NUMBERS, st.sampled_from(_FORMS[:13]))
def test_by_a_chosen_order_all_is_read(
    days: list[date], form: tuple[str, str | None], plain: tuple[str, None]
) -> None:
    texts = [written(each, day) for day in days for each in (form[0], plain[0])]
    column = date_column(texts, form[1] or "")
    assert [column.read(text) for text in texts] == [str(day) for day in days for _ in range(2)]


def test_one_value_shows_the_order_of_all() -> None:
    column = date_column(["5/7/2024", "", "2024-07-06", "25/7/2024", "7/7/2024", "yesterday"])
    assert (column.order, column.unknown) == ("day-first", False)
    assert column.read("5/7/2024") == "2024-07-05"
    assert column.remark == "dates are read with the day first, as 25/7/2024 shows"
    assert date_column(["5.7.2024", "5.25.2024"]).read("5.7.2024") == "2024-05-07"


def test_an_order_that_nothing_shows_is_asked_for() -> None:
    column = date_column(["7/7/2024", "2024-07-06", "5/7/2024"])
    assert column.example == "5/7/2024"
    assert column.choices == {"day-first": "2024-07-05", "month-first": "2024-05-07"}
    assert (column.read("7/7/2024"), column.read("2024-07-06")) == ("2024-07-07", "2024-07-06")
    with pytest.raises(ValueError, match="5/7/2024 may be 5 July 2024 or 7 May 2024, and no date"):
        column.read("6/7/2024")
    assert not date_column(["7/7/2024", "8/8/2024"]).unknown


def test_values_that_contradict_each_other_are_not_read() -> None:
    texts = ["25/7/2024", "5/7/2024", "7/25/2024"]
    column = date_column(texts)
    assert column.unknown
    assert column.remark.startswith("the dates 25/7/2024 and 7/25/2024 contradict each other")
    for text in texts:
        with pytest.raises(ValueError, match="contradict each other"):
            column.read(text)
    chosen = date_column(texts, "month-first")
    assert chosen.read("5/7/2024") == "2024-05-07"
    with pytest.raises(ValueError, match="'25/7/2024' is none with the month first"):
        chosen.read("25/7/2024")


def test_a_year_of_two_digits_may_come_first_too() -> None:
    """15-07-24 is 15 July 2024 in Britain and 24 July 2015 in Sweden."""
    column = date_column(["15-07-24"])
    assert column.choices == {"day-first": "2024-07-15", "year-first": "2015-07-24"}
    assert date_column(["15-07-24", "5-7-24"]).order == "day-first"
    assert date_column(["15-07-24", "98-12-31"]).order == "year-first"


def test_a_weekday_shows_the_order() -> None:
    assert date_column(["Fri 5/7/2024", "6/7/2024"]).read("6/7/2024") == "2024-07-06"


def test_an_order_that_fits_nothing_can_be_chosen_anew() -> None:
    column = date_column(["25/7/2024"], "month-first")
    assert column.choices == {"day-first": "2024-07-25", "month-first": ""}
    assert in_words("2024-07-25T10:00:00") == "25 July 2024"


# Tables


def table(folder: Path, *dates: str) -> Path:
    """A table with these dates."""
    file = folder / "sightings.csv"
    file.write_text("path;date\n" + "".join(f"{n}.jpg;{each}\n" for n, each in enumerate(dates)))
    return file


def test_a_table_is_read_by_the_order_that_it_shows(tmp_path: Path) -> None:
    plan = plan_csv(table(tmp_path, "5/7/2024 9:05", "", "25/7/24", "July 2024"))
    assert [each.date for each in plan.photos] == [
        "2024-07-05T09:05:00", "", "2024-07-25", "2024-07",
    ]  # fmt: skip
    assert plan.notes == ("dates are read with the day first, as 5/7/2024 9:05 and 25/7/24 show",)


def test_rows_whose_order_nobody_knows_are_bad_until_it_is_said(tmp_path: Path) -> None:
    file = table(tmp_path, "5/7/2024", "6/7/2024", "2024-07-07", "someday")
    plan = plan_csv(file)
    assert [each.date for each in plan.photos] == ["2024-07-07"]
    first, second, third = (each.reason for each in plan.bad)
    assert first == second
    assert "5/7/2024 may be 5 July 2024 or 7 May 2024" in first
    assert "'someday' cannot be read" in third
    plan = plan_csv(file, dates="month-first")
    assert [each.date for each in plan.photos] == ["2024-05-07", "2024-06-07", "2024-07-07"]
    with pytest.raises(ImportFileError, match="unknown order of dates 'month first'"):
        plan_csv(file, dates="month first")


def test_excels_own_dates_beside_text_are_warned_of(tmp_path: Path) -> None:
    """Where Excel takes days for months, 5/7/2024 has become a date and 25/7/2024 text."""
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["path", "date"])
    book.active.append(["1.jpg", datetime(2024, 5, 7)])
    book.active.append(["2.jpg", "25/7/2024"])
    book.save(tmp_path / "t.xlsx")
    plan = plan_csv(tmp_path / "t.xlsx")
    assert [each.date for each in plan.photos] == ["2024-05-07", "2024-07-25"]
    assert "some dates are Excel's own and others text, such as 25/7/2024" in plan.warnings[0]
