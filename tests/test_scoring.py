from typing import Optional

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from resight import scoring
from resight.errors import SettingsError
from resight.matchers import whole_match
from resight.scoring import SCORE_NAMES, Pool, ScoreDistributions, rank_individuals, score_pair
from resight.types import Candidate, Evidence, GalleryEntry, Geometry, Matches

Floats = NDArray[np.float32]
confidences = npst.arrays(
    np.float32,
    st.integers(1, 40),
    # Many exact zeros and repeats, as real confidences have.
    elements=st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1, width=32)),
)
distributions = ScoreDistributions(
    null=np.array([0.0, 0.0, 0.0, 0.5], np.float32),
    match=np.array([0.5, 1.0], np.float32),
    fingerprint="m.v1",
)


def matches_of(confidences: Optional[list[float]], scores: list[float]) -> Matches:
    k = len(scores)
    return Matches(
        pairs=np.stack([np.arange(k), np.arange(k)], axis=1).astype(np.int32),
        scores=np.array(scores, np.float32),
        confidences=None if confidences is None else np.array(confidences, np.float32),
    )


def geometry_of(*inliers: bool) -> Geometry:
    return Geometry(np.array(inliers, bool))


@given(confidences, confidences)
def test_w1_equals_scipy(s: Floats, pool: Floats) -> None:
    expected = scipy.stats.wasserstein_distance(s, pool)
    assert Pool(pool).distance(s) == pytest.approx(expected, abs=1e-9)


def test_w1_equals_scipy_on_a_large_pool() -> None:
    rng = np.random.default_rng(0)
    pool = np.where(rng.random(200_000) < 0.6, 0, rng.beta(0.3, 4, 200_000)).astype(np.float32)
    s = np.where(rng.random(1024) < 0.5, 0, rng.beta(0.5, 1, 1024)).astype(np.float32)
    expected = scipy.stats.wasserstein_distance(s, pool)
    assert Pool(pool).distance(s) == pytest.approx(expected, abs=1e-6)


@given(confidences)
def test_auc_equals_numpy_s_trapezoid(s: Floats) -> None:
    x, y = np.sort(s.astype(np.float64)), np.linspace(0, 1, len(s))
    if x[-1] < 1:
        x, y = np.append(x, 1), np.append(y, 1)
    assert scoring.auc(s) == pytest.approx(-np.trapezoid(y, x), abs=1e-12)


@given(confidences, confidences)
def test_more_confident_is_never_scored_lower(s: Floats, more: Floats) -> None:
    n = min(len(s), len(more))
    low, high = np.minimum(s[:n], more[:n]), np.maximum(s[:n], more[:n])
    null = Pool([0.0, 0.25])
    assert scoring.confidence_sum(high) >= scoring.confidence_sum(low)
    assert scoring.top_k_sum(high, k=5) >= scoring.top_k_sum(low, k=5)
    assert scoring.mean_shift(high, null) >= scoring.mean_shift(low, null)
    if n > 1:
        assert scoring.auc(high) >= scoring.auc(low) - 1e-12


def test_auc_of_one_keypoint_follows_the_formula() -> None:
    # One point pairs with y = 0, then (1, 1): a triangle of base 1 - 0.5.
    assert scoring.auc(np.array([0.5], np.float32)) == -0.25


def test_threshold_is_exclusive() -> None:
    assert scoring.confidence_sum(np.array([0.1, 0.5], np.float32)) == 0.5


def test_a_blank_photo_is_far_from_the_null_but_below_it() -> None:
    blank, null = np.zeros(8, np.float32), Pool([0.0, 0.5])
    assert scoring.wasserstein_h0(blank, null) == 0.25
    assert scoring.mean_shift(blank, null) == -0.25


@pytest.mark.parametrize("values", [[], [np.nan], [0.5, np.inf]])
def test_a_pool_needs_finite_values(values: list[float]) -> None:
    with pytest.raises(ValueError, match="one or more finite values"):
        Pool(values)


def test_score_pair_of_a_matcher_with_confidences() -> None:
    matches = matches_of([1.0, 0.0, 0.5, 0.0], [1.0, 0.5])
    assert score_pair(matches, geometry_of(True, False), distributions) == {
        "matches": 2.0,
        "sum": 1.5,
        "top_10": 1.5,
        "top_25": 1.5,
        "top_50": 1.5,
        "inliers": 1.0,
        "inlier_sum": 1.0,
        # (0, 0) (0, 1/3) (.5, 2/3) (1, 1): .5 × .5 + .5 × 5/6
        "auc": pytest.approx(-2 / 3),
        # Sorted: 0 0 .5 1 against 0 0 0 .5
        "wasserstein_h0": 0.25,
        # and against .5 .5 1 1
        "wasserstein_h1": 1 - 0.375,
        "mean_shift": 0.375 - 0.125,
    }


