"""Votes find the photo that a query's descriptors were taken from, as photos come and go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from resight.shortlist.votes import VoteIndex, count_votes

PHOTOS, KEPT, D = 40, 24, 16


def unit(vectors: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return scaled.astype(np.float32)


def photos(count: int = PHOTOS, seed: int = 0) -> NDArray[np.float16]:
    return unit(np.random.default_rng(seed).normal(size=(count, KEPT, D))).astype(np.float16)


def seen_again(photo: NDArray[np.float16], seed: int = 9) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).normal(size=photo.shape) * 0.05
    return unit(photo.astype(np.float32) + noise)


def all_of(array: NDArray[np.float16]) -> NDArray[np.int64]:
    return np.full(len(array), array.shape[1])


def asked(index: VoteIndex, query: NDArray[np.float32]) -> NDArray[np.float32]:
    return index.votes(query, np.ones(index.slots, bool))


@pytest.fixture(scope="module")
def gallery() -> NDArray[np.float16]:
    return photos()


@pytest.fixture
def index(gallery: NDArray[np.float16]) -> VoteIndex:
    return VoteIndex.build(gallery, all_of(gallery), mark="turtles")


def test_a_photo_seen_again_has_the_most_votes(
    index: VoteIndex, gallery: NDArray[np.float16]
) -> None:
    found = [int(asked(index, seen_again(photo)).argmax()) for photo in gallery]
    assert found == list(range(PHOTOS))


def test_the_same_gallery_gives_the_same_votes(
    index: VoteIndex, gallery: NDArray[np.float16]
) -> None:
    again = VoteIndex.build(gallery, all_of(gallery))
    query = seen_again(gallery[3])
    np.testing.assert_array_equal(asked(again, query), asked(index, query))


def test_a_photo_that_is_not_allowed_takes_no_neighbour_s_place(
    gallery: NDArray[np.float16],
) -> None:
    twice = np.concatenate([gallery, gallery[:1]])  # slots 0 and 40 are alike
    index = VoteIndex.build(twice, all_of(twice))
    allowed = np.ones(PHOTOS + 1, bool)
    allowed[0] = False
    votes = index.votes(seen_again(gallery[0]), allowed, neighbours=1)
    assert votes[0] == 0
    assert votes.argmax() == PHOTOS


def test_slots_beyond_the_allowed_get_no_votes(
    index: VoteIndex, gallery: NDArray[np.float16]
) -> None:
    assert index.votes(seen_again(gallery[30]), np.ones(20, bool)).shape == (20,)


def test_only_real_descriptors_are_indexed(gallery: NDArray[np.float16]) -> None:
    counts = np.full(PHOTOS, 10)
    counts[5] = 0
    index = VoteIndex.build(gallery, counts)
    assert len(index) == 10 * (PHOTOS - 1)
    assert asked(index, seen_again(gallery[5]))[5] == 0


def test_photos_are_added_without_another_build(
    index: VoteIndex, gallery: NDArray[np.float16]
) -> None:
    new = photos(3, seed=1)
    index.add(new, all_of(new), np.array([40, 41, 42]))
    assert index.slots == 43
    assert asked(index, seen_again(new[1])).argmax() == 41
    assert asked(index, seen_again(gallery[7])).argmax() == 7


def test_photos_kept_are_numbered_anew(index: VoteIndex, gallery: NDArray[np.float16]) -> None:
    index.keep(np.array([2, 5, 30]))
    assert (index.slots, len(index)) == (3, 3 * KEPT)
    assert [int(asked(index, seen_again(gallery[i])).argmax()) for i in (2, 5, 30)] == [0, 1, 2]


def test_nothing_asked_or_allowed_gives_no_votes(
    index: VoteIndex, gallery: NDArray[np.float16]
) -> None:
    assert not asked(index, np.zeros((0, D), np.float32)).any()
    assert not index.votes(seen_again(gallery[0]), np.zeros(PHOTOS, bool)).any()
    assert index.votes(seen_again(gallery[0]), np.zeros(0, bool)).shape == (0,)


def test_a_gallery_too_small_to_index_is_refused() -> None:
    few = photos(10)
    with pytest.raises(ValueError, match="240 descriptors of length 16 cannot be indexed"):
        VoteIndex.build(few, all_of(few))


def test_it_is_stale_when_grown_fourfold(index: VoteIndex) -> None:
    more = photos(3 * PHOTOS, seed=1)
    index.add(more, all_of(more), np.arange(PHOTOS, 4 * PHOTOS))
    assert not index.stale
    index.add(more[:1], all_of(more[:1]), np.array([4 * PHOTOS]))
    assert index.stale


def test_it_is_stale_when_more_than_a_quarter_has_gone(index: VoteIndex) -> None:
    index.keep(np.arange(30))
    assert not index.stale
    index.keep(np.arange(29))
    assert index.stale


def test_progress_is_told_and_can_interrupt(gallery: NDArray[np.float16]) -> None:
    told: list[tuple[int, int]] = []
    VoteIndex.build(
        gallery, all_of(gallery), progress=lambda done, total: told.append((done, total))
    )
    assert told[-1] == (PHOTOS, PHOTOS)

    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        VoteIndex.build(gallery, all_of(gallery), progress=interrupt)


def test_what_was_saved_is_loaded(
    index: VoteIndex, gallery: NDArray[np.float16], tmp_path: Path
) -> None:
    index.keep(np.arange(29))
    index.save(tmp_path / "votes")
    loaded = VoteIndex.load(tmp_path / "votes")
    assert loaded is not None
    assert (loaded.slots, loaded.mark, loaded.stale) == (29, "turtles", True)
    query = seen_again(gallery[3])
    np.testing.assert_array_equal(asked(loaded, query), asked(index, query))
    new = photos(1, seed=1)
    loaded.add(new, all_of(new), np.array([29]))
    assert asked(loaded, seen_again(new[0])).argmax() == 29
    assert [path.name for path in tmp_path.iterdir()] == ["votes"]


def test_a_damaged_file_is_noticed(
    index: VoteIndex, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "votes"
    index.save(path)
    whole = path.read_bytes()
    assert VoteIndex.load(path) is not None
    for place in (0, 40, len(whole) // 2, -1, -18, -30, -60, -90):
        broken = bytearray(whole)
        broken[place] ^= 1
        path.write_bytes(broken)
        assert VoteIndex.load(path) is None, place
    for length in (0, 10, 60, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert VoteIndex.load(path) is None, length
    assert "will be made again" in caplog.text


def test_no_file_is_no_index(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert VoteIndex.load(tmp_path / "votes") is None
    assert not caplog.text


def test_what_cannot_be_written_raises(index: VoteIndex, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="votes"):
        index.save(tmp_path / "missing" / "votes")


def test_a_descriptor_votes_for_a_photo_once() -> None:
    distances = np.array([[1, 2, 4, 7], [3, 3, 3, 3]], np.float32)
    slots = np.array([[2, 2, 0, 1], [0, 1, 2, 0]])
    np.testing.assert_array_equal(count_votes(distances, slots, 3), [3, 0, 6])


def test_the_last_neighbour_is_the_background_where_there_are_few() -> None:
    distances = np.array([[1, 2, 3e38]], np.float32)
    slots = np.array([[0, 1, -1]])
    np.testing.assert_array_equal(count_votes(distances, slots, 2), [1, 0])
