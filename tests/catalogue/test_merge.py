"""Two catalogues become one: the same photos known, nothing lost, nothing decided silently."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from resight.catalogue import Catalogue, ImportPlan, MergeConflict, PlannedPhoto, plan_folders
from resight.errors import CatalogueError, Conflict, NotACatalogue
from resight.types import Box, Place

from .conftest import Draw
from .crash_points import draw_photo
from .test_killed import running

Two = tuple[Catalogue, Catalogue]


@pytest.fixture
def two(tmp_path: Path, herd: Path) -> Iterator[Two]:
    """A catalogue of the herd and, after that, a colleague's copy of it."""
    with Catalogue.init(tmp_path / "ours") as ours:
        list(ours.add(plan_folders(herd), actor="ann"))
        archive = ours.backup(tmp_path / "b.zip").path
        with Catalogue.restore(archive, tmp_path / "theirs") as theirs:
            yield ours, theirs


@pytest.fixture
def strangers(tmp_path: Path, herd: Path) -> Iterator[Two]:
    """Two catalogues that were made of the same photos independently."""
    with Catalogue.init(tmp_path / "ours") as ours, Catalogue.init(tmp_path / "theirs") as theirs:
        for catalogue in (ours, theirs):
            list(catalogue.add(plan_folders(herd), actor="ann"))
        yield ours, theirs


def names(catalogue: Catalogue) -> dict[str, str]:
    return {record.name: record.individual for record in catalogue.annotations()}


def clean(catalogue: Catalogue) -> bool:
    return [each for each in catalogue.check() if each.severity != "info"] == []


def test_new_photos_come_with_what_is_said_of_them(two: Two, draw: Draw, tmp_path: Path) -> None:
    ours, theirs = two
    photo = draw(tmp_path / "new.png", 9)
    said = PlannedPhoto(
        photo, "test", "season/new.png", "Dory", Box(1, 2, 20, 20), 5.0, "left", "dive 7",
        "green turtle", "2024-05", "Bonaire", Place(12.1, -68.2),
    )  # fmt: skip
    list(theirs.add(ImportPlan("test", (said,)), actor="bo"))
    report = ours.merge(theirs.folder, actor="ann")
    assert (report.photos, report.added, report.updated, report.already) == (1, 1, 0, 4)
    (new,) = [each for each in ours.annotations() if each.individual == "Dory"]
    (same,) = [each for each in theirs.annotations() if each.individual == "Dory"]
    assert new == same
    assert ours.original(new.photo.sha256).read_bytes() == photo.read_bytes()
    assert report.conflicts == ()
    assert clean(ours)


def test_a_folder_whose_name_is_no_utf8_can_be_merged(two: Two, tmp_path: Path) -> None:
    ours, theirs = two
    theirs.assign(theirs.find("unknown/4.png"), "Dory", actor="bo")
    odd = tmp_path / os.fsdecode(b"th\xe9irs")
    shutil.copytree(theirs.folder, odd)
    assert ours.merge(odd, actor="ann").decision is not None


def test_merging_again_does_nothing(two: Two) -> None:
    ours, theirs = two
    theirs.assign(theirs.find("unknown/4.png"), "Dory", actor="bo")
    assert ours.merge(theirs.folder, actor="ann").decision is not None
    log = ours.decisions()
    again = ours.merge(theirs.folder, actor="ann")
    assert (again.decision, again.added, again.updated, again.conflicts) == (None, 0, 0, ())
    assert ours.decisions() == log


def test_what_only_they_decided_is_taken_over(two: Two) -> None:
    ours, theirs = two
    theirs.assign(theirs.find("Squirt"), "Crush", actor="bo")
    theirs.describe(theirs.find("Crush/1.png"), side="left", box=Box(1, 1, 9, 9), actor="bo")
    ours.describe(ours.find("Crush/2.png"), side="right", actor="ann")
    report = ours.merge(theirs.folder, actor="ann")
    assert (report.updated, report.conflicts) == (2, ())
    assert names(ours)["Squirt/3.png"] == "Crush"
    assert [(each.side, each.box) for each in ours.show("Crush/1.png").annotations] == [
        ("left", Box(1, 1, 9, 9))
    ]
    assert ours.show("Crush/2.png").annotations[0].side == "right"


