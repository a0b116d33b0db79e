"""Scores of one question's candidates -> the probability of each, of others, and of "new".

A conditional logit (McFadden 1974, "Conditional logit analysis of qualitative choice
behavior") with three kinds of outcome. With ``x`` the score on a scale where wrong
candidates lie around 0,

    u(candidate c)       = a + b x(c) + r rest(c) + g (x(1) - x(2)) [c is the first]
    u(known, not listed) = m + k rest(1)
    u(new)               = 0

and ``P = exp(u) / sum of exp(u)``. ``x = asinh((score - centre) / spread)``: near the wrong
candidates' scores differences count, far above them ratios, and any score will do, negative
ones too. ``rest(c)`` is the mean of ``x`` over the other candidates (0 without any): a photo
that resembles everybody says little about its best candidate, one that resembles nobody may be
too poor to find its animal. ``b, g >= 0 >= r, k``: a higher score never speaks against its
candidate.

Fitted by maximum likelihood on questions of which the answer is known, with a weak normal
prior: without it, animals that can be told apart without error would give probabilities of 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Where the parameters are drawn to; how strongly, in parts of what one animal's trials say.
_CENTRE = np.array([0.0, 1.0, 0.0, 0.0, -2.0, 0.0])
#: The sign that b, r, g and k must have.
_SIGN = np.array([0.0, 1.0, -1.0, 1.0, 0.0, -1.0])
_PRECISION = 0.04
_STEPS = 100
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Question:
    """Scores (C,) float64 best first, and who was right.

    ``right`` is an index of ``scores``; ``None``: none of these. Then ``novel`` tells a new
    animal from a known one that was not listed.
    """

    scores: Floats
    right: int | None
    novel: bool
    weight: float = 1.0

    @property
    def outcome(self) -> int:
        """Index among the candidates, then "known, not listed", then "new"."""
        if self.right is not None:
            return self.right
        return len(self.scores) + self.novel


@dataclass(frozen=True)
class Logit:
    """A fitted model; ``parameters`` (a, b, r, g, m, k) for as many known animals as new ones."""

    parameters: tuple[float, ...]
    centre: float
    spread: float

    def probabilities(
        self, scores: Sequence[float] | Floats, *, new_prior: float
    ) -> tuple[Floats, float, float]:
        """(C,) of each candidate, of another known animal, and of a new one: they sum to one.

        ``scores`` best first; ``new_prior``: how probable a new animal was before anybody
        looked, between 0 and 1. It shifts the odds of "new" against all that is known.

        >>> model = Logit((0.0, 2.0, 0.0, 1.0, -2.0, 0.0), centre=10.0, spread=5.0)
        >>> each, other, new = model.probabilities([20.0, 12.0], new_prior=0.5)
        >>> [round(float(p), 3) for p in each], round(other, 3), round(new, 3)
        ([0.939, 0.04], 0.002, 0.018)
        """
        design = _design(np.asarray(scores, np.float64), self.centre, self.spread)
        utilities = design @ np.array(self.parameters)
        utilities[:-1] += np.log((1 - new_prior) / new_prior)
        raised = np.exp(utilities - utilities.max())
        outcomes = raised / raised.sum()
        return outcomes[:-2], float(outcomes[-2]), float(outcomes[-1])


def fit(questions: Sequence[Question]) -> Logit:
    """The most likely model, as if half of the animals asked about had been new.

    Weights of known and of novel questions are scaled to equal sums, so that the sum of all
    stays; each question counts by its weight within its kind.

    Raises ``ValueError`` without a known or without a novel question.
    """
    weights = _balanced(questions)
    centre, spread = _scale(questions)
    designs = [_design(question.scores, centre, spread) for question in questions]
    outcomes = [question.outcome for question in questions]
    free = np.ones(len(_CENTRE), bool)
    while True:
        parameters = _ascend(designs, outcomes, weights, free)
        wrong = free & (parameters * _SIGN < 0)
        if not wrong.any():
            return Logit(tuple(parameters.tolist()), centre, spread)
        free &= ~wrong


def _balanced(questions: Sequence[Question]) -> Floats:
    weights = np.array([question.weight for question in questions], np.float64)
    novel = np.array([question.novel for question in questions], bool)
    if not novel.any() or novel.all():
        raise ValueError("a fit needs questions about known animals and about new ones")
    half = weights.sum() / 2
    weights[novel] *= half / weights[novel].sum()
    weights[~novel] *= half / weights[~novel].sum()
    return weights


def _scale(questions: Sequence[Question]) -> tuple[float, float]:
    """Median and interquartile range of the best wrong candidate of each question."""
    wrong = []
    for question in questions:
        others = question.scores
        if question.right is not None:
            others = np.delete(others, question.right)
        wrong.extend(others[:1].tolist())
    if not wrong:
        return 0.0, 1.0
    low, centre, high = np.percentile(wrong, [25, 50, 75])
    return float(centre), float(max(high - low, 1e-3 * abs(centre), 1e-6))


def _design(scores: Floats, centre: float, spread: float) -> Floats:
    """(C + 2, 6): what each parameter is multiplied by, for each outcome."""
    x = np.arcsinh((scores - centre) / spread)
    count = len(x)
    design = np.zeros((count + 2, len(_CENTRE)))
    design[:count, 0] = 1
    design[:count, 1] = x
    if count > 1:
        design[:count, 2] = (x.sum() - x) / (count - 1)
        design[0, 3] = x[0] - x[1]
        design[count, 5] = design[0, 2]
    elif count:
        design[0, 3] = max(x[0], 0.0)
    design[count, 4] = 1
    return design


def _ascend(
    designs: Sequence[Floats], outcomes: Sequence[int], weights: Floats, free: NDArray[np.bool_]
) -> Floats:
    """Newton's method on the concave log posterior; parameters that are not free are 0."""
    flat = np.concatenate(designs)
    starts = np.cumsum([0, *(len(design) for design in designs[:-1])])
    lengths = np.array([len(design) for design in designs])
    chosen = flat[starts + np.array(outcomes)]
    each = np.repeat(weights, lengths)
    parameters = np.where(free, _CENTRE, 0.0)
    value = -np.inf
    for _ in range(_STEPS):
        p, total = _posterior(flat, starts, lengths, parameters)
        means = np.add.reduceat(p[:, None] * flat, starts)
        away = parameters - np.where(free, _CENTRE, 0.0)
        new = weights @ (chosen @ parameters - total) - _PRECISION / 2 * away @ away
        gradient = weights @ (chosen - means) - _PRECISION * away
        curvature = (flat * (each * p)[:, None]).T @ flat
        curvature -= (means * weights[:, None]).T @ means
        curvature += _PRECISION * np.eye(len(parameters))
        step = np.zeros(len(parameters))
        step[free] = np.linalg.solve(curvature[np.ix_(free, free)], gradient[free])
        if abs(new - value) < _TOLERANCE and np.abs(step).max() < 1e-6:
            break
        value = new
        parameters = parameters + step * min(1.0, 2.0 / max(np.abs(step).max(), 1e-12))
    return parameters


def _posterior(
    flat: Floats, starts: NDArray[np.int64], lengths: NDArray[np.int64], parameters: Floats
) -> tuple[Floats, Floats]:
    """Probability of every outcome, and the log of each question's sum of exp(u)."""
    utilities = flat @ parameters
    highest = np.maximum.reduceat(utilities, starts)
    raised = np.exp(utilities - np.repeat(highest, lengths))
    sums = np.add.reduceat(raised, starts)
    return raised / np.repeat(sums, lengths), highest + np.log(sums)
