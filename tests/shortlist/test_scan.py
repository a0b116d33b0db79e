"""The scan against the nearest neighbour matcher, which computes the same another way."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from resight.matchers.nearest import NearestNeighbour
from resight.shortlist.packed import PackedDescriptors, unit_vectors
from resight.shortlist.scan import scan
from resight.types import Features


def photo(count: int, rng: np.random.Generator) -> Features:
    """Descriptors in few dimensions, so that ratios of all sizes occur, exact in float16."""
    descriptors = rng.normal(size=(count, 6))
    descriptors /= np.linalg.norm(descriptors, axis=1, keepdims=True)
    return Features(
        keypoints=np.zeros((count, 2), np.float32),
        descriptors=descriptors.astype(np.float16).astype(np.float32),
        scores=np.ones(count, np.float32),
        size=(10, 10),
        family="drawn",
        metric="cosine",
        fingerprint="drawn.v1()",
    )


@settings(max_examples=40)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=40), st.integers(0, 2**32 - 1))
def test_it_agrees_with_the_matcher(counts: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    query, gallery = photo(12, rng), [photo(count, rng) for count in counts]
    with tempfile.TemporaryDirectory() as folder:
        packed = PackedDescriptors(Path(folder) / "s")
        packed.add([(str(number), each) for number, each in enumerate(gallery)])
        slots = rng.permutation(len(gallery))
        own = [gallery[slot] for slot in slots]
        found = scan(unit_vectors(query), packed.descriptors, packed.counts, slots)
    # Rounding may take a match across the limit of the ratio, and no further.
    least, most = (
        [float(matches.scores.sum()) for matches in NearestNeighbour(ratio=ratio).match(query, own)]
        for ratio in (0.89, 0.91)
    )
    assert (found >= np.array(least) - 0.02).all()
    assert (found <= np.array(most) + 0.02).all()


def test_nothing_to_compare_scores_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    packed = PackedDescriptors(tmp_path / "s")
    packed.add([("a", photo(0, rng)), ("b", photo(1, rng)), ("c", photo(5, rng))])
    slots = np.arange(3)
    query = unit_vectors(photo(4, rng))
    # One descriptor has no second nearest, so nothing says that it is distinctive.
    assert scan(query, packed.descriptors, packed.counts, slots)[:2].tolist() == [0, 0]
    nothing = unit_vectors(photo(0, rng))
    assert scan(nothing, packed.descriptors, packed.counts, slots).tolist() == [0, 0, 0]


def test_threads_do_not_change_the_scores(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    packed = PackedDescriptors(tmp_path / "s")
    packed.add([(str(number), photo(9, rng)) for number in range(23)])
    query, slots = unit_vectors(photo(9, rng)), rng.permutation(23)
    once, thrice = (
        scan(query, packed.descriptors, packed.counts, slots, threads=threads) for threads in (1, 3)
    )
    assert once.any()
    np.testing.assert_array_equal(once, thrice)


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_those_compared_closely_score_as_ever_and_the_others_less(closely: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    query, gallery = photo(12, rng), [photo(count, rng) for count in rng.integers(0, 20, 30)]
    with tempfile.TemporaryDirectory() as folder:
        packed = PackedDescriptors(Path(folder) / "s")
        packed.add([(str(number), each) for number, each in enumerate(gallery)])
        slots = rng.permutation(len(gallery))
        vectors = unit_vectors(query)
        exact = scan(vectors, packed.descriptors, packed.counts, slots)
        found = scan(vectors, packed.descriptors, packed.counts, slots, closely=closely)
    same = np.isclose(found, exact, rtol=1e-4)  # products of other photos round otherwise
    assert same.sum() >= min(closely, len(slots))
    highest = np.sort(found)[::-1][:closely]
    np.testing.assert_allclose(highest, np.sort(found[same])[::-1][:closely], rtol=1e-4)
    assert (found >= 0).all()


def test_the_most_alike_is_found_by_half_of_the_descriptors(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    query = photo(300, rng)
    gallery = [photo(300, rng) for _ in range(40)]
    gallery[17] = query
    packed = PackedDescriptors(tmp_path / "s")
    packed.add([(str(number), each) for number, each in enumerate(gallery)])
    slots, vectors = np.arange(40), unit_vectors(query)
    exact = scan(vectors, packed.descriptors, packed.counts, slots)
    found = scan(vectors, packed.descriptors, packed.counts, slots, closely=5)
    assert found.argmax() == exact.argmax() == 17
    assert np.isclose(found, exact, rtol=1e-4).sum() == 5
    assert np.sort(found)[-6] <= np.sort(found)[-5]
