from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from resight.errors import SettingsError
from resight.types import Features, Geometry, Matches
from resight.verify import verify

Points = NDArray[np.float64]
MODELS = ("homography", "affine", "fundamental")

HOMOGRAPHY = np.array([[0.9, 0.1, 20.0], [-0.1, 1.1, 5.0], [2e-4, 1e-4, 1.0]])
AFFINE = np.array([[0.8, 0.2, 30.0], [-0.1, 0.9, 40.0], [0.0, 0.0, 1.0]])


def features(points: Points) -> Features:
    n = len(points)
    return Features(
        keypoints=points.astype(np.float32),
        descriptors=np.zeros((n, 1), np.float32),
        scores=np.ones(n, np.float32),
        size=(512, 384),
        family="drawn",
        metric="l2",
        fingerprint="hand.v1",
    )


def verified(start: Points, end: Points, **settings_: object) -> Geometry:
    k = len(start)
    pairs = np.stack([np.arange(k)] * 2, axis=1).astype(np.int32)
    matches = Matches(pairs, np.ones(k, np.float32))
    return verify(features(start), features(end), matches, **settings_)  # type: ignore[arg-type]


def moved(model: Points, points: Points) -> Points:
    homogeneous = np.hstack([points, np.ones((len(points), 1))]) @ model.T
    return np.asarray(homogeneous[:, :2] / homogeneous[:, 2:])


def photos_of_a_cloud(rng: np.random.Generator, n: int) -> tuple[Points, Points]:
    """Points of a body with depth, seen by two cameras of 500 px focal length."""
    cloud = rng.uniform((-2, -2, 6), (2, 2, 10), (n, 3))
    angle = np.radians(12)
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    second = cloud @ turn.T + np.array([-1.0, 0.3, 0.2])
    return tuple(500 * c[:, :2] / c[:, 2:] + 200 for c in (cloud, second))  # type: ignore[return-value]


def correct_and_wrong(model: str, n: int, wrong: int) -> tuple[Points, Points]:
    """``n`` pairs that obey a model up to 0.5 px; the first ``wrong`` of them put anywhere."""
    rng = np.random.default_rng(5)
    if model == "fundamental":
        start, end = photos_of_a_cloud(rng, n)
    else:
        start = rng.uniform(0, 400, (n, 2))
        end = moved(HOMOGRAPHY if model == "homography" else AFFINE, start)
    end = end + rng.normal(0, 0.5, end.shape)
    end[:wrong] = rng.uniform(0, 400, (wrong, 2))
    return start, end


@pytest.mark.parametrize("model", MODELS)
def test_correct_matches_are_told_from_wrong_ones(model: str) -> None:
    start, end = correct_and_wrong(model, 120, wrong=60)
    geometry = verified(start, end, model=model, threshold=3.0)
    assert geometry.inliers[60:].mean() >= 0.98
    # By chance a wrong match lies within 3 px of a point never, of a line now and then.
    assert geometry.inliers[:60].mean() <= (0.15 if model == "fundamental" else 0.0)


@pytest.mark.parametrize(("model", "truth"), [("homography", HOMOGRAPHY), ("affine", AFFINE)])
def test_model_maps_query_to_gallery(model: str, truth: Points) -> None:
    start, end = correct_and_wrong(model, 120, wrong=60)
    geometry = verified(start, end, model=model, threshold=3.0)
    assert geometry.model is not None
    corners = np.array([[0.0, 0.0], [400, 0], [400, 400], [0, 400]])
    np.testing.assert_allclose(moved(geometry.model, corners), moved(truth, corners), atol=1.5)


def test_fundamental_model_takes_query_points_to_gallery_lines() -> None:
    start, end = photos_of_a_cloud(np.random.default_rng(1), 60)
    geometry = verified(start, end, model="fundamental", threshold=1.0)
    assert geometry.model is not None
    ones = np.ones((60, 1))
    lines = np.hstack([start, ones]) @ geometry.model.T
    distances = np.sum(np.hstack([end, ones]) * lines, axis=1) / np.hypot(lines[:, 0], lines[:, 1])
    assert np.abs(distances).max() < 0.1


def test_matches_are_looked_up_by_their_indices() -> None:
    start, end = correct_and_wrong("homography", 30, wrong=0)
    pairs = np.stack([np.arange(30), np.arange(30)[::-1]], axis=1).astype(np.int32)
    matches = Matches(pairs, np.ones(30, np.float32))
    geometry = verify(features(start), features(end[::-1]), matches)
    assert geometry.inliers.all()


