"""Plans from folders, name patterns and CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resight.catalogue import ImportPlan, PlannedPhoto, plan_csv, plan_folders, plan_pattern
from resight.catalogue.names import (
    box_of,
    box_text,
    clean_name,
    date_named,
    name_key,
    side_named,
)
from resight.errors import ImportFileError
from resight.types import SIDES, Box, Place

Draw = Callable[..., Path]


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def facts(plan: ImportPlan) -> list[tuple[str, str, str, str]]:
    return [(p.name, p.identity, p.side, p.date) for p in plan.photos]


# Folders


def test_the_first_level_of_folders_is_the_individual(tmp_path: Path) -> None:
    touch(tmp_path, "Crush/1.jpg", "Crush/2019/deep/2.JPG", "3.png", "_Unknown/4.jpg", "a/note.txt")
    assert [(p.name, p.identity) for p in plan_folders(tmp_path).photos] == [
        ("3.png", ""),
        ("Crush/1.jpg", "Crush"),
        ("Crush/2019/deep/2.JPG", "Crush"),
        ("_Unknown/4.jpg", ""),
    ]


def test_names_in_other_unicode_forms_are_one_name(tmp_path: Path) -> None:
    touch(tmp_path, "Jose\u0301/1.jpg")
    assert plan_folders(tmp_path).photos[0].identity == "Jos\u00e9"


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "note.txt")
    with pytest.raises(ImportFileError, match="no photo in"):
        plan_folders(tmp_path)
    with pytest.raises(ImportFileError, match="no folder"):
        plan_folders(tmp_path / "gone")


@pytest.mark.parametrize("inside", [".", "originals", "originals/ab", "photos"])
def test_a_catalogue_is_no_folder_of_photos(tmp_path: Path, inside: str) -> None:
    touch(
        tmp_path, "turtles/catalogue.sqlite", "turtles/originals/ab/1.jpg", "turtles/photos/2.jpg"
    )
    for plan in (plan_folders, lambda folder: plan_pattern(folder, "{identity}")):
        with pytest.raises(
            ImportFileError, match=r"turtles.*, not photos: `resight merge` takes over"
        ):
            plan(tmp_path / "turtles" / inside)


def test_a_catalogue_among_the_photos_is_left_out_and_reported(tmp_path: Path) -> None:
    touch(tmp_path, "Crush/1.jpg", "a/it/catalogue.sqlite", "a/it/originals/ab/2.jpg", "a/3.jpg")
    plan = plan_folders(tmp_path)
    assert [photo.name for photo in plan.photos] == ["Crush/1.jpg", "a/3.jpg"]
    (warning,) = plan.warnings
    assert warning.startswith(f"{tmp_path / 'a' / 'it'} is left out: it is a resight catalogue")
    assert plan.ignored == {}


def test_files_that_are_no_photos_are_counted_by_suffix(tmp_path: Path) -> None:
    seen = ("Crush/1.jpg", "Crush/1.CR2", "Crush/2.cr2", "b.gif", "README")
    unseen = (".hidden", "._1.cr2", ".git/a.txt", "Thumbs.db", "Crush/desktop.ini", ".DS_Store")
    touch(tmp_path, *seen, *unseen)
    for plan in (plan_folders(tmp_path), plan_pattern(tmp_path, "{identity}")):
        assert plan.ignored == {".cr2": 2, ".gif": 1, "": 1}
    (tmp_path / "Crush" / "1.jpg").unlink()
    with pytest.raises(ImportFileError, match=r"4 other files, \.cr2 2, without suffix 1, \.gif 1"):
        plan_folders(tmp_path)


# Patterns


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("{identity}_{side}", "Crush_L.jpg", ("Crush", "left", "")),
        ("{identity}_{side}.jpg", "Big_Crush_R.jpg", ("Big_Crush", "right", "")),
        (
            "{identity}_{side}_{date}",
            "Crush_Top-Left_2019-05-03.jpg",
            ("Crush", "topleft", "2019-05-03"),
        ),
        ("{date}-{identity}", "20190503-Crush.jpg", ("Crush", "unknown", "2019-05-03")),
        ("{identity}_{_}", "Big_Crush_0017.jpg", ("Big_Crush", "unknown", "")),
        ("{_}({identity})", "IMG 1 (Crush).jpg", ("Crush", "unknown", "")),
        ("{date}/{identity}_{_}", "2019/Crush_1.jpg", ("Crush", "unknown", "2019")),
    ],
)
def test_a_pattern_reads_facts_from_the_name(
    tmp_path: Path, pattern: str, name: str, expected: tuple[str, str, str]
) -> None:
    plan = plan_pattern(touch(tmp_path, name), pattern)
    assert plan.bad == ()
    assert facts(plan) == [(name, *expected)]


def test_names_that_do_not_match_are_bad(tmp_path: Path) -> None:
    plan = plan_pattern(
        touch(tmp_path, "Crush_L.jpg", "holiday.jpg", "Crush_Q.jpg"), "{identity}_{side}"
    )
    assert facts(plan) == [("Crush_L.jpg", "Crush", "left", "")]
    assert [Path(bad.source).name for bad in plan.bad] == ["Crush_Q.jpg", "holiday.jpg"]
    assert plan.bad[1].reason == "the name does not match the pattern '{identity}_{side}'"


def test_of_several_patterns_the_first_that_fits_counts(tmp_path: Path) -> None:
    touch(tmp_path, "Crush_L.jpg", "Crush_2019.jpg", "Dory.jpg", "Dory_x.jpg", "a/Ray-R.jpg")
    plan = plan_pattern(tmp_path, "{identity}_{side}", "{identity}_{date}", "{_}/{identity}-{side}")
    assert facts(plan) == [
        ("Crush_2019.jpg", "Crush", "unknown", "2019"),
        ("Crush_L.jpg", "Crush", "left", ""),
        ("a/Ray-R.jpg", "Ray", "right", ""),
    ]
    assert [bad.reason for bad in plan.bad] == [
        "the name does not match any of the patterns '{identity}_{side}', '{identity}_{date}', "
        "'{_}/{identity}-{side}'",
        "'x' is no side (left, right, top … or L, R, T), by the pattern '{identity}_{side}'",
    ]
    again = plan_pattern(tmp_path, "{identity}", "{identity}_{side}")
    assert again.photos[1].identity == "Crush_L"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Big_Donny_X_2019.jpg", "'X' is no side (left, right, top … or L, R, T)"),
        ("Donny_L_19.jpg", "'19' is no date (2019, 2019-05, 2019-05-31)"),
        (
            "Donny_X_19.jpg",
            "'X' is no side (left, right, top … or L, R, T); "
            "'19' is no date (2019, 2019-05, 2019-05-31)",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_named(tmp_path: Path, name: str, reason: str) -> None:
    (bad,) = plan_pattern(touch(tmp_path, name), "{identity}_{side}_{date}").bad
    assert bad.reason == f"{reason}, by the pattern '{{identity}}_{{side}}_{{date}}'"


def test_a_date_that_is_none_is_bad(tmp_path: Path) -> None:
    plan = plan_pattern(touch(tmp_path, "Crush_20191399.jpg"), "{identity}_{date}")
    assert "2019-13-99" in plan.bad[0].reason


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{identty}_{side}", "did you mean 'identity'"),
        ("{identity}_{identity}", "twice"),
        ("IMG.jpg", "no field"),
        ("{_}", "no field"),
        ("{identity}{side}", "nothing separates"),
        ("{identity}_{_}_{}", "unknown field ''"),
    ],
)
def test_a_pattern_nobody_can_understand_is_refused(
    tmp_path: Path, pattern: str, message: str
) -> None:
    with pytest.raises(ImportFileError, match=message):
        plan_pattern(touch(tmp_path, "1.jpg"), pattern)


# CSV files


def written(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    file = tmp_path / "turtles.csv"
    file.write_bytes(text.encode(encoding))
    return file


def test_all_columns_are_understood(tmp_path: Path) -> None:
    text = (
        "path,identity,side,date,encounter,place,latitude,longitude,x,y,w,h,rotation,species\n"
        "a/1.jpg,Crush,L,2019-05-03,dive 1,Bonaire,12.15,-68.31,1,2,30.5,40,-12.5,green turtle\n"
    )
    plan = plan_csv(written(tmp_path, text))
    assert plan.bad == ()
    assert plan.photos == (
        PlannedPhoto(
            path=tmp_path / "a/1.jpg",
            source="turtles.csv line 2 (a/1.jpg)",
            name="a/1.jpg",
            identity="Crush",
            box=Box(1, 2, 30.5, 40),
            rotation=-12.5,
            side="left",
            encounter="dive 1",
            species="green turtle",
            date="2019-05-03",
            place="Bonaire",
            position=Place(12.15, -68.31),
        ),
    )


def test_a_protocol_file_is_understood(tmp_path: Path) -> None:
    text = "path,role,identity,side,encounter,date,x,y,w,h\n1.jpg,query,Crush,topleft,e1,,,,,\n"
    (photo,) = plan_csv(written(tmp_path, text), photos=Path("/photos")).photos
    assert photo.path == Path("/photos/1.jpg")
    assert (photo.identity, photo.side, photo.encounter, photo.box) == (
        "Crush",
        "topleft",
        "e1",
        None,
    )


def test_columns_nobody_knows_are_left_out_with_one_warning(tmp_path: Path) -> None:
    text = "path,role,,identiti,observer,Depth,observer,photo\n1.jpg,query,,Crush,Ann,3,Bo,x\n"
    plan = plan_csv(written(tmp_path, text))
    assert plan.bad == ()
    assert facts(plan) == [("1.jpg", "", "unknown", "")]
    assert plan.warnings == (
        "turtles.csv: columns not known and left out: 'identiti' (meant 'identity'?), "
        "'observer', 'depth', 'photo'",
    )
    assert plan_csv(written(tmp_path, "path,role\n1.jpg,query\n")).warnings == ()
    (warning,) = plan_csv(written(tmp_path, "path,Individual\n1.jpg,Crush\n")).warnings
    assert warning.endswith("column not known and left out: 'individual' (meant 'identity'?)")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_encodings_separators_and_line_ends(
    tmp_path: Path, encoding: str, separator: str, ending: str
) -> None:
    text = "Identity,Path,Side\nJosé,1.jpg,L\n\n".replace(",", separator).replace("\n", ending)
    plan = plan_csv(written(tmp_path, text, encoding))
    assert facts(plan) == [("1.jpg", "José", "left", "")]


def test_decimal_commas_where_semicolons_separate(tmp_path: Path) -> None:
    plan = plan_csv(written(tmp_path, "path;x;y;w;h\n1.jpg;0,5;1;20;30\n"))
    assert plan.photos[0].box == Box(0.5, 1, 20, 30)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1.jpg,sideways,,,,,", "side 'sideways'"),
        ("1.jpg,,yesterday,,,,", "date 'yesterday'"),
        ("1.jpg,,,1,2,3,", "all of x, y, w and h"),
        ("1.jpg,,,1,2,0,5", "no area"),
        ("1.jpg,,,1,2,wide,5", "w 'wide' is not a number"),
        ("1.jpg,,,1,2,nan,5", "w 'nan' is not a number"),
        (",,,,,,", ""),
        (",L,,,,,", "no path"),
        ("1.jpg,,,,,,,what", "8 values where the header has 7"),
    ],
)
def test_a_bad_row_is_reported_and_the_rest_goes_on(tmp_path: Path, row: str, reason: str) -> None:
    plan = plan_csv(written(tmp_path, f"path,side,date,x,y,w,h\n{row}\n2.jpg\n"))
    assert [photo.name for photo in plan.photos] == ["2.jpg"]
    assert [bad.source for bad in plan.bad] == (["turtles.csv line 2"] if reason else [])
    assert not reason or reason in plan.bad[0].reason


def test_lines_are_counted_across_quoted_line_ends(tmp_path: Path) -> None:
    plan = plan_csv(written(tmp_path, 'path,place\n1.jpg,"a\nb"\n2.jpg,c\n'))
    assert [bad.source for bad in plan.bad] == ["turtles.csv line 2"]
    assert plan.photos[0].source == "turtles.csv line 4 (2.jpg)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("path,identity\n", "no rows"),
        ("file,identity\n1.jpg,Crush\n", "no column 'path'.*: is it 'file'"),
        ("identity,Filename\nCrush,1.jpg\n", "no column 'path'.*: is it 'filename'"),
        ("identity,photos\nCrush,1.jpg\n", "no column 'path'.*: is it 'photos'"),
        ("identity,Image\nCrush,1.jpg\n", "no column 'path'.*: is it 'image'"),
        ("identity,side\nCrush,L\n", r"no column 'path', which names the photos \(its columns"),
        ("path,side,side\n1.jpg,L,R\n", "'side' twice"),
        ('path\n"1.jpg\n', "not a CSV file"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ImportFileError, match=message):
        plan_csv(written(tmp_path, text))


def test_old_excels_encoding_is_read_and_told(tmp_path: Path) -> None:
    file = written(tmp_path, "path,identity\n1.jpg,Ann\n2.jpg,José\n", "latin-1")
    plan = plan_csv(file)
    assert [each.identity for each in plan.photos] == ["Ann", "José"]
    assert "read as Windows-1252" in plan.warnings[0]
    assert "“José” in line 3" in plan.warnings[0]


def test_a_list_of_names_in_old_excels_encoding_is_read(tmp_path: Path) -> None:
    plan = plan_csv(written(tmp_path, "path\nJosé.jpg\n", "latin-1"))
    assert [each.path.name for each in plan.photos] == ["José.jpg"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"path,identity\n1.jpg,Jos\x81\n", "line 2 is not UTF-8"),
        ("path,identity\n1.jpg,José\n2.jpg,".encode() + b"Jos\xe9\n", "line 3 is not UTF-8"),
        ("path,identity\n1.jpg,Jos\xe9\n".encode("utf-16"), "line 1 is not UTF-8"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF,,", "line 1 is not UTF-8"),
        (b"\xff\xd8\xff\xe0 no table", "is not UTF-8"),
        ("path,identity\n1.jpg,José".encode()[:-1], "line 2 is not UTF-8"),
        ("path,identity\n1.jpg,Черепаха\n".encode("cp1251"), "line 2 is not UTF-8"),
        ("path,identity\n1.jpg,海龟\n".encode("gbk"), "line 2 is not UTF-8"),
        (b"Jos\xe9 no table", "is no table"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    file = tmp_path / "turtles.csv"
    file.write_bytes(data)
    with pytest.raises(ImportFileError, match=message):
        plan_csv(file)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="cannot read"):
        plan_csv(tmp_path / "gone.csv")


NAMES = st.text(min_size=1, max_size=20)


@given(rows=st.lists(st.tuples(NAMES, st.sampled_from(sorted(SIDES))), min_size=1, max_size=5))
def test_what_csv_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["path", "identity", "side"])
    names = []
    for name, side in rows:
        try:
            names.append((clean_name(name), side))
        except ValueError:
            continue
        writer.writerow(["1.jpg", name, side])
    file = tmp_path_factory.mktemp("csv") / "t.csv"
    file.write_text(table.getvalue(), encoding="utf-8", newline="")
    if names:
        plan = plan_csv(file)
        assert plan.bad == ()
        assert [(photo.identity, photo.side) for photo in plan.photos] == names


@given(text=st.text(max_size=200))
def test_any_text_is_a_table_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    file = tmp_path_factory.mktemp("csv") / "t.csv"
    file.write_bytes(("path,x,y,w,h,date,side\n" + text).encode("utf-8", "surrogatepass"))
    try:
        plan = plan_csv(file)
    except ImportFileError:
        return
    assert plan.photos or plan.bad


# Words


@given(text=st.text())
def test_cleaning_a_name_twice_changes_nothing(text: str) -> None:
    try:
        name = clean_name(text)
    except ValueError:
        return
    assert clean_name(name) == name
    assert name_key(name_key(name)) == name_key(name)
    assert name_key(name.upper().lower()) == name_key(name.lower())


@pytest.mark.parametrize("bad", ["a\x00b", "a\nb", "a\ud800", "x" * 201])
def test_names_nobody_can_read_are_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="name"):
        clean_name(bad)


def test_every_side_is_its_own_word() -> None:
    assert {side: side_named(side.upper()) for side in SIDES} == {side: side for side in SIDES}


@pytest.mark.parametrize(
    "bad", ["2019-13", "2019-02-30", "19", "May 2019", "2019-05-03T25:00", "٢٠١٩"]
)
def test_dates_that_are_none_are_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        date_named(bad)


@given(st.datetimes())
def test_any_time_is_understood(moment: object) -> None:
    assert date_named(str(moment)) == str(moment).replace(" ", "T")


@given(st.builds(Box, *[st.floats(-1e6, 1e6)] * 2, *[st.floats(1e-3, 1e6)] * 2))
def test_a_box_is_stored_exactly(box: Box) -> None:
    assert box_of(box_text(box)) == box
    assert box_of("") is None


@pytest.mark.parametrize(
    "facts",
    [{"identity": " Crush"}, {"side": "L"}, {"date": "20190503"}, {"rotation": float("nan")}],
)
def test_a_planned_photo_is_in_canonical_form(facts: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"name|side|date|rotation"):
        PlannedPhoto(Path("1.jpg"), "test", "1.jpg", **facts)  # type: ignore[arg-type]
