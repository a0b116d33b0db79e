"""Figures about "new" against scikit-learn, hand counts, and what must hold of any scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from resight.calibration.quality import auroc
from resight.evaluate import openset
from resight.evaluate.openset import OpenSet

values = st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=20)


@given(values, values)
def test_auroc_agrees_with_scikit_learn(known: list[float], novel: list[float]) -> None:
    truth = [1] * len(known) + [0] * len(novel)
    assert auroc(known, novel) == pytest.approx(roc_auc_score(truth, known + novel))


@given(values, values, st.integers(-5, 5).map(float))
def test_balanced_accuracy_agrees_with_scikit_learn(
    known: list[float], novel: list[float], threshold: float
) -> None:
    truth = [True] * len(known) + [False] * len(novel)
    accepted = [value >= threshold for value in known + novel]
    assert openset.balanced_accuracy(known, novel, threshold) == pytest.approx(
        balanced_accuracy_score(truth, accepted)
    )


@given(st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=1, max_size=20), values)
def test_each_point_of_the_curve_is_what_its_threshold_gives(
    known: list[tuple[int, bool]], novel: list[float]
) -> None:
    outcome = OpenSet(
        tuple(float(value) for value, _ in known), tuple(novel), tuple(hit for _, hit in known)
    )
    expected = set()
    for threshold in np.arange(-4.5, 6):  # between all values that there are
        accepted = sum(value > threshold and hit for value, hit in known)
        wrongly = sum(value > threshold for value in novel)
        expected.add((wrongly / len(novel), accepted / len(known)))
    false_alarms, found = openset.identification_curve(outcome)
    points = set(zip(false_alarms.tolist(), found.tolist(), strict=True))
    assert points <= expected
    for alarms in {alarms for alarms, _ in expected}:
        best = max(rate for other, rate in expected if other == alarms)
        assert (alarms, best) in points, "the curve has the best threshold of each false alarm"
        at = openset.identified_at(outcome, alarms)
        assert at == pytest.approx(best)


def test_queries_without_any_candidate_are_never_accepted() -> None:
    outcome = OpenSet((1.0, -math.inf), (0.0, -math.inf), (True, False))
    false_alarms, found = openset.identification_curve(outcome)
    assert false_alarms.tolist() == [0.0, 0.5]
    assert found.tolist() == [0.5, 0.5]
    assert openset.balanced_accuracy(outcome.known, outcome.novel, 0.5) == 0.75
    assert auroc(outcome.known, outcome.novel) == (1 + 1 + 0 + 0.5) / 4


def test_tied_novel_queries_are_accepted_together() -> None:
    outcome = OpenSet((2.0, 2.0), (1.0, 1.0, 3.0), (True, True))
    false_alarms, found = openset.identification_curve(outcome)
    assert false_alarms.tolist() == [0, 1 / 3, 1]
    assert found.tolist() == [0, 1, 1]
    assert openset.identified_at(outcome, 0.1) == 0


@pytest.mark.parametrize(("known", "novel"), [([], [1.0]), ([1.0], []), ([], [])])
def test_one_kind_of_queries_alone_is_none(known: list[float], novel: list[float]) -> None:
    outcome = OpenSet(tuple(known), tuple(novel), (True,) * len(known))
    assert openset.auroc_interval(known, novel, range(len(known) + len(novel))) is None
    assert openset.balanced_accuracy(known, novel, 0) is None
    assert openset.identified_at(outcome, 0.1) is None


def test_interval_of_auroc_is_wider_when_animals_fail_together() -> None:
    rng = np.random.default_rng(0)
    known, novel = rng.normal(1, 1, 100), rng.normal(0, 1, 100)
    alone = openset.auroc_interval(known, novel, range(200))
    known, novel = np.repeat(known[:10], 10), np.repeat(novel[:10], 10)
    together = openset.auroc_interval(known, novel, [i // 10 for i in range(200)])
    assert alone is not None
    assert together is not None
    assert alone[0] < 0.76 < alone[1], "the true area of two normals one deviation apart"
    assert together[1] - together[0] > 2 * (alone[1] - alone[0])


def test_outcomes_of_other_queries_are_refused() -> None:
    with pytest.raises(ValueError, match="2 known queries but 1 of them told"):
        OpenSet((1.0, 2.0), (), (True,))
