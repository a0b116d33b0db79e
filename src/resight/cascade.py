"""The stages that a query's gallery photos pass, the cheap ones first.

    shortlist -> screen -> matches -> geometry -> scores
    descriptors  few layers, matcher  verify     scoring
                 few points

``Effort`` says how many photos pass from one stage to the next. A stage is not run where
no fewer would pass than come. Where nobody stands out among those that were matched, the query is
turned, and the photos most alike to any view of it pass: a further look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from resight.matchers import Matcher
from resight.method import Effort, Look, Method, Screen
from resight.ranking import Best, best_of, stands_out
from resight.scoring import (
    DISTRIBUTION_SCORES,
    ScoreDistributions,
    rank_individuals,
    score_pair,
)
from resight.screening import Photo, Seen, best_seen, by_view, close, highest, seen_by
from resight.shortlist.index import Progress, Shortlist
from resight.turning import TURNS, View
from resight.types import Candidate, Evidence, Features, GalleryEntry, Matches
from resight.verify import verify

#: Stages told of, beside those of the shortlist.
READING, SCREENING, COMPARING, TURNING = "reading", "screening", "comparing", "turning"

NOT_AVAILABLE = "photo not available"
NO_KEYPOINTS = "no keypoints"

#: Photos that the scan of the further look compares closely with each view. It is in
#: ``Effort.fingerprint`` by its version only: raise that with it.
_CLOSELY = 96
#: Photos screened before it is asked whether that is enough.
_SCREENED_AT_ONCE = 4
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
        run = self._begun(View(query, query), entries, distributions, progress)
        self._look(run)
        further, screen = self.effort.further, self.method.screen
        if further and screen and not run.stands_out(self.effort.certain):
            self._look_further(further, screen, run)
        funnel = run.funnel
        funnel.shortlisted = max(funnel.half_matched, funnel.matched)
        funnel.candidates = run.best.candidates()
        funnel.passed_over = self._passed_over(run.closer + run.seen, funnel.candidates)
        return funnel

    def _begun(
        self,
        view: View,
        entries: Sequence[GalleryEntry],
        distributions: Optional[ScoreDistributions],
        progress: Optional[Progress],
    ) -> _Run:
        """What is to be compared with the query as it is, the most alike first."""
        look, funnel = self.effort.look, Funnel(searched=len(entries))
        # Only where it keeps photos from being matched.
        few = look.matched is None or len(entries) <= look.matched
        run = _Run(
            view,
            None if few else self.method.screen,
            Best(self.method, self.photos_kept),
            funnel,
            distributions,
            progress,
            entries,
        )
        if look.shortlisted is None or (run.screen is None and len(entries) <= look.shortlisted):
            run.chosen = entries
        else:  # also where all would pass: the screen looks at the most alike first
            scores = self._scores(view.features, entries, look.scanned_closely)
            unavailable, empty = np.isnan(scores), np.isneginf(scores)
            funnel.left_out[NOT_AVAILABLE] += int(unavailable.sum())
            funnel.left_out[NO_KEYPOINTS] += int(empty.sum())
            funnel.searched -= int(unavailable.sum() + empty.sum())
            run.alike = _there(entries, scores)
            run.entries = [entry for _, entry in run.alike]
            best = best_of(run.alike, look.shortlisted, each=_PHOTOS_SHORTLISTED)
            run.chosen = [entry for _, entry in best]
        return run

    def _look(self, run: _Run) -> None:
        """Compare the photos that were chosen with the query as it is."""
        look, total = self.effort.look, len(run.chosen)
        photos = self._usable(zip(run.chosen, self.describe(run.chosen), strict=True), run)
        if run.screen is None:
            run.funnel.matched = self._match(self.method.matcher, photos, total, run)
        elif not look.matched:
            run.funnel.half_matched = self._match(run.screen, photos, total, run)
        else:
            run.seen = self._screened(run.screen, photos, total, run)
            passed = close(run.seen, look.matched, look.close)
            more = (each.photo for each in passed)
            run.funnel.matched = self._match(self.method.matcher, more, len(passed), run)

    def _look_further(self, look: Look, screen: Screen, run: _Run) -> None:
        """Compare the photos most alike to any view of the query, as it is and turned.

        Of all views together: the scan knows the right one, as no photo resembles the others.
        """
        matched = look.matched or 0
        steps = _Steps(run, len(TURNS) + (look.shortlisted or 0) + look.closer + matched)
        for view, photos in self._alike(look, run, steps):
            while batch := list(islice(photos, self.batch_size)):
                run.seen += seen_by(screen, view, batch)
                if view is run.view:
                    run.funnel.half_matched += len(batch)
                else:
                    run.funnel.turned += len(batch)
                steps.done(len(batch))
        passed = [
            each
            for each in close(run.seen, look.closer or matched, look.close)
            if each.view is not run.view or each.entry.annotation not in run.compared
        ]
        if look.closer and len(passed) > matched:
            for view, batch in by_view(passed, self.batch_size):
                run.closer += seen_by(screen.matcher, view, batch)
                steps.done(len(batch))
            passed = best_seen(run.closer, matched)
        for view, batch in by_view(passed, self.batch_size):
            run.best.add(self._compare(self.method.matcher, view, batch, run.distributions))
            run.funnel.matched += len(batch) if view is run.view else 0
            steps.done(len(batch))
        steps.finished()

    def _alike(
        self, look: Look, run: _Run, steps: _Steps
    ) -> Iterator[tuple[View, Iterator[Photo]]]:
        """The photos most alike to any view, by view; not those that were seen in it already."""
        limit = look.shortlisted or 0
        alike: list[tuple[float, _Pair]] = []
        for degrees in (0, *TURNS):
            view = self.turned(degrees) if degrees else run.view
            if view is not None:
                alike += self._alike_to(view, limit, run)
            steps.done(1 if degrees else 0)
        chosen: dict[View, list[GalleryEntry]] = {}
        for _, pair in best_of(alike, limit, each=_PHOTOS_SHORTLISTED):
            chosen.setdefault(pair.view, []).append(pair.entry)
        described = self.describe([entry for some in chosen.values() for entry in some])
        for view, some in chosen.items():
            yield view, self._usable(zip(some, islice(described, len(some)), strict=True), run)

    def _alike_to(self, view: View, limit: int, run: _Run) -> Iterator[tuple[float, _Pair]]:
        """The photos most alike to a view: no more than that, however large the gallery is."""
        if view is run.view:
            met, alike = run.met, run.alike
        else:
            met = set()
            alike = _there(run.entries, self._scores(view.features, run.entries, _CLOSELY))
        for score, entry in best_of(alike, limit + len(met), each=_PHOTOS_SHORTLISTED):
            if entry.annotation not in met:
                yield score, _Pair(view, entry)

    def _match(
        self, matcher: Matcher | Screen, photos: Iterator[Photo], total: int, run: _Run
    ) -> int:
        """Compare the photos; how many there were."""
        while batch := list(islice(photos, self.batch_size)):
            run.best.add(self._compare(matcher, run.view, batch, run.distributions))
            run.compared.update(entry.annotation for entry, _ in batch)
            run.tell(COMPARING, len(run.compared), total)
        if len(run.compared) < total:  # some were not available
            run.tell(COMPARING, total, total)
        return len(run.compared)

    def _scores(
        self, query: Features, entries: Sequence[GalleryEntry], closely: int
    ) -> NDArray[np.float32]:
        """As ``Shortlist.scores``."""
        names = [entry.described for entry in entries]
        scanned = self.effort.scanned
        return self.shortlist().scores(query, names, scanned=scanned, closely=closely)

    def _usable(
        self, described: Iterable[tuple[GalleryEntry, Optional[Features]]], run: _Run
    ) -> Iterator[Photo]:
        """Those that can be compared; the others are counted out, once."""
        for entry, features in described:
            new = entry.annotation not in run.met
            run.met.add(entry.annotation)
            if features is not None and len(features):
                yield entry, features
            elif new:
                run.funnel.left_out[NOT_AVAILABLE if features is None else NO_KEYPOINTS] += 1
                run.funnel.searched -= 1

    def _screened(
        self, screen: Screen, photos: Iterator[Photo], total: int, run: _Run
    ) -> list[Seen]:
        """The photos looked at, until one individual stands out.

        ``photos`` come in the order of the shortlist, the most alike first.
        """
        seen: list[Seen] = []
        while batch := list(islice(photos, _SCREENED_AT_ONCE)):
            seen += seen_by(screen, run.view, batch)
            run.funnel.half_matched += len(batch)
            run.tell(SCREENING, run.funnel.half_matched, total)
            if stands_out(highest(seen).values(), self.effort.leading):
                break
        return seen

    def _passed_over(
        self, seen: Sequence[Seen], candidates: Sequence[Candidate]
    ) -> tuple[Candidate, ...]:
        """The best individuals that were seen by the screen alone, to fill up the answer."""
        if self.method.score in DISTRIBUTION_SCORES:  # those are of whole matches
            return ()
        named = {each.individual for each in candidates}
        others = [each for each in seen if each.individual not in named]
        evidence = [
            (each.entry, _evidence(each.view, each.photo, each.matches))
            for each in best_seen(others, max(0, _NAMED - len(named)))
        ]
        return rank_individuals(evidence, score=self.method.score, method=self.method.name)

    def _compare(
        self,
        matcher: Matcher | Screen,
        view: View,
        batch: Sequence[Photo],
        distributions: Optional[ScoreDistributions],
    ) -> Iterator[tuple[GalleryEntry, Evidence]]:
        found = matcher.match(view.features, [features for _, features in batch])
        for photo, matches in zip(batch, found, strict=True):
            yield photo[0], _evidence(view, photo, matches, distributions)


def _evidence(
    view: View,
    photo: Photo,
    matches: Matches,
    distributions: Optional[ScoreDistributions] = None,
) -> Evidence:
    """What the matches with a photo show, in pixels of the query as it is."""
    entry, features = photo
    geometry = verify(view.upright, features, matches)
    scores = score_pair(matches, geometry, distributions)
    turned = None if view.upright is view.features else view.upright.keypoints
    return Evidence(entry.annotation, scores, matches, geometry, turned)


@dataclass(frozen=True, eq=False)
class _Pair:
    """A view of the query and a photo to compare it with."""

    view: View
    entry: GalleryEntry

    @property
    def individual(self) -> str:
        return self.entry.individual


@dataclass
class _Run:
    """How far the comparison of a query has come."""

    view: View  # the query as it is
    screen: Optional[Screen]
    best: Best
    funnel: Funnel
    distributions: Optional[ScoreDistributions]
    progress: Optional[Progress]
    entries: Sequence[GalleryEntry]  # that may be compared, and were there to be scanned
    alike: Sequence[tuple[float, GalleryEntry]] = ()  # of them, to the query as it is, if scanned
    chosen: Sequence[GalleryEntry] = ()  # of them for the first look
    met: set[str] = field(default_factory=set)  # annotations whose features were asked for
    seen: list[Seen] = field(default_factory=list)  # by the screen, in any view
    closer: list[Seen] = field(default_factory=list)  # of these, with all keypoints
    compared: set[str] = field(default_factory=set)  # annotations, with the query as it is

    def stands_out(self, certain: float) -> bool:
        """Whether one individual's whole matches are that much more than the next one's.

        Of the next to a single one only the screen knows: by how much it was behind there.
        """
        sums = self.best.sums()
        screened = highest(self.seen)
        if len(sums) == 1 and screened:
            ((first, score),) = sums.items()
            own = screened.pop(first)
            second = max(screened.values(), default=0.0)
            return stands_out([score, score * min(second / own, 1.0) if own else 0.0], certain)
        return stands_out(sums.values(), certain)

    def tell(self, stage: str, done: int, total: int) -> None:
        if self.progress:
            self.progress(stage, done, total)


class _Steps:
    """How far the further look is."""

    def __init__(self, run: _Run, total: int) -> None:
        self._run = run
        self._total = total
        self._done = 0

    def done(self, more: int) -> None:
        self._done += more
        self._run.tell(TURNING, self._done, self._total)

    def finished(self) -> None:
        """Also where some steps were not needed."""
        self.done(self._total - self._done)


def _there(
    entries: Sequence[GalleryEntry], scores: NDArray[np.float32]
) -> list[tuple[float, GalleryEntry]]:
    """The photos that could be scanned, with their scores."""
    return [(score, entry) for score, entry in zip(scores, entries, strict=True) if score >= 0]
