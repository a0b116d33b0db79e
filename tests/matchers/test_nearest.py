from dataclasses import replace
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest

from resight.errors import IncompatibleFeatures, SettingsError
from resight.matchers.nearest import NearestNeighbour
from resight.testing.conformance import MatcherCase, random_features
from resight.types import Features


class TestNearestNeighbour(MatcherCase):
    variants: ClassVar = {"ratio": 0.7}

    def make(self, **arguments: Any) -> NearestNeighbour:
        return NearestNeighbour(**arguments)


class TestNearestNeighbourOnBits(TestNearestNeighbour):
    def features(self, seed: int, n: int) -> Features:
        return random_features(seed, n, metric="hamming", dimensions=256)


def described(descriptors: list[list[float]], metric: str = "l2") -> Features:
    n = len(descriptors)
    return Features(
        keypoints=np.zeros((n, 2), np.float32),
        descriptors=np.array(descriptors, np.float32),
        scores=np.ones(n, np.float32),
        size=(10, 10),
        family="drawn",
        metric=metric,
        fingerprint="hand.v1",
    )


def test_score_is_one_minus_the_ratio_of_distances() -> None:
    query = described([[0.0, 0.0]])
    gallery = described([[0.0, 4.0], [1.0, 0.0]])
    (matches,) = NearestNeighbour().match(query, [gallery])
    assert matches.pairs.tolist() == [[0, 1]]
    assert matches.scores.tolist() == [0.75]
    assert matches.confidences is None


def test_hamming_score_is_of_numbers_of_bits() -> None:
    query = random_features(1, 1, metric="hamming", dimensions=8)
    query = replace(query, descriptors=np.array([[0b0000_0000]], np.uint8))
    gallery = random_features(1, 2, metric="hamming", dimensions=8)
    gallery = replace(gallery, descriptors=np.array([[0b0000_1111], [0b0000_0001]], np.uint8))
    (matches,) = NearestNeighbour().match(query, [gallery])
    assert matches.pairs.tolist() == [[0, 1]]
    assert matches.scores.tolist() == [0.75]


def test_cosine_ignores_length() -> None:
    query = described([[3.0, 0.0]], "cosine")
    gallery = described([[0.0, 1.0], [9.0, 0.0]], "cosine")
    (matches,) = NearestNeighbour().match(query, [gallery])
    assert matches.pairs.tolist() == [[0, 1]]
    assert matches.scores.tolist() == [1.0]


def test_an_unclear_neighbour_is_dropped_unless_the_ratio_is_one() -> None:
    query = described([[0.0, 0.0]])
    gallery = described([[1.0, 0.0], [0.0, 1.1]])
    assert len(NearestNeighbour(ratio=0.9).match(query, [gallery])[0]) == 0
    assert NearestNeighbour(ratio=1.0).match(query, [gallery])[0].pairs.tolist() == [[0, 0]]


def test_equal_descriptors_are_no_clear_neighbour() -> None:
    query = described([[1.0, 0.0]])
    gallery = described([[1.0, 0.0], [1.0, 0.0]])
    assert len(NearestNeighbour().match(query, [gallery])[0]) == 0


def test_a_neighbour_that_prefers_another_is_dropped() -> None:
    query = described([[1.0, 0.0], [0.1, 0.0]])
    gallery = described([[0.0, 0.0], [50.0, 0.0]])
    (matches,) = NearestNeighbour().match(query, [gallery])
    assert matches.pairs.tolist() == [[1, 0]]


def test_query_keypoints_tied_for_a_neighbour_give_one_match() -> None:
    query = described([[1.0, 0.0], [1.0, 0.0]])
    gallery = described([[0.0, 0.0], [50.0, 0.0]])
    (matches,) = NearestNeighbour().match(query, [gallery])
    assert matches.pairs.tolist() == [[0, 0]]


def test_a_single_gallery_keypoint_has_no_second_neighbour() -> None:
    one = described([[1.0, 0.0]])
    assert len(NearestNeighbour().match(one, [one])[0]) == 0
    assert len(NearestNeighbour(ratio=1.0).match(one, [one])[0]) == 1


