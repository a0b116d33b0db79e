"""Suspicions that somebody dismissed: kept in the log like all that people say."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from resight.catalogue import Catalogue, Dismissal, plan_folders
from resight.errors import BadFact, Conflict, NotFound
from resight.masks import Mask
from resight.types import Box


@pytest.fixture
def ids(catalogue: Catalogue, herd: Path) -> list[str]:
    """Two annotations of Crush, one of Squirt, one of nobody."""
    outcomes = list(catalogue.add(plan_folders(herd), actor="ann"))
    return [each.annotation for each in sorted(outcomes, key=lambda each: each.source)]


def findings(catalogue: Catalogue) -> list[str]:
    return [each.message for each in catalogue.check() if each.severity != "info"]


def told_apart(ids: list[str]) -> Dismissal:
    return Dismissal(frozenset(ids[:2]), frozenset(ids[2:3]))


def test_two_told_apart_are_a_decision_about_all_their_photos(
    catalogue: Catalogue, ids: list[str]
) -> None:
    before = catalogue.annotations()
    decision = catalogue.individuals.tell_apart("Crush", "Squirt", actor="bo")
    assert (decision.kind, decision.actor, decision.annotations) == ("dismiss", "bo", 3)
    assert decision.note == "Crush and Squirt are different animals"
    assert catalogue.dismissals() == (told_apart(ids),)
    now = catalogue.annotations()
    assert [each.version for each in now] == [each.version for each in before]
    assert catalogue.show("Squirt").decisions[0] == decision
    assert findings(catalogue) == []


def test_undone_it_is_gone_and_done_again_it_is_back(catalogue: Catalogue, ids: list[str]) -> None:
    decision = catalogue.individuals.confirm("Crush", ids[:1], actor="bo")
    assert catalogue.dismissals() == (Dismissal(frozenset(ids[:1]), None),)
    undo = catalogue.undo(actor="bo")
    assert (undo.undoes, catalogue.dismissals()) == (decision.id, ())
    catalogue.undo(undo.id, actor="bo")
    assert catalogue.dismissals() == (Dismissal(frozenset(ids[:1]), None),)
    assert findings(catalogue) == []


def test_it_does_not_count_for_photos_that_changed(catalogue: Catalogue, ids: list[str]) -> None:
    catalogue.individuals.tell_apart("Crush", "Squirt", actor="bo")
    catalogue.describe(ids[:1], box=Box(1, 1, 20, 20), actor="bo")
    assert catalogue.dismissals() == (Dismissal(frozenset(ids[1:2]), frozenset(ids[2:3])),)
    catalogue.assign(ids[2:3], "Dory", actor="bo")
    assert catalogue.dismissals() == (Dismissal(frozenset(ids[1:2]), frozenset()),)
    catalogue.undo(actor="bo")
    catalogue.undo(actor="bo")
    assert catalogue.dismissals() == (told_apart(ids),)
    another = Mask.of(np.ones((1, 1), bool), Box(2, 2, 9, 9))
    catalogue.describe(ids[:1], mask=another, actor="bo")
    assert catalogue.dismissals() == (Dismissal(frozenset(ids[1:2]), frozenset(ids[2:3])),)


def test_it_outlives_another_name(catalogue: Catalogue, ids: list[str]) -> None:
    dismissed = catalogue.individuals.tell_apart("Crush", "Squirt", actor="bo")
    catalogue.individuals.rename("Crush", "Dory", actor="bo")
    assert catalogue.dismissals() == (told_apart(ids),)
    catalogue.undo(dismissed.id, actor="bo")  # what came later does not build on it
    assert catalogue.dismissals() == ()
    assert findings(catalogue) == []


def test_what_makes_no_sense_is_refused(catalogue: Catalogue, ids: list[str]) -> None:
    known = catalogue.individuals
    with pytest.raises(Conflict, match="itself"):
        known.tell_apart("Crush", "Crush", actor="bo")
    with pytest.raises(NotFound, match="Nemo"):
        known.tell_apart("Crush", "Nemo", actor="bo")
    with pytest.raises(Conflict, match="not of 'Crush'"):
        known.confirm("Crush", ids[2:3], actor="bo")
    with pytest.raises(BadFact, match="no annotation"):
        known.confirm("Crush", [], actor="bo")
    assert len(catalogue.decisions()) == 1


def test_check_finds_one_that_nobody_decided(catalogue: Catalogue, ids: list[str]) -> None:
    catalogue.individuals.confirm("Crush", ids[:1], actor="bo")
    with sqlite3.connect(catalogue.folder / "catalogue.sqlite") as database:
        database.execute("DELETE FROM dismissals")
    database.close()
    assert findings(catalogue) == ["what was said of suspicions is not what decisions add up to"]


def test_a_backup_keeps_it(catalogue: Catalogue, ids: list[str], tmp_path: Path) -> None:
    catalogue.individuals.tell_apart("Crush", "Squirt", actor="bo")
    archive = catalogue.backup(tmp_path / "b.zip").path
    with Catalogue.restore(archive, tmp_path / "restored") as restored:
        assert restored.dismissals() == (told_apart(ids),)


@pytest.fixture
def theirs(catalogue: Catalogue, ids: list[str], tmp_path: Path) -> Catalogue:
    """A colleague's copy."""
    archive = catalogue.backup(tmp_path / "b.zip").path
    return Catalogue.restore(archive, tmp_path / "theirs")


def test_a_merge_takes_it_over_and_undone_gives_it_back(
    catalogue: Catalogue, theirs: Catalogue, ids: list[str]
) -> None:
    with theirs:
        theirs.individuals.rename("Crush", "CRUSH", actor="cleo")
        theirs.individuals.tell_apart("CRUSH", "Squirt", actor="cleo")
        theirs.undo(theirs.decisions()[1].id, actor="cleo")  # the new spelling
        report = catalogue.merge(theirs.folder, actor="bo")
        assert (report.added, report.updated, report.conflicts) == (0, 0, ())
        assert catalogue.dismissals() == (told_apart(ids),)
        assert catalogue.merge(theirs.folder, actor="bo").decision is None
        assert report.decision
        catalogue.undo(report.decision.id, actor="bo")
        assert catalogue.dismissals() == ()
        catalogue.merge(theirs.folder, actor="bo")
        assert catalogue.dismissals() == (told_apart(ids),)
        theirs.undo(theirs.decisions()[1].id, actor="cleo")
        catalogue.merge(theirs.folder, actor="bo")
        assert catalogue.dismissals() == ()
        assert findings(catalogue) == []