def test_what_both_decided_differently_is_listed_and_stays(two: Two) -> None:
    ours, theirs = two
    (id,) = ours.find("unknown/4.png")
    ours.assign([id], "Dory", actor="ann")
    theirs.assign([id], "Nemo", actor="bo")
    conflict = MergeConflict(id, "unknown/4.png", "individual", "Dory", "Nemo")
    assert ours.merge(theirs.folder, actor="ann").conflicts == (conflict,)
    assert names(ours)["unknown/4.png"] == "Dory"
    # Nobody has decided yet.
    assert ours.merge(theirs.folder, actor="ann").conflicts == (conflict,)
    ours.assign([id], "Dory", actor="ann", note="looked at both")
    assert ours.merge(theirs.folder, actor="ann").conflicts == ()


def test_independent_catalogues_know_their_photos_again(strangers: Two) -> None:
    ours, theirs = strangers
    theirs.assign(theirs.find("Crush"), "T1", actor="bo")
    theirs.assign(theirs.find("unknown/4.png"), "T2", actor="bo")
    before = names(ours)
    report = ours.merge(theirs.folder, actor="ann")
    assert (report.photos, report.added, report.updated) == (0, 0, 1)
    assert [(each.ours, each.theirs) for each in report.conflicts] == [("Crush", "T1")] * 2
    assert names(ours) == before | {"unknown/4.png": "T2"}
    assert len(ours.annotations()) == 4


def test_their_decisions_are_kept_as_history(strangers: Two) -> None:
    ours, theirs = strangers
    theirs.assign(theirs.find("Crush/1.png"), "T1", actor="bo", note="by its scar")
    report = ours.merge(theirs.folder, actor="ann")
    assert report.history == 2
    assert [(each.kind, each.actor, each.origin) for each in ours.merged()] == [
        ("assign", "bo", "theirs"),
        ("add", "ann", "theirs"),
    ]
    # They are found by the photo, whatever its annotation was called there.
    assert ours.show("Crush/1.png").merged[0].note == "by its scar"
    assert [each.kind for each in ours.show("Crush/2.png").merged] == ["add"]


def test_one_undo_takes_all_of_it_back(two: Two, draw: Draw, tmp_path: Path) -> None:
    ours, theirs = two
    draw(tmp_path / "more" / "Dory" / "5.png", 5)
    list(theirs.add(plan_folders(tmp_path / "more"), actor="bo"))
    theirs.assign(theirs.find("Squirt"), "Myrtle", actor="bo")
    before = ours.annotations()
    report = ours.merge(theirs.folder, actor="ann")
    after = ours.annotations()
    assert report.decision is not None
    ours.undo(report.decision.id, actor="ann")
    assert ours.annotations() == before
    again = ours.merge(theirs.folder, actor="ann")
    assert (again.added, again.updated) == (1, 1)
    assert ours.annotations() == after
    assert clean(ours)


def test_a_dry_run_says_the_same_and_writes_nothing(two: Two, draw: Draw, tmp_path: Path) -> None:
    ours, theirs = two
    draw(tmp_path / "more" / "Dory" / "5.png", 5)
    list(theirs.add(plan_folders(tmp_path / "more"), actor="bo"))
    ours.assign(ours.find("unknown/4.png"), "A", actor="ann")
    theirs.assign(theirs.find("unknown/4.png"), "B", actor="bo")
    files = sorted(ours.folder.rglob("*.png"))
    dry = ours.merge(theirs.folder, actor="ann", dry_run=True)
    assert sorted(ours.folder.rglob("*.png")) == files
    assert len(ours.decisions()) == 2
    real = ours.merge(theirs.folder, actor="ann")
    assert replace(dry, decision=None) == replace(real, decision=None)
    assert real.added == 1