@pytest.mark.parametrize(
    ("metric", "norm"),
    [("l2", cv2.NORM_L2), ("cosine", cv2.NORM_L2), ("hamming", cv2.NORM_HAMMING)],
)
@pytest.mark.parametrize("ratio", [0.85, 1.0])
def test_agrees_with_opencv(metric: str, norm: int, ratio: float) -> None:
    rng = np.random.default_rng(11)
    query = random_features(1, 300, metric=metric, dimensions=32)
    gallery = random_features(2, 250, metric=metric, dimensions=32)
    if metric != "hamming":  # some true pairs, at all degrees of likeness
        noise = rng.standard_normal((100, 32)) * np.linspace(0, 0.4, 100)[:, None]
        moved = gallery.descriptors.copy()
        moved[:100] = query.descriptors[:100] + noise
        if metric == "cosine":
            moved /= np.linalg.norm(moved, axis=1, keepdims=True)
        gallery = replace(gallery, descriptors=moved)

    near = cv2.BFMatcher(norm).knnMatch(query.descriptors, gallery.descriptors, k=2)
    back = cv2.BFMatcher(norm).knnMatch(gallery.descriptors, query.descriptors, k=2)
    expected = {
        (a.queryIdx, a.trainIdx): 1 - a.distance / b.distance
        for a, b in near
        if a.distance < ratio * b.distance and back[a.trainIdx][0].queryIdx == a.trainIdx
        if back[a.trainIdx][0].trainIdx == a.queryIdx
    }
    (matches,) = NearestNeighbour(ratio=ratio).match(query, [gallery])
    found = {
        (int(i), int(j)): score
        for (i, j), score in zip(matches.pairs, matches.scores, strict=True)
        if score > 0 or ratio < 1  # OpenCV's ties are left out by "<" above
    }
    assert len(expected) > 5
    if metric == "hamming":  # of equally near ones either may be taken
        assert len(found.keys() & expected.keys()) >= 0.95 * len(expected)
        return
    assert found.keys() == expected.keys()
    for pair, score in expected.items():
        assert found[pair] == pytest.approx(score, abs=2e-3)


@pytest.mark.parametrize("ratio", [0.7, 0.85])
def test_bits_agree_with_opencv_where_there_are_no_ties(ratio: float) -> None:
    """Of 1024 bits no two photos' strangers are equally far; true pairs differ in few to many."""
    rng = np.random.default_rng(3)
    query = random_features(1, 200, metric="hamming", dimensions=1024)
    flips = rng.random((200, 1024)) < np.linspace(0, 0.5, 200)[:, None]
    moved = query.descriptors ^ np.packbits(flips, axis=1)
    gallery = replace(query, descriptors=moved)
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING)
    back = matcher.match(moved, query.descriptors)
    expected = {
        (a.queryIdx, a.trainIdx): 1 - a.distance / b.distance
        for a, b in matcher.knnMatch(query.descriptors, moved, k=2)
        if a.distance < ratio * b.distance and back[a.trainIdx].trainIdx == a.queryIdx
    }
    (matches,) = NearestNeighbour(ratio=ratio).match(query, [gallery])
    found = dict(zip(map(tuple, matches.pairs.tolist()), matches.scores.tolist(), strict=True))
    assert len(expected) > 100
    assert found == pytest.approx(expected, abs=1e-6)


def test_float16_descriptors_are_matched() -> None:
    query = random_features(1, 80)
    half = replace(query, descriptors=query.descriptors.astype(np.float16))
    (matches,) = NearestNeighbour().match(query, [half])
    assert matches.pairs.tolist() == [[i, i] for i in range(80)]


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (random_features(2, 5, family="another"), "family another"),
        (random_features(2, 5, metric="l2"), "metric l2"),
        (random_features(2, 5, dimensions=32), "descriptor length 32"),
    ],
)
def test_disagreement_names_the_gallery_item(other: Features, what: str) -> None:
    query = random_features(1, 5)
    with pytest.raises(IncompatibleFeatures, match=f"item 1 has {what}"):
        NearestNeighbour().match(query, [query, other])


@pytest.mark.parametrize("ratio", [0.0, -1.0, 1.5])
def test_a_bad_ratio_is_refused(ratio: float) -> None:
    with pytest.raises(SettingsError, match="nearest: ratio"):
        NearestNeighbour(ratio=ratio)