@pytest.mark.parametrize("threshold", [2.0, 20.0])
def test_an_inlier_lies_within_the_threshold(threshold: float) -> None:
    start, end = correct_and_wrong("affine", 60, wrong=0)
    end[0] += (10.0, 0.0)
    assert verified(start, end, model="affine", threshold=threshold).inliers[0] == (threshold > 10)


def test_an_inlier_lies_within_the_threshold_in_the_larger_photo_too() -> None:
    start = np.random.default_rng(6).uniform(0, 400, (60, 2))
    end = 0.2 * start
    end[0] += (4.0, 0.0)  # 20 px in the query
    inliers = verified(start, end, model="affine", threshold=10.0).inliers
    assert inliers.tolist() == [False] + [True] * 59


@pytest.mark.parametrize("model", ["homography", "affine"])
def test_a_mirrored_photo_has_no_inliers(model: str) -> None:
    start = np.random.default_rng(2).uniform(0, 400, (50, 2))
    mirrored = np.array([400.0, 0.0]) + start * (-1, 1)
    geometry = verified(start, mirrored, model=model)
    assert not geometry.inliers.any()
    assert geometry.model is None


@pytest.mark.parametrize("model", ["homography", "affine"])
def test_unrelated_photos_keep_hardly_a_match(model: str) -> None:
    rng = np.random.default_rng(3)
    kept = [
        np.count_nonzero(verified(*rng.uniform(0, 512, (2, 40, 2)), model=model).inliers)
        for _ in range(30)
    ]
    assert np.median(kept) == 0
    assert max(kept) <= 8


@pytest.mark.parametrize(
    ("model", "fewest"), [("homography", 6), ("affine", 5), ("fundamental", 9)]
)
def test_fewer_matches_than_two_beyond_the_sample_prove_nothing(model: str, fewest: int) -> None:
    start, end = correct_and_wrong(model, fewest, wrong=0)
    for k in range(fewest):
        geometry = verified(start[:k], end[:k], model=model)
        assert geometry.model is None
        assert geometry.inliers.tolist() == [False] * k
    assert verified(start, end, model=model).inliers.all()


@pytest.mark.parametrize("model", MODELS)
def test_keypoints_of_one_place_count_once(model: str) -> None:
    start, end = correct_and_wrong(model, 4, wrong=0)
    start, end = np.repeat(start, 10, axis=0), np.repeat(end, 10, axis=0)
    assert not verified(start, end, model=model).inliers.any()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("end", ["same point", "line", "duplicates"])
def test_degenerate_points_are_survived(model: str, end: str) -> None:
    start = np.random.default_rng(4).uniform(0, 400, (30, 2))
    steps = np.arange(30.0)
    points = {
        "same point": np.full((30, 2), 7.0),
        "line": np.stack([steps, 2 * steps], axis=1),
        "duplicates": np.repeat(start[:3], 10, axis=0),
    }[end]
    for a, b in ((start, points), (points, start), (points, points)):
        geometry = verified(a, b, model=model)
        assert geometry.inliers.shape == (30,)
        assert (geometry.model is None) == (not geometry.inliers.any())


@settings(max_examples=60, deadline=None)
@given(
    npst.arrays(
        np.float64,
        st.tuples(st.just(2), st.integers(0, 14), st.just(2)),
        elements=st.sampled_from([0.0, 1.0, 5.5, 100.0, 511.0]),
    ),
    st.sampled_from(MODELS),
)
def test_any_points_give_a_consistent_answer(points: Points, model: str) -> None:
    geometry = verified(points[0], points[1], model=model)
    assert geometry.inliers.shape == (points.shape[1],)
    assert (geometry.model is None) == (not geometry.inliers.any())
    if geometry.model is not None:
        assert geometry.model.shape == (3, 3)
        assert np.isfinite(geometry.model).all()


def test_the_answer_is_the_same_every_time_and_in_every_thread() -> None:
    start, end = correct_and_wrong("homography", 100, wrong=70)
    first = verified(start, end)
    with ThreadPoolExecutor(4) as threads:
        others = list(threads.map(lambda _: verified(start, end), range(16)))
    for other in others:
        np.testing.assert_array_equal(other.inliers, first.inliers)
        np.testing.assert_array_equal(other.model, first.model)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"model": "spline"}, "unknown model 'spline'"), ({"threshold": 0.0}, "threshold must be")],
)
def test_bad_settings_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        verified(np.zeros((9, 2)), np.zeros((9, 2)), **arguments)
