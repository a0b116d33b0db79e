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
from resight.scoring import (
    DISTRIBUTION_SCORES,
    ScoreDistributions,
    rank_individuals,
    score_pair,
)
from resight.shortlist.index import Progress, Shortlist
from resight.types import Candidate, Evidence, Features, GalleryEntry, Matches
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
#: Individuals in an answer at least, if so many were screened.
_NAMED = 10


@dataclass
class Funnel:
    """How many photos each stage looked at, and the evidence about individuals."""

    searched: int = 0
    shortlisted: int = 0
    half_matched: int = 0
    matched: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    candidates: tuple[Candidate, ...] = ()
    passed_over: tuple[Candidate, ...] = ()


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
        seen: list[_Seen] = []
        if screen and limit is not None and len(entries) > limit:
            if limit:
                tell = (lambda done: progress(SCREENING, done, total)) if progress else None
                seen = self._screened(screen, query, photos, funnel, tell)
                passed = self._close(seen, limit)
                photos, total = iter([each.photo for each in passed]), len(passed)
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
        funnel.passed_over = self._passed_over(query, seen, funnel.candidates)
        return funnel

    @property
    def _passed_by_screen(self) -> float:
        """How many photos the screen lets through; without one, all."""
        limit = self.effort.matched
        return inf if limit is None or not self.method.screen else limit

    def _shortlisted(
        self, query: Features, entries: Sequence[GalleryEntry], limit: int, funnel: Funnel
    ) -> list[GalleryEntry]:
        names = [entry.described for entry in entries]
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
        funnel: Funnel,
        tell: Optional[Callable[[int], None]],
    ) -> list[_Seen]:
        """The photos looked at, until one individual stands out.

        ``photos`` come in the order of the shortlist, the most alike first.
        """
        seen: list[_Seen] = []
        highest: dict[str, float] = {}  # score of each individual
        while batch := list(islice(photos, _SCREENED_AT_ONCE)):
            found = screen.match(query, [features for _, features in batch])
            for photo, matches in zip(batch, found, strict=True):
                seen.append(_Seen(photo, matches))
                who = seen[-1].entry.individual
                highest[who] = max(seen[-1].score, highest.get(who, 0.0))
            if tell:
                tell(len(seen))
            best, second = nlargest(2, [*highest.values(), 0.0, 0.0])
            # Sums of chance matches vary like counts: by their square root.
            if best >= second + self.effort.certain * sqrt(second + _FEW):
                break
        funnel.half_matched = len(seen)
        return seen

    def _close(self, seen: Sequence[_Seen], limit: int) -> list[_Seen]:
        """The best photo of each individual that comes close to the best one."""
        least = self.effort.close * max((each.score for each in seen), default=0.0)
        return _best_seen([each for each in seen if each.score >= least], limit)

    def _passed_over(
        self, query: Features, seen: Sequence[_Seen], candidates: Sequence[Candidate]
    ) -> tuple[Candidate, ...]:
        """The best individuals that were seen by the screen alone, to fill up the answer."""
        if self.method.score in DISTRIBUTION_SCORES:  # those are of whole matches
            return ()
        named = {each.individual for each in candidates}
        others = [each for each in seen if each.entry.individual not in named]
        evidence = []
        for each in _best_seen(others, max(0, _NAMED - len(named))):
            geometry = verify(query, each.photo[1], each.matches)
            scores = score_pair(each.matches, geometry)
            evidence.append(
                (each.entry, Evidence(each.entry.annotation, scores, each.matches, geometry))
            )
        return rank_individuals(evidence, score=self.method.score, method=self.method.name)

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


@dataclass(frozen=True, eq=False)
class _Seen:
    """A photo and what the screen found in it."""

    photo: Photo
    matches: Matches

    @property
    def entry(self) -> GalleryEntry:
        return self.photo[0]

    @property
    def score(self) -> float:
        return float(self.matches.scores.sum())


def _best_seen(seen: Sequence[_Seen], limit: int) -> list[_Seen]:
    """The best photo of each individual, the best individuals first."""
    of = {each.entry.annotation: each for each in seen}
    best = _best_of([(each.score, each.entry) for each in seen], limit, each=1)
    return [of[entry.annotation] for entry in best]


def _best_of(
    scored: Sequence[tuple[float, GalleryEntry]], limit: int, *, each: int
) -> list[GalleryEntry]:
    """The photos with the highest scores, of no individual more than ``each``."""
    passed: Counter[str] = Counter()
    best: list[GalleryEntry] = []
    for _, entry in sorted(scored, key=lambda pair: -pair[0]):
        if len(best) == limit:
            break
        if passed[entry.individual] < each:
            passed[entry.individual] += 1
            best.append(entry)
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
