"""Figures of merit for "is this animal new?", as pure functions of acceptance values.

Each query has an *acceptance*: the more, the surer it is that the animal is known, such as
the best score or 1 − P(new); −inf where nothing was found to compare. A query is accepted as
known if its acceptance reaches a threshold. Functions answer ``None`` where there are no
known or no novel queries.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resight.calibration.quality import wins
from resight.evaluate.metrics import interval, resampled

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OpenSet:
    """What became of the queries of a protocol that has known and novel ones.

    ``known``, ``novel``: acceptances. ``right``: for each known query, whether its
    individual came first.
    """

    known: tuple[float, ...]
    novel: tuple[float, ...]
    right: tuple[bool, ...]

    def __post_init__(self) -> None:
        if len(self.right) != len(self.known):
            raise ValueError(f"{len(self.known)} known queries but {len(self.right)} of them told")


def auroc_samples(
    known: ArrayLike, novel: ArrayLike, groups: Sequence[Hashable], *, resamples: int = 1000
) -> Floats:
    """``auroc`` of bootstrap samples; ``groups`` are of the known queries, then the novel."""
    won, times = wins(known, novel), resampled(groups, resamples=resamples)
    of_known, of_novel = times[:, : won.shape[0]], times[:, won.shape[0] :]
    pairs = of_known.sum(axis=1) * of_novel.sum(axis=1)
    usable = pairs > 0  # a sample may hold no novel animal at all
    points = ((of_known @ won) * of_novel).sum(axis=1)
    samples: Floats = points[usable] / pairs[usable]
    return samples


def auroc_interval(
    known: ArrayLike, novel: ArrayLike, groups: Sequence[Hashable]
) -> Optional[tuple[float, float]]:
    """95 % interval of ``auroc`` by bootstrap over animals."""
    samples = auroc_samples(known, novel, groups)
    if not len(samples):
        return None
    low, high = interval(samples)
    return float(low), float(high)


def balanced_accuracy(known: ArrayLike, novel: ArrayLike, threshold: float) -> Optional[float]:
    """Mean of known queries accepted and novel ones refused at a threshold.

    >>> balanced_accuracy([3, 2, 1, 0], [0, 1], threshold=1)
    0.625
    """
    of_known, of_novel = np.asarray(known, float), np.asarray(novel, float)
    if not len(of_known) or not len(of_novel):
        return None
    return float(((of_known >= threshold).mean() + (of_novel < threshold).mean()) / 2)


def identification_curve(outcome: OpenSet) -> tuple[Floats, Floats]:
    """False-positive identification rate and detection-and-identification rate.

    Both for every threshold that changes one of them, from the strictest on, as steps that
    begin at (0, …). ISO/IEC 19795-1 calls them FPIR and, as 1 − FNIR, TPIR; Phillips et al.,
    Evaluation methods in face recognition, 2011, DIR. (0,) each without known or novel ones.

    >>> rates = identification_curve(OpenSet((9.0, 5.0, 4.0), (6.0, 1.0), (True, True, False)))
    >>> [each.tolist() for each in rates]
    [[0.0, 0.5, 1.0], [0.3333333333333333, 0.6666666666666666, 0.6666666666666666]]
    """
    if not outcome.known or not outcome.novel:
        return np.zeros(0), np.zeros(0)
    right = np.sort([a for a, hit in zip(outcome.known, outcome.right, strict=True) if hit])
    # Just above each novel query in turn, and at last below all that can be accepted at all.
    thresholds = np.unique([*outcome.novel, -np.inf])[::-1]
    novel = np.sort(outcome.novel)
    false_alarms = len(novel) - np.searchsorted(novel, thresholds, side="right")
    found = len(right) - np.searchsorted(right, thresholds, side="right")
    return false_alarms / len(novel), found / len(outcome.known)


def identified_at(outcome: OpenSet, false_positive_rate: float) -> Optional[float]:
    """Share of known queries identified right and accepted, at no more than this FPIR.

    >>> identified_at(OpenSet((9.0, 5.0, 4.0), (6.0, 1.0), (True, True, False)), 0.1)
    0.3333333333333333
    """
    false_alarms, found = identification_curve(outcome)
    allowed = false_alarms <= false_positive_rate + 1e-12
    return float(found[allowed].max()) if len(found) else None
