"""Protocol files: what is read, and that everything wrong is said with its place."""

from __future__ import annotations

import csv
import io
import unicodedata
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resight.errors import ProtocolError
from resight.evaluate.protocol import COLUMNS, check_photos, parse_rows, read_protocol
from resight.types import SIDES, Box

HEADER = ",".join(COLUMNS)
GALLERY = "a.jpg,gallery,Ada,left,e1,2014-07-14,1,2,30,40"
QUERY = "b.jpg,query,Ada,,e2,,,,,"


def text(*lines: str, header: str = HEADER) -> str:
    return "\n".join([header, *lines]) + "\n"


def write(folder: Path, *lines: str) -> Path:
    path = folder / "p.csv"
    path.write_text(text(*lines), encoding="utf-8")
    return path


def test_reads_a_box_a_date_and_a_side(tmp_path: Path) -> None:
    protocol = read_protocol(write(tmp_path, GALLERY, QUERY))
    (row,) = protocol.gallery
    assert (row.path, row.identity, row.side, row.encounter) == ("a.jpg", "Ada", "left", "e1")
    assert row.date == datetime(2014, 7, 14)
    assert row.box == Box(1, 2, 30, 40)
    assert row.line == 2


def test_empty_fields_mean_unknown_side_no_date_and_the_whole_photo(tmp_path: Path) -> None:
    (row,) = read_protocol(write(tmp_path, GALLERY, QUERY)).queries
    assert (row.side, row.date, row.box) == ("unknown", None, None)


def test_columns_may_stand_in_any_order() -> None:
    header = ",".join(reversed(COLUMNS))
    lines = [",".join(reversed(line.split(","))) for line in (GALLERY, QUERY)]
    assert parse_rows(text(*lines, header=header), "p") == parse_rows(text(GALLERY, QUERY), "p")


def test_the_underside_as_seaturtleid_calls_it() -> None:
    rows = parse_rows(text(GALLERY, "b.jpg,query,Ada,below,e2,,,,,"), "p")
    assert rows[1].side == "bottom"


def test_a_byte_order_mark_and_windows_line_ends_are_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes(b"\xef\xbb\xbf" + text(GALLERY, QUERY).replace("\n", "\r\n").encode())
    assert len(read_protocol(path).gallery) == 1


def test_queries_of_individuals_outside_the_gallery_are_novel(tmp_path: Path) -> None:
    protocol = read_protocol(write(tmp_path, GALLERY, QUERY, "c.jpg,query,Bo,,,,,,,"))
    assert protocol.known == (True, False)


def test_names_are_equal_however_they_are_spelled_in_unicode(tmp_path: Path) -> None:
    composed, decomposed = "Zo\u00e9", "Zoe\u0301"
    rows = [f"a.jpg,gallery,{composed},,,,,,,", f"b.jpg,query,{decomposed},,,,,,,"]
    protocol = read_protocol(write(tmp_path, *rows))
    assert protocol.known == (True,)
    rows = [f"a.jpg,gallery,Ada,,{composed},,,,,", f"b.jpg,query,Ada,,{decomposed},,,,,"]
    protocol = read_protocol(write(tmp_path, *rows))
    assert protocol.gallery[0].encounter == protocol.queries[0].encounter


def test_queries_that_can_meet_no_photo_of_their_animal_are_novel(tmp_path: Path) -> None:
    queries = [
        "b.jpg,query,Ada,,e1,,,,,",  # Ada's only gallery photo is of this encounter
        "c.jpg,query,Ada,,e2,,,,,",
        "d.jpg,query,Ada,,,,,,,",
        "a.jpg,query,Ada,,e2,,5,5,9,9",  # the gallery photo itself, another box
        "e.jpg,query,Bo,,,,,,,",
    ]
    protocol = read_protocol(write(tmp_path, GALLERY, *queries))
    assert protocol.known == (False, True, True, False, False)
    assert protocol.novel_though_in_gallery == 2


