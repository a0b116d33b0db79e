"""The stages that a query's gallery photos pass, the cheap ones first.

    shortlist -> screen -> matches -> geometry -> scores
    descriptors  few layers, matcher  verify     scoring
                 few points

``Effort`` says how many photos pass from one stage to the next. A stage is not run where
no fewer would pass than come. Where nobody stands out among those that were matched, more photos
pass: a further look. Where still nobody does, the query is turned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import islice
from math import inf, sqrt
from typing import Optional, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from resight.matchers import Matcher
from resight.method import Effort, Look, Method, Screen
from resight.ranking import Best
from resight.scoring import (
    DISTRIBUTION_SCORES,
    ScoreDistributions,
    rank_individuals,
    score_pair,
)
from resight.shortlist.index import Progress, Shortlist
from resight.turning import TURNS, View
from resight.types import Candidate, Evidence, Features, GalleryEntry, Matches
from resight.verify import verify

#: A gallery photo and its features.
Photo = tuple[GalleryEntry, Features]

#: Stages told of, beside those of the shortlist.
READING, SCREENING, COMPARING, TURNING = "reading", "screening", "comparing", "turning"

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
    turned: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    candidates: tuple[Candidate, ...] = ()
    passed_over: tuple[Candidate, ...] = ()


@dataclass(frozen=True)
class Cascade:
    """What is compared by which method, and how much of it.

    ``describe`` gives the features of entries in order, ``None`` where there are none to be
    had; ``shortlist`` an up-to-date shortlist of the gallery, called only when it is needed;
    ``turned`` the query turned by so many degrees, ``None`` where it cannot be.
    """

    method: Method
    effort: Effort
    describe: Callable[[Sequence[GalleryEntry]], Iterator[Optional[Features]]]
    shortlist: Callable[[], Shortlist]
    turned: Callable[[float], Optional[View]]
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
        run = self._begun(View(query, query), entries, funnel, distributions, progress)
        for look in self.effort.looks:
            self._look(look, run)
            if run.stands_out(self.effort.certain):
                break
        else:
            funnel.turned = self._turned(entries, run)
        funnel.shortlisted = max(funnel.half_matched, funnel.matched)
        funnel.candidates = run.best.candidates()
        funnel.passed_over = self._passed_over(query, run.seen, funnel.candidates)
        return funnel

    def _begun(
        self,
        view: View,
        entries: Sequence[GalleryEntry],
        funnel: Funnel,
        distributions: Optional[ScoreDistributions],
        progress: Optional[Progress],
    ) -> _Run:
        """What is to be compared with the query as it is, the most alike first."""
        looks = self.effort.looks
        passed, most = looks[0].matched, looks[-1].shortlisted
        # Only where it keeps photos from being matched.
        screen = self.method.screen if passed is not None and len(entries) > passed else None
        if most is not None and (screen or len(entries) > most):
            # Also where all would pass: the screen looks at the most alike first.
            entries = self._shortlisted(view.features, entries, most, funnel)
        else:
            funnel.searched = len(entries)
        photos = self._photos(entries, funnel)
        best = Best(self.method, self.photos_kept)
        return _Run(view, screen, photos, len(entries), distributions, progress, funnel, best)

    def _turned(self, entries: Sequence[GalleryEntry], run: _Run) -> int:
        """Compare the query in each turn with the photos most alike to it; how many were.

        Of all turns together: the scan knows the right one, as no photo resembles the others.
        """
        look, screen = self.effort.turned, self.method.screen
        if look is None or screen is None:
            return 0
        steps = len(TURNS) + (look.shortlisted or 0) + (look.matched or 0)
        seen: list[_Seen] = []
        for view, photos in self._alike_turned(
            look, entries, lambda n: run.tell(TURNING, n, steps)
        ):
            while batch := list(islice(photos, _SCREENED_AT_ONCE)):
                seen += _seen(screen, view, batch)
                run.tell(TURNING, len(TURNS) + len(seen), steps)
        for each in _close(seen, look, among=run.seen):
            some = self._compare(self.method.matcher, each.view, [each.photo], run.distributions)
            run.best.add(some)
        run.tell(TURNING, steps, steps)
        return len(seen)

    def _alike_turned(
        self, look: Look, entries: Sequence[GalleryEntry], tell: Callable[[int], None]
    ) -> Iterator[tuple[View, Iterator[Photo]]]:
        """The photos most alike in any turn, by turn."""
        limit = look.shortlisted or 0
        alike: list[tuple[float, _Pair]] = []
        for told, degrees in enumerate(TURNS, start=1):
            view = self.turned(degrees)
            if view is not None:
                scored = _there(entries, self._scores(view.features, entries))
                # No more of a turn than of all, so that memory does not grow with the gallery.
                best = _best_of(scored, limit, each=_PHOTOS_SHORTLISTED)
                alike += [(score, _Pair(view, entry)) for score, entry in best]
            tell(told)
        chosen: dict[View, list[GalleryEntry]] = {}
        for _, pair in _best_of(alike, limit, each=_PHOTOS_SHORTLISTED):
            chosen.setdefault(pair.view, []).append(pair.entry)
        described = self.describe([entry for some in chosen.values() for entry in some])
        for view, some in chosen.items():
            photos = zip(some, islice(described, len(some)), strict=True)
            yield view, ((entry, features) for entry, features in photos if features)

    def _look(self, look: Look, run: _Run) -> None:
        """Compare the photos that this look takes in and none before it did."""
        screen = run.screen
        total = min(look.shortlisted or run.total, run.total)
        fresh = islice(run.photos, look.shortlisted and look.shortlisted - len(run.seen))
        if screen is None:
            run.funnel.matched += self._match(self.method.matcher, fresh, total, run)
        elif not look.matched:
            run.funnel.half_matched += self._match(screen, fresh, total, run)
        else:
            run.seen += self._screened(screen, fresh, total, run)
            passed = _close(run.seen, look)
            more = [each.photo for each in passed if each.entry.annotation not in run.compared]
            total = run.funnel.matched + len(more)
            run.funnel.matched += self._match(self.method.matcher, iter(more), total, run)

    def _match(
        self, matcher: Matcher | Screen, photos: Iterator[Photo], total: int, run: _Run
    ) -> int:
        """Compare the photos; how many there were. ``total``: with those of looks before."""
        before = len(run.compared)
        while batch := list(islice(photos, self.batch_size)):
            run.best.add(self._compare(matcher, run.view, batch, run.distributions))
            run.compared.update(entry.annotation for entry, _ in batch)
            run.tell(COMPARING, len(run.compared), total)
        if len(run.compared) < total:  # some were not available
            run.tell(COMPARING, total, total)
        return len(run.compared) - before

    def _shortlisted(
        self, query: Features, entries: Sequence[GalleryEntry], limit: int, funnel: Funnel
    ) -> list[GalleryEntry]:
        scores = self._scores(query, entries)
        unavailable, empty = np.isnan(scores), np.isneginf(scores)
        funnel.left_out[NOT_AVAILABLE] += int(unavailable.sum())
        funnel.left_out[NO_KEYPOINTS] += int(empty.sum())
        there = _there(entries, scores)
        funnel.searched = len(there)
        return [entry for _, entry in _best_of(there, limit, each=_PHOTOS_SHORTLISTED)]

    def _scores(self, query: Features, entries: Sequence[GalleryEntry]) -> NDArray[np.float32]:
        """As ``Shortlist.scores``."""
        names = [entry.described for entry in entries]
        return self.shortlist().scores(query, names, scanned=self.effort.scanned)

    def _photos(self, entries: Sequence[GalleryEntry], funnel: Funnel) -> Iterator[Photo]:
        """Those that can be compared; the others are counted out."""
        for entry, features in zip(entries, self.describe(entries), strict=True):
            if features is not None and len(features):
                yield entry, features
            else:
                funnel.left_out[NOT_AVAILABLE if features is None else NO_KEYPOINTS] += 1
                funnel.searched -= 1

    def _screened(
        self, screen: Screen, photos: Iterator[Photo], total: int, run: _Run
    ) -> list[_Seen]:
        """The photos looked at; in the first look, until one individual stands out.

        ``photos`` come in the order of the shortlist, the most alike first.
        """
        certain = inf if run.seen else self.effort.certain
        seen: list[_Seen] = []
        while batch := list(islice(photos, _SCREENED_AT_ONCE)):
            seen += _seen(screen, run.view, batch)
            run.funnel.half_matched += len(batch)
            run.tell(SCREENING, run.funnel.half_matched, total)
            if _stands_out(_highest(seen).values(), certain):
                break
        return seen

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
        view: View,
        batch: Sequence[Photo],
        distributions: Optional[ScoreDistributions],
    ) -> Iterator[tuple[GalleryEntry, Evidence]]:
        found = matcher.match(view.features, [features for _, features in batch])
        as_it_is = view.upright is view.features
        keypoints = None if as_it_is else view.upright.keypoints
        for (entry, features), matches in zip(batch, found, strict=True):
            geometry = verify(view.upright, features, matches)
            scores = score_pair(matches, geometry, distributions)
            yield entry, Evidence(entry.annotation, scores, matches, geometry, keypoints)


class _OfIndividual(Protocol):
    """What shows an individual."""

    @property
    def individual(self) -> str: ...


_Shown = TypeVar("_Shown", bound=_OfIndividual)


@dataclass(frozen=True, eq=False)
class _Pair:
    """A view of the query and a photo to compare it with."""

    view: View
    entry: GalleryEntry

    @property
    def individual(self) -> str:
        return self.entry.individual


@dataclass(frozen=True, eq=False)
class _Seen:
    """A photo and what the screen found in it."""

    photo: Photo
    matches: Matches
    view: View

    @property
    def entry(self) -> GalleryEntry:
        return self.photo[0]

    @property
    def individual(self) -> str:
        return self.entry.individual

    @property
    def score(self) -> float:
        return float(self.matches.scores.sum())


def _seen(screen: Screen, view: View, photos: Sequence[Photo]) -> list[_Seen]:
    """Photos looked at by the screen."""
    found = screen.match(view.features, [features for _, features in photos])
    return [_Seen(*each, view) for each in zip(photos, found, strict=True)]


@dataclass
class _Run:
    """How far the comparison of one view of a query has come."""

    view: View
    screen: Optional[Screen]
    photos: Iterator[Photo]  # each is taken once
    total: int
    distributions: Optional[ScoreDistributions]
    progress: Optional[Progress]
    funnel: Funnel
    best: Best
    seen: list[_Seen] = field(default_factory=list)  # by the screen
    compared: set[str] = field(default_factory=set)  # annotations

    def stands_out(self, certain: float) -> bool:
        """Whether one individual's whole matches are that much more than the next one's.

        Of the next to a single one only the screen knows: by how much it was behind there.
        """
        sums = self.best.sums()
        screened = _highest(self.seen)
        if len(sums) == 1 and screened:
            ((first, score),) = sums.items()
            own = screened.pop(first)
            second = max(screened.values(), default=0.0)
            return _stands_out([score, score * min(second / own, 1.0) if own else 0.0], certain)
        return _stands_out(sums.values(), certain)

    def tell(self, stage: str, done: int, total: int) -> None:
        if self.progress:
            self.progress(stage, done, total)


def _stands_out(scores: Iterable[float], certain: float) -> bool:
    """Whether the best score, a sum over matches, is more than chance above the next one."""
    best, second = nlargest(2, [*scores, 0.0, 0.0])
    # Sums of chance matches vary like counts: by their square root.
    return best >= second + certain * sqrt(second + _FEW)


def _highest(seen: Sequence[_Seen]) -> dict[str, float]:
    """The screen's highest score of each individual."""
    highest: dict[str, float] = {}
    for each in seen:
        highest[each.entry.individual] = max(each.score, highest.get(each.entry.individual, 0.0))
    return highest


