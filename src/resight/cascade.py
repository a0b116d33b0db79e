"""The stages that a query's gallery photos pass, the cheap ones first.

    shortlist -> screen -> matches -> geometry -> scores
    descriptors  few layers, matcher  verify     scoring
                 few points

``Effort`` says how many photos pass from one stage to the next. A stage is not run where
no fewer would pass than come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import islice
from math import inf, sqrt
from typing import Optional

import numpy as np

from resight.matchers import Matcher
from resight.method import Effort, Method, Screen
from resight.scoring import ScoreDistributions, rank_individuals, score_pair
from resight.shortlist.index import Progress, Shortlist
from resight.types import Candidate, Evidence, Features, GalleryEntry
from resight.verify import verify

#: A gallery photo and its features.
Photo = tuple[GalleryEntry, Features]

#: Stages told of, beside those of the shortlist.
READING, SCREENING, COMPARING = "reading", "screening", "comparing"

NOT_AVAILABLE = "photo not available"
NO_KEYPOINTS = "no keypoints"

#: Photos screened before it is asked whether that is enough.
_SCREENED_AT_ONCE = 4
#: Added to a score whose chance variation is asked for: a score of 0 is not certain to be 0.
_FEW = 10
#: Photos of one individual on the shortlist: many alike ones must not crowd out others.
_PHOTOS_SHORTLISTED = 3


@dataclass
class Funnel:
    """How many photos each stage looked at, and the evidence about individuals."""

    searched: int = 0
    shortlisted: int = 0
    half_matched: int = 0
    matched: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True)
class Cascade:
    """What is compared by which method, and how much of it.

    ``describe`` gives the features of entries in order, ``None`` where there are none to be
    had; ``shortlist`` an up-to-date shortlist of the gallery, called only when it is needed.
    """

    method: Method
    effort: Effort
    describe: Callable[[Sequence[GalleryEntry]], Iterator[Optional[Features]]]
    shortlist: Callable[[], Shortlist]
    photos_kept: int
    batch_size: int

    def run(
        self,
        query: Features,
        entries: Sequence[GalleryEntry],
        distributions: Optional[ScoreDistributions],
        progress: Optional[Progress],
    ) -> Funnel:
        """Compare a query that has keypoints with the entries."""
        funnel = Funnel()
        limit = self.effort.shortlisted
        if limit is not None and len(entries) > min(limit, self._passed_by_screen):
            # Also where all would pass: the screen looks at the most alike first.
            entries = self._shortlisted(query, entries, limit, funnel)
        else:
            funnel.searched = len(entries)
        photos = self._photos(entries, funnel)
        limit, total = self.effort.matched, len(entries)
        matcher: Matcher | Screen = self.method.matcher
        screen = self.method.screen
        if screen and limit is not None and len(entries) > limit:
            if limit:
                tell = (lambda done: progress(SCREENING, done, total)) if progress else None
                screened = self._screened(screen, query, photos, limit, funnel, tell)
                photos, total = iter(screened), len(screened)
            else:
                matcher = screen
        best = _Best(self.method, self.photos_kept)
        while batch := list(islice(photos, self.batch_size)):
            best.add(self._compare(matcher, query, batch, distributions))
            funnel.matched += len(batch)
            if progress:
                progress(COMPARING, funnel.matched, total)
        if progress and funnel.matched < total:  # some were not available
            progress(COMPARING, total, total)
        if matcher is screen:
            funnel.half_matched, funnel.matched = funnel.matched, 0
        funnel.shortlisted = max(funnel.half_matched, funnel.matched)
        funnel.candidates = best.candidates()
        return funnel

    @property
    def _passed_by_screen(self) -> float:
        """How many photos the screen lets through; without one, all."""
        limit = self.effort.matched
        return inf if limit is None or not self.method.screen else limit

    def _shortlisted(
        self, query: Features, entries: Sequence[GalleryEntry], limit: int, funnel: Funnel
    ) -> list[GalleryEntry]:
        names = [entry.annotation for entry in entries]
        scores = self.shortlist().scores(query, names, scanned=self.effort.scanned)
        unavailable, empty = np.isnan(scores), np.isneginf(scores)
        funnel.left_out[NOT_AVAILABLE] += int(unavailable.sum())
        funnel.left_out[NO_KEYPOINTS] += int(empty.sum())
        there = [(score, entry) for score, entry in zip(scores, entries, strict=True) if score >= 0]
        funnel.searched = len(there)
        return _best_of(there, limit, each=_PHOTOS_SHORTLISTED)

    def _photos(self, entries: Sequence[GalleryEntry], funnel: Funnel) -> Iterator[Photo]:
        """Those that can be compared; the others are counted out."""
        for entry, features in zip(entries, self.describe(entries), strict=True):
            if features is not None and len(features):
                yield entry, features
            else:
                funnel.left_out[NOT_AVAILABLE if features is None else NO_KEYPOINTS] += 1
                funnel.searched -= 1

    def _screened(
        self,
        screen: Screen,
        query: Features,
        photos: Iterator[Photo],
        limit: int,
        funnel: Funnel,
        tell: Optional[Callable[[int], None]],
    ) -> list[Photo]:
        """The best photo of each individual that comes close to the best one.

        ``photos`` come in the order of the shortlist, the most alike first.
        """
        features_of: dict[str, Features] = {}
        scored: list[tuple[float, GalleryEntry]] = []
        highest: dict[str, float] = {}  # score of each individual
        while batch := list(islice(photos, _SCREENED_AT_ONCE)):
            found = screen.match(query, [features for _, features in batch])
            for matches, (entry, features) in zip(found, batch, strict=True):
                score = float(matches.scores.sum())
                scored.append((score, entry))
                features_of[entry.annotation] = features
                highest[entry.individual] = max(score, highest.get(entry.individual, 0.0))
            if tell:
                tell(len(scored))
            best, second = nlargest(2, [*highest.values(), 0.0, 0.0])
            # Sums of chance matches vary like counts: by their square root.
            if best >= second + self.effort.certain * sqrt(second + _FEW):
                break
        funnel.half_matched = len(scored)
        least = self.effort.close * max(highest.values(), default=0.0)
        close = [(score, entry) for score, entry in scored if score >= least]
        return [(entry, features_of[entry.annotation]) for entry in _best_of(close, limit, each=1)]

    def _compare(
        self,
        matcher: Matcher | Screen,
        query: Features,
        batch: Sequence[Photo],
        distributions: Optional[ScoreDistributions],
    ) -> Iterator[tuple[GalleryEntry, Evidence]]:
        found = matcher.match(query, [features for _, features in batch])
        for (entry, features), matches in zip(batch, found, strict=True):
            geometry = verify(query, features, matches)
            scores = score_pair(matches, geometry, distributions)
            yield entry, Evidence(entry.annotation, scores, matches, geometry)


def _best_of(
    scored: Sequence[tuple[float, GalleryEntry]], limit: int, *, each: int
) -> list[GalleryEntry]:
    """The photos with the highest scores, of no individual more than ``each``."""
    passed: Counter[str] = Counter()
    best = []
    for _, entry in sorted(scored, key=lambda pair: -pair[0]):
        if passed[entry.individual] < each:
            passed[entry.individual] += 1
            best.append(entry)
        if len(best) == limit:
            break
    return best


class _Best:
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
            kept.append((entry, evidence))
        for candidate in self._rank(changed):
            entries = {item.annotation: entry for entry, item in changed[candidate.individual]}
            self._kept[candidate.individual] = [
                (entries[item.annotation], item) for item in candidate.evidence[: self._photos]
            ]

    def candidates(self) -> tuple[Candidate, ...]:
        return self._rank(self._kept)

    def _rank(
        self, kept: Mapping[str, Sequence[tuple[GalleryEntry, Evidence]]]
    ) -> tuple[Candidate, ...]:
        pairs = [pair for photos in kept.values() for pair in photos]
        return rank_individuals(pairs, score=self._method.score, method=self._method.name)