def test_encounters_numbered_alike_are_not_joined(two: Two, draw: Draw, tmp_path: Path) -> None:
    ours, theirs = two
    for catalogue, seed, name in ((ours, 11, "A"), (theirs, 12, "B")):
        photo = PlannedPhoto(
            draw(tmp_path / f"{seed}.png", seed), "t", f"{seed}.png", name, encounter="dive 1"
        )
        list(catalogue.add(ImportPlan("test", (photo,)), actor="ann"))
    report = ours.merge(theirs.folder, actor="ann")
    assert report.encounters == {"dive 1": "dive 1 (theirs)"}
    assert {each.encounter for each in ours.annotations()} == {"", "dive 1", "dive 1 (theirs)"}
    # A later photo of that encounter finds it under its new name.
    photo = PlannedPhoto(draw(tmp_path / "13.png", 13), "t", "13.png", "B", encounter="dive 1")
    list(theirs.add(ImportPlan("test", (photo,)), actor="bo"))
    ours.merge(theirs.folder, actor="ann")
    assert ours.show("13.png").annotations[0].encounter == "dive 1 (theirs)"
    assert clean(ours)


def test_a_name_spelled_otherwise_is_the_known_one(two: Two, draw: Draw, tmp_path: Path) -> None:
    ours, theirs = two
    theirs.assign(theirs.find("Crush"), "CRUSH", actor="bo")
    draw(tmp_path / "more" / "CRUSH" / "5.png", 5)
    list(theirs.add(plan_folders(tmp_path / "more"), actor="bo"))
    report = ours.merge(theirs.folder, actor="ann")
    assert report.individuals == {"CRUSH": "Crush"}
    assert names(ours)["CRUSH/5.png"] == "Crush"


def test_animals_named_alike_without_a_common_photo_are_told(
    two: Two, draw: Draw, tmp_path: Path
) -> None:
    ours, theirs = two
    for catalogue, seed in ((ours, 21), (theirs, 22)):
        draw(tmp_path / str(seed) / "T1" / f"{seed}.png", seed)
        list(catalogue.add(plan_folders(tmp_path / str(seed)), actor="ann"))
    assert ours.merge(theirs.folder, actor="ann").same_names == ("T1",)


def test_an_animal_renamed_here_is_told_and_not_joined(
    two: Two, draw: Draw, tmp_path: Path
) -> None:
    ours, theirs = two
    ours.assign(ours.find("Crush"), "Myrtle", actor="ann")
    draw(tmp_path / "more" / "Crush" / "5.png", 5)
    list(theirs.add(plan_folders(tmp_path / "more"), actor="bo"))
    report = ours.merge(theirs.folder, actor="ann")
    assert report.same_animals == {"Crush": "Myrtle"}
    assert names(ours)["Crush/5.png"] == "Crush"
    again = ours.merge(theirs.folder, actor="ann").same_animals
    assert again == {"Crush": "Myrtle"}, "until somebody decides"
    ours.assign(ours.find("Crush/5.png"), "Crush", actor="ann", note="another one")
    assert ours.merge(theirs.folder, actor="ann").same_animals == {}


def test_an_animal_renamed_there_is_renamed_here_and_that_is_all(two: Two) -> None:
    ours, theirs = two
    theirs.assign(theirs.find("Crush"), "Myrtle", actor="bo")
    assert ours.merge(theirs.folder, actor="ann", dry_run=True).same_animals == {}
    assert ours.merge(theirs.folder, actor="ann").same_animals == {}
    assert {each.name for each in ours.list()} == {each.name for each in theirs.list()}
    assert ours.merge(theirs.folder, actor="ann").same_animals == {}


def test_what_breaks_a_rule_is_listed_and_its_photo_kept(
    two: Two, draw: Draw, tmp_path: Path
) -> None:
    ours, theirs = two
    for catalogue in two:
        catalogue.describe(catalogue.find("Crush"), encounter="dive 1", actor="ann")
    photo = PlannedPhoto(draw(tmp_path / "5.png", 5), "t", "5.png", "", encounter="dive 1")
    list(theirs.add(ImportPlan("test", (photo,)), actor="bo"))
    theirs.assign([*theirs.find("5.png"), *theirs.find("Crush")], "Myrtle", actor="bo")
    ours.assign(ours.find("Crush"), "Shelly", actor="ann")
    report = ours.merge(theirs.folder, actor="ann")
    assert [(each.photo, each.ours) for each in report.conflicts] == [
        ("Crush/1.png", "Shelly"),
        ("Crush/2.png", "Shelly"),
        ("5.png", ""),
    ]
    assert "an encounter belongs to one animal" in report.conflicts[2].theirs
    assert names(ours)["5.png"] == ""
    assert clean(ours)


