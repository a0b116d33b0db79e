"""Decisions: assigned, hidden, undone, purged, and the log that keeps them."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from resight.catalogue import Catalogue, Decision, ImportPlan, PlannedPhoto, plan_folders
from resight.errors import CatalogueError, Conflict, NotFound

Draw = Callable[..., Path]


@pytest.fixture
def ids(catalogue: Catalogue, herd: Path) -> list[str]:
    """Annotations: two of Crush, one of Squirt, one of nobody known."""
    return [outcome.annotation for outcome in catalogue.add(plan_folders(herd), actor="ann")]


def names(catalogue: Catalogue, ids: list[str]) -> list[str]:
    return [record.individual for record in catalogue.annotations(ids)]


def test_assigning_says_who_and_is_kept(catalogue: Catalogue, ids: list[str]) -> None:
    decision = catalogue.assign(
        ids[2:], " Bruce ", actor="bob", note="scar on the neck", identification="sift: 0.93"
    )
    assert names(catalogue, ids) == ["Crush", "Crush", "Bruce", "Bruce"]
    assert (decision.kind, decision.actor, decision.annotations) == ("assign", "bob", 2)
    assert (decision.note, decision.identification) == ("scar on the neck", "sift: 0.93")
    assert {
        (c.annotation, c.before["individual"]) for c in catalogue.changes(decision.id) if c.before
    } == {
        (ids[2], "Squirt"),
        (ids[3], ""),
    }
    assert catalogue.decisions()[0] == decision


def test_nobody_can_be_assigned(catalogue: Catalogue, ids: list[str]) -> None:
    catalogue.assign(ids[:1], None, actor="bob")
    catalogue.assign(ids[1:2], "Unknown", actor="bob")
    assert names(catalogue, ids) == ["", "", "Squirt", ""]
    assert [entry.annotation for entry in catalogue.entries()] == [ids[2]]


@pytest.mark.parametrize("blank", ["", "   ", "\t"])
def test_a_blank_name_wipes_nothing(catalogue: Catalogue, ids: list[str], blank: str) -> None:
    with pytest.raises(CatalogueError, match="write `unknown` to clear"):
        catalogue.assign(ids[:1], blank, actor="bob")
    assert names(catalogue, ids)[0] == "Crush"
    assert len(catalogue.decisions()) == 1


def test_confirming_is_a_decision(catalogue: Catalogue, ids: list[str]) -> None:
    decision = catalogue.assign(ids[:1], "Crush", actor="bob")
    assert decision.annotations == 1
    assert catalogue.show(ids[0]).decisions[0].actor == "bob"


def test_an_unknown_annotation_is_refused_whole(catalogue: Catalogue, ids: list[str]) -> None:
    with pytest.raises(NotFound, match="'nobody'"):
        catalogue.assign([ids[0], "nobody"], "Bruce", actor="bob")
    assert names(catalogue, ids)[0] == "Crush"
    assert len(catalogue.decisions()) == 1
    with pytest.raises(CatalogueError, match="no annotation given"):
        catalogue.assign([], "Bruce", actor="bob")
    with pytest.raises(CatalogueError, match="control"):
        catalogue.assign(ids[:1], "a\nb", actor="bob")


def test_a_second_spelling_of_a_name_is_refused(catalogue: Catalogue, ids: list[str]) -> None:
    with pytest.raises(Conflict, match="'Crush'"):
        catalogue.assign(ids[2:3], "CRUSH", actor="bob")
    # Once nobody bears the old spelling, the new one is free.
    catalogue.assign(ids[:2], "CRUSH", actor="bob")
    assert names(catalogue, ids)[:2] == ["CRUSH", "CRUSH"]


def test_an_encounter_is_assigned_whole(catalogue: Catalogue, draw: Draw, tmp_path: Path) -> None:
    photos = tuple(
        PlannedPhoto(
            draw(tmp_path / f"{n}.png", n), str(n), f"{n}.png", "Crush", encounter="dive 1"
        )
        for n in range(2)
    )
    ids = [o.annotation for o in catalogue.add(ImportPlan("test", photos), actor="ann")]
    with pytest.raises(Conflict, match="'dive 1' would hold 'Bruce' and 'Crush'"):
        catalogue.assign(ids[:1], "Bruce", actor="bob")
    catalogue.assign(ids, "Bruce", actor="bob")
    assert names(catalogue, ids) == ["Bruce", "Bruce"]
    catalogue.assign(ids[:1], None, actor="bob")
    assert names(catalogue, ids) == ["", "Bruce"]


def test_describing_corrects_what_is_given_and_nothing_else(
    catalogue: Catalogue, ids: list[str]
) -> None:
    catalogue.describe(ids[:2], side="L", encounter=" dive 1 ", place="Bonaire", actor="ann")
    before = catalogue.annotations(ids)
    decision = catalogue.describe(
        ids[:1], side="Right", date="20210503", species="Chelonia mydas", actor="bob", note="slip"
    )
    assert (decision.kind, decision.actor, decision.note) == ("describe", "bob", "slip")
    assert catalogue.annotations(ids) == (
        replace(before[0], side="right", date="2021-05-03", species="Chelonia mydas"),
        *before[1:],
    )
    assert (before[0].side, before[0].encounter, before[0].place) == ("left", "dive 1", "Bonaire")
    assert catalogue.show(ids[0]).decisions[0] == decision
    catalogue.undo(actor="bob")
    assert catalogue.annotations(ids) == before


def test_an_empty_fact_is_one_not_known(catalogue: Catalogue, ids: list[str]) -> None:
    before = catalogue.annotations(ids)
    facts: dict[str, Any] = {
        "side": "top",
        "encounter": "dive 1",
        "species": "x",
        "date": "2021",
        "place": "reef",
    }
    catalogue.describe(ids[:1], **facts, actor="ann")
    cleared: dict[str, Any] = dict.fromkeys(facts, "")
    catalogue.describe(ids[:1], **cleared, actor="ann")
    assert catalogue.annotations(ids) == before


def test_what_cannot_be_described_is_refused_whole(catalogue: Catalogue, ids: list[str]) -> None:
    with pytest.raises(CatalogueError, match="'lefft'"):
        catalogue.describe(ids, place="reef", side="lefft", actor="ann")
    with pytest.raises(CatalogueError, match="'yesterday' is not ISO"):
        catalogue.describe(ids, place="reef", date="yesterday", actor="ann")
    with pytest.raises(CatalogueError, match="no fact given"):
        catalogue.describe(ids, actor="ann")
    with pytest.raises(CatalogueError, match="no annotation given"):
        catalogue.describe([], side="left", actor="ann")
    with pytest.raises(NotFound, match="'nobody'"):
        catalogue.describe([*ids, "nobody"], side="left", actor="ann")
    with pytest.raises(Conflict, match="'dive 1' would hold 'Crush' and 'Squirt'"):
        catalogue.describe(ids[1:3], encounter="dive 1", actor="ann")
    assert len(catalogue.decisions()) == 1


def test_a_table_that_says_what_was_corrected_is_a_conflict(
    catalogue: Catalogue, draw: Draw, tmp_path: Path
) -> None:
    photo = PlannedPhoto(draw(tmp_path / "1.png", 1), "1", "1.png", "Crush", side="left")
    (added,) = catalogue.add(ImportPlan("test", (photo,)), actor="ann")
    catalogue.describe([added.annotation], side="right", actor="ann")
    (again,) = catalogue.add(ImportPlan("test", (photo,)), actor="ann")
    assert (again.status, again.annotation) == ("conflict", "")
    assert catalogue.annotations()[0].side == "right"


def test_undo_takes_back_the_last_and_again_the_one_before(
    catalogue: Catalogue, ids: list[str]
) -> None:
    catalogue.assign(ids[:1], "Bruce", actor="bob")
    catalogue.assign(ids[:1], "Dory", actor="bob")
    assert catalogue.undo(actor="bob").undoes == 3
    assert names(catalogue, ids)[0] == "Bruce"
    assert catalogue.undo(actor="bob").undoes == 2
    assert names(catalogue, ids)[0] == "Crush"
    assert [d.undone for d in catalogue.decisions()] == [False, False, True, True, False]


def test_undoing_an_undo_does_it_again(catalogue: Catalogue, ids: list[str]) -> None:
    catalogue.assign(ids[:1], "Bruce", actor="bob")
    undone = catalogue.undo(actor="bob")
    catalogue.undo(undone.id, actor="bob")
    assert names(catalogue, ids)[0] == "Bruce"
    assert not catalogue.decision(2).undone
    with pytest.raises(Conflict, match="undone already"):
        catalogue.undo(undone.id, actor="bob")
    catalogue.undo(2, actor="bob")
    assert names(catalogue, ids)[0] == "Crush"


def test_what_others_build_on_is_not_undone(catalogue: Catalogue, ids: list[str]) -> None:
    first = catalogue.assign(ids[:2], "Bruce", actor="bob")
    catalogue.assign(ids[:1], "Dory", actor="bob")
    with pytest.raises(Conflict, match="changed since"):
        catalogue.undo(first.id, actor="bob")
    assert names(catalogue, ids)[:2] == ["Dory", "Bruce"]


def test_undoing_an_import_takes_its_photos_out_and_redoing_brings_them_back(
    catalogue: Catalogue, ids: list[str]
) -> None:
    before = catalogue.annotations()
    undone = catalogue.undo(actor="bob")
    assert (catalogue.annotations(), catalogue.list()) == ((), ())
    assert [f.message[:16] for f in catalogue.check()] == ["4 are kept in no"]
    catalogue.undo(undone.id, actor="bob")
    assert catalogue.annotations() == before
    assert list(catalogue.check()) == []


def test_an_undone_import_can_be_made_again_otherwise(
    catalogue: Catalogue, herd: Path, ids: list[str]
) -> None:
    undone = catalogue.undo(actor="bob")
    (herd / "Crush").rename(herd / "Bruce")
    again = list(catalogue.add(plan_folders(herd), actor="bob"))
    assert [outcome.status for outcome in again] == ["added"] * 4
    assert [s.name for s in catalogue.list()] == ["Bruce", "Squirt"]
    with pytest.raises(Conflict, match="of the same box"):
        catalogue.undo(undone.id, actor="bob")


def test_nothing_to_undo(catalogue: Catalogue) -> None:
    with pytest.raises(NotFound, match="nothing to undo"):
        catalogue.undo(actor="bob")
    with pytest.raises(NotFound, match="no decision 7"):
        catalogue.undo(7, actor="bob")
    with pytest.raises(NotFound, match="no decision 7"):
        catalogue.decision(7)


def test_hidden_annotations_are_left_out_until_shown_again(
    catalogue: Catalogue, ids: list[str]
) -> None:
    decision = catalogue.hide(catalogue.find("Crush"), actor="bob")
    assert [(s.name, s.photos, s.hidden) for s in catalogue.list()] == [
        ("Crush", 0, 2),
        ("Squirt", 1, 0),
    ]
    assert decision is not None
    assert [entry.individual for entry in catalogue.entries()] == ["Squirt"]
    catalogue.hide(ids[:1], actor="bob", hidden=False)
    assert [entry.annotation for entry in catalogue.entries()] == [ids[0], ids[2]]
    with pytest.raises(Conflict):
        catalogue.undo(decision.id, actor="bob")
    catalogue.undo(actor="bob")
    catalogue.undo(decision.id, actor="bob")
    assert [s.hidden for s in catalogue.list()] == [0, 0]


def test_hiding_what_is_hidden_is_no_decision(catalogue: Catalogue, ids: list[str]) -> None:
    assert catalogue.hide(ids[:1], actor="bob", hidden=False) is None
    assert catalogue.hide(ids[:1], actor="bob") is not None
    assert catalogue.hide(ids[:1], actor="bob") is None
    both = catalogue.hide(ids[:2], actor="bob")
    assert both is not None
    assert [change.annotation for change in catalogue.changes(both.id)] == [ids[1]]
    assert [d.kind for d in catalogue.decisions()] == ["hide", "hide", "add"]


def test_what_was_decided_before_a_purge_is_undone_by_number_only(
    catalogue: Catalogue, ids: list[str]
) -> None:
    assigned = catalogue.assign(ids[:1], "Bruce", actor="bob")
    purge = catalogue.purge(ids[2], confirm="3.png", actor="bob").decision
    with pytest.raises(Conflict, match=f"decision {purge.id} is a purge.*give the number"):
        catalogue.undo(actor="bob")
    assert names(catalogue, ids[:1]) == ["Bruce"]
    assert catalogue.undo(assigned.id, actor="bob").undoes == assigned.id


def test_a_purge_is_named_logged_and_final(catalogue: Catalogue, ids: list[str]) -> None:
    original = catalogue.original(ids[2])
    with pytest.raises(Conflict, match=r"confirm with its name 'Squirt/3\.png'"):
        catalogue.purge(ids[2], confirm="1.png", actor="bob")
    assert original.exists()
    purged = catalogue.purge(ids[2], confirm="3.png", actor="bob", note="a diver's face")
    assert not original.exists()
    assert (purged.name, purged.annotations, purged.photo) == ("Squirt/3.png", 1, original.stem)
    assert (purged.decision.kind, purged.decision.note) == ("purge", "a diver's face")
    (change,) = catalogue.changes(purged.decision.id)
    assert change.before is not None
    assert (change.before["individual"], change.after) == ("Squirt", None)
    assert len(catalogue.annotations()) == 3
    with pytest.raises(Conflict, match="cannot be undone"):
        catalogue.undo(purged.decision.id, actor="bob")
    with pytest.raises(NotFound, match=f"purged by decision {purged.decision.id}"):
        catalogue.purge(purged.photo, confirm="3.png", actor="bob")
    with pytest.raises(Conflict, match="no longer there"):
        catalogue.undo(1, actor="bob")
    assert list(catalogue.check()) == []


def test_a_purged_photo_comes_back_only_on_demand(
    catalogue: Catalogue, herd: Path, ids: list[str]
) -> None:
    catalogue.purge("Squirt/3.png", confirm="Squirt/3.png", actor="bob")
    again = list(catalogue.add(plan_folders(herd), actor="ann"))
    assert [o.status for o in again] == ["already", "already", "conflict", "already"]
    assert "purged by decision 2" in again[2].reason
    assert "--even-purged" in again[2].reason
    taken = list(catalogue.add(plan_folders(herd), actor="ann", even_purged=True))
    assert taken[2].status == "added"
    assert catalogue.original(taken[2].annotation).exists()
    assert list(catalogue.check()) == []


def test_photos_of_an_undone_import_can_be_purged(catalogue: Catalogue, ids: list[str]) -> None:
    catalogue.undo(actor="bob")
    assert catalogue.purge("Crush/1.png", confirm="1.png", actor="bob").annotations == 0
    with pytest.raises(Conflict, match="was purged"):
        catalogue.undo(2, actor="bob")


@pytest.mark.parametrize("table", ["decisions", "changes", "purged"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET decision = 1"])
def test_the_log_refuses_to_be_changed(
    catalogue: Catalogue, ids: list[str], table: str, statement: str
) -> None:
    catalogue.purge(ids[0], confirm="1.png", actor="bob")
    statement = statement.format(table).replace("decisions SET decision", "decisions SET id")
    connection = sqlite3.connect(catalogue.folder / "catalogue.sqlite")
    try:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    finally:
        connection.close()


def test_things_are_found_by_name_id_sha256_and_file(catalogue: Catalogue, ids: list[str]) -> None:
    sha256 = catalogue.annotations(ids[:1])[0].photo.sha256
    assert set(catalogue.find("Crush")) == set(ids[:2])
    for what in (ids[0], ids[0][:12], sha256, sha256[:12], "Crush/1.png"):
        assert catalogue.find(what) == (ids[0],)
    with pytest.raises(NotFound, match="'Marlin'"):
        catalogue.find("Marlin")
    with pytest.raises(NotFound):
        catalogue.show("unknown")


def test_a_photo_is_found_without_its_folder_and_by_its_path(
    catalogue: Catalogue, herd: Path, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(herd.parent)
    for what in ("2.png", "herd/Crush/2.png", "./herd/Crush/2.png", str(herd / "Crush" / "2.png")):
        assert catalogue.find(what) == (ids[1],), what
        assert catalogue.original(what).read_bytes() == (herd / "Crush/2.png").read_bytes()
    (herd / "Crush" / "2.png").rename(herd / "renamed.png")
    assert catalogue.find("herd/renamed.png") == (ids[1],)


def test_a_file_here_is_not_taken_for_another_photo_of_its_name(
    catalogue: Catalogue,
    herd: Path,
    ids: list[str],
    draw: Draw,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    card = tmp_path / "card"
    draw(card / "1.png", 77)
    shutil.copy(herd / "Crush" / "2.png", card / "3.png")
    draw(herd / "Crush" / "3.png", 78)
    list(catalogue.add(plan_folders(herd), actor="ann"))
    monkeypatch.chdir(card)
    for what, said in {
        "1.png": "a file here that is not in the catalogue",
        "./1.png": "a file here that is not in the catalogue",
        "3.png": "the file here is Crush/2.png",
    }.items():
        for ask in (catalogue.find, catalogue.original):
            with pytest.raises(Conflict, match=said):
                ask(what)
        with pytest.raises(Conflict, match=said):
            catalogue.purge(what, confirm=what, actor="ann")
    sha256 = catalogue.annotations(ids[:1])[0].photo.sha256
    assert catalogue.find(sha256[:12]) == catalogue.find("Crush/1.png") == (ids[0],)
    shutil.copy(herd / "Crush" / "1.png", card / "1.png")
    assert catalogue.find("1.png") == (ids[0],)


@pytest.mark.parametrize(
    "what", ["rush/2.png", "png", ".png", "elsewhere/2.png", "2.PNG", "x" * 5000, "/", "", "a\0b"]
)
def test_part_of_a_name_or_another_folder_is_no_photo(
    catalogue: Catalogue, ids: list[str], what: str
) -> None:
    with pytest.raises(NotFound):
        catalogue.find(what)
    with pytest.raises(NotFound):
        catalogue.original(what)


def test_of_photos_of_one_name_none_is_chosen(
    catalogue: Catalogue, draw: Draw, tmp_path: Path
) -> None:
    for number in range(7):
        draw(tmp_path / "herd" / f"Turtle {number}" / "left.png", number)
    list(catalogue.add(plan_folders(tmp_path / "herd"), actor="ann"))
    for ask in (catalogue.find, catalogue.original):
        with pytest.raises(Conflict, match="could mean 7 photos") as caught:
            ask("left.png")
        assert "Turtle 4/left.png (" in str(caught.value)
        assert "Turtle 5/left.png" not in str(caught.value)
        assert "and 2 more: name one with its folder" in str(caught.value)
    assert catalogue.find("Turtle 6/left.png") != catalogue.find("Turtle 5/left.png")


def test_a_photo_of_that_name_that_is_shown_nowhere_is_in_nobodys_way(
    catalogue: Catalogue, draw: Draw, tmp_path: Path
) -> None:
    draw(tmp_path / "a" / "Crush" / "1.png", 1)
    draw(tmp_path / "b" / "Crush" / "1.png", 2)
    list(catalogue.add(plan_folders(tmp_path / "a"), actor="ann"))
    catalogue.undo(actor="ann")
    (added,) = catalogue.add(plan_folders(tmp_path / "b"), actor="ann")
    assert catalogue.find("1.png") == (added.annotation,)
    with pytest.raises(Conflict, match="2 photos"):
        catalogue.original("1.png")


def test_show_tells_the_whole_story(catalogue: Catalogue, ids: list[str]) -> None:
    catalogue.assign(ids[:1], "Bruce", actor="bob")
    catalogue.hide(ids[1:2], actor="eve")
    shown = catalogue.show("Bruce")
    assert [record.id for record in shown.annotations] == [ids[0]]
    assert [(d.kind, d.actor) for d in shown.decisions] == [("assign", "bob"), ("add", "ann")]


def test_the_list_counts(catalogue: Catalogue, draw: Draw, tmp_path: Path) -> None:
    base = PlannedPhoto(draw(tmp_path / "1.png", 1), "1", "1.png", "Crush")
    photos = (
        replace(base, side="left", date="2019-05-03", encounter="a"),
        replace(base, path=draw(tmp_path / "2.png", 2), side="left", date="2017", encounter="b"),
        replace(base, path=draw(tmp_path / "3.png", 3), side="right", date="2019-05-03T10:00:00"),
    )
    list(catalogue.add(ImportPlan("test", photos), actor="ann"))
    (summary,) = catalogue.list()
    assert (summary.annotations, summary.photos, summary.encounters) == (3, 3, 2)
    assert summary.sides == {"left": 2, "right": 1}
    assert (summary.first_seen, summary.last_seen) == ("2017", "2019-05-03")


def test_a_decision_is_in_utc(catalogue: Catalogue, ids: list[str]) -> None:
    decision: Decision = catalogue.decisions()[0]
    offset = decision.at.utcoffset()
    assert offset is not None
    assert offset.total_seconds() == 0


def test_the_gallery_is_read_again_only_after_a_decision(
    catalogue: Catalogue, ids: list[str]
) -> None:
    catalogue.assign(ids[:1], "Crush", actor="bob")
    before = catalogue.entries()
    assert catalogue.entries() is before
    with Catalogue.open(catalogue.folder) as another:
        another.assign(ids[1:2], "Bruce", actor="ann")
    assert "Bruce" in {entry.individual for entry in catalogue.entries()}


def test_an_add_is_not_taken_back_over_a_mark_made_since(catalogue: Catalogue, herd: Path) -> None:
    (first, *_) = list(catalogue.add(plan_folders(herd / "Crush"), actor="ann"))
    marked = catalogue.mark([first.annotation], "unsure", actor="ann")
    with pytest.raises(Conflict, match="undo that first"):
        catalogue.undo(marked.id - 1, actor="ann")


def test_notes_follow_who_is_renamed_or_merged_by_assigning_all_its_photos(
    catalogue: Catalogue, ids: list[str]
) -> None:
    individuals = catalogue.individuals
    before = catalogue.show("Crush")
    individuals.note("Crush", "tag GR-1234", actor="ann")
    catalogue.assign(ids[:1], "Bruce", actor="bob")
    assert catalogue.notes() == {"Crush": "tag GR-1234"}, "there is a photo of Crush left"
    made = catalogue.assign(ids[1:2], "Bruce", actor="bob")
    assert catalogue.notes() == {"Bruce": "tag GR-1234"}
    assert catalogue.show("Bruce").notes == {"Bruce": "tag GR-1234"}
    assert before.notes == {}
    catalogue.undo(made.id, actor="ann")
    assert catalogue.notes() == {"Crush": "tag GR-1234"}
    other = catalogue.annotations(ids[2:3])[0].individual
    individuals.note(other, "missing a toe", actor="ann")
    catalogue.assign(catalogue.find("Crush"), other, actor="bob")
    assert catalogue.notes() == {other: "missing a toe\n\nCrush: tag GR-1234"}
    assert list(catalogue.check()) == []


def test_what_is_in_the_way_of_an_undo_is_named(catalogue: Catalogue, ids: list[str]) -> None:
    first = catalogue.assign(ids[:1], "Bruce", actor="bob")
    second = catalogue.assign(ids[:1], "Dory", actor="bob")
    catalogue.describe(ids[:1], side="left", actor="bob")
    with pytest.raises(Conflict, match=f"from 'Bruce' to 'Dory', by decision {second.id}"):
        catalogue.undo(first.id, actor="bob")
    catalogue.undo(second.id, actor="bob")
    catalogue.undo(first.id, actor="bob")
    assert catalogue.annotations(ids[:1])[0].individual == "Crush"
