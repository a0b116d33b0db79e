from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from resight.types import Features, Geometry, Matches
from resight.verify import verify

Points = NDArray[np.float64]

HOMOGRAPHY = np.array([[0.9, 0.1, 20.0], [-0.1, 1.1, 5.0], [2e-4, 1e-4, 1.0]])
SIZE = (512, 384)


def features(points: Points, size: tuple[int, int] = SIZE) -> Features:
    n = len(points)
    return Features(
        keypoints=points.astype(np.float32),
        descriptors=np.zeros((n, 1), np.float32),
        scores=np.ones(n, np.float32),
        size=size,
        family="drawn",
        metric="l2",
        fingerprint="hand.v1",
    )


def verified(
    start: Points,
    end: Points,
    *,
    query_size: tuple[int, int] = SIZE,
    gallery_size: tuple[int, int] = SIZE,
) -> Geometry:
    k = len(start)
    pairs = np.stack([np.arange(k)] * 2, axis=1).astype(np.int32)
    matches = Matches(pairs, np.ones(k, np.float32))
    return verify(features(start, query_size), features(end, gallery_size), matches)


def moved(model: Points, points: Points) -> Points:
    homogeneous = np.hstack([points, np.ones((len(points), 1))]) @ model.T
    return np.asarray(homogeneous[:, :2] / homogeneous[:, 2:])


def correct_and_wrong(n: int, wrong: int) -> tuple[Points, Points]:
    """``n`` pairs that obey HOMOGRAPHY up to 0.5 px; the first ``wrong`` of them put anywhere."""
    rng = np.random.default_rng(5)
    start = rng.uniform(0, 400, (n, 2))
    end = moved(HOMOGRAPHY, start) + rng.normal(0, 0.5, (n, 2))
    end[:wrong] = rng.uniform(0, 400, (wrong, 2))
    return start, end


def test_correct_matches_are_told_from_wrong_ones() -> None:
    start, end = correct_and_wrong(120, wrong=60)
    inliers = verified(start, end).inliers
    assert inliers[60:].all()
    assert not inliers[:60].any()  # of 400 x 400 pixels 300 lie within the threshold


def test_model_maps_query_to_gallery() -> None:
    start, end = correct_and_wrong(120, wrong=60)
    geometry = verified(start, end)
    assert geometry.model is not None
    corners = np.array([[0.0, 0.0], [400, 0], [400, 400], [0, 400]])
    np.testing.assert_allclose(moved(geometry.model, corners), moved(HOMOGRAPHY, corners), atol=2)


def test_matches_are_looked_up_by_their_indices() -> None:
    start, end = correct_and_wrong(30, wrong=0)
    pairs = np.stack([np.arange(30), np.arange(30)[::-1]], axis=1).astype(np.int32)
    matches = Matches(pairs, np.ones(30, np.float32))
    geometry = verify(features(start), features(end[::-1]), matches)
    assert geometry.inliers.all()


@pytest.mark.parametrize(("distance", "inlier"), [(8.0, True), (12.0, False)])
def test_an_inlier_lies_within_ten_pixels(distance: float, inlier: bool) -> None:
    start = np.random.default_rng(6).uniform(0, 400, (60, 2))
    end = start + 20
    end[0] += (distance, 0.0)
    assert verified(start, end).inliers.tolist() == [inlier] + [True] * 59


def test_an_inlier_lies_within_the_threshold_in_the_larger_photo_too() -> None:
    start = np.random.default_rng(6).uniform(0, 400, (60, 2))
    end = 0.2 * start
    end[0] += (4.0, 0.0)  # 20 px in the query
    assert verified(start, end).inliers.tolist() == [False] + [True] * 59


def test_the_threshold_grows_with_each_chip() -> None:
    start, end = correct_and_wrong(60, wrong=30)
    end[0] = moved(HOMOGRAPHY, start[:1])[0] + (5.0, 0.0)
    expected = verified(start, end)
    assert expected.inliers[0]
    for query, gallery in ((2, 2), (4, 1), (1, 4), (0.5, 2)):
        large = verified(
            start * query,
            end * gallery,
            query_size=(round(512 * query), round(384 * query)),
            gallery_size=(round(384 * gallery), round(512 * gallery)),
        )
        assert large.inliers.tolist() == expected.inliers.tolist()
        assert large.model is not None
        assert expected.model is not None
        np.testing.assert_allclose(
            moved(large.model, start * query), gallery * moved(expected.model, start), rtol=1e-3
        )


def test_a_mirrored_photo_has_no_inliers() -> None:
    start = np.random.default_rng(2).uniform(0, 400, (50, 2))
    mirrored = np.array([400.0, 0.0]) + start * (-1, 1)
    geometry = verified(start, mirrored)
    assert not geometry.inliers.any()
    assert geometry.model is None


def test_unrelated_photos_keep_hardly_a_match() -> None:
    rng = np.random.default_rng(3)
    kept = [np.count_nonzero(verified(*rng.uniform(0, 512, (2, 40, 2))).inliers) for _ in range(30)]
    assert np.median(kept) == 0
    assert max(kept) <= 8


def test_fewer_matches_than_two_beyond_the_sample_prove_nothing() -> None:
    start, end = correct_and_wrong(6, wrong=0)
    for k in range(6):
        geometry = verified(start[:k], end[:k])
        assert geometry.model is None
        assert geometry.inliers.tolist() == [False] * k
    assert verified(start, end).inliers.all()


def test_keypoints_of_one_place_count_once() -> None:
    start, end = correct_and_wrong(4, wrong=0)
    start, end = np.repeat(start, 10, axis=0), np.repeat(end, 10, axis=0)
    assert not verified(start, end).inliers.any()


@pytest.mark.parametrize("end", ["same point", "line", "duplicates"])
def test_degenerate_points_are_survived(end: str) -> None:
    start = np.random.default_rng(4).uniform(0, 400, (30, 2))
    steps = np.arange(30.0)
    points = {
        "same point": np.full((30, 2), 7.0),
        "line": np.stack([steps, 2 * steps], axis=1),
        "duplicates": np.repeat(start[:3], 10, axis=0),
    }[end]
    for a, b in ((start, points), (points, start), (points, points)):
        geometry = verified(a, b)
        assert geometry.inliers.shape == (30,)
        assert (geometry.model is None) == (not geometry.inliers.any())


@settings(max_examples=60)
@given(
    npst.arrays(
        np.float64,
        st.tuples(st.just(2), st.integers(0, 14), st.just(2)),
        elements=st.sampled_from([0.0, 1.0, 5.5, 100.0, 511.0]),
    )
)
def test_any_points_give_a_consistent_answer(points: Points) -> None:
    geometry = verified(points[0], points[1])
    assert geometry.inliers.shape == (points.shape[1],)
    assert (geometry.model is None) == (not geometry.inliers.any())
    if geometry.model is not None:
        assert geometry.model.shape == (3, 3)
        assert np.isfinite(geometry.model).all()


def test_the_answer_is_the_same_every_time_and_in_every_thread() -> None:
    start, end = correct_and_wrong(100, wrong=70)
    first = verified(start, end)
    with ThreadPoolExecutor(4) as threads:
        others = list(threads.map(lambda _: verified(start, end), range(16)))
    for other in others:
        np.testing.assert_array_equal(other.inliers, first.inliers)
        np.testing.assert_array_equal(other.model, first.model)