def test_a_photo_purged_here_does_not_come_back(two: Two) -> None:
    ours, theirs = two
    ours.purge("Squirt/3.png", confirm="3.png", actor="ann")
    report = ours.merge(theirs.folder, actor="ann")
    assert "Squirt/3.png" not in names(ours)
    assert report.added == 0


def test_a_lost_original_is_told_and_the_rest_goes_on(two: Two, draw: Draw, tmp_path: Path) -> None:
    ours, theirs = two
    for seed in (5, 6):
        draw(tmp_path / "more" / "Dory" / f"{seed}.png", seed)
    list(theirs.add(plan_folders(tmp_path / "more"), actor="bo"))
    theirs.original("Dory/5.png").unlink()
    report = ours.merge(theirs.folder, actor="ann")
    assert list(report.refused) == ["Dory/5.png"]
    assert "Dory/6.png" in names(ours)
    assert clean(ours)


def test_a_lost_original_comes_when_it_is_found_again(two: Two, draw: Draw, tmp_path: Path) -> None:
    ours, theirs = two
    for seed in (5, 6):
        draw(tmp_path / "more" / "Dory" / f"{seed}.png", seed)
    list(theirs.add(plan_folders(tmp_path / "more"), actor="bo"))
    lost = theirs.original("Dory/5.png")
    content = lost.read_bytes()
    lost.unlink()
    ours.merge(theirs.folder, actor="ann")
    lost.write_bytes(content)
    assert ours.merge(theirs.folder, actor="ann").added == 1
    assert names(ours) == names(theirs)
    assert clean(ours)


def planned(path: Path, individual: str = "Dory", encounter: str = "") -> ImportPlan:
    photo = PlannedPhoto(path, "test", path.name, individual, encounter=encounter)
    return ImportPlan("test", (photo,))


def test_a_decision_that_grows_after_a_merge_is_taken_over_to_its_end(
    two: Two, draw: Draw, tmp_path: Path
) -> None:
    """One import is one decision, however long it takes and whoever merges meanwhile."""
    ours, theirs = two
    first, second, third = (draw(tmp_path / f"{n}.png", 20 + n) for n in range(3))
    (began,) = theirs.add(planned(first), actor="bo")
    assert ours.merge(theirs.folder, actor="ann").added == 1
    for plan in (planned(second), planned(first, encounter="dive 9")):  # this fills in a fact
        (more,) = theirs.add(plan, actor="bo", decision=began.decision)
        assert (more.status in ("added", "updated"), more.decision) == (True, began.decision)
    report = ours.merge(theirs.folder, actor="ann")
    assert (report.added, report.updated, report.conflicts) == (1, 1, ())
    assert ours.show(first.name).annotations == theirs.show(first.name).annotations
    assert names(ours) == names(theirs)
    again = ours.merge(theirs.folder, actor="ann")
    assert (again.decision, again.added, again.updated) == (None, 0, 0)
    assert {each.name for each in ours.show("Dory").annotations} == {first.name, second.name}
    assert ours.undo(actor="ann")  # of the second merge alone
    assert first.name in names(ours)
    assert second.name not in names(ours)
    assert ours.merge(theirs.folder, actor="ann").added == 1
    list(theirs.add(planned(third), actor="bo", decision=began.decision))
    with Catalogue.init(tmp_path / "third") as other:
        other.merge(ours.folder, actor="cy")
        assert names(other) == names(ours)
        other.merge(theirs.folder, actor="cy")
        assert names(other) == names(theirs)
        assert clean(other)


def test_what_was_taken_back_here_stays_away_though_its_decision_grew(
    two: Two, draw: Draw, tmp_path: Path
) -> None:
    _, theirs = two
    first, second = (draw(tmp_path / f"{n}.png", 20 + n) for n in range(2))
    (began,) = theirs.add(planned(first), actor="bo")
    copy = theirs.backup(tmp_path / "copy.zip").path
    with Catalogue.restore(copy, tmp_path / "copy") as copied:
        copied.undo(began.decision, actor="cy")
        list(theirs.add(planned(second), actor="bo", decision=began.decision))
        assert copied.merge(theirs.folder, actor="cy").added == 1
        assert first.name not in names(copied)
        assert second.name in names(copied)


