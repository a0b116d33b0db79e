"""Whether what was called so probable came true as often: bins of predictions, and their error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class ReliabilityBin:
    """Predictions of about the same probability: their mean, how often they held, how many.

    ``share`` of all weight.
    """

    predicted: float
    held: float
    share: float
    queries: int


def reliability(
    probabilities: ArrayLike, held: ArrayLike, weights: ArrayLike | None = None, bins: int = 10
) -> list[ReliabilityBin]:
    """Predictions in up to ``bins`` groups of equal weight, from the least probable on.

    ``probabilities`` (N,) of the first outcomes; ``held`` (N,) whether each was true. A
    query at the border of two bins belongs to that of its middle; equal probabilities
    share a bin, so the order of queries makes no difference.
    """
    p, hit = np.asarray(probabilities, float), np.asarray(held, float)
    w = np.ones(len(p)) if weights is None else np.asarray(weights, float)
    if not len(p) or w.sum() <= 0:
        return []
    levels, level = np.unique(p, return_inverse=True)
    mass = np.bincount(level, w, minlength=len(levels)) / w.sum()
    middle = np.cumsum(mass) - mass / 2
    group = np.minimum((middle * bins).astype(int), bins - 1)[level]
    found = []
    for each in np.unique(group):
        own = group == each
        total = w[own].sum()
        if total > 0:
            found.append(
                ReliabilityBin(
                    predicted=float(np.average(p[own], weights=w[own])),
                    held=float(np.average(hit[own], weights=w[own])),
                    share=float(total / w.sum()),
                    queries=int(own.sum()),
                )
            )
    return found


def calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Expected calibration error: mean gap between predicted and held, by weight; 0 of no bins.

    Guo et al., On Calibration of Modern Neural Networks, 2017, with bins of equal mass
    (Nixon et al., Measuring Calibration in Deep Learning, 2019) rather than of equal width.
    """
    return sum(abs(each.predicted - each.held) * each.share for each in bins)
