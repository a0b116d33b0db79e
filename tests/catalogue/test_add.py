"""Adding photos."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from resight.catalogue import (
    AddOutcome,
    Catalogue,
    ImportPlan,
    PlannedPhoto,
    plan_csv,
    plan_folders,
)
from resight.catalogue.originals import sha256_of
from resight.types import Box, Place

Draw = Callable[..., Path]


def add(catalogue: Catalogue, *photos: PlannedPhoto) -> list[AddOutcome]:
    return list(catalogue.add(ImportPlan("test", photos), actor="ann"))


def plan(path: Path, identity: str = "", **facts: object) -> PlannedPhoto:
    return replace(PlannedPhoto(path, str(path), path.name, identity), **facts)  # type: ignore[arg-type]


def everything_in(folder: Path) -> dict[str, bytes]:
    # Without the locks of SQLite's readers, which are kept in shared memory.
    return {
        str(path): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".sqlite-shm"
    }


def test_photos_of_folders_are_added_byte_for_byte(catalogue: Catalogue, herd: Path) -> None:
    outcomes = list(catalogue.add(plan_folders(herd), actor="ann"))
    assert [outcome.status for outcome in outcomes] == ["added"] * 4
    assert [outcome.path for outcome in outcomes] == sorted(herd.rglob("*.png"))
    for outcome in outcomes:
        assert outcome.path is not None
        original = catalogue.original(outcome.annotation)
        assert original.read_bytes() == outcome.path.read_bytes()
        assert original.name == f"{sha256_of(outcome.path)}.png"
        assert stat.S_IMODE(original.stat().st_mode) == 0o444
    assert [(s.name, s.photos) for s in catalogue.list()] == [("Crush", 2), ("Squirt", 1)]
    unknown = catalogue.annotations([outcomes[3].annotation])[0]
    assert (unknown.individual, unknown.name) == ("", "unknown/4.png")
    assert list(catalogue.check()) == []


def test_a_run_is_one_decision(catalogue: Catalogue, herd: Path) -> None:
    list(catalogue.add(plan_folders(herd), actor="ann", note="trip 3"))
    (decision,) = catalogue.decisions()
    assert (decision.kind, decision.actor, decision.annotations) == ("add", "ann", 4)
    assert decision.note == f"trip 3 (from {herd})"


def test_repeating_a_run_changes_nothing(catalogue: Catalogue, herd: Path) -> None:
    first = list(catalogue.add(plan_folders(herd), actor="ann"))
    again = list(catalogue.add(plan_folders(herd), actor="ann"))
    assert [outcome.status for outcome in again] == ["already"] * 4
    assert [o.annotation for o in again] == [o.annotation for o in first]
    assert len(catalogue.decisions()) == 1


def test_a_run_that_was_stopped_is_continued(catalogue: Catalogue, herd: Path) -> None:
    started = catalogue.add(plan_folders(herd), actor="ann")
    assert next(started).status == "added"
    started.close()  # type: ignore[attr-defined]
    statuses = [outcome.status for outcome in catalogue.add(plan_folders(herd), actor="ann")]
    assert statuses[0] == "already"
    assert set(statuses) <= {"already", "added"}
    assert len(catalogue.annotations()) == 4
    assert list(catalogue.check()) == []


def test_the_same_photo_twice_is_one_photo(catalogue: Catalogue, herd: Path) -> None:
    shutil.copy(herd / "Crush" / "1.png", herd / "Crush" / "copy.png")
    outcomes = list(catalogue.add(plan_folders(herd), actor="ann"))
    assert [outcome.status for outcome in outcomes] == [
        "added",
        "added",
        "already",
        "added",
        "added",
    ]
    assert outcomes[2].annotation == outcomes[0].annotation


def test_the_same_photo_under_two_individuals_is_a_conflict(
    catalogue: Catalogue, herd: Path
) -> None:
    shutil.copy(herd / "Crush" / "1.png", herd / "Squirt" / "copy.png")
    outcomes = list(catalogue.add(plan_folders(herd), actor="ann"))
    assert [o.status for o in outcomes] == ["added", "added", "added", "conflict", "added"]
    assert outcomes[3].reason == (
        f"same bytes as {herd / 'Crush' / '1.png'}, added as 'Crush', but 'Squirt' here: keep one "
        "of the two files; to correct what was added, assign it"
    )
    again = list(catalogue.add(plan_folders(herd), actor="ann"))
    assert again[3].reason == (
        "the same photo has individual 'Crush' in the catalogue and 'Squirt' here: nothing was "
        "changed; if 'Squirt' is right, assign it"
    )
    assert [(s.name, s.photos) for s in catalogue.list()] == [("Crush", 2), ("Squirt", 1)]


def test_a_bad_file_is_reported_and_the_rest_goes_on(
    catalogue: Catalogue, herd: Path, tmp_path: Path
) -> None:
    (herd / "Crush" / "0.jpg").write_bytes(b"no photo")
    (herd / "Crush" / "1.jpg").write_bytes(b"")
    whole = (herd / "Crush" / "2.png").read_bytes()
    (herd / "Crush" / "3.png").write_bytes(whole[: len(whole) // 2])
    bad = add(catalogue, plan(tmp_path / "gone.png"))
    outcomes = bad + list(catalogue.add(plan_folders(herd), actor="ann"))
    assert {str(Path(*Path(o.source).parts[-2:])): o.status for o in outcomes} == {
        f"{tmp_path.name}/gone.png": "bad",
        "Crush/0.jpg": "bad",
        "Crush/1.jpg": "bad",
        "Crush/1.png": "added",
        "Crush/2.png": "added",
        "Crush/3.png": "bad",
        "Squirt/3.png": "added",
        "unknown/4.png": "added",
    }
    assert list(catalogue.check()) == []


def test_a_dry_run_says_what_would_happen_and_writes_nothing(
    catalogue: Catalogue, herd: Path
) -> None:
    shutil.copy(herd / "Crush" / "1.png", herd / "Squirt" / "copy.png")
    (herd / "Crush" / "0.jpg").write_bytes(b"no photo")
    list(catalogue.add(plan_folders(herd / "Crush"), actor="ann"))  # both without a name
    before = everything_in(catalogue.folder)
    told = list(catalogue.add(plan_folders(herd), actor="ann", dry_run=True))
    assert everything_in(catalogue.folder) == before
    done = list(catalogue.add(plan_folders(herd), actor="ann"))
    assert [(o.status, o.source, o.reason) for o in told] == [
        (o.status, o.source, o.reason) for o in done
    ]
    assert [o.status for o in done] == ["bad", "updated", "updated", "added", "conflict", "added"]


def test_two_boxes_are_two_animals_in_one_photo(
    catalogue: Catalogue, draw: Draw, tmp_path: Path
) -> None:
    photo = draw(tmp_path / "both.png", 7)
    crush = plan(photo, "Crush", box=Box(0, 0, 20, 30))
    squirt = plan(photo, "Squirt", box=Box(20, 0, 20, 30))
    assert [o.status for o in add(catalogue, crush, squirt)] == ["added", "added"]
    assert [o.status for o in add(catalogue, crush, squirt)] == ["already", "already"]
    assert [s.name for s in catalogue.list()] == ["Crush", "Squirt"]
    shown = catalogue.show(sha256_of(photo))
    assert {record.box for record in shown.annotations} == {crush.box, squirt.box}


def test_without_a_box_the_animal_of_that_name_is_meant(
    catalogue: Catalogue, draw: Draw, tmp_path: Path
) -> None:
    photo = draw(tmp_path / "both.png", 7)
    first, second = add(
        catalogue,
        plan(photo, "Crush", box=Box(0, 0, 20, 30)),
        plan(photo, "Squirt", box=Box(20, 0, 20, 30)),
    )
    (meant, other) = add(catalogue, plan(photo, "Squirt"), plan(photo, "Bruce"))
    assert (meant.status, meant.annotation) == ("already", second.annotation)
    assert (other.status, other.annotation) == ("conflict", "")
    assert first.annotation != second.annotation


def test_facts_that_were_not_known_are_filled_in_by_a_decision(
    catalogue: Catalogue, draw: Draw, tmp_path: Path
) -> None:
    photo = draw(tmp_path / "1.png", 1)
    (first,) = add(catalogue, plan(photo))
    (second,) = add(
        catalogue,
        plan(
            photo,
            "Crush",
            box=Box(1, 2, 30, 20),
            side="left",
            date="2019-05-03",
            place="Klein Bonaire",
            position=Place(12.15, -68.31),
        ),
    )
    assert (second.status, second.annotation) == ("updated", first.annotation)
    assert second.reason == "filled in box, individual, side, date, place, latitude, longitude"
    (record,) = catalogue.annotations()
    assert (record.individual, record.side, record.box) == ("Crush", "left", Box(1, 2, 30, 20))
    assert (record.date, record.position) == ("2019-05-03", Place(12.15, -68.31))
    catalogue.undo(actor="ann")
    (record,) = catalogue.annotations()
    assert (record.individual, record.side, record.box, record.position) == (
        "",
        "unknown",
        None,
        None,
    )


def test_other_facts_than_known_are_a_conflict(
    catalogue: Catalogue, draw: Draw, tmp_path: Path
) -> None:
    photo = draw(tmp_path / "1.png", 1)
    add(catalogue, plan(photo, "Crush", side="left"))
    (outcome,) = add(catalogue, plan(photo, "Crush", side="right", date="2019"))
    assert outcome.status == "conflict"
    assert "side 'left'" in outcome.reason
    assert catalogue.annotations()[0].date == ""


def test_a_contradiction_within_one_import_names_the_other_file(
    catalogue: Catalogue, draw: Draw, tmp_path: Path
) -> None:
    add(catalogue, plan(draw(tmp_path / "0.png", 1), "Crush"))
    same = [draw(tmp_path / f"{n}.png", 1) for n in range(1, 4)]
    sides = ("left", "right", "left")
    named = plan(draw(tmp_path / "4.png", 1), "Squirt")
    for dry_run in (True, False):
        outcomes = list(
            catalogue.add(
                ImportPlan(
                    "test",
                    (*(plan(p, side=s) for p, s in zip(same, sides, strict=True)), named),
                ),
                actor="ann",
                dry_run=dry_run,
            )
        )
        assert [o.status for o in outcomes] == ["updated", "conflict", "already", "conflict"]
        assert "individual 'Crush' in the catalogue" in outcomes[3].reason
        assert outcomes[1].reason.startswith(
            f"same bytes as {same[0]}, added with side 'left', but side 'right' here"
        )


def test_an_encounter_belongs_to_one_animal(
    catalogue: Catalogue, draw: Draw, tmp_path: Path
) -> None:
    one, two, three = (draw(tmp_path / f"{n}.png", n) for n in range(3))
    outcomes = add(
        catalogue,
        plan(one, "Crush", encounter="dive 1"),
        plan(two, "Squirt", encounter="dive 1"),
        plan(three, encounter="dive 1"),
    )
    assert [o.status for o in outcomes] == ["added", "conflict", "added"]
    assert "'dive 1'" in outcomes[1].reason
    # The photo of the conflict left nothing behind.
    assert list(catalogue.check()) == []


def test_a_name_in_other_case_is_a_conflict(
    catalogue: Catalogue, draw: Draw, tmp_path: Path
) -> None:
    outcomes = add(
        catalogue,
        plan(draw(tmp_path / "1.png", 1), "Crush"),
        plan(draw(tmp_path / "2.png", 2), "crush"),
    )
    assert [o.status for o in outcomes] == ["added", "conflict"]
    assert "'Crush'" in outcomes[1].reason


def test_a_box_off_the_photo_is_bad(catalogue: Catalogue, draw: Draw, tmp_path: Path) -> None:
    photo = draw(tmp_path / "1.png", 1, (48, 32))
    (outcome,) = add(catalogue, plan(photo, "Crush", box=Box(100, 100, 10, 10)))
    assert outcome.status == "bad"
    assert catalogue.annotations() == ()


def test_hidden_photos_stay_hidden_when_added_again(catalogue: Catalogue, herd: Path) -> None:
    list(catalogue.add(plan_folders(herd), actor="ann"))
    catalogue.hide(catalogue.find("Squirt"), actor="ann")
    again = list(catalogue.add(plan_folders(herd), actor="ann"))
    assert [o.reason for o in again] == ["", "", "it is hidden", ""]


def test_the_catalogue_does_not_add_itself(catalogue: Catalogue, herd: Path) -> None:
    list(catalogue.add(plan_folders(herd), actor="ann"))
    original = catalogue.original("Crush/1.png")
    stray = original.with_name("stray.png")
    shutil.copy(herd / "Crush" / "1.png", stray)
    assert {o.status for o in add(catalogue, plan(stray, "Crush"))} == {"bad"}
    # An export of this catalogue names its originals: they are known, and nothing more.
    assert {o.status for o in add(catalogue, plan(original, "Crush"))} == {"already"}
    assert {o.status for o in add(catalogue, plan(original, "ab"))} == {"conflict"}
    assert len(catalogue.annotations()) == 4


def test_a_lost_original_is_put_back_by_adding_it_again(catalogue: Catalogue, herd: Path) -> None:
    first = next(catalogue.add(plan_folders(herd), actor="ann"))
    original = catalogue.original(first.annotation)
    original.unlink()
    again = next(catalogue.add(plan_folders(herd), actor="ann"))
    assert (again.status, again.reason) == ("already", "its lost original was put back")
    assert original.read_bytes() == (herd / "Crush" / "1.png").read_bytes()


def test_what_is_undone_during_a_run_stays_undone(
    catalogue: Catalogue, herd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resight.catalogue.adding._BATCH", 1)
    run = catalogue.add(plan_folders(herd), actor="ann")
    first = next(run)
    catalogue.undo(actor="bob")
    rest = [outcome.annotation for outcome in run]
    assert sorted(record.id for record in catalogue.annotations()) == sorted(rest)
    assert first.annotation not in rest
    assert [d.kind for d in catalogue.decisions()] == ["add", "undo", "add"]
    assert [f.severity for f in catalogue.check()] == ["info"]


@pytest.mark.skipif(os.name != "posix", reason="names of files are bytes on POSIX only")
def test_file_names_in_no_valid_encoding_are_kept_readable(
    catalogue: Catalogue, draw: Draw, tmp_path: Path
) -> None:
    folder = tmp_path / os.fsdecode(b"trip \xff")
    photo = draw(tmp_path / "x.png", 1)
    folder.mkdir()
    photo.rename(folder / os.fsdecode(b"caf\xe9.png"))
    (outcome,) = catalogue.add(plan_folders(folder), actor="ann")
    assert outcome.status == "added"
    assert catalogue.annotations()[0].name == "caf?.png"


def test_rows_that_cannot_be_planned_are_reported_first(
    catalogue: Catalogue, draw: Draw, tmp_path: Path
) -> None:
    draw(tmp_path / "1.png", 1)
    table = tmp_path / "t.csv"
    table.write_text("path,side\n1.png,sideways\n1.png,L\n")
    outcomes = list(catalogue.add(plan_csv(table), actor="ann"))
    assert [(o.status, o.source) for o in outcomes] == [
        ("bad", "t.csv line 2"),
        ("added", "t.csv line 3 (1.png)"),
    ]


def test_each_outcome_may_be_asked_for_in_another_thread(
    catalogue: Catalogue, herd: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for dry_run in (True, False):
        outcomes = catalogue.add(plan_folders(herd), actor="ann", dry_run=dry_run)
        statuses = []
        for _ in range(4):
            with ThreadPoolExecutor(1) as pool:
                statuses.append(pool.submit(next, outcomes).result().status)
        assert statuses == ["added"] * 4
        assert list(outcomes) == []
    assert caplog.text == ""
