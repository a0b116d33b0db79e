"""Corrected boxes, marks of reviews, notes, merges and splits: decisions like all others."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from resight.catalogue import Catalogue, ImportPlan, PlannedPhoto, plan_folders
from resight.catalogue.snapshot import State
from resight.errors import BadFact, Conflict, NotFound, Outdated
from resight.types import Box

from .conftest import Draw


@pytest.fixture
def ids(catalogue: Catalogue, herd: Path) -> list[str]:
    """Two annotations of Crush, one of Squirt, one of nobody."""
    outcomes = list(catalogue.add(plan_folders(herd), actor="ann"))
    return [each.annotation for each in sorted(outcomes, key=lambda each: each.source)]


def planned(path: Path, **said: object) -> ImportPlan:
    photo = PlannedPhoto(path, str(path), path.name, **said)  # type: ignore[arg-type]
    return ImportPlan("a table", (photo,))


def boxed(catalogue: Catalogue, draw: Draw, folder: Path) -> tuple[str, ImportPlan]:
    plan = planned(draw(folder / "5.png", 5), identity="Crush", box=Box(1, 2, 20, 10), rotation=5)
    (outcome,) = catalogue.add(plan, actor="ann")
    return outcome.annotation, plan


# Boxes


def test_a_corrected_box_is_known_again_by_what_it_was(
    catalogue: Catalogue, draw: Draw, tmp_path: Path
) -> None:
    id, plan = boxed(catalogue, draw, tmp_path)
    catalogue.describe([id], box=Box(3, 4, 10, 10), rotation=90, actor="ann")
    (again,) = catalogue.add(plan, actor="ann")
    assert (again.status, again.annotation) == ("already", id)
    named = replace(plan, photos=(replace(plan.photos[0], side="left"),))
    (filled,) = catalogue.add(named, actor="ann")
    assert (filled.status, filled.annotation) == ("updated", id)
    (record,) = catalogue.annotations([id])
    assert (record.box, record.rotation, record.side) == (Box(3, 4, 10, 10), 90, "left")


def test_another_box_of_a_photo_with_a_corrected_one_is_another_animal(
    catalogue: Catalogue, draw: Draw, tmp_path: Path
) -> None:
    id, plan = boxed(catalogue, draw, tmp_path)
    catalogue.describe([id], box=Box(3, 4, 10, 10), actor="ann")
    other = replace(plan, photos=(replace(plan.photos[0], box=Box(30, 2, 10, 10), identity="B"),))
    (added,) = catalogue.add(other, actor="ann")
    assert added.status == "added"
    with pytest.raises(Conflict, match="of the same box"):
        catalogue.describe([added.annotation], box=Box(3, 4, 10, 10), actor="ann")


def test_a_box_drawn_on_a_whole_photo_is_kept_when_that_is_added_again(
    catalogue: Catalogue, herd: Path, ids: list[str]
) -> None:
    catalogue.describe(ids[:1], box=Box(1, 1, 20, 20), actor="ann")
    outcomes = list(catalogue.add(plan_folders(herd), actor="ann"))
    assert {each.status for each in outcomes} == {"already"}
    assert len(catalogue.annotations()) == 4
    catalogue.describe(ids[:1], box="", actor="ann")
    assert catalogue.annotations(ids[:1])[0].box is None


def test_a_box_off_the_photo_is_refused(catalogue: Catalogue, ids: list[str]) -> None:
    with pytest.raises(BadFact, match="lies off the 48 x 32 photo"):
        catalogue.describe(ids[:1], box=Box(100, 0, 5, 5), actor="ann")
    with pytest.raises(BadFact, match="no area"):
        catalogue.describe(ids[:1], box=Box(0, 0, 0, 5), actor="ann")
    with pytest.raises(BadFact, match="rotation"):
        catalogue.describe(ids[:1], rotation=float("nan"), actor="ann")


def test_another_part_of_a_photo_is_described_anew(catalogue: Catalogue, ids: list[str]) -> None:
    before = {each.annotation: each.described for each in catalogue.entries()}
    catalogue.describe(ids[:1], box=Box(1, 1, 20, 20), actor="ann")
    after = {each.annotation: each.described for each in catalogue.entries()}
    assert {id for id in before if before[id] != after[id]} == {ids[0]}
    catalogue.undo(actor="ann")
    assert {each.annotation: each.described for each in catalogue.entries()} == before


# Marks and versions


def test_a_mark_stays_until_somebody_says_who_it_is(catalogue: Catalogue, ids: list[str]) -> None:
    marked = catalogue.mark(ids[3:], "unsure", actor="ann", note="blurred")
    assert (marked.kind, marked.note) == ("unsure", "blurred")
    assert catalogue.annotations(ids[3:])[0].review == "unsure"
    catalogue.assign(ids[3:], "Bruce", actor="bob")
    assert catalogue.annotations(ids[3:])[0].review == ""
    catalogue.undo(actor="bob")
    assert catalogue.annotations(ids[3:])[0].review == "unsure"
    with pytest.raises(BadFact, match="'perhaps'"):
        catalogue.mark(ids[3:], "perhaps", actor="ann")
    assert list(catalogue.check()) == []


def test_a_decision_on_an_older_version_is_refused_whole(
    catalogue: Catalogue, ids: list[str]
) -> None:
    seen = {each.id: each.version for each in catalogue.annotations(ids)}
    catalogue.assign(ids[3:], "Bruce", actor="ann")
    count = catalogue.count_decisions()
    with pytest.raises(Outdated, match=ids[3]):
        catalogue.assign(ids[2:], "Dory", actor="bob", seen=seen)
    with pytest.raises(Outdated):
        catalogue.hide(ids[3:], actor="bob", seen=seen)
    catalogue.undo(actor="ann")
    with pytest.raises(Outdated):  # it is as it was, but not untouched
        catalogue.describe(ids[3:], side="left", actor="bob", seen=seen)
    assert catalogue.count_decisions() == count + 1


def test_a_fresh_name_is_nobodys(catalogue: Catalogue, ids: list[str]) -> None:
    with pytest.raises(Conflict, match="'Crush' already"):
        catalogue.assign(ids[3:], "Crush", actor="ann", fresh=True)
    catalogue.assign(ids[3:], "Bruce", actor="ann", fresh=True)


# Individuals


def test_notes_are_changed_and_taken_back(catalogue: Catalogue, ids: list[str]) -> None:
    of = catalogue.individuals
    first = of.version("Crush")
    of.note("Crush", "a scar", actor="ann", seen=first)
    with pytest.raises(Outdated):
        of.note("Crush", "no scar", actor="bob", seen=first)
    assert catalogue.now().notes == {"Crush": "a scar"}
    of.note("Crush", "two scars", actor="bob")
    catalogue.undo(actor="bob")
    assert catalogue.now().notes == {"Crush": "a scar"}
    assert [each.kind for each in catalogue.decisions(touching=[], individual="Crush")] == [
        "undo", "note", "note",
    ]  # fmt: skip
    with pytest.raises(NotFound):
        of.note("Nobody", "x", actor="ann")
    assert list(catalogue.check()) == []


def test_a_merge_moves_photos_and_notes_and_can_be_taken_back(
    catalogue: Catalogue, ids: list[str]
) -> None:
    of = catalogue.individuals
    of.note("Crush", "a scar", actor="ann")
    of.note("Squirt", "small", actor="ann")
    before = catalogue.now()
    would = of.would_merge("Squirt", "Crush")
    assert catalogue.now() is before
    merged = of.merge("Squirt", "Crush", actor="ann")
    assert [change.annotation for change in would] == [
        change.annotation for change in catalogue.changes(merged.id)
    ]
    assert catalogue.now().notes == {"Crush": "a scar\n\nSquirt: small"}
    assert [each.individual for each in catalogue.annotations(ids)] == ["Crush"] * 3 + [""]
    catalogue.assign(ids[3:], "Crush", actor="bob")
    catalogue.undo(merged.id, actor="ann")
    assert [each.individual for each in catalogue.annotations(ids)] == [
        "Crush", "Crush", "Squirt", "Crush",
    ]  # fmt: skip
    assert catalogue.now().notes == before.notes
    with pytest.raises(Conflict, match="with itself"):
        of.merge("Crush", "Crush", actor="ann")
    with pytest.raises(NotFound):
        of.would_merge("Crush", "Nobody")
    assert list(catalogue.check()) == []


def test_another_name_for_an_animal_answers_no_question(
    catalogue: Catalogue, ids: list[str]
) -> None:
    (one,) = [each for each in ids if catalogue.annotations([each])[0].individual == "Squirt"]
    catalogue.mark([one], "second_opinion", actor="ann")
    catalogue.individuals.rename("Squirt", "Nemo", actor="ann")
    (record,) = catalogue.annotations([one])
    assert (record.individual, record.review) == ("Nemo", "second_opinion")


def test_a_rename_takes_no_name_that_somebody_has(catalogue: Catalogue, ids: list[str]) -> None:
    of = catalogue.individuals
    with pytest.raises(Conflict, match="merge them"):
        of.rename("Squirt", "Crush", actor="ann")
    with pytest.raises(Conflict, match="case or spacing"):
        of.rename("Squirt", "crush", actor="ann")
    of.rename("Crush", "CRUSH", actor="ann")
    assert [each.name for each in catalogue.list()] == ["CRUSH", "Squirt"]


def test_a_split_leaves_something_and_takes_what_is_there(
    catalogue: Catalogue, ids: list[str]
) -> None:
    of = catalogue.individuals
    with pytest.raises(Conflict, match="nothing would be left"):
        of.split("Crush", ids[:2], "Dory", actor="ann")
    with pytest.raises(Conflict, match="is not of 'Crush'"):
        of.split("Crush", ids[2:3], "Dory", actor="ann")
    with pytest.raises(Conflict, match="'Squirt' already"):
        of.would_split("Crush", ids[:1], "Squirt")
    assert of.split("Crush", ids[:1], "Dory", actor="ann").annotations == 1
    assert catalogue.annotations(ids[:1])[0].individual == "Dory"


def test_a_split_of_a_part_of_an_encounter_is_one_decision(
    catalogue: Catalogue, ids: list[str]
) -> None:
    catalogue.describe(ids[:2], encounter="dive 1", actor="ann")
    catalogue.describe(ids[2:3], encounter="dive 1 (Dory)", actor="ann")
    before = catalogue.annotations()
    decision = catalogue.individuals.split("Crush", ids[:1], "Dory", actor="ann")
    left, stayed = catalogue.annotations(ids[:2])
    assert (left.individual, left.encounter) == ("Dory", "dive 1 (Dory 2)")
    assert (stayed.individual, stayed.encounter) == ("Crush", "dive 1")
    catalogue.undo(decision.id, actor="ann")
    assert catalogue.annotations() == before


def test_notes_that_no_decision_made_are_found(catalogue: Catalogue, ids: list[str]) -> None:
    database = sqlite3.connect(catalogue.folder / "catalogue.sqlite")
    with database:
        database.execute("INSERT INTO individuals VALUES ('Crush', 'forged')")
    database.close()
    (finding,) = catalogue.check()
    assert (finding.severity, finding.subject) == ("error", "individual Crush")


# In memory


def test_memory_holds_what_the_tables_hold(catalogue: Catalogue, ids: list[str]) -> None:
    with Catalogue.open(catalogue.folder) as other:

        def same() -> State:
            state = catalogue.now()
            assert sorted(state.annotations) == sorted(each.id for each in other.annotations())
            for record in other.annotations():
                assert state.annotations[record.id] == record
                assert state.annotations[record.id].version == record.version
            return state

        first = same()
        assert catalogue.now() is first
        other.assign(ids[3:], "Bruce", actor="bob")
        other.individuals.note("Bruce", "new", actor="bob")
        assert same().notes == {"Bruce": "new"}
        other.hide(ids[:1], actor="bob")
        same()
        photo = other.annotations(ids[1:2])[0].photo.sha256
        other.purge(photo, confirm=photo, actor="bob")
        same()


# Pictures


def test_pictures_are_made_once_and_go_with_their_photo(
    catalogue: Catalogue, draw: Draw, tmp_path: Path
) -> None:
    (outcome,) = catalogue.add(planned(draw(tmp_path / "big.png", 1, (900, 600))), actor="ann")
    (record,) = catalogue.annotations([outcome.annotation])
    made = catalogue.pictures.picture(record.photo, 500)
    assert catalogue.pictures.picture(record.photo, 640) == made
    catalogue.pictures.chip(record, 200)
    folder = catalogue.folder / "features" / "pictures"
    assert len(list(folder.rglob("*.jpg"))) == 2
    catalogue.purge(record.photo.sha256, confirm=record.photo.sha256, actor="ann")
    assert list(folder.rglob("*.jpg")) == []
