"""Probabilities: calibration error, Brier score and prior against independent references."""

from __future__ import annotations

import doctest
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from resight.evaluate import probability
from resight.evaluate.probability import NEW

predictions = st.lists(st.integers(1, 9), min_size=2, max_size=5).map(
    lambda parts: {
        name: part / sum(parts)
        for name, part in zip([NEW, "Ada", "Bo", "Cy", "Di"][: len(parts)], parts, strict=True)
    }
)
inner = st.floats(0.05, 0.95)


def test_examples_in_docstrings_are_true() -> None:
    assert doctest.testmod(probability).failed == 0


def reference_error(p: np.ndarray, held: np.ndarray, bins: int) -> float:
    """Expected calibration error over equal thirds, tenths, …, of sorted predictions."""
    order = np.argsort(p)
    gaps = [
        len(part) * abs(p[part].mean() - held[part].mean()) for part in np.array_split(order, bins)
    ]
    return float(sum(gaps) / len(p))


@pytest.mark.parametrize("bins", [1, 5, 10])
def test_calibration_error_agrees_with_a_reference(bins: int) -> None:
    rng = np.random.default_rng(1)
    p = rng.random(200)
    held = (rng.random(200) < p**2).astype(float)
    found = probability.calibration_error(probability.reliability(p, held, bins=bins))
    assert found == pytest.approx(reference_error(p, held, bins))


def test_honest_probabilities_have_little_error_and_boasting_has_its_gap() -> None:
    rng = np.random.default_rng(2)
    p = rng.random(20_000)
    held = rng.random(20_000) < p
    honest = probability.calibration_error(probability.reliability(p, held))
    assert honest is not None
    assert honest < 0.01
    sure = probability.calibration_error(probability.reliability(np.ones(20_000), held))
    assert sure == pytest.approx(1 - held.mean())


@given(st.lists(st.tuples(inner, st.booleans(), st.integers(1, 3)), min_size=1, max_size=15))
def test_a_weight_is_as_many_queries(rows: list[tuple[float, bool, int]]) -> None:
    p, held, weights = (list(column) for column in zip(*rows, strict=True))
    weighted = probability.calibration_error(probability.reliability(p, held, weights))
    repeated = probability.calibration_error(
        probability.reliability(np.repeat(p, weights), np.repeat(held, weights))
    )
    assert weighted == pytest.approx(repeated)


@given(st.lists(st.tuples(inner, st.booleans()), min_size=1, max_size=15), st.randoms())
def test_the_order_of_queries_makes_no_difference(
    rows: list[tuple[float, bool]], rng: Random
) -> None:
    def error(some: list[tuple[float, bool]]) -> float | None:
        return probability.calibration_error(
            probability.reliability([p for p, _ in some], [held for _, held in some])
        )

    shuffled = list(rows)
    rng.shuffle(shuffled)
    assert error(rows) == pytest.approx(error(shuffled))


@given(st.lists(st.tuples(predictions, st.sampled_from([NEW, "Ada", "Zoe"])), min_size=1))
def test_brier_agrees_with_scikit_learn(rows: list[tuple[dict[str, float], str]]) -> None:
    names = [NEW, "Ada", "Bo", "Cy", "Di", "Zoe"]
    table = [[prediction.get(name, 0.0) for name in names] for prediction, _ in rows]
    truths = [names.index(truth) for _, truth in rows]
    ours = probability.brier([prediction for prediction, _ in rows], [truth for _, truth in rows])
    theirs = brier_score_loss(truths, table, labels=range(6), scale_by_half=False)
    assert ours == pytest.approx(theirs)


def test_constant_brier_is_that_of_guessing_the_prior() -> None:
    guess = {NEW: 0.2, "Ada": 0.4, "Bo": 0.4}
    truths = [NEW, "Ada", "Ada", "Bo", "Bo"]
    assert probability.constant_brier(0.2, 2) == pytest.approx(
        probability.brier([guess] * 5, truths)
    )


@given(predictions, inner, inner)
def test_a_prior_changes_the_odds_of_new_and_nothing_among_individuals(
    prediction: dict[str, float], before: float, after: float
) -> None:
    changed = probability.with_prior(prediction, before, after)
    assert sum(changed.values()) == pytest.approx(1)
    assert changed[NEW] / (1 - changed[NEW]) == pytest.approx(
        prediction[NEW] / (1 - prediction[NEW]) * (after / (1 - after)) / (before / (1 - before))
    )
    for name in prediction.keys() - {NEW}:
        assert changed[name] / changed["Ada"] == pytest.approx(prediction[name] / prediction["Ada"])
    assert probability.with_prior(changed, after, before) == pytest.approx(prediction)


def test_where_nothing_is_new_individuals_share_what_new_had() -> None:
    assert probability.with_prior({"Ada": 0.3, "Bo": 0.1, NEW: 0.6}, 0.5, 0) == pytest.approx(
        {"Ada": 0.75, "Bo": 0.25, NEW: 0}
    )


def test_nothing_to_average_is_none() -> None:
    assert probability.brier([], []) is None
    assert probability.calibration_error(probability.reliability([], [])) is None
