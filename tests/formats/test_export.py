"""A catalogue exported, and what comes back."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from PIL import ExifTags, Image

from resight.catalogue import AnnotationRecord, Catalogue, ImportPlan, PlannedPhoto
from resight.errors import ExportError
from resight.formats import ExportOptions, Reading, export, plan_source
from resight.formats.camtrap import DEPLOYMENTS, MEDIA, OBSERVATIONS
from resight.types import Box, Place

from .made import draw_photo, said

PLACE = Place(12.15472, -68.30128)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    """Two animals in four photos, one of which shows both; a hidden photo; awkward names."""
    paths = [draw_photo(tmp_path / "in" / f"{seed}.png", seed) for seed in range(5)]
    facts: dict[str, Any] = {
        "species": "Chelonia mydas",
        "place": "Klein Bonaire",
        "position": PLACE,
    }
    photos = (
        PlannedPhoto(paths[0], "0", "=0.png", "Crush", Box(0, 0, 6, 8), 5.0, "left", "dive 1",
                     date="2021-06-15T10:11:12", **facts),
        PlannedPhoto(paths[0], "0", "=0.png", "Squirt", Box(6.5, 0, 5.5, 8), date="2021-06-15",
                     **facts),
        PlannedPhoto(paths[1], "1", "a/1.png", "Crush", side="right", encounter="dive 1",
                     date="2021-06-15", **facts),
        PlannedPhoto(paths[2], "2", "a/2.png", "+Myrtle", date="2023-07", **facts),
        PlannedPhoto(paths[3], "3", "a/3.png"),
        PlannedPhoto(paths[4], "4", "a/4.png", "Crush", date="2024", **facts),
    )  # fmt: skip
    with Catalogue.init(tmp_path / "turtles") as made:
        assert {o.status for o in made.add(ImportPlan("test", photos), actor="ann")} == {"added"}
        made.hide(made.find("a/4.png"), actor="ann")
        yield made


def visible(catalogue: Catalogue) -> list[dict[str, object]]:
    return sorted(
        (said(record) for record in catalogue.annotations() if not record.hidden), key=repr
    )


@pytest.mark.parametrize("format", ["csv", "json", "camtrap-dp"])
@pytest.mark.parametrize("photos", [True, False])
def test_another_catalogue_takes_all_of_it_in(
    catalogue: Catalogue, tmp_path: Path, format: str, photos: bool
) -> None:
    target = tmp_path / ("out" if photos or format == "camtrap-dp" else f"out.{format}")
    report = export(catalogue, target, ExportOptions(format, precise=True, photos=photos))
    assert report.photos == (4 - (format == "camtrap-dp") if photos else 0)
    source = target if target.is_file() or format == "camtrap-dp" else target / f"out.{format}"
    reading = Reading(photos=None if photos else catalogue.folder)
    with Catalogue.init(tmp_path / "again") as again:
        outcomes = list(again.add(plan_source(source, reading), actor="bo"))
        assert {outcome.status for outcome in outcomes} == {"added"}
        # Camtrap DP demands a position and a time; one photo has neither.
        wanted = [each for each in visible(catalogue) if format != "camtrap-dp" or each["position"]]
        assert visible(again) == wanted
        assert [each.status for each in again.add(plan_source(source, reading), actor="bo")] == [
            "already"
        ] * len(outcomes)
    assert report.left_out == (
        ("1 annotations without a position, which Camtrap DP demands",)
        if format == "camtrap-dp"
        else ()
    )


def test_nothing_exported_tells_a_precise_place(catalogue: Catalogue, tmp_path: Path) -> None:
    for format in ("csv", "json", "camtrap-dp", "wildbook"):
        export(catalogue, tmp_path / format, ExportOptions(format, photos=True))
    for path in (each for each in tmp_path.glob("*/**/*") if each.is_file()):
        if path.is_relative_to(catalogue.folder):
            continue
        data = path.read_bytes()
        if path.suffix == ".xlsx":
            cells = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
            data = repr(list(cells)).encode()
        assert b"12.15" not in data
        assert b"68.30" not in data


def test_photos_that_tell_the_place_are_not_given_away(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {1: "N", 2: (12.0, 9.0, 17.0), 3: "W", 4: (68.0, 18.0, 4.6)}
    )
    Image.new("RGB", (8, 8)).save(tmp_path / "1.jpg", exif=exif)
    photo = PlannedPhoto(tmp_path / "1.jpg", "1", "1.jpg", "Crush", date="2021")
    with Catalogue.init(tmp_path / "it") as catalogue:
        list(catalogue.add(ImportPlan("test", (photo,)), actor="ann"))
        with pytest.raises(ExportError, match=r"1 photos hold the precise position.*1\.jpg"):
            export(catalogue, tmp_path / "out", ExportOptions("csv", photos=True))
        assert not (tmp_path / "out").exists()
        export(catalogue, tmp_path / "out", ExportOptions("csv", photos=True, precise=True))
        export(catalogue, tmp_path / "out.csv", ExportOptions("csv"))
        (row,) = csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text("utf-8-sig")))
        assert (row["latitude"], row["camera_latitude"], row["camera_longitude"]) == (
            "", "12.2", "-68.3",
        )  # fmt: skip


def test_a_table_that_was_filled_in_is_added_again(catalogue: Catalogue, tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    export(catalogue, file, ExportOptions("csv"))
    rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"), newline="")))
    for row in rows:
        row["identity"] = row["identity"] or "Dory"
        row["species"] = row["species"] or "Chelonia mydas"
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    plan = plan_source(file, Reading(photos=catalogue.folder))
    statuses = {o.status for o in catalogue.add(plan, actor="bo")}
    # Its places are coarser than those that are known, which contradicts nothing.
    assert statuses == {"already", "updated"}, [o.reason for o in catalogue.add(plan, actor="bo")]
    assert catalogue.show("a/3.png").annotations[0].individual == "Dory"
    assert catalogue.show("a/1.png").annotations[0].position == PLACE


# What the tables of Camtrap DP 1.0.1 demand (camtrap-dp.tdwg.org/data), of the columns we fill.
_REQUIRED = {
    "deployments": "deploymentID latitude longitude deploymentStart deploymentEnd",
    "media": "mediaID deploymentID timestamp filePath filePublic fileMediatype",
    "observations": "observationID deploymentID eventStart eventEnd observationLevel "
    "observationType",
}
_FORMS = {
    "latitude": r"-?[0-9.]+", "longitude": r"-?[0-9.]+", "coordinateUncertainty": "[1-9][0-9]*",
    "timestampIssues": "true|false", "filePublic": "true|false",
    "filePath": r"(?!.*\.\.)[^./~].*", "fileMediatype": "(image|video|audio)/.*",
    "observationLevel": "media|event",
    "observationType": "animal|human|vehicle|blank|unknown|unclassified",
    "count": "[1-9][0-9]*", "classificationMethod": "human|machine",
    **dict.fromkeys(
        ("timestamp", "deploymentStart", "deploymentEnd", "eventStart", "eventEnd"),
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})",
    ),
    **dict.fromkeys(("bboxX", "bboxY", "bboxWidth", "bboxHeight"), r"0(\.[0-9]+)?|1(\.0)?"),
}  # fmt: skip


def test_a_package_keeps_the_standard(catalogue: Catalogue, tmp_path: Path) -> None:
    export(catalogue, tmp_path / "dp", ExportOptions("camtrap-dp", photos=True, creator="Ann"))
    columns = {"deployments": DEPLOYMENTS, "media": MEDIA, "observations": OBSERVATIONS}
    tables: dict[str, list[dict[str, str]]] = {}
    for name, wanted in columns.items():
        text = (tmp_path / "dp" / f"{name}.csv").read_text("utf-8")
        assert tuple(next(csv.reader(io.StringIO(text)))) == wanted
        tables[name] = list(csv.DictReader(io.StringIO(text)))
        for row in tables[name]:
            for column, value in row.items():
                assert value or column not in _REQUIRED[name].split()
                assert not value or re.fullmatch(_FORMS.get(column, ".*"), value), (column, value)
    for name, key in (
        ("deployments", "deployment"),
        ("media", "media"),
        ("observations", "observation"),
    ):
        ids = [row[f"{key}ID"] for row in tables[name]]
        assert len(ids) == len(set(ids))
    media = {row["mediaID"]: row for row in tables["media"]}
    deployments = {row["deploymentID"]: row for row in tables["deployments"]}
    for row in tables["observations"]:
        assert row["deploymentID"] == media[row["mediaID"]]["deploymentID"]
        deployment = deployments[row["deploymentID"]]
        assert deployment["deploymentStart"] <= row["eventStart"] <= row["eventEnd"]
        assert row["eventEnd"] <= deployment["deploymentEnd"]
    for row in tables["media"]:
        assert (tmp_path / "dp" / row["filePath"]).is_file()
    described = json.loads((tmp_path / "dp" / "datapackage.json").read_text())
    required = "profile created contributors project spatial temporal taxonomic resources"
    assert set(required.split()) <= described.keys()
    assert re.fullmatch(r"[-a-z0-9._/]+", described["name"])
    assert {each["name"]: each["path"] for each in described["resources"]} == {
        name: f"{name}.csv" for name in columns
    }
    assert described["project"]["individualAnimals"] is True
    assert described["temporal"] == {"start": "2021-06-15", "end": "2023-07-31"}
    assert described["coordinatePrecision"] == 0.1
    assert described["taxonomic"] == [{"scientificName": "Chelonia mydas"}]


def test_capture_histories(catalogue: Catalogue, tmp_path: Path) -> None:
    report = export(catalogue, tmp_path / "t.inp", ExportOptions("mark"))
    assert (tmp_path / "t.inp").read_text() == (
        "/* +Myrtle */ 01 1;\n/* Crush */ 10 1;\n/* Squirt */ 10 1;\n"
    )
    occasions = (tmp_path / "t-occasions.csv").read_text().splitlines()
    assert occasions == ["occasion,when,photos,individuals", "1,2021,3,2", "2,2023,1,1"]
    assert report.left_out == ()
    by_day = export(catalogue, tmp_path / "d.inp", ExportOptions("mark", occasions="day"))
    assert (tmp_path / "d.inp").read_text() == "/* Crush */ 1 1;\n/* Squirt */ 1 1;\n"
    assert by_day.left_out == ("1 photos whose day is not known",)


def test_a_wildbook_sheet_with_its_photos(catalogue: Catalogue, tmp_path: Path) -> None:
    report = export(catalogue, tmp_path / "wb", ExportOptions("wildbook", photos=True))
    header, *rows = openpyxl.load_workbook(tmp_path / "wb" / "wb.xlsx").active.iter_rows(
        values_only=True
    )
    found = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    crush = found["Crush"]
    assert crush["Encounter.genus"] == "Chelonia"
    assert crush["Encounter.specificEpithet"] == "mydas"
    assert (crush["Encounter.year"], crush["Encounter.month"], crush["Encounter.day"]) == (
        2021,
        6,
        15,
    )
    assert crush["Encounter.otherCatalogNumbers"] == "dive 1"
    assert (crush["Encounter.decimalLatitude"], crush["Encounter.decimalLongitude"]) == (
        12.2,
        -68.3,
    )
    assert {crush["Encounter.mediaAsset0.keywords"], crush["Encounter.mediaAsset1.keywords"]} == {
        "left",
        "right",
    }
    for row in found.values():
        for column, value in row.items():
            if column.startswith("Encounter.mediaAsset") and "." not in column[20:] and value:
                assert (tmp_path / "wb" / value).is_file()
                assert re.fullmatch("[A-Za-z0-9. ]+", value)
    assert report.left_out == ("2 boxes or rotations: Wildbook finds animals itself",)


def test_damaged_and_lost_photos_are_told(catalogue: Catalogue, tmp_path: Path) -> None:
    lost, damaged = catalogue.original("a/1.png"), catalogue.original("a/2.png")
    lost.unlink()
    damaged.chmod(0o644)
    damaged.write_bytes(b"x")
    report = export(catalogue, tmp_path / "out", ExportOptions("csv", photos=True))
    assert sorted(report.missing) == ["a/1.png", "a/2.png"]
    assert report.photos == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (ExportOptions("xml"), "there is no format 'xml'"),
        (ExportOptions(""), "does not say in which format"),
        (ExportOptions("mark", photos=True), "names no photos"),
    ],
)
def test_what_cannot_be_exported_is_refused(
    catalogue: Catalogue, tmp_path: Path, options: ExportOptions, message: str
) -> None:
    with pytest.raises(ExportError, match=message):
        export(catalogue, tmp_path / "out", options)
    with pytest.raises(ExportError, match="exists already"):
        export(catalogue, tmp_path, ExportOptions("csv"))
    with Catalogue.init(tmp_path / "empty") as empty, pytest.raises(ExportError, match="nothing"):
        export(empty, tmp_path / "out", ExportOptions("csv"))


def test_what_a_camera_says_is_told_with_its_offset(catalogue: Catalogue) -> None:
    from dataclasses import replace

    from resight.formats.table import taken_at

    record: AnnotationRecord = catalogue.annotations()[0]
    when = datetime(2021, 6, 15, 10, 11, 12)
    for offset, text in ((None, ""), (-270, "-04:30"), (0, "+00:00"), (330, "+05:30")):
        photo = replace(record.photo, taken_at=when, utc_offset=offset)
        assert taken_at(replace(record, photo=photo)) == f"2021-06-15T10:11:12{text}"


@pytest.mark.parametrize("format", ["csv", "json", "wildbook"])
def test_an_exported_folder_is_read_by_its_own_list(
    catalogue: Catalogue, tmp_path: Path, format: str
) -> None:
    """By folders alone all animals would be one, called originals."""
    export(catalogue, tmp_path / "out", ExportOptions(format, photos=True, precise=True))
    (listed,) = (tmp_path / "out").glob("out.*")
    whole = plan_source(tmp_path / "out", Reading())
    assert whole.photos == plan_source(listed, Reading()).photos
    assert {photo.identity for photo in whole.photos} == {
        each.individual for each in catalogue.annotations() if not each.hidden
    }
    (tmp_path / "out" / "notes.csv").write_text("day,weather\n1,rain\n")
    (tmp_path / "out" / "broken.json").write_text("{")
    assert plan_source(tmp_path / "out", Reading()).photos == whole.photos
    patterned = plan_source(
        tmp_path / "out", Reading(patterns=["{place}/{_}", "{place}/{_}/{_}", "{place}"])
    )
    assert {photo.identity for photo in patterned.photos} == {""}, (
        "who says how to read it is heard"
    )


@pytest.mark.parametrize("format", ["csv", "json", "wildbook", "camtrap-dp", "mark"])
def test_an_export_tells_that_notes_on_individuals_are_not_in_it(
    catalogue: Catalogue, tmp_path: Path, format: str
) -> None:
    silent = export(catalogue, tmp_path / "silent", ExportOptions(format)).left_out
    catalogue.individuals.note("Crush", "tag GR-1234", actor="ann")
    told = export(catalogue, tmp_path / "told", ExportOptions(format)).left_out
    assert told == (*silent, "notes on individuals (1): a backup keeps them")
