"""A shortlist that follows its gallery."""

from __future__ import annotations

import shutil
import threading
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from tests.shortlist.test_packed import features

from resight.shortlist import index
from resight.shortlist.index import Shortlist
from resight.shortlist.packed import PackedDescriptors
from resight.shortlist.votes import VoteIndex
from resight.types import Features


class Described:
    """Features by name; remembers what it was asked for."""

    def __init__(self, missing: Sequence[str] = ()) -> None:
        self.missing = missing
        self.asked: list[str] = []

    def __call__(self, names: Sequence[str]) -> Iterator[Features | None]:
        for name in names:
            self.asked.append(name)
            count = 0 if name == "blank" else 20
            seed = zlib.crc32(name.encode())
            yield None if name in self.missing else features(count, seed=seed)


def test_only_new_photos_are_described(tmp_path: Path) -> None:
    first, second, third = Described(), Described(), Described()
    Shortlist(tmp_path / "s").update(["a", "b"], first)
    shortlist = Shortlist(tmp_path / "s")
    shortlist.update(["a", "b", "c"], second)
    shortlist.update(["a", "b", "c"], third)
    assert (first.asked, second.asked, third.asked) == (["a", "b"], ["c"], [])


def test_the_same_photo_scores_most() -> None:
    shortlist, described = Shortlist(), Described()
    shortlist.update(["a", "b", "c"], described)
    (query,) = described(["b"])
    assert query is not None
    scores = shortlist.scores(query, ["a", "b", "c"], scanned=10, closely=99)
    assert scores.argmax() == 1
    assert scores[1] > 10


def test_photos_not_held_and_photos_without_keypoints_are_told_apart() -> None:
    shortlist, described = Shortlist(), Described(missing=["lost"])
    shortlist.update(["a", "lost", "blank"], described)
    (query,) = described(["a"])
    assert query is not None
    scores = shortlist.scores(
        query, ["a", "lost", "blank", "never heard of"], scanned=9, closely=99
    )
    assert np.isnan(scores).tolist() == [False, True, False, True]
    assert np.isneginf(scores).tolist() == [False, False, True, False]


def test_photos_that_went_leave_the_disk_when_they_are_many(tmp_path: Path) -> None:
    shortlist, names = Shortlist(tmp_path / "s"), [f"n{i}" for i in range(10)]
    shortlist.update(names, Described())
    before = shortlist.bytes_on_disk
    shortlist.update(names[1:], Described())
    assert shortlist.bytes_on_disk == before  # one of ten: not worth the writing
    described = Described()
    shortlist.update([*names[6:], "new"], described)
    assert described.asked == ["new"]
    assert shortlist.bytes_on_disk < 0.6 * before


def test_a_process_sees_what_another_added(tmp_path: Path) -> None:
    one, other, described = Shortlist(tmp_path / "s"), Shortlist(tmp_path / "s"), Described()
    one.update(["a"], Described())
    other.update(["a", "b"], described)
    assert described.asked == ["b"]
    again = Described()
    one.update(["a", "b"], again)
    assert again.asked == []


def test_what_cannot_be_described_is_tried_again_when_the_gallery_changes(tmp_path: Path) -> None:
    shortlist, described = Shortlist(tmp_path / "s"), Described(missing=["lost"])
    for _ in range(3):
        shortlist.update(["a", "lost"], described)
    assert described.asked == ["a", "lost"]
    shortlist.update(["a", "lost", "b"], described)
    assert described.asked == ["a", "lost", "lost", "b"]
    assert list(shortlist.lacking) == ["lost"]
    shortlist.try_again()
    shortlist.update(["a", "lost", "b"], Described())
    assert list(shortlist.lacking) == []


def test_what_was_stopped_goes_on(tmp_path: Path) -> None:
    def stopped(names: Sequence[str]) -> Iterator[Features | None]:
        for _ in names:
            raise KeyboardInterrupt
        yield None

    shortlist, described = Shortlist(tmp_path / "s"), Described()
    with pytest.raises(KeyboardInterrupt):
        shortlist.update(["a"], stopped)
    shortlist.update(["a"], described)
    assert described.asked == ["a"]


