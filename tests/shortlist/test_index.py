"""A shortlist that follows its gallery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from tests.shortlist.test_packed import features

from resight.shortlist.index import Shortlist
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
            seed = sum(name.encode())
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
    scores = shortlist.scores(query, ["a", "b", "c"])
    assert scores.argmax() == 1
    assert scores[1] > 10


def test_photos_not_held_and_photos_without_keypoints_are_told_apart() -> None:
    shortlist, described = Shortlist(), Described(missing=["lost"])
    shortlist.update(["a", "lost", "blank"], described)
    (query,) = described(["a"])
    assert query is not None
    scores = shortlist.scores(query, ["a", "lost", "blank", "never heard of"])
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