def test_a_lost_original_here_is_put_back(two: Two) -> None:
    ours, theirs = two
    path = ours.original("Squirt/3.png")
    path.unlink()
    ours.merge(theirs.folder, actor="ann")
    assert path.is_file()


def test_the_other_is_only_read(two: Two) -> None:
    ours, theirs = two
    theirs.close()
    ours.describe(ours.find("Crush"), side="left", actor="ann")
    files = {path: path.read_bytes() for path in theirs.folder.rglob("*") if path.is_file()}
    ours.merge(theirs.folder, actor="ann")
    assert {p: p.read_bytes() for p in theirs.folder.rglob("*") if p.is_file()} == files


def test_notes_of_individuals_are_merged(two: Two) -> None:
    ours, theirs = two
    theirs.individuals.note("Crush", "a scar on the left flipper", actor="bo")
    ours.merge(theirs.folder, actor="ann")
    assert ours.now().notes == {"Crush": "a scar on the left flipper"}


def test_what_is_no_other_catalogue_is_refused(two: Two, tmp_path: Path) -> None:
    ours, _ = two
    with pytest.raises(NotACatalogue):
        ours.merge(tmp_path, actor="ann")
    with pytest.raises(CatalogueError, match="itself"):
        ours.merge(ours.folder, actor="ann")


