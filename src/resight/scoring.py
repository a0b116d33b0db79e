"""Matches -> raw scores of a pair; evidence -> ranked individuals.

Every score is higher for more similar pairs and none is a probability. Scores
are comparable only between pairs matched by the same method with the same
settings. ``s`` is the confidence of every query keypoint against one gallery
photo, 0 where it has no mutual match (``Matches.confidences``).

| score | value | no keypoints (N = 0) |
| --- | --- | --- |
| ``matches`` | number of matches | 0 |
| ``sum`` | sum of ``s`` above 0.1 | 0 |
| ``top_10`` ``top_25`` ``top_50`` | sum of the k largest ``s`` | 0 |
| ``inliers`` | matches that agree with the fitted geometry | 0 |
| ``inlier_sum`` | sum of their scores | 0 |
| ``auc`` | minus the area under the cumulative distribution of ``s`` | -1 |
| ``wasserstein_h0`` | W1 distance of ``s`` from non-matching pairs | 0 |
| ``wasserstein_h1`` | 1 - W1 distance of ``s`` from matching pairs | 1 - mean of those |
| ``mean_shift`` | mean of ``s`` - mean of non-matching pairs | 0 |

``wasserstein_h0`` has no sign: a blank photo lies away from the non-matching
pairs too. ``mean_shift`` is negative there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Optional

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resight.errors import SettingsError
from resight.types import Candidate, Evidence, GalleryEntry, Geometry, Matches

SCORE_NAMES = (
    "matches",
    "sum",
    "top_10",
    "top_25",
    "top_50",
    "inliers",
    "inlier_sum",
    "auc",
    "wasserstein_h0",
    "wasserstein_h1",
    "mean_shift",
)

#: Those that compare with distributions learned from the catalogue.
DISTRIBUTION_SCORES = ("wasserstein_h0", "wasserstein_h1", "mean_shift")
#: Those that need a matcher with confidences.
CONFIDENCE_SCORES = ("auc", *DISTRIBUTION_SCORES)


class Pool:
    """A pooled sample of confidences, ready for many W1 distances.

    Kept as its distinct values and the integral of its quantile function up to
    each, so a distance to N values costs O(N log N) however large the pool, and
    is exact but for float64 rounding.
    """

    def __init__(self, values: ArrayLike) -> None:
        """``values``: one or more finite numbers, in any order."""
        sample = np.asarray(values, np.float64).ravel()
        if len(sample) == 0 or not np.isfinite(sample).all():
            raise ValueError("a pool of confidences needs one or more finite values")
        self._values, counts = np.unique(sample, return_counts=True)
        self._levels = np.concatenate([[0.0], np.cumsum(counts) / len(sample)])
        steps = self._values * counts / len(sample)
        self._integral = np.concatenate([[0.0], np.cumsum(steps)])
        self.mean = float(self._integral[-1])

    def distance(self, values: ArrayLike) -> float:
        """The 1-Wasserstein (earth mover's) distance of a sample from this pool.

        W1 is the area between both quantile functions. Each of the N sorted
        values is constant over one N-th of the levels, where the pool's
        quantiles lie first below and then above it.

        >>> Pool([0.0, 1.0]).distance([0.0, 0.5])
        0.25
        """
        s = np.sort(np.asarray(values, np.float64).ravel())
        edges = np.arange(len(s) + 1) / len(s)
        low, high = edges[:-1], edges[1:]
        below = self._levels[np.searchsorted(self._values, s, side="right")]
        cross = np.clip(below, low, high)
        at_low, at_cross, at_high = (self._integral_to(level) for level in (low, cross, high))
        areas = s * (cross - low) - (at_cross - at_low) + (at_high - at_cross) - s * (high - cross)
        return float(max(areas.sum(), 0.0))

    def _integral_to(self, level: NDArray[np.float64]) -> NDArray[np.float64]:
        """Integral of the quantile function from 0: it is linear between the pool's levels."""
        integral: NDArray[np.float64] = np.interp(level, self._levels, self._integral)
        return integral


@dataclass(frozen=True, eq=False)
class ScoreDistributions:
    """Confidences of pairs known to show different animals, and the same.

    ``null`` and ``match`` are sorted float32 pools of ``s`` (``None`` where the
    catalogue has no such pairs yet); ``fingerprint`` of the method that made
    them: they mean nothing for another.
    """

    null: Optional[NDArray[np.float32]]
    match: Optional[NDArray[np.float32]]
    fingerprint: str

    def __post_init__(self) -> None:
        for name in ("null", "match"):
            pool = getattr(self, name)
            if pool is None:
                continue
            if pool.ndim != 1 or pool.dtype != np.float32 or len(pool) == 0:
                raise ValueError(
                    f"{name} must be (S,) float32 with S > 0, got {pool.shape} {pool.dtype}"
                )
            if (pool[1:] < pool[:-1]).any():
                raise ValueError(f"{name} must be sorted")
            pool.flags.writeable = False

    def lack(self, score: str) -> bool:
        """Whether a score cannot be computed because it compares with pairs there are none of."""
        return (score == "wasserstein_h1" and self.match is None) or (
            score in ("wasserstein_h0", "mean_shift") and self.null is None
        )

    @cached_property
    def null_pool(self) -> Optional[Pool]:
        """``null`` prepared for distances."""
        return None if self.null is None else Pool(self.null)

    @cached_property
    def match_pool(self) -> Optional[Pool]:
        """``match`` prepared for distances."""
        return None if self.match is None else Pool(self.match)


@dataclass(frozen=True, eq=False)
class KnownPair:
    """What a method said about two gallery photos of which the truth is known.

    ``confidences`` (N,) float32 of one matched with the other; ``photos`` are the
    sha256 of both, ``encounters`` those known of both and ``individuals`` whom they show.
    """

    confidences: NDArray[np.float32]
    photos: frozenset[str]
    encounters: frozenset[str]
    individuals: frozenset[str]

    def __post_init__(self) -> None:
        self.confidences.flags.writeable = False


@dataclass(frozen=True, eq=False)
class KnownPairs:
    """Gallery pairs of different individuals and of the same, to learn distributions from.

    ``fingerprint`` is of the method that matched them: they mean nothing for another.
    """

    different: tuple[KnownPair, ...]
    same: tuple[KnownPair, ...]
    fingerprint: str

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits; equal for the same pairs in any order."""
        whole = hashlib.sha256()
        for pairs in (self.different, self.same):
            whole.update(b"".join(sorted(map(_digest, pairs))) + b"|")
        return whole.hexdigest()[:16]

    def distributions(
        self, *, encounter: str = "", photo: str = "", individual: str = ""
    ) -> ScoreDistributions:
        """Pools of all pairs but those that show this encounter, photo or individual (empty: none).

        What looks like the query because it is of the same occasion must not say what
        the same animal looks like; an animal asked about as if it were new, nothing at all.
        """
        kept = [
            tuple(
                pair
                for pair in pairs
                if photo not in pair.photos
                and encounter not in pair.encounters
                and individual not in pair.individuals
            )
            for pairs in (self.different, self.same)
        ]
        if kept == [self.different, self.same]:
            return self._all
        return ScoreDistributions(_pooled(kept[0]), _pooled(kept[1]), self.fingerprint)

    @cached_property
    def _all(self) -> ScoreDistributions:
        return ScoreDistributions(_pooled(self.different), _pooled(self.same), self.fingerprint)


def _pooled(pairs: Sequence[KnownPair]) -> Optional[NDArray[np.float32]]:
    """Sorted confidences of all pairs; ``None`` if there are none."""
    if not any(len(pair.confidences) for pair in pairs):
        return None
    return np.sort(np.concatenate([pair.confidences for pair in pairs]))


def _digest(pair: KnownPair) -> bytes:
    about = repr((sorted(pair.photos), sorted(pair.encounters), sorted(pair.individuals)))
    return hashlib.sha256(about.encode() + pair.confidences.tobytes()).digest()


def match_count(matches: Matches) -> int:
    """Number of matches.

    >>> match_count(Matches(np.array([[0, 3], [2, 1]], np.int32), np.ones(2, np.float32)))
    2
    """
    return len(matches)


def confidence_sum(s: NDArray[np.floating[Any]], *, threshold: float = 0.1) -> float:
    """Sum of the confidences above ``threshold``.

    >>> confidence_sum(np.array([0.0, 0.05, 0.25, 0.5]))
    0.75
    """
    return float(s[s > threshold].sum(dtype=np.float64))


def top_k_sum(s: NDArray[np.floating[Any]], *, k: int) -> float:
    """Sum of the ``k`` largest confidences (of all, if fewer).

    >>> top_k_sum(np.array([0.25, 0.0, 1.0, 0.5]), k=2)
    1.5
    """
    return float(np.sort(s)[::-1][:k].sum(dtype=np.float64))


def auc(s: NDArray[np.floating[Any]]) -> float:
    """Minus the area under the cumulative distribution of the confidences.

    The sorted confidences are paired with 0 … 1 evenly spaced, and (1, 1) is
    appended if the largest is below 1; trapezoids between. -1 without
    keypoints, as where all (many) confidences are 0.

    >>> auc(np.array([1.0, 0.0, 0.5]))
    -0.5
    >>> auc(np.array([0.0, 0.0, 0.0]))
    -1.0
    """
    if len(s) == 0:
        return -1.0
    x = np.sort(s.astype(np.float64))
    y = np.linspace(0, 1, len(x))
    if x[-1] < 1:
        x, y = np.append(x, 1.0), np.append(y, 1.0)
    return -float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2))


def wasserstein_h0(s: NDArray[np.floating[Any]], null: Pool) -> float:
    """W1 distance of the confidences from those of non-matching pairs.

    0 without keypoints.

    >>> wasserstein_h0(np.array([0.25, 0.75]), null=Pool([0.0, 0.0, 0.0, 0.5]))
    0.375
    """
    return null.distance(s) if len(s) else 0.0


def wasserstein_h1(s: NDArray[np.floating[Any]], match: Pool) -> float:
    """1 - W1 distance of the confidences from those of matching pairs.

    Without keypoints that of confidences all 0: 1 - mean of the matching pairs.

    >>> wasserstein_h1(np.array([0.25, 0.75]), match=Pool([0.5, 0.5, 0.5, 0.5]))
    0.75
    >>> wasserstein_h1(np.array([]), match=Pool([0.25, 0.75]))
    0.5
    """
    return 1.0 - (match.distance(s) if len(s) else match.distance([0.0]))


def mean_shift(s: NDArray[np.floating[Any]], null: Pool) -> float:
    """Mean of the confidences minus that of non-matching pairs: negative if below.

    0 without keypoints.

    >>> mean_shift(np.array([0.25, 0.75]), null=Pool([0.0, 0.25]))
    0.375
    >>> mean_shift(np.array([0.0, 0.0]), null=Pool([0.0, 0.25]))
    -0.125
    """
    return float(s.mean(dtype=np.float64)) - null.mean if len(s) else 0.0


def inlier_count(geometry: Geometry) -> int:
    """Number of matches that agree with the geometry.

    >>> inlier_count(Geometry(inliers=np.array([True, False, True])))
    2
    """
    return int(np.count_nonzero(geometry.inliers))


def inlier_sum(matches: Matches, geometry: Geometry) -> float:
    """Sum of the scores of the matches that agree with the geometry.

    >>> pairs = np.array([[0, 0], [1, 1]], np.int32)
    >>> matches = Matches(pairs, np.array([0.5, 0.25], np.float32))
    >>> inlier_sum(matches, Geometry(inliers=np.array([True, False])))
    0.5
    """
    return float(matches.scores[geometry.inliers].sum(dtype=np.float64))


def score_pair(
    matches: Matches, geometry: Geometry, distributions: Optional[ScoreDistributions] = None
) -> dict[str, Optional[float]]:
    """All raw scores of one pair, by the names of ``SCORE_NAMES``.

    Without confidences ``sum`` and ``top_k`` are of the match scores, and
    the ``CONFIDENCE_SCORES`` are ``None``; so are the ``DISTRIBUTION_SCORES``
    without ``distributions`` (the caller sees to it that these are the method's own).
    Of photos compared as wholes there is only ``sum``, whatever its size.
    """
    if matches.whole:
        return dict.fromkeys(SCORE_NAMES) | {"sum": float(matches.scores.sum())}
    confidences = matches.confidences
    s: NDArray[np.float32] = matches.scores if confidences is None else confidences
    null = distributions.null_pool if distributions else None
    match = distributions.match_pool if distributions else None
    known = confidences is not None
    scores: dict[str, Optional[float]] = {
        "matches": float(match_count(matches)),
        "sum": confidence_sum(s),
        "top_10": top_k_sum(s, k=10),
        "top_25": top_k_sum(s, k=25),
        "top_50": top_k_sum(s, k=50),
        "inliers": float(inlier_count(geometry)),
        "inlier_sum": inlier_sum(matches, geometry),
        "auc": auc(s) if known else None,
        "wasserstein_h0": wasserstein_h0(s, null) if known and null else None,
        "wasserstein_h1": wasserstein_h1(s, match) if known and match else None,
        "mean_shift": mean_shift(s, null) if known and null else None,
    }
    return scores


def rank_individuals(
    evidence: Sequence[tuple[GalleryEntry, Evidence]],
    *,
    score: str,
    method: str = "this method",
) -> tuple[Candidate, ...]:
    """Individuals, most similar first; each scores as its best photo.

    Equal scores are ordered by the individual's name, and the photos of one
    individual by annotation id, so the answer never depends on the order of
    the gallery. ``method`` is only named in the error.

    Raises ``SettingsError`` if ``score`` is unknown or the evidence lacks it.
    """
    if score not in SCORE_NAMES:
        raise SettingsError(f"unknown score {score!r}: use one of {', '.join(SCORE_NAMES)}")
    photos: dict[str, list[tuple[float, Evidence]]] = {}
    for entry, item in evidence:
        value = item.scores.get(score)
        if value is None:
            raise SettingsError(_unavailable(score, method, item))
        photos.setdefault(entry.individual, []).append((value, item))
    candidates = []
    for individual, found in photos.items():
        found.sort(key=lambda pair: (-pair[0], pair[1].annotation))
        candidates.append(Candidate(individual, found[0][0], tuple(item for _, item in found)))
    return tuple(sorted(candidates, key=lambda c: (-c.score, c.individual)))


def _unavailable(score: str, method: str, item: Evidence) -> str:
    available = [name for name in SCORE_NAMES if item.scores.get(name) is not None]
    if item.matches.whole:
        reason = "it compares photos as wholes"
    elif item.matches.confidences is None:
        reason = "its matcher gives no confidences"
    elif score in DISTRIBUTION_SCORES:
        reason = "the gallery has no known pairs to learn its distributions from"
    else:
        reason = "it was not computed"
    return (
        f"{method} has no score {score!r} ({reason}, annotation {item.annotation}): "
        f"use one of {', '.join(available)}"
    )
