"""`resight sides`: proposals, and the table by which `resight add` takes them."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import pytest

from resight.testing import drawn_animals, write_photos

from .commands import PATTERN, Drawn, run

pytestmark = pytest.mark.usefixtures("usual_features")


@pytest.fixture
def half_known(tmp_path: Path) -> Path:
    """Ten animals of known sides and two of which only file names tell them."""

    animals, folder = drawn_animals(12), tmp_path / "it"
    for name, some in (("known", animals[:10]), ("new", animals[10:])):
        write_photos(
            tmp_path / name, some, days=[date(2021, 6, 1)], difficulty=0.2, size=(256, 192)
        )
    for command in (
        ("init", folder),
        ("add", tmp_path / "known", "--pattern", PATTERN, "-c", folder),
        ("add", tmp_path / "new", "--pattern", "{identity}/{date}-{_}", "-c", folder),
    ):
        made = run(*command)
        assert made.code == 0, made.err
    return folder


def test_a_table_of_proposals_fills_in_the_sides_as_one_decision(
    half_known: Path, tmp_path: Path
) -> None:
    table = tmp_path / "sides.csv"
    ran = run("sides", "--csv", table, "-c", half_known, "--json")
    assert ran.code == 0, ran.err
    assert "20 photos of 10 animals" in ran.err
    proposed = ran.json["proposed"]
    assert len(proposed) == 4
    for each in proposed:
        assert each["side"] in each["name"]
        assert each["probability"] >= 0.9
    rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))))
    assert [row["side"] for row in rows] == [each["side"] for each in proposed]

    added = run("add", table, "--photos", half_known, "-c", half_known, "--json")
    assert added.code == 0, added.err
    assert added.json["counts"]["updated"] == 4, added.out
    again = run("sides", "-c", half_known, "--json")
    assert again.json["proposed"] == []
    assert run("undo", "-c", half_known).code == 0
    assert len(run("sides", "-c", half_known, "--json").json["proposed"]) == 4


def test_too_few_known_sides_are_said(drawn: Drawn) -> None:
    ran = run("sides", "-c", drawn.catalogue)
    assert ran.code == 1
    assert "4 photos of 2 animals whose side is known (left 2, right 2) are too few" in ran.err
