"""What other programs write, recognised by what it is and read as they mean it."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from resight.catalogue import plan_csv, plan_folders
from resight.errors import ImportFileError
from resight.formats import Reading, plan_source, plan_sources
from resight.types import Box, Place

from .made import draw_photo


def written(path: Path, content: object) -> Path:
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


def workbook(path: Path, rows: list[list[Any]], *others: str) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    for name in others:
        book.create_sheet(name)
    book.save(path)
    return path


# Tables


def test_columns_are_taken_for_what_is_said(tmp_path: Path) -> None:
    file = written(tmp_path / "t.csv", "Foto;Turtle;Name;Seite\na.jpg;Crush;x;L\n")
    columns = {"path": "foto", "identity": "Turtle", "side": "Seite"}
    plan = plan_csv(file, columns=columns)
    assert [(p.name, p.identity, p.side) for p in plan.photos] == [("a.jpg", "Crush", "left")]
    assert plan.columns == {"path": "Foto", "identity": "Turtle", "side": "Seite"}
    assert plan.warnings == ("t.csv: column not known and left out: 'name'",)


def test_a_column_may_take_the_place_of_one_of_ours(tmp_path: Path) -> None:
    file = written(tmp_path / "t.csv", "path,identity,old name\na.jpg,T1,Crush\n")
    (photo,) = plan_csv(file, columns={"identity": "old name"}).photos
    assert photo.identity == "Crush"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"identty": "Turtle"}, "unknown field 'identty': did you mean 'identity'"),
        ({"identity": "Turtl"}, "unknown column 'Turtl'.*Turtle"),
    ],
)
def test_columns_that_cannot_be_are_refused(
    tmp_path: Path, columns: dict[str, str], message: str
) -> None:
    file = written(tmp_path / "t.csv", "path,Turtle\na.jpg,Crush\n")
    with pytest.raises(ImportFileError, match=message):
        plan_csv(file, columns=columns)


def test_a_workbook_is_read_as_its_cells_say(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["path", "identity", "date", "x", "y", "w", "h", "encounter"],
        ["a.jpg", 17, date(2024, 5, 3), 1, 2.5, 30, 40, "=A1"],
        [None] * 8,
        ["b.jpg", "Crush", datetime(2024, 5, 3, 10, 11)],
        [None, "nobody"],
    ]
    plan = plan_source(workbook(tmp_path / "t.xlsx", rows, "Notes"), Reading())
    assert [(p.identity, p.date, p.box) for p in plan.photos] == [
        ("17", "2024-05-03", Box(1, 2.5, 30, 40)),
        ("Crush", "2024-05-03T10:11:00", None),
    ]
    assert [(each.source, each.reason) for each in plan.bad] == [("t.xlsx line 5", "has no path")]
    assert plan.warnings == ("t.xlsx: only its first sheet, 'Sheet', is read",)


@pytest.mark.parametrize(
    "data", [b"PK\x03\x04nothing", b"PK\x03\x04" + b"\0" * 300, b"\0\xff\xd8" * 300]
)
def test_a_damaged_workbook_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "t.xlsx").write_bytes(data)
    with pytest.raises(ImportFileError, match="no Excel workbook"):
        plan_source(tmp_path / "t.xlsx", Reading())


@pytest.mark.parametrize("name", ["t.xls", "t.xlsx"])
def test_an_old_workbook_is_refused_with_the_way_out(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    with pytest.raises(ImportFileError, match=r"old Excel .* save it as .xlsx"):
        plan_source(tmp_path / name, Reading())


def test_a_table_of_text_may_be_called_a_workbook(tmp_path: Path) -> None:
    file = written(tmp_path / "t.xlsx", "path,identity\na.jpg,Crush\n")
    assert [photo.identity for photo in plan_source(file, Reading()).photos] == ["Crush"]


def test_metadata_of_wildlife_datasets(tmp_path: Path) -> None:
    text = (
        "image_id,identity,path,date,orientation,bbox,species\n"
        '0,t001,a/1.jpg,2012-01-03,left,"[1.0, 2.0, 30.5, 40.0]",loggerhead\n'
        "1,unknown,a/2.jpg,,up,,\n"
    )
    plan = plan_source(written(tmp_path / "metadata.csv", text), Reading(photos=tmp_path / "d"))
    assert [(p.identity, p.side, p.box, p.date) for p in plan.photos] == [
        ("t001", "left", Box(1, 2, 30.5, 40), "2012-01-03"),
        ("", "unknown", None, ""),
    ]
    assert plan.photos[0].path == tmp_path / "d" / "a/1.jpg"
    assert plan.warnings == ()


# COCO


def coco(**changes: object) -> dict[str, Any]:
    document = {
        "images": [
            {"id": 1, "file_name": "a.jpg", "datetime": "2013-11-14 17:02:52", "location": "reef"},
            {"id": "2", "file_name": "b.jpg", "date_captured": "0000-00-00"},
            {"id": 3, "file_name": "c.jpg"},
        ],
        "categories": [{"id": 0, "name": "turtle_green"}],
        "annotations": [
            {
                "id": 10, "image_id": 1, "category_id": 0, "bbox": [1, 2, 30.5, 40],
                "name": "Crush", "viewpoint": "left", "theta": math.pi / 2,
            },
            {"id": 11, "image_id": 1, "category_id": 0, "bbox": [50, 2, 30, 40]},
            {"id": 12, "image_id": 2, "bbox": [], "individual_ids": ["T7"], "viewpoint": "up"},
        ],
    }  # fmt: skip
    return document | changes


def test_coco_with_boxes_gives_an_annotation_for_each(tmp_path: Path) -> None:
    plan = plan_source(written(tmp_path / "coco.json", coco()), Reading())
    assert [(p.name, p.identity, p.side, p.box, p.species) for p in plan.photos] == [
        ("a.jpg", "Crush", "left", Box(1, 2, 30.5, 40), "turtle_green"),
        ("a.jpg", "", "unknown", Box(50, 2, 30, 40), "turtle_green"),
        ("b.jpg", "T7", "unknown", None, ""),
        ("c.jpg", "", "unknown", None, ""),
    ]
    assert plan.photos[0].rotation == -90.0
    assert (plan.photos[0].date, plan.photos[0].place) == ("2013-11-14T17:02:52", "reef")
    assert plan.notes == ("1 sides not understood", "1 dates not understood")


def test_images_of_one_id_are_bad_as_nobody_knows_whose_boxes_they_are(tmp_path: Path) -> None:
    images = [{"id": 1, "file_name": "a.jpg"}, {"id": "1", "file_name": "b.jpg"}]
    others: list[dict[str, object]] = [{"file_name": "c.jpg"}, {"file_name": "d.jpg"}]
    document = coco(images=images + others)
    plan = plan_source(written(tmp_path / "coco.json", document), Reading())
    assert [(p.name, p.box) for p in plan.photos] == [("c.jpg", None), ("d.jpg", None)]
    assert [each.source for each in plan.bad][:2] == [
        "coco.json image a.jpg",
        "coco.json image b.jpg",
    ]


def test_people_and_nothing_are_no_animals(tmp_path: Path) -> None:
    categories = [
        {"id": 0, "name": "turtle"},
        {"id": 1, "name": "empty"},
        {"id": 2, "name": "Human"},
    ]
    said = [{"id": i, "image_id": i + 1, "category_id": i} for i in range(3)]
    document = coco(categories=categories, annotations=said)
    plan = plan_source(written(tmp_path / "coco.json", document), Reading())
    assert [(p.name, p.species) for p in plan.photos] == [("a.jpg", "turtle")]
    assert plan.notes[-2:] == (
        "1 annotations of empty left out",
        "1 annotations of human left out",
    )


def test_an_angle_beyond_numbers_is_bad(tmp_path: Path) -> None:
    said = [{"id": 1, "image_id": 1, "bbox": [1, 2, 3, 4], "theta": 10**400}]
    plan = plan_source(written(tmp_path / "coco.json", coco(annotations=said)), Reading())
    assert (len(plan.photos), len(plan.bad)) == (2, 1)


def test_coco_brings_polygons_and_run_lengths_as_masks(tmp_path: Path) -> None:
    square = {"size": [6, 7], "counts": "=33000:N"}
    document = coco(
        images=[{"id": 1, "file_name": "a.jpg", "width": 7, "height": 6}],
        annotations=[
            {"image_id": 1, "bbox": [0, 0, 5, 6], "segmentation": said}
            for said in (
                [[2, 1, 5, 1, 5, 4, 2, 4], [6, 5, 7, 5, 7, 6, 6, 6]],
                square,
                {"size": [6, 7], "counts": [13, 3, 3, 3, 3, 3, 13, 1]},
                [],
                {"size": [7, 6], "counts": "=33000:N"},  # of the photo as it lay in the camera
                "a.png",
            )
        ],
    )
    plan = plan_source(written(tmp_path / "coco.json", document), Reading())
    first = plan.photos[0].mask
    assert first is not None
    assert first.box == Box(2, 1, 5, 5)
    assert first.cells().sum() == 10
    assert [photo.mask for photo in plan.photos] == [first] * 3 + [None] * 3
    assert plan.notes == ("2 masks not understood",)


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        ({"image_id": 9, "bbox": [1, 2, 3, 4]}, "belongs to no image"),
        ({"image_id": 3, "bbox": [1, 2, 3]}, "is not x, y, w, h"),
        ({"image_id": 3, "bbox": [1, 2, 3, 0]}, "no area"),
        ({"image_id": 3, "bbox": {"x": 1}}, "is not x, y, w, h"),
        ({"image_id": 3, "name": "a\nb"}, "control"),
    ],
)
def test_a_bad_annotation_is_told_and_the_rest_goes_on(
    tmp_path: Path, annotation: dict[str, Any], reason: str
) -> None:
    document = coco()
    document["annotations"].append(annotation)
    plan = plan_source(written(tmp_path / "coco.json", document), Reading())
    assert [reason in bad.reason for bad in plan.bad] == [True]
    assert len(plan.photos) >= 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("[1]", "no JSON document"),
        ("[" * 100_000, "is not JSON"),
        ("{}", "no list of photos that is known"),
        ('{"images": 1, "annotations": []}', "has no list 'annotations'|has no list 'images'"),
        ('{"images": [1], "annotations": []}', "number 1 of 'images' is no object"),
        ('{"images": [], "annotations": []}', "lists no photo"),
    ],
)
def test_json_that_is_no_list_of_photos_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ImportFileError, match=message):
        plan_source(written(tmp_path / "x.json", text), Reading())


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "image_id", "file_name", "bbox", "name", "images", "annotations", "theta"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(images=st.lists(JSON, max_size=3), annotations=st.lists(JSON, max_size=3), other=JSON)
def test_any_json_is_read_or_refused(
    images: object, annotations: object, other: object, tmp_path: Path
) -> None:
    for document in (
        {"images": images, "annotations": annotations, "categories": other},
        {"format": "resight-annotations.v1", "annotations": annotations},
        {"profile": "camtrap-dp", "resources": other if isinstance(other, list) else []},
    ):
        try:
            plan = plan_source(written(tmp_path / "x.json", document), Reading())
        except ImportFileError:
            continue
        assert plan.photos or plan.bad


# Camtrap DP of others


def package(folder: Path, observations: str, **resources: str) -> Path:
    folder.mkdir()
    profile = "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0/camtrap-dp-profile.json"
    written(folder / "datapackage.json", {"profile": profile, "resources": []})
    written(
        folder / "deployments.csv",
        "deploymentID,locationName,latitude,longitude,deploymentStart,deploymentEnd\n"
        "d1,Bonaire,12.15,-68.31,2020-05-01T00:00:00Z,2020-06-01T00:00:00Z\n",
    )
    written(
        folder / "media.csv",
        "mediaID,deploymentID,timestamp,filePath,filePublic,fileName,fileMediatype\n"
        "m1,d1,2020-05-30T02:57:37+02:00,media/1.png,true,RCNX1.png,image/png\n"
        "m2,d1,2020-05-30T02:57:38+02:00,https://example.org/2,true,,image/png\n"
        "m3,d1,2020-05-30T02:57:39+02:00,media/3.png,true,,image/png\n",
    )
    written(
        folder / "observations.csv",
        "observationID,deploymentID,mediaID,eventID,observationLevel,observationType,"
        "scientificName,individualID,bboxX,bboxY,bboxWidth,bboxHeight\n" + observations,
    )
    return folder


def test_a_package_of_another_program(tmp_path: Path) -> None:
    folder = package(
        tmp_path / "dp",
        "o1,d1,m1,e1,media,animal,Caretta caretta,Crush,0.25,0.5,0.5,0.25\n"
        "o2,d1,m1,e1,media,animal,Caretta caretta,,0,0,0.25,0.5\n"
        "o3,d1,m2,,media,animal,,,,,,\n"
        "o4,d1,,e1,event,animal,Caretta caretta,,,,,\n"
        "o5,d1,m9,,media,animal,,,,,,\n"
        "o6,d1,m1,,media,human,,,,,,\n",
    )
    draw_photo(folder / "media" / "1.png", 1)  # 12 x 8
    plan = plan_source(folder, Reading())
    assert [(p.name, p.identity, p.encounter, p.box) for p in plan.photos] == [
        ("RCNX1.png", "Crush", "e1", Box(3, 4, 6, 2)),
        ("RCNX1.png", "", "", Box(0, 0, 3, 4)),  # an event may be of several animals
        ("media/3.png", "", "", None),  # not looked at yet
    ]
    first = plan.photos[0]
    assert (first.date, first.place, first.position, first.species) == (
        "2020-05-30T02:57:37",
        "Bonaire",
        Place(12.15, -68.31),
        "Caretta caretta",
    )
    assert ["on the web" in bad.reason or "m9" in bad.reason for bad in plan.bad] == [True, True]
    assert plan.notes == (
        "1 observations of events without a photo left out",
        "1 observations of human left out",
    )


def test_a_box_of_a_photo_that_is_not_there_is_bad(tmp_path: Path) -> None:
    folder = package(tmp_path / "dp", "o1,d1,m1,,media,animal,,Crush,0,0,1,1\n")
    plan = plan_source(folder, Reading())
    assert plan.bad[0].reason.endswith("cannot be read, so its box has no size")


def test_words_of_another_program_are_not_taken_for_ours(tmp_path: Path) -> None:
    folder = package(tmp_path / "dp", "")
    written(
        folder / "observations.csv",
        "observationID,deploymentID,mediaID,observationType,individualID,observationTags\n"
        "o1,d1,m1,,Crush,time:day | side:flank\n",
    )
    plan = plan_source(folder, Reading())
    assert [(p.identity, p.side, p.date) for p in plan.photos if p.identity] == [
        ("Crush", "unknown", "2020-05-30T02:57:37")
    ]


@pytest.mark.parametrize("resources", [None, 3, "x", [3]])
def test_a_description_of_no_use_leaves_the_usual_names(tmp_path: Path, resources: object) -> None:
    folder = package(tmp_path / "dp", "o1,d1,m1,,media,animal,,Crush,,,,\n")
    profile = json.loads((folder / "datapackage.json").read_text())["profile"]
    written(folder / "datapackage.json", {"profile": profile, "resources": resources})
    assert plan_source(folder, Reading()).photos[0].identity == "Crush"


@pytest.mark.parametrize(
    "path", ["../secret.csv", "/etc/passwd", "https://example.org/m.csv", "a\0b.csv"]
)
def test_tables_elsewhere_are_not_read(tmp_path: Path, path: str) -> None:
    folder = package(tmp_path / "dp", "")
    profile = json.loads((folder / "datapackage.json").read_text())["profile"]
    document = {"profile": profile, "resources": [{"name": "media", "path": path}]}
    written(folder / "datapackage.json", document)
    with pytest.raises(ImportFileError, match="is not beside it"):
        plan_source(folder, Reading())


# Wildbook


def test_a_bulk_import_sheet(tmp_path: Path) -> None:
    millis = int(datetime(2024, 5, 3, 10, 11, 12, tzinfo=UTC).timestamp() * 1000)
    header = [
        "Encounter.mediaAsset0", "Encounter.mediaAsset1", "Encounter.mediaAsset0.keywords",
        "Encounter.year", "Encounter.month", "Encounter.day", "Encounter.hour",
        "Encounter.minutes", "Encounter.dateInMilliseconds", "Encounter.genus",
        "Encounter.specificEpithet", "MarkedIndividual.individualID", "Encounter.individualID",
        "Encounter.locationID", "Encounter.decimalLatitude", "Encounter.decimalLongitude",
        "Encounter.otherCatalogNumbers", "Encounter.submitterID",
    ]  # fmt: skip
    rows: list[list[Any]] = [
        header,
        ["a.jpg", "b.jpg", "dirty_left", 2024, 5, 3, 10, 11, None, "Chelonia", "mydas", "Crush",
         None, "Bonaire", 12.15, -68.31, None, "ann"],
        ["c.jpg, d.jpg", None, None, 2024, None, None, None, None, None, None, None, None,
         "Squirt", None, None, None, "dive 1", "ann"],
        ["e.jpg", None, None, None, None, None, None, None, millis, None, None, None, None, None,
         None, None, "dive 1", "ann"],
        [None, None, None, 2024, None, None, None, None, None, None, None, None, None, None, None,
         None, None, "ann"],
        ["f.jpg", None, None, 2024, 13, None, None, None, None, None, None, None, None, None, None,
         None, None, "ann"],
    ]  # fmt: skip
    plan = plan_source(workbook(tmp_path / "bulk.xlsx", rows), Reading())
    assert [(p.name, p.identity, p.encounter, p.date, p.side) for p in plan.photos] == [
        ("a.jpg", "Crush", "bulk line 2", "2024-05-03T10:11:00", "left"),
        ("b.jpg", "Crush", "bulk line 2", "2024-05-03T10:11:00", "unknown"),
        ("c.jpg", "Squirt", "dive 1 Squirt", "2024", "unknown"),
        ("d.jpg", "Squirt", "dive 1 Squirt", "2024", "unknown"),
        ("e.jpg", "", "dive 1 line 4", "2024-05-03T10:11:12", "unknown"),
    ]
    first = plan.photos[0]
    assert (first.species, first.place, first.position) == (
        "Chelonia mydas",
        "Bonaire",
        Place(12.15, -68.31),
    )
    assert [bad.source for bad in plan.bad] == ["bulk.xlsx line 5", "bulk.xlsx line 6"]


# Folders and several things at once


def test_folders_that_are_dates_say_when(tmp_path: Path) -> None:
    for name in ("2024-05-03/1.png", "20240504/2.png", "3.png"):
        draw_photo(tmp_path / "card" / name, 1)
    plan = plan_folders(tmp_path / "card")
    assert [(p.identity, p.date) for p in plan.photos] == [
        ("", "2024-05-03"),
        ("", "2024-05-04"),
        ("", ""),
    ]
    assert "are dates, so its photos are of unknown animals" in plan.notes[0]
    draw_photo(tmp_path / "card" / "Crush" / "4.png", 4)
    assert {p.identity for p in plan_folders(tmp_path / "card").photos} == {
        "",
        "2024-05-03",
        "20240504",
        "Crush",
    }
    draw_photo(tmp_path / "by number" / "2019" / "1.png", 1)
    assert plan_folders(tmp_path / "by number").photos[0].identity == "2019"


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        (["2019", "2020"], "2019, 2020: taken for animals. If these are years, say --pattern"),
        (["100CANON", "101CANON"], "If these are a camera's folders, add the photos themselves: "),
        (["2019", "Crush"], ""),
        (["1801"], ""),
    ],
)
def test_folders_that_may_be_no_animals_are_doubted(
    tmp_path: Path, folders: list[str], said: str
) -> None:
    for name in folders:
        draw_photo(tmp_path / name / "1.png", 1)
    warnings = plan_folders(tmp_path).warnings
    assert said in " ".join(warnings)
    assert bool(said) == bool(warnings)


def test_what_is_said_against_doubtful_folders_works(tmp_path: Path) -> None:
    for name in ("years/2019", "years/2020", "card/100CANON"):
        draw_photo(tmp_path / name / "1.png", 1)
    assert "--pattern '{date}/{_}'" in plan_folders(tmp_path / "years").warnings[0]
    by_year = plan_source(tmp_path / "years", Reading(patterns=["{date}/{_}"]))
    assert [(each.identity, each.date) for each in by_year.photos] == [("", "2019"), ("", "2020")]
    assert plan_folders(tmp_path / "card").warnings[0].endswith(f"{tmp_path / 'card'}/*/*")
    one = plan_sources(list((tmp_path / "card").glob("*/*")), Reading())
    assert [each.identity for each in one.photos] == [""]


def test_several_sources_are_one_plan(tmp_path: Path) -> None:
    draw_photo(tmp_path / "herd" / "Crush" / "1.png", 1)
    table = written(tmp_path / "t.csv", "path,identity\nb.jpg,Squirt\n")
    photo = draw_photo(tmp_path / "c.png", 3)
    plan = plan_sources([tmp_path / "herd", table, photo], Reading())
    assert [(p.name, p.identity) for p in plan.photos] == [
        ("Crush/1.png", "Crush"),
        ("b.jpg", "Squirt"),
        ("c.png", ""),
    ]
    assert plan.columns == {"path": "path", "identity": "identity"}


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        (Reading(patterns=("{identity}",)), "a pattern is for those in a folder"),
        (Reading(columns={"identity": "x"}), "columns are of a table"),
        (Reading(photos=Path("x")), "a folder of photos is for a table"),
    ],
)
def test_what_is_said_to_no_avail_is_refused(
    tmp_path: Path, reading: Reading, message: str
) -> None:
    draw_photo(tmp_path / "c.png", 3)
    with pytest.raises(ImportFileError, match=message):
        plan_sources([tmp_path / "c.png"], reading)


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="no file or folder"):
        plan_sources([tmp_path / "gone"], Reading())


# Photos that are not quite where a table says


def photos_at(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ("2019/IMG_1.JPG", "2019\\img_1.jpg"),
        ("2019/IMG_1.JPG", "D:\\Turtles\\2019\\IMG_1.JPG"),
        ("2019/IMG_1.JPG", "/Volumes/disk/2019/IMG_1.JPG"),
        ("2019/IMG_1.JPG", "IMG_1.jpg"),
        ("IMG_1.JPG", "2019/IMG_1.jpg"),
        ("2019/IMG_1.JPG", "IMG_1"),
    ],
)
def test_a_photo_is_found_by_the_end_of_its_path(tmp_path: Path, there: str, said: str) -> None:
    photos_at(tmp_path, there, "other.jpg")
    file = written(tmp_path / "t.csv", f"path,identity\n{said},Crush\nother.jpg,Squirt\n")
    plan = plan_source(file, Reading())
    assert [(p.path, p.name) for p in plan.photos] == [
        (tmp_path / there, there),
        (tmp_path / "other.jpg", "other.jpg"),
    ]
    assert plan.notes == (f"photos found by the end of their paths: {said} is {there}",)


def test_a_photo_of_another_year_is_not_taken_for_one_of_the_same_name(tmp_path: Path) -> None:
    photos_at(tmp_path, "2020/IMG_1.jpg")
    file = written(tmp_path / "t.csv", "path,identity\n2019/IMG_1.jpg,Crush\n")
    plan = plan_source(file, Reading())
    assert [p.path for p in plan.photos] == [tmp_path / "2019/IMG_1.jpg"]
    assert plan.notes == ()


def test_a_name_that_several_photos_have_is_bad(tmp_path: Path) -> None:
    photos_at(tmp_path, "2019/IMG_1.jpg", "2020/IMG_1.jpg")
    file = written(tmp_path / "t.csv", "path,identity\nIMG_1.jpg,Crush\n")
    (bad,) = plan_source(file, Reading()).bad
    assert bad.reason == "several photos may be meant: 2019/IMG_1.jpg, 2020/IMG_1.jpg"


@pytest.mark.parametrize("first", ["2019/IMG_1.jpg", "IMG_1.jpg"])
def test_two_paths_are_not_one_photo(tmp_path: Path, first: str) -> None:
    photos_at(tmp_path, "IMG_1.jpg")
    file = written(tmp_path / "t.csv", f"path,identity\n{first},Crush\n2020/IMG_1.jpg,Squirt\n")
    plan = plan_source(file, Reading())
    assert {bad.reason for bad in plan.bad} == {"other rows mean IMG_1.jpg too, by another path"}
    assert [p.identity for p in plan.photos] == (["Crush"] if first == "IMG_1.jpg" else [])


def test_animals_of_one_photo_are_found_together(tmp_path: Path) -> None:
    photos_at(tmp_path, "Reef/IMG_1.jpg")
    rows = "img_1.jpg,Crush,0,0,5,5\nimg_1.jpg,Squirt,5,5,5,5\n"
    plan = plan_source(written(tmp_path / "t.csv", f"path,identity,x,y,w,h\n{rows}"), Reading())
    assert [p.path for p in plan.photos] == [tmp_path / "Reef/IMG_1.jpg"] * 2


def test_a_path_that_no_disk_holds_is_that_row_alone(tmp_path: Path) -> None:
    photos_at(tmp_path, "a.jpg")
    long = "x" * 5000
    file = written(tmp_path / "t.csv", f"path,identity\na.jpg,Crush\n{long}.jpg,Squirt\n")
    assert [photo.identity for photo in plan_source(file, Reading()).photos] == ["Crush", "Squirt"]


def test_the_patterns_proposed_for_years_fit_all_photos(tmp_path: Path) -> None:
    photos_at(tmp_path, "2019/Ann/1.jpg", "2019/2.jpg", "2020/Bob/3.jpg")
    (warning,) = plan_folders(tmp_path).warnings
    patterns = ["{date}/{_}", "{date}/{identity}/{_}"]
    assert warning.endswith(" ".join(f"--pattern '{pattern}'" for pattern in patterns))
    plan = plan_source(tmp_path, Reading(patterns=patterns))
    assert [(p.date, p.identity) for p in plan.photos] == [
        ("2019", ""),
        ("2019", "Ann"),
        ("2020", "Bob"),
    ]
    assert plan.bad == ()


# A folder with a list of its photos

LIST = "Encounter.mediaAsset0,Encounter.individualID\n"


def test_photos_that_a_folders_list_does_not_name_are_warned_of(tmp_path: Path) -> None:
    photos_at(tmp_path, "a.jpg", "b.jpg", "Dan/c.jpg")
    written(tmp_path / "sheet.csv", f"{LIST}a.jpg,Crush\nb.jpg,Squirt\n")
    plan = plan_sources([tmp_path], Reading())
    assert [photo.identity for photo in plan.photos] == ["Crush", "Squirt"]
    assert plan.notes[-1].endswith("is read from sheet.csv")
    assert "1 photo is not in sheet.csv and left out, such as Dan/c.jpg" in plan.warnings[-1]


def test_a_list_without_its_photos_does_not_hide_those_of_the_folder(tmp_path: Path) -> None:
    photos_at(tmp_path, "Ann/a.jpg", "Bob/b.jpg")
    written(tmp_path / "sheet.csv", f"{LIST}elsewhere.jpg,Crush\nand there.jpg,Squirt\n")
    plan = plan_sources([tmp_path], Reading())
    assert sorted(photo.identity for photo in plan.photos) == ["Ann", "Bob"]


def test_of_several_lists_of_a_folder_none_is_guessed(tmp_path: Path) -> None:
    photos_at(tmp_path, "a.jpg")
    for name in ("one.csv", "two.csv"):
        written(tmp_path / name, f"{LIST}a.jpg,{name}\n")
    with pytest.raises(ImportFileError, match=r"several lists of its photos \(one.csv, two.csv\)"):
        plan_sources([tmp_path], Reading())


def test_words_for_nobody_are_no_individuals_and_are_counted(tmp_path: Path) -> None:
    words = ["NA", "n/a", "#N/A", "nan", "None", "null", "UNK", "???", "-", "unknown", "", "Nanny"]
    rows = [f"{number}.png,{word}" for number, word in enumerate(["NA", *words])]
    table = tmp_path / "photos.csv"
    table.write_text("\n".join(["path,identity", *rows]))
    for number in range(len(rows)):
        draw_photo(tmp_path / f"{number}.png", number)
    plan = plan_source(table, Reading())
    assert {each.identity for each in plan.photos} == {"", "Nanny"}
    (note,) = plan.notes
    assert note.startswith("taken for animals that nobody knows: 'NA' (2), ")
    assert note.endswith("and 4 other words")
    for word in ("NA", "_unsorted", "Crush"):
        (tmp_path / "folders" / word).mkdir(parents=True)
        draw_photo(tmp_path / "folders" / word / "1.png", 1)
    folders = plan_source(tmp_path / "folders", Reading())
    assert {each.identity for each in folders.photos} == {"", "Crush"}


def test_dates_and_places_that_cannot_be_meant_are_warned_of(tmp_path: Path) -> None:
    rows = ["0.png,2099,1,1", "1.png,1066-10-14,0,0", "2.png,2020-05,0,1", "3.png,,,"]
    table = tmp_path / "photos.csv"
    table.write_text("\n".join(["path,date,latitude,longitude", *rows]))
    for number in range(4):
        draw_photo(tmp_path / f"{number}.png", number)
    plan = plan_source(table, Reading())
    assert len(plan.photos) == 4
    future, early, nowhere = plan.warnings
    assert future.startswith("photos that have a date in the future: 1, such as ")
    assert future.endswith("line 2 (0.png): 2099")
    assert early.endswith("line 3 (1.png): 1066-10-14")
    assert "latitude 0, longitude 0" in nowhere
    today = datetime.now(UTC).date()
    for said in (str(today), f"{today:%Y-%m}", f"{today:%Y}", f"{today}T23:59"):
        table.write_text(f"path,date\n0.png,{said}")
        assert plan_source(table, Reading()).warnings == (), said
