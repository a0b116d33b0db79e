"""What a search keeps of what it saw, and who comes first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nlargest
from math import sqrt
from typing import Protocol, TypeVar

from resight.method import Method
from resight.scoring import rank_individuals
from resight.types import Candidate, Evidence, GalleryEntry

#: Added to a score whose chance variation is asked for: a score of 0 is not certain to be 0.
_FEW = 10


class OfIndividual(Protocol):
    """What shows an individual."""

    @property
    def individual(self) -> str: ...


Shown = TypeVar("Shown", bound=OfIndividual)


def stands_out(scores: Iterable[float], by: float) -> bool:
    """Whether the best score, a sum over matches, is more than chance above the next one."""
    best, second = nlargest(2, [*scores, 0.0, 0.0])
    # Sums of chance matches vary like counts: by their square root.
    return best >= second + by * sqrt(second + _FEW)


def best_of(
    scored: Iterable[tuple[float, Shown]], limit: int, *, each: int
) -> list[tuple[float, Shown]]:
    """Those with the highest scores, of no individual more than ``each``."""
    passed: Counter[str] = Counter()
    best: list[tuple[float, Shown]] = []
    for score, shown in sorted(scored, key=lambda pair: -pair[0]):
        if len(best) == limit:
            break
        if passed[shown.individual] < each:
            passed[shown.individual] += 1
            best.append((score, shown))
    return best


class Best:
    """The best photos of each individual seen so far.

    Whatever the batches were, the result is that of ranking all photos at once
    and cutting each individual's evidence.
    """

    def __init__(self, method: Method, photos: int) -> None:
        self._method = method
        self._photos = photos
        self._kept: dict[str, list[tuple[GalleryEntry, Evidence]]] = {}

    def add(self, compared: Iterator[tuple[GalleryEntry, Evidence]]) -> None:
        changed: dict[str, list[tuple[GalleryEntry, Evidence]]] = {}
        for entry, evidence in compared:
            kept = changed.setdefault(entry.individual, list(self._kept.get(entry.individual, ())))
            _keep(kept, entry, evidence)
        for candidate in self._rank(changed):
            entries = {item.annotation: entry for entry, item in changed[candidate.individual]}
            self._kept[candidate.individual] = [
                (entries[item.annotation], item) for item in candidate.evidence[: self._photos]
            ]

    def candidates(self) -> tuple[Candidate, ...]:
        return self._rank(self._kept)

    def sums(self) -> dict[str, float]:
        """The most that each individual's matches of one photo sum up to."""
        return {
            individual: max(float(each.matches.scores.sum()) for _, each in photos)
            for individual, photos in self._kept.items()
        }

    def _rank(
        self, kept: Mapping[str, Sequence[tuple[GalleryEntry, Evidence]]]
    ) -> tuple[Candidate, ...]:
        pairs = [pair for photos in kept.values() for pair in photos]
        return rank_individuals(pairs, score=self._method.score, method=self._method.name)


def _keep(
    kept: list[tuple[GalleryEntry, Evidence]], entry: GalleryEntry, evidence: Evidence
) -> None:
    """Add the evidence of a photo; of two views of the query that with stronger matches."""
    same = [i for i, (_, each) in enumerate(kept) if each.annotation == evidence.annotation]
    if not same:
        kept.append((entry, evidence))
    elif evidence.matches.scores.sum() > kept[same[0]][1].matches.scores.sum():
        kept[same[0]] = (entry, evidence)
