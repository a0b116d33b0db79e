"""What other programs get."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable

import pytest

from resight.service.desk import Desk

from .conftest import Browser


def test_the_catalogue_as_a_table(ann: Browser) -> None:
    answer = ann("GET", "/export", params={"format": "csv"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="catalogue.csv"' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == 12
    names = {each["name"] for each in ann.get("/individuals")["items"]}
    assert {row["identity"] for row in rows} - {""} == names


def test_several_files_come_in_one(ann: Browser) -> None:
    answer = ann("GET", "/export", params={"format": "capture-history"})
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert {name.rpartition(".")[2] for name in archive.namelist()} == {"inp", "csv"}


def test_cells_of_a_table_cannot_be_run(ann: Browser, desk: Desk) -> None:
    first = ann.get("/annotations")["items"][0]["id"]
    desk.catalogue.describe([first], place="=HYPERLINK(1)", actor="ann")
    answer = ann("GET", "/export", params={"format": "csv"})
    cells = [cell for row in csv.reader(io.StringIO(answer.text)) for cell in row]
    assert not [cell for cell in cells if cell.startswith("=")]


def test_precise_places_are_for_curators(as_role: Callable[[str], Browser]) -> None:
    precise = {"format": "json", "precise": True}
    assert as_role("reviewer")("GET", "/export", params=precise).status_code == 403
    answer = as_role("curator")("GET", "/export", params=precise)
    assert json.loads(answer.content)


@pytest.mark.parametrize("format", ["json", "wildbook"])
def test_formats_are_what_they_are_called(ann: Browser, format: str) -> None:
    answer = ann("GET", "/export", params={"format": format})
    assert answer.status_code == 200
    assert answer.content[:2] in (b"{\n", b"PK", b'{"')


def test_what_a_format_cannot_hold_is_said(ann: Browser) -> None:
    answer = ann("GET", "/export", params={"format": "camtrap-dp"})
    assert answer.status_code == 409
    assert "position" in answer.json()["detail"]
    assert ann("GET", "/export", params={"format": "pdf"}).status_code == 422
