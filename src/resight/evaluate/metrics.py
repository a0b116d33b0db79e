"""Figures of merit of closed-set identification, as pure functions of ranks.

A *rank* is the place of a query's own individual among all individuals, 1 the
first, and ``None`` where it is not in the list at all (never compared, or the
query could not be read): that counts as a miss at every k. Functions answer
``None`` where there is nothing to average, never NaN.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Optional

import numpy as np
from numpy.typing import NDArray

Ranks = Sequence[Optional[int]]
Floats = NDArray[np.float64]


def rank_of(individual: str, scores: Mapping[str, float]) -> Optional[int]:
    """The rank of one individual, ties counting against it.

    An individual that shares its score with others takes the worst of their
    places, so a method that gives every photo the same score earns nothing.

    >>> scores = {"Ada": 9.0, "Bo": 4.0, "Cy": 4.0, "Di": 0.0}
    >>> rank_of("Ada", scores), rank_of("Bo", scores), rank_of("Eve", scores)
    (1, 3, None)
    """
    own = scores.get(individual)
    if own is None:
        return None
    return sum(score >= own for score in scores.values())


def reached(ranks: Ranks, k: int) -> list[bool]:
    """For each query, whether its individual is among the first k.

    >>> reached([1, 4, None], 3)
    [True, False, False]
    """
    return [rank is not None and rank <= k for rank in ranks]


def top_k(ranks: Ranks, k: int) -> Optional[float]:
    """Share of queries whose individual is among the first k individuals.

    >>> top_k([1, 1, 4, None], 1), top_k([1, 1, 4, None], 5)
    (0.5, 0.75)
    """
    hits = reached(ranks, k)
    return sum(hits) / len(hits) if hits else None


def mean_reciprocal_rank(ranks: Ranks) -> Optional[float]:
    """Mean of 1 / rank, 0 for individuals not in the list.

    >>> mean_reciprocal_rank([1, 2, None, 4])
    0.4375
    """
    if not ranks:
        return None
    return sum(0.0 if rank is None else 1.0 / rank for rank in ranks) / len(ranks)


def macro_mean(values: Sequence[float], groups: Sequence[Hashable]) -> Optional[float]:
    """Mean over groups of each group's mean: every animal weighs the same.

    >>> macro_mean([1, 1, 1, 0], ["Ada", "Ada", "Ada", "Bo"])
    0.5
    """
    sums, counts = _by_group(values, groups)
    return float(np.mean(sums / counts)) if len(counts) else None


def resampled(
    groups: Sequence[Hashable], *, resamples: int = 2000, seed: int = 0
) -> NDArray[np.float64]:
    """How often each item is in each bootstrap sample: (``resamples``, N) counts.

    Photos of one animal succeed and fail together, so whole groups (animals) are drawn
    with replacement, not photos: a cluster bootstrap (Davison and Hinkley, Bootstrap
    Methods and their Application, 1997, section 3.8). Equal arguments give equal samples.
    """
    names = {group: index for index, group in enumerate(dict.fromkeys(groups))}
    if not names:
        return np.zeros((resamples, 0))
    drawn = np.random.default_rng(seed).integers(len(names), size=(resamples, len(names)))
    cells = drawn + len(names) * np.arange(resamples)[:, None]
    times = np.bincount(cells.ravel(), minlength=resamples * len(names)).astype(np.float64)
    return times.reshape(resamples, -1)[:, [names[group] for group in groups]]


def interval(samples: Floats) -> tuple[Floats, Floats]:
    """The 95 % percentile interval of bootstrap samples, along their first axis."""
    low, high = np.percentile(samples, [2.5, 97.5], axis=0)
    return low, high


def bootstrap_interval(
    values: Sequence[float],
    groups: Sequence[Hashable],
    *,
    macro: bool = False,
    resamples: int = 2000,
    seed: int = 0,
) -> Optional[tuple[float, float]]:
    """95 % interval of the mean of ``values`` over ``resampled`` groups.

    ``macro`` gives the interval of ``macro_mean`` instead.

    >>> bootstrap_interval([1, 1, 1, 1], ["Ada", "Ada", "Bo", "Cy"])
    (1.0, 1.0)
    """
    sums, counts = _by_group(values, groups)
    if not len(counts):
        return None
    times = resampled(range(len(counts)), resamples=resamples, seed=seed)
    if macro:
        sums, counts = sums / counts, np.ones_like(counts)
    low, high = interval((times @ sums) / (times @ counts))
    return float(low), float(high)


def cumulative_curve(
    ranks: Ranks, groups: Sequence[Hashable], *, longest: int = 20
) -> tuple[Floats, Floats, Floats]:
    """The cumulative match characteristic: share, low and high at ranks 1 to ``longest``.

    Low and high are the 95 % interval at each rank. (0,) each where there are no ranks.

    >>> share, _, _ = cumulative_curve([1, 3, None, 1], ["Ada", "Bo", "Cy", "Di"], longest=3)
    >>> share.tolist()
    [0.5, 0.5, 0.75]
    """
    if not ranks:
        return (np.zeros(0),) * 3
    hits = np.array([reached(ranks, k) for k in range(1, longest + 1)], np.float64).T
    times = resampled(groups)
    low, high = interval((times @ hits) / times.sum(axis=1, keepdims=True))
    return hits.mean(axis=0), low, high


def pool_encounter(queries: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """One score per individual for all queries of an encounter: the best of them.

    The rule that makes an individual's score out of its gallery photos (the best
    one counts) applied to the query's photos too. It holds for scores of any
    range, and an individual that only one query met is not held back by that.

    >>> pool_encounter([{"Ada": 3.0, "Bo": 5.0}, {"Ada": 8.0}])
    {'Ada': 8.0, 'Bo': 5.0}
    """
    pooled: dict[str, float] = {}
    for scores in queries:
        for individual, score in scores.items():
            pooled[individual] = max(score, pooled.get(individual, score))
    return pooled


def _by_group(values: Sequence[float], groups: Sequence[Hashable]) -> tuple[Floats, Floats]:
    if len(values) != len(groups):
        raise ValueError(f"{len(values)} values but {len(groups)} groups")
    collected: dict[Hashable, list[float]] = defaultdict(list)
    for value, group in zip(values, groups, strict=True):
        collected[group].append(float(value))
    sums = np.array([sum(each) for each in collected.values()], np.float64)
    counts = np.array([len(each) for each in collected.values()], np.float64)
    return sums, counts
