"""The evidence that a search keeps while it goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from resight.method import Method
from resight.scoring import rank_individuals
from resight.types import Candidate, Evidence, GalleryEntry


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
