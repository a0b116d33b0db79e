"""Pairs of annotations compared: one query against many at a time, whatever order they come in."""

from __future__ import annotations

import logging
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Optional, Union

import numpy as np
from numpy.typing import NDArray

from resight.matchers import Matcher
from resight.method import Screen
from resight.scoring import score_pair
from resight.types import Features, Geometry, Matches
from resight.verify import verify

logger = logging.getLogger("wbia.resight")

#: Gives the features of annotations in order, ``None`` where there are none to be had.
Describe = Callable[[Sequence[int]], Sequence[Optional[Features]]]
Pair = tuple[int, int]

#: Gallery annotations whose features are in memory at a time.
_BATCH = 32
#: Scores that need the pair's geometry.
_GEOMETRIC = ("inliers", "inlier_sum")


class Compared(NamedTuple):
    """What one query annotation and one of the database have in common.

    ``fm`` (K, 2) int32: indices of the matched keypoints in query and database annotation;
    ``fs`` (K,) float32: how sure each match is.
    """

    score: float
    fm: NDArray[np.int32]
    fs: NDArray[np.float32]

    @property
    def turned(self) -> Compared:
        """The same with query and database annotation in each other's place."""
        return Compared(self.score, np.ascontiguousarray(self.fm[:, ::-1]), self.fs)


def nothing_in_common() -> Compared:
    """Of annotations that could not be compared."""
    return Compared(0.0, np.zeros((0, 2), np.int32), np.zeros(0, np.float32))


def compare_pairs(
    pairs: Sequence[Pair],
    describe: Describe,
    matcher: Union[Matcher, Screen],
    *,
    score: str,
    symmetric: bool,
) -> list[Optional[Compared]]:
    """Each pair (query, database annotation) compared; ``None`` if either has no features.

    Where ``symmetric``, a pair may be matched the other way round and turned, so that the
    annotation that is in most pairs is the query of all of these.
    """
    results: list[Optional[Compared]] = [None] * len(pairs)
    done = 0
    for query, members in _groups(pairs, symmetric):
        others = [_other(pairs[i], query) for i in members]
        found = _one_against_many(query, others, describe, matcher, score)
        for i, compared in zip(members, found, strict=True):
            asked = pairs[i][0] == query
            results[i] = compared if asked or compared is None else compared.turned
            done += 1
            if done % _BATCH == 0 or done == len(pairs):
                logger.info("%d of %d pairs compared", done, len(pairs))
    return results


def best_of(pairs: Sequence[Pair], scores: Sequence[float], limit: int) -> list[Pair]:
    """Of each query the ``limit`` pairs with the highest scores.

    >>> best_of([(1, 5), (1, 6), (2, 5)], [0.1, 0.2, 0.0], 1)
    [(1, 6), (2, 5)]
    """
    passed: Counter[int] = Counter()
    best = []
    for pair, _ in sorted(zip(pairs, scores, strict=True), key=lambda each: -each[1]):
        passed[pair[0]] += 1
        if passed[pair[0]] <= limit:
            best.append(pair)
    return best


def _groups(pairs: Sequence[Pair], symmetric: bool) -> Iterator[tuple[int, list[int]]]:
    """Queries and the indices of the pairs that each of them shall be matched in."""
    of: defaultdict[int, list[int]] = defaultdict(list)
    for i, (query, other) in enumerate(pairs):
        of[query].append(i)
        if symmetric:
            of[other].append(i)
    taken = np.zeros(len(pairs), bool)
    for query in sorted(of, key=lambda aid: -len(of[aid])):
        members = [i for i in of[query] if not taken[i]]
        taken[members] = True
        if members:
            yield query, members


def _other(pair: Pair, aid: int) -> int:
    return pair[1] if pair[0] == aid else pair[0]


def _one_against_many(
    query: int,
    others: Sequence[int],
    describe: Describe,
    matcher: Union[Matcher, Screen],
    score: str,
) -> Iterator[Optional[Compared]]:
    (features,) = describe([query])
    for start in range(0, len(others), _BATCH):
        batch = describe(others[start : start + _BATCH])
        if features is None:
            yield from [None] * len(batch)
            continue
        there = [each for each in batch if each is not None]
        found = iter(matcher.match(features, there))
        for each in batch:
            yield None if each is None else _compared(features, each, next(found), score)


def _compared(query: Features, gallery: Features, matches: Matches, score: str) -> Compared:
    if score in _GEOMETRIC and not matches.whole:
        geometry = verify(query, gallery, matches)
    else:
        geometry = Geometry(np.zeros(len(matches), np.bool_))
    value = score_pair(matches, geometry)[score]
    finite = float(value) if value is not None and math.isfinite(value) else 0.0
    return Compared(finite, np.array(matches.pairs), np.array(matches.scores))