def test_who_waits_for_another_process_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_SILENT", 0.01)
    shortlist, waiting = Shortlist(tmp_path / "s"), threading.Event()
    monkeypatch.setattr(index.logger, "warning", lambda *_: waiting.set())
    (tmp_path / "s").mkdir()
    with FileLock(tmp_path / "s" / "lock"):
        updating = threading.Thread(target=shortlist.update, args=(["a"], Described()))
        updating.start()
        assert waiting.wait(60)
        assert updating.is_alive()
    updating.join(60)
    assert not updating.is_alive()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Votes for galleries that a test can make."""
    monkeypatch.setattr(index, "_VOTES_FROM", 20)


def names_of(count: int, start: int = 0) -> list[str]:
    return [f"photo {number}" for number in range(start, start + count)]


@pytest.mark.usefixtures("few")
def test_votes_choose_what_is_scanned_of_a_large_gallery(tmp_path: Path) -> None:
    shortlist, described = Shortlist(tmp_path / "s"), Described()
    shortlist.update(names_of(60), described)
    (query,) = described(["photo 47"])
    assert query is not None
    scores = shortlist.scores(query, names_of(60), scanned=5, closely=99)
    assert scores.argmax() == 47
    assert (scores > 0).sum() <= 5
    everything = shortlist.scores(query, names_of(60), scanned=60, closely=99)
    np.testing.assert_allclose(scores[scores > 0], everything[scores > 0], rtol=1e-3)


@pytest.mark.usefixtures("few")
def test_new_photos_get_votes_and_the_next_process_has_them(tmp_path: Path) -> None:
    described = Described()
    Shortlist(tmp_path / "s").update(names_of(40), described)
    shortlist = Shortlist(tmp_path / "s")
    shortlist.update(names_of(50), described)
    (query,) = described(["photo 45"])
    assert query is not None
    for each in (shortlist, Shortlist(tmp_path / "s")):
        each.update(names_of(50), described)
        assert each.scores(query, names_of(50), scanned=3, closely=99).argmax() == 45


@pytest.mark.usefixtures("few")
def test_votes_follow_photos_that_go(tmp_path: Path) -> None:
    shortlist, described = Shortlist(tmp_path / "s"), Described()
    shortlist.update(names_of(60), described)
    left = names_of(30, start=30)
    shortlist.update(left, described)
    (query,) = described(["photo 50"])
    assert query is not None
    assert shortlist.scores(query, left, scanned=3, closely=99).argmax() == 20


@pytest.mark.usefixtures("few")
def test_votes_follow_slots_that_another_process_numbered_anew(tmp_path: Path) -> None:
    one, other, described = Shortlist(tmp_path / "s"), Shortlist(tmp_path / "s"), Described()
    one.update(names_of(60), described)
    left = names_of(30, start=30)
    other.update(left, described)
    one.update([*left, "new"], described)
    (query,) = described(["photo 50"])
    assert query is not None
    assert one.scores(query, left, scanned=3, closely=99).argmax() == 20


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(("blank", "length"), [(30, 8), (0, 9)])
def test_what_no_votes_can_be_had_of_is_scanned(blank: int, length: int) -> None:
    def describe(names: Sequence[str]) -> Iterator[Features | None]:
        for name in names:
            number = int(name.split()[1])
            yield features(0 if number < blank else 300, seed=number, length=length)

    shortlist = Shortlist()
    shortlist.update(names_of(31), describe)
    (query,) = describe(["photo 30"])
    assert query is not None
    assert shortlist.scores(query, names_of(31), scanned=2, closely=99).argmax() == 30


@pytest.mark.usefixtures("few")
def test_what_a_purge_removes_meanwhile_is_packed_again(tmp_path: Path) -> None:
    described = Described()
    removed: list[bool] = []

    def describe(names: Sequence[str]) -> Iterator[Features | None]:
        for number, each in enumerate(described(names)):
            if number == 65 and not removed:  # after the first 64 were written
                removed.append(True)
                shutil.rmtree(tmp_path / "s" / "packed")
            yield each

    shortlist = Shortlist(tmp_path / "s")
    shortlist.update(names_of(70), describe)
    (query,) = described(["photo 1"])
    assert query is not None
    for each in (shortlist, Shortlist(tmp_path / "s")):
        assert not each.damaged()
        assert each.scores(query, names_of(70), scanned=70, closely=99).argmax() == 1


@pytest.mark.usefixtures("few")
def test_votes_of_other_slots_are_not_used(tmp_path: Path) -> None:
    described = Described()
    Shortlist(tmp_path / "one").update(names_of(30), described)
    Shortlist(tmp_path / "two").update(names_of(30, start=5), described)
    shutil.copy(tmp_path / "one" / "votes.faiss", tmp_path / "two" / "votes.faiss")
    shortlist = Shortlist(tmp_path / "two")
    shortlist.update(names_of(30, start=5), described)
    (query,) = described(["photo 20"])
    assert query is not None
    assert shortlist.scores(query, names_of(30, start=5), scanned=2, closely=99).argmax() == 15


@pytest.mark.usefixtures("few")
def test_an_index_that_outgrew_its_centroids_is_built_again_in_the_background() -> None:
    shortlist, described = Shortlist(), Described()
    shortlist.update(names_of(25), described)
    before = shortlist._votes
    shortlist.update(names_of(120), described)
    shortlist.wait()
    assert shortlist._votes is not before
    assert shortlist._votes is not None
    assert not shortlist._votes.stale
    (query,) = described(["photo 100"])
    assert query is not None
    assert shortlist.scores(query, names_of(120), scanned=5, closely=99).argmax() == 100


@pytest.mark.usefixtures("few")
def test_photos_added_while_an_index_is_built_again_are_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shortlist, described = Shortlist(), Described()
    shortlist.update(names_of(25), described)
    build, added = Shortlist._built, threading.Event()

    def slowly(self: Shortlist, packed: PackedDescriptors, progress: index.Progress) -> VoteIndex:
        built = build(self, packed, progress)
        assert added.wait(60)
        return built

    monkeypatch.setattr(Shortlist, "_built", slowly)
    shortlist.update(names_of(120), described)
    shortlist.update(names_of(130), described)
    added.set()
    shortlist.wait()
    (query,) = described(["photo 125"])
    assert query is not None
    assert shortlist.scores(query, names_of(130), scanned=5, closely=99).argmax() == 125


@pytest.mark.usefixtures("few")
def test_photos_that_go_need_no_new_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described = Described()
    Shortlist(tmp_path / "s").update(names_of(60), described)
    monkeypatch.setattr(VoteIndex, "build", None)  # would fail if it were called
    shortlist, left = Shortlist(tmp_path / "s"), names_of(45, start=15)
    shortlist.update(left, described)
    (query,) = described(["photo 50"])
    assert query is not None
    for each in (shortlist, Shortlist(tmp_path / "s")):
        each.update(left, described)
        assert each.scores(query, left, scanned=3, closely=99).argmax() == 35


@pytest.mark.usefixtures("few")
def test_each_stage_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    shortlist = Shortlist(tmp_path / "s")
    shortlist.update(names_of(40), Described(missing=["photo 3"]), lambda *step: told.append(step))
    packing = [("packing", done, 40) for done in range(1, 41)]
    assert told == [*packing, ("indexing", 0, 39), ("indexing", 39, 39)]
    told.clear()
    shortlist.update(names_of(42), Described(), lambda *step: told.append(step))
    assert told == [
        *(("packing", done, 3) for done in (1, 2, 3)),
        ("indexing", 3, 3),
    ]


@pytest.mark.usefixtures("few")
def test_what_a_killed_process_left_of_the_votes_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    folder.mkdir()
    left, other = folder / ".votes.faiss.0123abcd.part", folder / ".kept.faiss.0123abcd.part"
    left.touch()
    other.touch()
    Shortlist(folder).update(names_of(40), Described())
    assert (folder / "votes.faiss").exists()
    assert not left.exists()
    assert other.exists()
