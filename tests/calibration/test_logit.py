"""The conditional logit: what its probabilities obey, and its fit beside scipy's optimiser."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from resight.calibration.logit import Logit, Question, fit
from resight.calibration.quality import questions

from .made import trials

FITTED = fit(questions(trials()))
models = st.builds(
    Logit,
    st.tuples(
        st.floats(-8, 8),
        st.floats(0, 5),
        st.floats(-5, 0),
        st.floats(0, 5),
        st.floats(-8, 2),
        st.floats(-2, 0),
    ),
    st.floats(-50, 50),
    st.floats(0.01, 50),
)
# Adding zero turns -0.0 into 0.0: Hypothesis takes no range from 0.0 to -0.0.
rankings = st.lists(st.floats(-100, 500).map(lambda score: score + 0.0), max_size=8).map(
    lambda scores: sorted(scores, reverse=True)
)
priors = st.floats(0.01, 0.99)


@given(models, rankings, priors)
def test_probabilities_sum_to_one(model: Logit, scores: list[float], prior: float) -> None:
    each, other, new = model.probabilities(scores, new_prior=prior)
    assert each.shape == (len(scores),)
    assert min([*each, other, new]) >= 0
    assert each.sum() + other + new == pytest.approx(1, abs=1e-9)


@given(models, rankings.filter(len), priors, st.data())
def test_a_higher_score_never_lowers_its_candidates_probability(
    model: Logit, scores: list[float], prior: float, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(scores) - 1))
    ceiling = scores[index - 1] if index else 600.0
    raised = list(scores)
    raised[index] = data.draw(st.floats(scores[index], ceiling))
    before = model.probabilities(scores, new_prior=prior)[0][index]
    after = model.probabilities(raised, new_prior=prior)[0][index]
    assert after >= before - 1e-9


@given(models, rankings, priors)
def test_the_prior_multiplies_the_odds_of_new(
    model: Logit, scores: list[float], prior: float
) -> None:
    even = model.probabilities(scores, new_prior=0.5)[2]
    shifted = model.probabilities(scores, new_prior=prior)[2]
    odds = prior / (1 - prior)
    assert shifted == pytest.approx(even * odds / (even * odds + 1 - even), abs=1e-9)


def test_the_right_ones_of_clear_trials_become_probable() -> None:
    each, _, new = FITTED.probabilities([60.0, 12.0, 10.0], new_prior=0.5)
    assert each[0] > 0.95
    assert new < 0.05
    each, _, new = FITTED.probabilities([14.0, 12.0, 10.0], new_prior=0.5)
    assert new > 0.6


def test_the_fit_is_the_maximum_that_scipy_finds() -> None:
    """The likelihood written down anew, in plain sums."""
    asked = questions(trials(separation=8.0, seed=3))
    model = fit(asked)
    known = sum(q.weight for q in asked if not q.novel)
    novel = sum(q.weight for q in asked if q.novel)
    half = (known + novel) / 2

    def loss(p: np.ndarray) -> float:
        a, b, r, g, m, k = p
        total = 0.02 * float(((p - [0, 1, 0, 0, -2, 0]) ** 2).sum())
        for question in asked:
            x = np.arcsinh((question.scores - model.centre) / model.spread)
            rest = [(x.sum() - value) / (len(x) - 1) for value in x]
            u = [a + b * value + r * other for value, other in zip(x, rest, strict=True)]
            u[0] += g * (x[0] - x[1])
            u += [m + k * rest[0], 0.0]
            if question.novel:
                chosen = len(x) + 1
            else:
                chosen = len(x) if question.right is None else question.right
            weight = question.weight * half / (novel if question.novel else known)
            total -= weight * (u[chosen] - float(np.log(np.exp(u).sum())))
        return total

    bounds = [(None, None), (0, None), (None, 0), (0, None), (None, None), (None, 0)]
    found = minimize(loss, [0, 1, 0, 0, -2, 0], bounds=bounds, method="L-BFGS-B", tol=1e-12)
    assert loss(np.array(model.parameters)) <= found.fun + 1e-6
    assert model.parameters == pytest.approx(found.x, abs=2e-3)


def test_animals_told_apart_without_error_are_still_not_certain() -> None:
    model = fit(questions(trials(separation=500.0)))
    each, _, _ = model.probabilities([520.0, 12.0, 10.0], new_prior=0.5)
    assert 0.95 < each[0] < 1


def test_a_fit_needs_both_kinds_of_questions() -> None:
    scores = np.array([1.0])
    with pytest.raises(ValueError, match="new ones"):
        fit([Question(scores, 0, novel=False)] * 3)