class Seasons(RuleBasedStateMachine):
    """Two teams go on by themselves and merge whenever they meet."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="resight-"))
        self.teams = [Catalogue.init(self.folder / name) for name in ("ours", "theirs")]
        self.photos: list[set[str]] = [set(), set()]
        self.imports: list[int | None] = [None, None]
        for seed in range(6):
            draw_photo(self.folder / f"{seed}.png", seed)

    def teardown(self) -> None:
        for team in self.teams:
            team.close()
        shutil.rmtree(self.folder)

    @rule(
        team=st.integers(0, 1),
        number=st.integers(0, 5),
        name=st.sampled_from(["", "Crush", "Squirt", "CRUSH"]),
        encounter=st.sampled_from(["", "dive 1"]),
        same_decision=st.booleans(),
    )
    def add(
        self, team: int, number: int, name: str, encounter: str, *, same_decision: bool
    ) -> None:
        path = self.folder / f"{number}.png"
        photo = PlannedPhoto(path, "test", path.name, name, encounter=encounter)
        (outcome,) = self.teams[team].add(
            ImportPlan("test", (photo,)),
            actor=f"team {team}",
            decision=self.imports[team] if same_decision else None,
        )
        self.imports[team] = outcome.decision or self.imports[team]
        if outcome.status != "conflict":
            self.photos[team].add(path.name)

    @rule(team=st.integers(0, 1), name=st.sampled_from(["", "Crush", "Squirt"]), data=st.data())
    def assign(self, team: int, name: str, data: st.DataObject) -> None:
        ids = [record.id for record in self.teams[team].annotations()]
        if not ids:
            return
        chosen = data.draw(st.lists(st.sampled_from(ids), min_size=1, max_size=2, unique=True))
        with suppress(Conflict):
            self.teams[team].assign(chosen, name or None, actor=f"team {team}")

    @rule(into=st.integers(0, 1), undo=st.booleans())
    def merge(self, into: int, undo: bool) -> None:
        ours, theirs = self.teams[into], self.teams[1 - into]
        before = {record.id: record for record in ours.annotations()}
        said = {record.photo.sha256: record.individual for record in theirs.annotations()}
        report = ours.merge(theirs.folder, actor="both")
        after = {record.id: record for record in ours.annotations()}
        assert before.keys() <= after.keys()
        assert {r.name for r in after.values()} == self.photos[into] | self.photos[1 - into]
        for id, record in after.items():
            # Whoever is named was named so by one of the two, up to the spelling.
            was = before[id].individual if id in before else ""
            theirs_say = said.get(record.photo.sha256, "")
            assert record.individual.casefold() in (was.casefold(), theirs_say.casefold())
            if was and record.individual != was:
                assert record.id not in {each.annotation for each in report.conflicts}
        again = ours.merge(theirs.folder, actor="both")
        assert (again.decision, again.added, again.updated) == (None, 0, 0)
        assert [f for f in ours.check() if f.severity != "info"] == []
        if undo and report.decision:
            ours.undo(report.decision.id, actor="both")
            assert {record.id: record for record in ours.annotations()} == before
        else:
            self.photos[into] |= self.photos[1 - into]


TestSeasons = Seasons.TestCase
TestSeasons.settings = settings(
    max_examples=10,
    stateful_step_count=15,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.mark.slow
def test_a_merge_killed_before_any_operation_can_be_repeated(tmp_path: Path) -> None:
    every = os.environ.get("RESIGHT_CRASH_EVERY", "13")
    with running("merge_points.py", tmp_path, RESIGHT_CRASH_EVERY=every) as process:
        printed, errors = process.communicate()
    assert process.returncode == 0, errors
    assert int(printed) >= 10


def test_catalogues_of_the_same_folder_name_can_be_merged_onwards(
    tmp_path: Path, herd: Path
) -> None:
    copies = [tmp_path / place / "turtles" for place in "abc"]
    with Catalogue.init(copies[0]) as first:
        list(first.add(plan_folders(herd), actor="ann"))
        archive = first.backup(tmp_path / "it.zip").path
    opened = [Catalogue.open(copies[0]), *(Catalogue.restore(archive, each) for each in copies[1:])]
    a, b, c = opened
    a.assign(a.find("unknown/4.png"), "Dory", actor="ann")
    c.describe(c.find("Crush"), place="reef", actor="cy")
    b.describe(b.find("Crush"), species="turtle", actor="bo")
    for other in (a, c):
        assert b.merge(other.folder, actor="bo").conflicts == ()
    report = a.merge(b.folder, actor="ann")
    assert report.conflicts == ()
    assert {each.place for each in a.annotations() if each.individual == "Crush"} == {"reef"}
    assert names(a) == names(b)
    assert clean(a)
    assert clean(b)
    for each in opened:
        each.close()


def test_a_catalogue_that_merged_twice_can_be_merged(two: Two, tmp_path: Path) -> None:
    ours, theirs = two
    theirs.assign(theirs.find("unknown/4.png"), "Dory", actor="bo")
    ours.merge(theirs.folder, actor="ann")
    ours.undo(actor="ann")
    ours.merge(theirs.folder, actor="ann")
    with Catalogue.init(tmp_path / "third") as third:
        third.merge(ours.folder, actor="cy")
        assert names(third) == names(ours)
        assert clean(third)


def test_who_it_is_answers_a_mark_of_before(two: Two) -> None:
    ours, theirs = two
    ours.mark(ours.find("unknown/4.png"), "unsure", actor="ann")
    theirs.assign(theirs.find("unknown/4.png"), "Dory", actor="bo")
    ours.merge(theirs.folder, actor="ann")
    (record,) = ours.annotations(ours.find("unknown/4.png"))
    assert (record.individual, record.review) == ("Dory", "")
    assert clean(ours)


def test_notes_that_were_removed_are_removed(two: Two, tmp_path: Path) -> None:
    ours, _ = two
    ours.individuals.note("Crush", "scar", actor="ann")
    with Catalogue.restore(ours.backup(tmp_path / "c.zip").path, tmp_path / "copy") as copy:
        copy.individuals.note("Crush", "", actor="bo")
        ours.merge(copy.folder, actor="ann")
    assert ours.now().notes.get("Crush", "") == ""


def test_photos_that_came_by_a_merge_are_nobodys_opinion(
    two: Two, draw: Draw, tmp_path: Path
) -> None:
    ours, theirs = two
    draw(tmp_path / "more" / "Dory" / "9.png", 9)
    list(theirs.add(plan_folders(tmp_path / "more"), actor="bo"))
    ours.merge(theirs.folder, actor="ann")
    assert ours.disagreements() == {}
