"""What is exported is read back as it was, as far as a format can hold it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resight.catalogue import AnnotationRecord, ImportPlan, plan_csv
from resight.catalogue.cells import guarded, unguarded
from resight.formats import Reading, camtrap, plan_source, table, wildbook
from resight.formats.places import coarsened
from resight.formats.sheets import sheet_bytes

from .made import records, said

LISTS = st.lists(records(), min_size=1, max_size=4, unique_by=lambda each: each.id)
relaxed = settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def facts(plan: ImportPlan) -> list[dict[str, object]]:
    assert plan.bad == ()
    return [said(photo) for photo in plan.photos]


@given(st.text())
def test_guarding_text_loses_nothing(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not re.match(r"\s*[=+\-@]|[\t\r\n]", guarded(text))


@relaxed
@given(made=LISTS)
def test_csv(made: list[AnnotationRecord], tmp_path: Path) -> None:
    file = tmp_path / "turtles.csv"
    file.write_bytes(table.to_csv(made))
    plan = plan_csv(file)
    assert facts(plan) == [said(each) for each in made]
    assert [photo.path for photo in plan.photos] == [
        tmp_path / table.original_path(each) for each in made
    ]
    assert plan.warnings == ()


@relaxed
@given(made=LISTS)
def test_json(made: list[AnnotationRecord], tmp_path: Path) -> None:
    file = tmp_path / "turtles.json"
    file.write_bytes(table.to_json(made, precise=True))
    assert facts(plan_source(file, Reading())) == [said(each) for each in made]


@relaxed
@given(made=LISTS)
def test_camtrap_dp(made: list[AnnotationRecord], tmp_path: Path) -> None:
    package = camtrap.to_package(made, title="Turtles", creator="Ann", precise=True)
    for name, data in package.files.items():
        (tmp_path / name).write_bytes(data)
    assert len(package.written) + sum(package.left_out.values()) == len(made)
    if package.written:
        assert facts(plan_source(tmp_path, Reading())) == [said(each) for each in package.written]


@relaxed
@given(first=records(), second=records())
def test_camtrap_dp_of_two_animals_in_a_photo(
    first: AnnotationRecord, second: AnnotationRecord, tmp_path: Path
) -> None:
    """Place and position may be another for each, though a photo has one deployment."""
    made = [first, replace(second, id="f" * 16, photo=first.photo, name=first.name)]
    package = camtrap.to_package(made, title="Turtles", creator="Ann", precise=True)
    for name, data in package.files.items():
        (tmp_path / name).write_bytes(data)
    if package.written:
        assert facts(plan_source(tmp_path, Reading())) == [said(each) for each in package.written]


@relaxed
@given(made=LISTS)
def test_nothing_in_a_table_is_run(made: list[AnnotationRecord]) -> None:
    package = camtrap.to_package(made, title="Turtles", creator="Ann", precise=True)
    tables = [table.to_csv(made), *(v for k, v in package.files.items() if k.endswith(".csv"))]
    for data in tables:
        for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")):
            for cell in row:
                number = re.fullmatch(r"-?[0-9.]+(e[+-]?[0-9]+)?", cell)
                assert number or not re.match(r"\s*[=+\-@]|[\t\r\n]", cell)
    book = openpyxl.load_workbook(io.BytesIO(wildbook.to_sheet(made)))
    assert {cell.data_type for row in book.active.iter_rows() for cell in row} <= {"s", "n"}


@relaxed
@given(made=LISTS)
def test_wildbook_keeps_who_when_and_where(made: list[AnnotationRecord], tmp_path: Path) -> None:
    file = tmp_path / "bulk.xlsx"
    file.write_bytes(wildbook.to_sheet(made))
    plan = plan_source(file, Reading())
    assert plan.bad == ()
    read = {photo.name: photo for photo in plan.photos}
    for each in made:
        photo = read[wildbook.photo_name(each)]
        group = next(group for group in wildbook.encounters_of(made) if each in group)
        assert photo.identity == readable(each.individual)
        assert photo.side == each.side
        assert photo.place == readable(next((one.place for one in group if one.place), ""))
        if len(group) == 1:
            where = each.position or each.photo.place
            assert (photo.position or ()) == pytest.approx(where or (), abs=1e-9)
            when = each.date or str(each.photo.taken_at or "").replace(" ", "T")
            assert photo.date[:16] == when[:16]  # to the minute


def readable(text: str) -> str:
    """Text as a workbook can hold it, whose XML has no such characters."""
    return re.sub("[\ufffe\uffff]", "\ufffd", text)


@relaxed
@given(made=LISTS)
def test_positions_are_coarse(made: list[AnnotationRecord]) -> None:
    for each in json.loads(table.to_json(coarsened(made), precise=False))["annotations"]:
        for field in ("latitude", "longitude", "camera_latitude", "camera_longitude"):
            value = each.get(field, 0.0)
            assert value == round(value, 1)


@pytest.mark.parametrize("rows", [[{"a": "\x01x\ud800"}], [{}]])
def test_a_sheet_holds_what_xml_cannot(rows: Sequence[dict[str, object]]) -> None:
    book = openpyxl.load_workbook(io.BytesIO(sheet_bytes(["a"], rows)))
    assert [cell.value for cell in book.active["A"]] in (["a", "\ufffdx\ufffd"], ["a"])