def test_limiting_keeps_the_gallery_and_the_first_queries(tmp_path: Path) -> None:
    protocol = read_protocol(write(tmp_path, GALLERY, QUERY, "c.jpg,query,Bo,,,,,,,"))
    limited = protocol.limited(1)
    assert [row.path for row in limited.queries] == ["b.jpg"]
    assert limited.gallery == protocol.gallery
    with pytest.raises(ProtocolError, match="leaves none"):
        protocol.limited(0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "lacks the column path, role"),
        (text(GALLERY, header=HEADER.replace("side,", "")), "lacks the column side"),
        (text(GALLERY, header=HEADER + ",species"), "unknown column 'species'"),
        (text(GALLERY, header=HEADER + ",path"), "names a column twice"),
        (text(GALLERY, "b.jpg,probe,Ada,,,,,,,"), "line 3: the role 'probe' is neither"),
        (text(GALLERY, "b.jpg,query,,,,,,,,"), "line 3: the identity of b.jpg is empty"),
        (text(GALLERY, ",query,Ada,,,,,,,"), "line 3: the path is empty"),
        (text(GALLERY, "../b.jpg,query,Ada,,,,,,,"), "inside the photo folder"),
        (text(GALLERY, "/b.jpg,query,Ada,,,,,,,"), "inside the photo folder"),
        (text(GALLERY, "b.jpg,query,Ada,leftish,,,,,,"), "the side 'leftish' is not one of"),
        (text(GALLERY, "b.jpg,query,Ada,,,14.7.2014,,,,"), "the date '14.7.2014' is not ISO"),
        (text(GALLERY, "b.jpg,query,Ada,,,,1,2,3,"), "the box is partly empty"),
        (text(GALLERY, "b.jpg,query,Ada,,,,1,2,3,wide"), "the box 1,2,3,wide is not four numbers"),
        (text(GALLERY, "b.jpg,query,Ada,,,,1,2,0,4"), "the box 1,2,0,4 has no area"),
        (text(GALLERY, "b.jpg,query,Ada,,,,1,nan,3,4"), "the box 1,nan,3,4 has no area"),
        (text(GALLERY, "b.jpg,query,Ada"), "line 3: has 3 fields instead of 10"),
        (text(GALLERY, QUERY, QUERY), "line 4: b.jpg with the same box is already on line 3"),
        (
            text(GALLERY, "b.jpg,query,Bo,,e1,,,,,"),
            "line 3: the encounter 'e1' is of Bo here and of Ada on line 2",
        ),
        (text(GALLERY), "no row has the role query"),
        (text(QUERY), "no row has the role gallery"),
        (text(GALLERY, 'b.jpg,"query'), "is not CSV"),
    ],
)
def test_says_what_is_wrong_and_where(content: str, message: str) -> None:
    with pytest.raises(ProtocolError) as error:
        parse_rows(content, "p.csv")
    assert message in str(error.value)
    assert "p.csv" in str(error.value)


def test_tells_all_problems_at_once() -> None:
    lines = ["b.jpg,query,,,,,,,,", "c.jpg,query,Ada,up,,,,,,"]
    with pytest.raises(ProtocolError, match="has 2 problems") as error:
        parse_rows(text(GALLERY, *lines), "p.csv")
    assert "line 3" in str(error.value)
    assert "line 4" in str(error.value)


def test_one_photo_may_show_two_animals() -> None:
    rows = parse_rows(
        text(GALLERY, "b.jpg,query,Ada,,e2,,0,0,5,5", "b.jpg,query,Bo,,e3,,9,0,5,5"), "p"
    )
    assert [row.identity for row in rows] == ["Ada", "Ada", "Bo"]


def test_photos_without_an_encounter_may_be_of_any_animal() -> None:
    assert len(parse_rows(text("a.jpg,gallery,Ada,,,,,,,", "b.jpg,query,Bo,,,,,,,"), "p")) == 2


def test_missing_photos_are_named(tmp_path: Path) -> None:
    protocol = read_protocol(write(tmp_path, GALLERY, QUERY))
    (tmp_path / "a.jpg").write_bytes(b"here")
    with pytest.raises(ProtocolError, match=r"1 of the 2 photos is not in") as error:
        check_photos(protocol, tmp_path)
    assert "b.jpg" in str(error.value)
    assert "a.jpg" not in str(error.value)
    (tmp_path / "b.jpg").write_bytes(b"here")
    check_photos(protocol, tmp_path)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="cannot read the protocol"):
        read_protocol(tmp_path / "nowhere.csv")
    (tmp_path / "p.csv").write_bytes(b"path\xff\xfe")
    with pytest.raises(ProtocolError, match="not a UTF-8 text file"):
        read_protocol(tmp_path / "p.csv")


names = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1).map(
    lambda name: unicodedata.normalize("NFC", name).strip() or "x"
)


@given(st.lists(st.tuples(names, st.sampled_from(sorted(SIDES))), min_size=1, max_size=8))
def test_any_names_come_back_as_they_were_written(rows: list[tuple[str, str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerow(["g.jpg", "gallery", "Ada", "", "", "", "", "", "", ""])
    for number, (name, side) in enumerate(rows):
        writer.writerow([f"{number}.jpg", "query", name, side, name, "", "", "", "", ""])
    read = parse_rows(out.getvalue(), "p")[1:]
    assert [(row.identity, row.side, row.encounter) for row in read] == [
        (name, side, name) for name, side in rows
    ]


@given(st.text())
def test_any_text_is_read_or_refused(content: str) -> None:
    try:
        rows = parse_rows(content, "p")
    except ProtocolError:
        return
    assert rows


@given(st.lists(st.lists(st.text(max_size=6), max_size=11), max_size=5))
def test_any_fields_are_read_or_refused(lines: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([COLUMNS, *lines])
    try:
        rows = parse_rows(out.getvalue(), "p")
    except ProtocolError:
        return
    assert rows
