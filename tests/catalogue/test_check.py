"""What ``check`` finds, and what it puts right."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from resight.catalogue import Catalogue, Finding, plan_folders


@pytest.fixture
def filled(catalogue: Catalogue, herd: Path) -> Catalogue:
    list(catalogue.add(plan_folders(herd), actor="ann"))
    return catalogue


def meddle(catalogue: Catalogue, *statements: str) -> None:
    """What only somebody with another program can do."""
    connection = sqlite3.connect(catalogue.folder / "catalogue.sqlite")
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def only(catalogue: Catalogue, **how: bool) -> Finding:
    (finding,) = catalogue.check(**how)
    return finding


def test_a_missing_original_is_an_error(filled: Catalogue) -> None:
    filled.original("Crush/1.png").unlink()
    finding = only(filled, quick=True)
    assert finding.severity == "error"
    assert "Crush/1.png" in finding.subject
    assert "missing" in finding.message
    assert not only(filled, repair=True).repaired


def test_a_changed_original_is_an_error(filled: Catalogue) -> None:
    original = filled.original("Crush/1.png")
    data = bytearray(original.read_bytes())
    data[-1] ^= 1
    original.chmod(0o644)
    original.write_bytes(data)
    assert list(filled.check(quick=True)) == []  # of the same size: only a full check sees it
    assert "is damaged" in only(filled).message
    original.write_bytes(data[:-1])
    assert "is damaged" in only(filled, quick=True).message


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "UPDATE annotations SET side = 'left' WHERE individual = 'Squirt'",
            "not what the decisions",
        ),
        ("UPDATE annotations SET individual_key = 'x' WHERE individual = 'Squirt'", "indexed"),
        ("DELETE FROM annotations WHERE individual = 'Squirt'", "not what the decisions"),
        (
            "INSERT INTO changes (decision, annotation, before, after) VALUES (1, 'x', '{}', '{}')",
            "starts elsewhere",
        ),
    ],
)
def test_a_state_that_decisions_do_not_add_up_to_is_an_error(
    filled: Catalogue, statement: str, message: str
) -> None:
    meddle(filled, statement)
    errors = [f for f in filled.check() if f.severity == "error"]
    assert message in errors[0].message


def test_broken_rules_are_errors(filled: Catalogue) -> None:
    meddle(filled, "UPDATE annotations SET encounter = 'dive 1', individual_key = 'same'")
    subjects = {f.subject for f in filled.check() if f.severity == "error"}
    assert {"encounter dive 1", "individual same"} <= subjects


def test_a_broken_reference_is_an_error(filled: Catalogue) -> None:
    meddle(filled, "DELETE FROM photos WHERE name = 'Squirt/3.png'")
    messages = [f.message for f in filled.check() if f.severity == "error"]
    assert any("refers to a row of photos" in message for message in messages)


def test_a_damaged_database_is_an_error(filled: Catalogue) -> None:
    filled.close()
    file = filled.folder / "catalogue.sqlite"
    data = bytearray(file.read_bytes())
    # The first page, which holds the schema, stays whole.
    data[4096:] = bytes(len(data) - 4096)
    file.write_bytes(data)
    severities = {finding.severity for finding in filled.check()}
    assert severities == {"error"}


def test_files_nobody_knows_are_kept_aside(filled: Catalogue, herd: Path) -> None:
    stray = filled.folder / "originals" / "ab" / "note.txt"
    stray.parent.mkdir(exist_ok=True)
    stray.write_text("mine")
    finding = only(filled)
    assert (finding.severity, finding.repaired) == ("warning", False)
    assert stray.exists()
    assert only(filled, repair=True).repaired
    assert (filled.folder / "leftovers" / "note.txt").read_text() == "mine"
    assert list(filled.check()) == []


def test_two_strays_of_one_name_are_both_kept(filled: Catalogue) -> None:
    for text in ("one", "two"):
        stray = filled.folder / "originals" / "ab" / "note.txt"
        stray.parent.mkdir(exist_ok=True)
        stray.write_text(text)
        list(filled.check(repair=True))
    kept = sorted(path.read_text() for path in (filled.folder / "leftovers").iterdir())
    assert kept == ["one", "two"]


def test_copies_of_crashed_imports_are_removed(filled: Catalogue, herd: Path) -> None:
    left = filled.folder / "incoming" / "0123456789abcdef"
    left.mkdir()
    shutil.copy(herd / "Crush" / "1.png", left / "copy")
    assert only(filled).severity == "info"
    assert left.exists()
    # The next import removes them too.
    list(filled.add(plan_folders(herd), actor="ann"))
    assert not left.exists()


def test_copies_of_a_running_import_are_let_be(filled: Catalogue, herd: Path) -> None:
    run = filled.add(plan_folders(herd), actor="ann")
    next(run)
    with Catalogue.open(filled.folder) as other:
        assert list(other.check(repair=True)) == []
        assert len(list(other.add(plan_folders(herd), actor="bob"))) == 4
    assert len(list(run)) == 3


def test_an_interrupted_purge_is_finished(filled: Catalogue, herd: Path) -> None:
    original = filled.original("Crush/1.png")
    filled.purge("Crush/1.png", confirm="1.png", actor="ann")
    shutil.copy(herd / "Crush" / "1.png", original)
    assert "purged" in only(filled).message
    assert only(filled, repair=True).repaired
    assert not original.exists()
    assert list(filled.check()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_an_original_nobody_may_read_is_an_error(filled: Catalogue) -> None:
    filled.original("Crush/1.png").chmod(0)
    assert "cannot be read" in only(filled).message
