"""Dates as people write them into tables: a whole column by one order of day, month and year.

``5/7/2024`` is 5 July for most of the world and 7 May in the United States, and no single value
says which. So values are never read one by one: an order counts for a column where it is the only
one by which all its values are dates, or where somebody has chosen it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from resight.catalogue.names import date_named

#: What comes first. With the year first the month is second; the year is last otherwise.
ORDERS = ("day-first", "month-first", "year-first")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: Two digits are a year of 1969 to 2068, as POSIX has it for ``%y``.
_FIRST_SHORT_YEAR = 1969

#: Years of photos, and of notes from before them.
_EARLIEST, _LATEST = 1800, 2199

_LONG = r"(?P<year>[0-9]{4})"
_YEAR = r"(?P<year>[0-9]{4}|'?[0-9]{2})"
_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_MONTH = r"(?P<month>[0-9]{1,2})"
_NAME = r"(?P<month>[a-z]{3,9})\.?"
#: Forms that are one date for everybody. A month's name beside two digits only (``Jul-24``) is not
#: among them: it may be a day or a year.
_PLAIN = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"{_LONG}(?P<between>[/.:-]) ?{_MONTH}(?P=between) ?{_DAY}\.?",
        rf"{_LONG}[ ,/.-]*{_NAME}[ /.-]*{_DAY}",
        rf"{_DAY}[ /.-]*(?:of )?{_NAME}[ ,/.-]*{_YEAR}",
        rf"{_NAME}[ /.-]*{_DAY}[ ,/.-]+{_YEAR}",
        rf"{_NAME}[ ,/.-]*{_LONG}",
        rf"{_MONTH}[/-]{_LONG}",
        rf"{_LONG}/{_MONTH}",
    )
)
#: Three numbers, of which the order must be known.
_NUMBERS = re.compile(r"([0-9]{1,2})([/.-]) ?([0-9]{1,2})\2 ?([0-9]{4}|[0-9]{2})\.?")
_WEEKDAY = re.compile(
    r"(mon|tue|wed|thu|fri|sat|sun)(?:s|nes|rs?|ur)?(?:day)?\.?,? (.+)", re.IGNORECASE
)
_TIME = re.compile(
    r"(?P<date>.+?)(?:T|,? )(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:[.,](?P<part>[0-9]{1,6}))?)?(?: ?(?P<half>[ap])\.?m\.?)?",
    re.IGNORECASE,
)


def readings(text: str) -> dict[str, str]:
    """By each order of ``ORDERS`` the ISO 8601 date that a text is; empty where it is none.

    Understood are ISO 8601 dates, numbers between ``/``, ``.`` or ``-``, and months by their
    English names, each with the time of day behind it where that is known.

    >>> readings("5/7/2024")
    {'day-first': '2024-07-05', 'month-first': '2024-05-07'}
    >>> set(readings("Jul 5, 2024 2:30 PM").values()), readings("25/7/2024")
    ({'2024-07-05T14:30:00'}, {'day-first': '2024-07-25'})
    """
    text = " ".join(text.split())
    try:
        return dict.fromkeys(ORDERS, date_named(text)) if text else {}
    except ValueError:
        pass
    timed = _TIME.fullmatch(text)
    found = {}
    for order, parts in _parts(timed["date"] if timed else text).items():
        try:
            found[order] = _iso(parts, timed)
        except ValueError:  # no such day or time
            continue
    return found


def _parts(text: str) -> dict[str, tuple[str, list[int]]]:
    """By order the weekday (empty where none is told) and year, month and day, as far as told."""
    weekday = _WEEKDAY.fullmatch(text)
    named, text = (weekday[1].lower(), weekday[2]) if weekday else ("", text)
    numbers = _NUMBERS.fullmatch(text)
    if numbers:
        a, _, b, c = numbers.groups()
        found = {"day-first": [_year(c), int(b), int(a)], "month-first": [_year(c), int(a), int(b)]}
        if len(a) == len(c) == 2:  # nobody writes a year with one digit
            found["year-first"] = [_year(a), int(b), int(c)]
        return {order: (named, parts) for order, parts in found.items()}
    for form in _PLAIN:
        match = form.fullmatch(text)
        month = _month(match["month"]) if match else 0
        if match and month:
            day = match.groupdict().get("day")
            return dict.fromkeys(
                ORDERS, (named, [_year(match["year"]), month, *([int(day)] if day else [])])
            )
    return {}


def _year(text: str) -> int:
    text = text.lstrip("'")
    if len(text) == 4:
        return int(text)
    return _FIRST_SHORT_YEAR + (int(text) - _FIRST_SHORT_YEAR) % 100


def _month(text: str) -> int:
    """The number of a month by its number, English name or the beginning of that; else 0."""
    if text.isdigit():
        return int(text)
    names = [name.lower().startswith(text.lower()) for name in MONTHS]
    return names.index(True) + 1 if True in names else 0


def _iso(told: tuple[str, list[int]], timed: re.Match[str] | None) -> str:
    """ISO 8601. Raises ``ValueError`` where there is no such time, or it is another weekday."""
    weekday, (year, month, *days) = told
    if not _EARLIEST <= year <= _LATEST:  # 0024 or 1024 is a slip of the hand
        raise ValueError
    moment = datetime(year, month, days[0] if days else 1)
    if weekday and moment.weekday() != _WEEKDAYS.index(weekday):
        raise ValueError
    if not days:
        if timed or weekday:
            raise ValueError
        return f"{year:04}-{month:02}"
    if timed is None:
        return moment.date().isoformat()
    hour = int(timed["hour"])
    if timed["half"]:
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + 12 * (timed["half"].lower() == "p")
    part = (timed["part"] or "").ljust(6, "0")
    return moment.replace(
        hour=hour,
        minute=int(timed["minute"]),
        second=int(timed["second"] or 0),
        microsecond=int(part),
    ).isoformat()


@dataclass(frozen=True)
class DateColumn:
    """How the dates of one column are read.

    ``order`` is that by which all are, empty where it is not known or none is needed. ``example``
    is a value that needs one; ``choices`` are the orders that it may be where the column does not
    show which, each with what ``example`` means by it (empty: it is no date then). ``shown_by`` are
    the values that leave one order, or, where ``order`` is not known, that contradict each other.
    """

    order: str = ""
    example: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    shown_by: tuple[str, ...] = ()

    @property
    def unknown(self) -> bool:
        """Whether somebody must choose the order."""
        return bool(self.choices) and not self.order

    @property
    def remark(self) -> str:
        """What a person should know of it: what shows the order, or what to choose; or empty."""
        if self.unknown and self.shown_by:
            those = " and ".join(self.shown_by)
            return f"the dates {those} contradict each other: choose one order"
        if self.unknown:
            meant = " or ".join(map(in_words, self.choices.values()))
            return (
                f"{self.example} may be {meant}, and no date of the column shows which: choose one"
            )
        if self.shown_by:
            verb = "show" if len(self.shown_by) > 1 else "shows"
            return f"dates are read {_words(self.order)}, as {' and '.join(self.shown_by)} {verb}"
        return ""

    def read(self, text: str) -> str:
        """A value of the column in ISO 8601. Raises ``ValueError`` with what is wrong with it."""
        text = text.strip()
        found = readings(text)
        if not text:
            return ""
        if not found:
            raise ValueError(
                f"the date {text!r} cannot be read: write 2024-07-05, 5 July 2024 (in English) or, "
                "in all rows alike, 5/7/2024"
            )
        if self.order and self.order not in found:
            raise ValueError(f"the date {text!r} is none {_words(self.order)}")
        if self.unknown and len({found.get(order) for order in self.choices}) > 1:
            raise ValueError(self.remark)
        return found.get(self.order) or next(iter(found.values()))


def date_column(texts: Iterable[str], order: str = "") -> DateColumn:
    """How a column with these values is to be read: by ``order``, or by the only order by which
    all that are dates at all are dates. Two such orders, or none, are never guessed between.

    >>> date_column(["5/7/2024", "25/7/2024"]).order, date_column(["5/7/2024"]).choices
    ('day-first', {'day-first': '2024-07-05', 'month-first': '2024-05-07'})
    """
    values = {text.strip(): readings(text) for text in texts}
    # What is the same by every order, and what is no date, tells nothing.
    telling = {
        text: found
        for text, found in values.items()
        if found and (len(found) < len(ORDERS) or len(set(found.values())) > 1)
    }
    if not telling:
        return DateColumn(order)
    some = [each for each in ORDERS if any(each in found for found in telling.values())]
    possible, shown_by = _narrowed(some, telling)
    orders = possible or some
    if order and order not in orders:
        orders = [*orders, order]
    # An example that is a date by each order says most.
    example = max(telling, key=lambda text: _worth(telling[text], orders))
    meant = {each: telling[example].get(each, "") for each in orders}
    known = len(set(meant.values())) == 1  # or it does not matter
    return DateColumn(
        order or (orders[0] if known else ""),
        example,
        {} if known else meant,
        () if order else shown_by,
    )


def _worth(found: Mapping[str, str], orders: list[str]) -> tuple[bool, int]:
    """Whether a value differs by order, and by how many orders it is a date."""
    return len({found.get(each) for each in orders}) > 1, sum(each in found for each in orders)


def _narrowed(
    possible: list[str], telling: Mapping[str, Mapping[str, str]]
) -> tuple[list[str], tuple[str, ...]]:
    """The orders by which all values are dates; where that is at most one, what shows it too."""
    shown_by: list[str] = []
    for text, found in telling.items():
        left = [each for each in possible if each in found]
        if len(left) < len(possible) or (not shown_by and len(possible) == 1):
            shown_by.append(text)
        possible = left
        if not left:
            break
    return possible, tuple(shown_by) if len(possible) < 2 else ()


def in_words(iso: str) -> str:
    """An ISO 8601 date as it cannot be mistaken; a time of day is left out.

    >>> in_words("2024-07-05T10:30:00"), in_words("2024-07"), in_words("2024")
    ('5 July 2024', 'July 2024', '2024')
    """
    year, *rest = iso[:10].split("-")
    month = [MONTHS[int(rest[0]) - 1]] if rest else []
    return " ".join([*(str(int(day)) for day in rest[1:]), *month, year])


def _words(order: str) -> str:
    """An order for a sentence: "with the day first"."""
    return f"with the {order.removesuffix('-first')} first"