def _close(seen: Sequence[_Seen], look: Look, *, among: Sequence[_Seen] = ()) -> list[_Seen]:
    """The best photo of each individual that comes close to the best one, also of ``among``."""
    least = look.close * max((each.score for each in [*seen, *among]), default=0.0)
    return _best_seen([each for each in seen if each.score >= least], look.matched or 0)


def _best_seen(seen: Sequence[_Seen], limit: int) -> list[_Seen]:
    """The best photo of each individual, the best individuals first."""
    return [best for _, best in _best_of([(each.score, each) for each in seen], limit, each=1)]


def _there(
    entries: Sequence[GalleryEntry], scores: NDArray[np.float32]
) -> list[tuple[float, GalleryEntry]]:
    """The photos that could be scanned, with their scores."""
    return [(score, entry) for score, entry in zip(scores, entries, strict=True) if score >= 0]


def _best_of(
    scored: Iterable[tuple[float, _Shown]], limit: int, *, each: int
) -> list[tuple[float, _Shown]]:
    """Those with the highest scores, of no individual more than ``each``."""
    passed: Counter[str] = Counter()
    best: list[tuple[float, _Shown]] = []
    for score, shown in sorted(scored, key=lambda pair: -pair[0]):
        if len(best) == limit:
            break
        if passed[shown.individual] < each:
            passed[shown.individual] += 1
            best.append((score, shown))
    return best
