"""Metrics against hand-counted values, scikit-learn, and what must hold of any ranking."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import top_k_accuracy_score

from resight.evaluate import metrics

ranks = st.lists(st.one_of(st.none(), st.integers(1, 50)), min_size=1, max_size=30)
score_maps = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(-3, 3).map(float), min_size=1)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_top_k_agrees_with_scikit_learn(k: int) -> None:
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(200, 12))  # without ties, which scikit-learn breaks by label
    truth = rng.integers(12, size=200)
    ours = [
        metrics.rank_of(str(label), {str(i): float(s) for i, s in enumerate(row)})
        for label, row in zip(truth, scores, strict=True)
    ]
    assert metrics.top_k(ours, k) == pytest.approx(
        top_k_accuracy_score(truth, scores, k=k, labels=range(12))
    )


def test_all_equal_scores_earn_nothing() -> None:
    assert metrics.rank_of("a", dict.fromkeys("abcde", 0.0)) == 5


def test_an_individual_never_compared_has_no_rank_and_is_a_miss() -> None:
    rank = metrics.rank_of("z", {"a": 1.0})
    assert rank is None
    assert metrics.top_k([rank, 1], 20) == 0.5


@pytest.mark.parametrize(
    "value",
    [
        metrics.top_k([], 1),
        metrics.mean_reciprocal_rank([]),
        metrics.macro_mean([], []),
        metrics.bootstrap_interval([], []),
    ],
)
def test_nothing_to_average_is_none(value: object) -> None:
    assert value is None


@given(score_maps, st.sampled_from("abcdefgh"))
def test_rank_counts_those_not_worse(scores: dict[str, float], individual: str) -> None:
    rank = metrics.rank_of(individual, scores)
    if individual not in scores:
        assert rank is None
    else:
        assert rank is not None
        assert 1 <= rank <= len(scores)
        better = sum(score > scores[individual] for score in scores.values())
        assert rank > better


@given(ranks)
def test_top_k_never_falls_with_k_and_bounds_the_reciprocal_rank(
    values: list[int | None],
) -> None:
    shares = [metrics.top_k(values, k) or 0.0 for k in (1, 3, 5, 10, 20, 50)]
    assert shares == sorted(shares)
    reciprocal = metrics.mean_reciprocal_rank(values)
    assert reciprocal is not None
    assert shares[0] - 1e-12 <= reciprocal <= shares[-1] + 1e-12


def test_macro_mean_weighs_each_animal_once() -> None:
    assert metrics.macro_mean([1, 0, 0, 0], ["a", "b", "b", "b"]) == 0.5


def test_interval_of_independent_animals_is_the_binomial_one() -> None:
    hits = [1.0] * 70 + [0.0] * 30
    interval = metrics.bootstrap_interval(hits, range(100), resamples=4000)
    # 0.7 ± 1.96 · sqrt(0.7 · 0.3 / 100)
    assert interval == pytest.approx((0.61, 0.79), abs=0.011)


def test_interval_is_wider_when_photos_of_an_animal_fail_together() -> None:
    hits = [1.0] * 70 + [0.0] * 30
    alone = metrics.bootstrap_interval(hits, range(100))
    together = metrics.bootstrap_interval(hits, [i // 10 for i in range(100)])
    assert alone is not None
    assert together is not None
    assert together[1] - together[0] > 2 * (alone[1] - alone[0])


def test_macro_interval_is_of_the_macro_mean() -> None:
    values, groups = [1.0] * 98 + [0.0, 0.0], ["a"] * 98 + ["b", "b"]
    assert metrics.bootstrap_interval(values, groups, macro=True) == (0.0, 1.0)
    micro = metrics.bootstrap_interval([1.0] * 98 + [0.0] * 2, ["a"] * 50 + ["b"] * 50)
    assert micro is not None
    assert micro[0] >= 0.96


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from("abcd")), min_size=1, max_size=20),
    st.booleans(),
)
def test_interval_lies_within_the_range_of_values(
    rows: list[tuple[bool, str]], macro: bool
) -> None:
    values, groups = [float(hit) for hit, _ in rows], [group for _, group in rows]
    interval = metrics.bootstrap_interval(values, groups, macro=macro, resamples=1000)
    assert interval is not None
    assert 0 <= interval[0] <= interval[1] <= 1


def test_interval_is_the_same_every_time() -> None:
    values, groups = [1.0, 0.0, 1.0, 0.0, 1.0], list("abcde")
    assert metrics.bootstrap_interval(values, groups) == metrics.bootstrap_interval(values, groups)


def test_values_without_groups_are_refused() -> None:
    with pytest.raises(ValueError, match="2 values but 1 groups"):
        metrics.bootstrap_interval([1, 0], ["a"])


@given(st.lists(score_maps, min_size=1, max_size=4))
def test_pooling_keeps_the_best_of_each_individual(queries: list[dict[str, float]]) -> None:
    pooled = metrics.pool_encounter(queries)
    everyone = {name for scores in queries for name in scores}
    assert set(pooled) == everyone
    for name in everyone:
        assert pooled[name] == max(scores[name] for scores in queries if name in scores)
