"""Probabilities: Brier score and prior against independent references."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from resight.calibration.quality import constant_brier
from resight.evaluate import probability
from resight.evaluate.probability import NEW

predictions = st.lists(st.integers(1, 9), min_size=2, max_size=5).map(
    lambda parts: {
        name: part / sum(parts)
        for name, part in zip([NEW, "Ada", "Bo", "Cy", "Di"][: len(parts)], parts, strict=True)
    }
)
inner = st.floats(0.05, 0.95)


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
    assert constant_brier(0.2, 2) == pytest.approx(probability.brier([guess] * 5, truths))


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