def test_score_pair_without_confidences_sums_the_match_scores() -> None:
    scores = score_pair(matches_of(None, [0.5, 0.25]), geometry_of(True, True), distributions)
    assert scores["sum"] == 0.75
    assert scores["top_10"] == 0.75
    unavailable = {name for name, value in scores.items() if value is None}
    assert unavailable == {"auc", "wasserstein_h0", "wasserstein_h1", "mean_shift"}


@pytest.mark.parametrize("known", [None, ScoreDistributions(None, None, "m.v1")])
def test_score_pair_without_distributions(known: Optional[ScoreDistributions]) -> None:
    scores = score_pair(matches_of([1.0, 0.0], [1.0]), geometry_of(True), known)
    assert tuple(scores) == SCORE_NAMES
    unavailable = {name for name, value in scores.items() if value is None}
    assert unavailable == {"wasserstein_h0", "wasserstein_h1", "mean_shift"}


def test_no_keypoints_give_the_value_of_no_match() -> None:
    assert score_pair(matches_of([], []), geometry_of(), distributions) == {
        "matches": 0.0,
        "sum": 0.0,
        "top_10": 0.0,
        "top_25": 0.0,
        "top_50": 0.0,
        "inliers": 0.0,
        "inlier_sum": 0.0,
        "auc": -1.0,
        "wasserstein_h0": 0.0,
        "wasserstein_h1": 0.25,  # 1 - mean of the matching pairs
        "mean_shift": 0.0,
    }


@pytest.mark.parametrize(
    ("pool", "problem"),
    [
        (np.array([0.5, 0.1], np.float32), "sorted"),
        (np.array([0.1, 0.5]), "float32"),
        (np.array([], np.float32), "S > 0"),
    ],
)
def test_distributions_check_their_pools(pool: Floats, problem: str) -> None:
    with pytest.raises(ValueError, match=f"null must be.*{problem}"):
        ScoreDistributions(null=pool, match=None, fingerprint="m.v1")


def photo(
    annotation: str, individual: str, total: Optional[float]
) -> tuple[GalleryEntry, Evidence]:
    entry = GalleryEntry(annotation, individual, photo=f"sha-{annotation}")
    evidence = Evidence(
        annotation, {"sum": total, "matches": 1.0}, matches_of(None, [0.5]), geometry_of(True)
    )
    return entry, evidence


def summary(candidates: tuple[Candidate, ...]) -> list[tuple[str, float, list[str]]]:
    return [(c.individual, c.score, [e.annotation for e in c.evidence]) for c in candidates]


def test_an_individual_scores_as_its_best_photo() -> None:
    evidence = [
        photo("a1", "Ada", 1.0),
        photo("b1", "Bo", 2.0),
        photo("a2", "Ada", 3.0),
        photo("b2", "Bo", 2.5),
    ]
    assert summary(rank_individuals(evidence, score="sum")) == [
        ("Ada", 3.0, ["a2", "a1"]),
        ("Bo", 2.5, ["b2", "b1"]),
    ]


@given(st.permutations(["a1", "a2", "b1", "c1"]))
def test_ties_do_not_depend_on_the_order_of_the_gallery(order: list[str]) -> None:
    names = {"a": "Ada", "b": "Bo", "c": "Cy"}
    evidence = [photo(annotation, names[annotation[0]], 1.0) for annotation in order]
    assert summary(rank_individuals(evidence, score="sum")) == [
        ("Ada", 1.0, ["a1", "a2"]),
        ("Bo", 1.0, ["b1"]),
        ("Cy", 1.0, ["c1"]),
    ]


def test_an_empty_gallery_has_no_candidates() -> None:
    assert rank_individuals([], score="sum") == ()


def test_a_score_the_method_lacks_names_both_and_those_it_has() -> None:
    with pytest.raises(
        SettingsError, match=r"sift-nearest has no score 'sum'.*no confidences.*use one of matches"
    ):
        rank_individuals([photo("a1", "Ada", None)], score="sum", method="sift-nearest")


def test_an_unknown_score_is_refused() -> None:
    with pytest.raises(SettingsError, match="unknown score 'best': use one of matches, sum"):
        rank_individuals([], score="best")


def test_photos_compared_as_wholes_have_one_score() -> None:
    """However small: a threshold is for confidences of keypoints."""
    scores = score_pair(whole_match(-0.9), geometry_of(False))
    assert scores.pop("sum") == pytest.approx(0.05)
    assert set(scores.values()) == {None}


def test_a_score_that_wholes_lack_says_why() -> None:
    whole, geometry = whole_match(0), geometry_of(False)
    evidence = Evidence("a", score_pair(whole, geometry), whole, geometry)
    entry = GalleryEntry("a", "Ada", "photo")
    with pytest.raises(SettingsError, match=r"compares photos as wholes.*use one of sum$"):
        rank_individuals([(entry, evidence)], score="matches")
