"""Which known individual is this: from a query to ranked candidates.

Says which gallery photos a query may meet, has them compared (``cascade.py``: shortlist,
screen, match, verify, score) and states what was done. It knows no catalogue: whatever has
entries and features is a ``Gallery``.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Optional, Protocol, TypeVar, Union

from resight.calibration import Calibration, Trials, asked_by
from resight.calibration.prior import stripped
from resight.calibration.trials import CATALOGUE
from resight.cascade import NO_KEYPOINTS, NOT_AVAILABLE, READING, Cascade, Funnel
from resight.errors import CalibrationError, IncompatibleFeatures, SettingsError, TooLittleLearned
from resight.extractors import Extractor
from resight.extractors.foreground import described
from resight.fingerprints import fingerprint
from resight.matchers import LearnedMatcher
from resight.method import Effort, Method, effort_for
from resight.scoring import KnownPairs, ScoreDistributions
from resight.shortlist.index import Progress, Shortlist
from resight.turning import Turning
from resight.types import (
    SIDE_POLICIES,
    SIDES,
    UNKNOWN_SIDE,
    Candidate,
    Chip,
    Features,
    GalleryEntry,
    Identification,
    sides_meet,
)

_Item = TypeVar("_Item")

OWN_PHOTO = "own photo"
OWN_ENCOUNTER = "own encounter"
LEFT_OUT_ON_PURPOSE = "left out on purpose"
NO_INDIVIDUAL = "no individual"
OTHER_SIDE = "other side"
QUERY_WITHOUT_KEYPOINTS = "query has no keypoints"
#: Why a gallery photo is left out of a search; the first reason that holds is counted.
LEFT_OUT = (
    OWN_PHOTO,
    OWN_ENCOUNTER,
    LEFT_OUT_ON_PURPOSE,
    NO_INDIVIDUAL,
    OTHER_SIDE,
    QUERY_WITHOUT_KEYPOINTS,
    NOT_AVAILABLE,
    NO_KEYPOINTS,
)


class Gallery(Protocol):
    """Annotations to search, wherever they are kept."""

    def entries(self) -> Sequence[GalleryEntry]:
        """All that may be searched; those without an individual may be among them."""
        ...

    def features(
        self,
        annotations: Sequence[str],
        extractor: Extractor,
        /,
        *,
        long_edge: int,
        margin: float,
    ) -> Iterator[Optional[Features]]:
        """Features of each annotation's chip, in that order, one after the other.

        From a store, or extracted now; ``None`` where an annotation or its photo
        is not to be had (any longer): one of them stops no search. ``long_edge``
        and ``margin`` are those of ``make_chip``. Only what has been asked of the
        iterator need be in memory.
        """
        ...


class Identifier:
    """Searches one gallery by one method.

    ``side_policy`` is that of ``sides_meet``. ``effort`` is a name of ``EFFORTS``;
    ``shortlist`` holds descriptors of this gallery and method from one process to the
    next, else they are packed into a temporary one when first needed. ``known_pairs`` are
    needed by the scores that compare with distributions, and must be the method's own;
    from those of a query's own encounter or photo, or of an individual left out, nothing is
    learned about it. With a
    ``calibration``, which must be of this method and effort, answers have probabilities. ``chips``
    gives what the features of a gallery's annotation were made of, so that it can be asked about
    turned, as a new photo is. Of each
    individual the evidence of its best ``photos_kept`` photos is kept, so that
    memory grows with the individuals, not the photos. ``batch_size`` photos are
    given to the matcher at a time. Safe to use from several threads, if the
    gallery is.
    """

    def __init__(
        self,
        *,
        gallery: Gallery,
        method: Method,
        side_policy: str = "compatible",
        effort: str = "normal",
        shortlist: Optional[Shortlist] = None,
        known_pairs: Optional[KnownPairs] = None,
        calibration: Optional[Calibration] = None,
        chips: Optional[Callable[[str], Optional[Chip]]] = None,
        photos_kept: int = 3,
        batch_size: int = 32,
    ) -> None:
        if side_policy not in SIDE_POLICIES:
            raise SettingsError(
                f"there is no side policy {side_policy!r}; there are {', '.join(SIDE_POLICIES)}"
            )
        if known_pairs and known_pairs.fingerprint != method.matching_fingerprint:
            raise SettingsError(
                f"the known pairs are not those of {method.name} as it is set now: "
                f"matched with {known_pairs.fingerprint}, but it is "
                f"{method.matching_fingerprint}; match them again"
            )
        if photos_kept < 1 or batch_size < 1:
            raise SettingsError(
                f"photos_kept and batch_size must be at least 1, got {photos_kept} and {batch_size}"
            )
        self.gallery = gallery
        self.method = method
        self.side_policy = side_policy
        self.known_pairs = known_pairs
        self.calibration = calibration
        self.chips = chips
        self.photos_kept = photos_kept
        self.batch_size = batch_size
        self.effort = effort_for(method, effort)
        self.fingerprint = _join(method, self.effort, known_pairs)
        self._shortlist = shortlist
        if calibration:
            check_fit(calibration.trials, method, self.effort)

    def identify(
        self,
        query: Union[Chip, Features],
        *,
        side: str = UNKNOWN_SIDE,
        encounter: str = "",
        photo: str = "",
        without_individual: str = "",
        chip: Optional[Callable[[], Optional[Chip]]] = None,
        progress: Optional[Progress] = None,
    ) -> Identification:
        """Rank the gallery's individuals by how alike they look to the query.

        The query never meets photos of its own ``encounter`` nor its own
        ``photo`` (a sha256), nor any of the individual ``without_individual``, as if that
        were not known yet; empty means that there is none to avoid. Every
        gallery photo is either counted in ``searched`` or, with its reason, in
        ``left_out`` (see ``LEFT_OUT``); only individuals with a photo that was matched,
        or half-matched where the effort matches none, are candidates. Without gallery or
        keypoints there are none at all.
        ``progress`` is told the stage and how many of its photos are dealt with: of each
        photo read and packed (whether its features were kept or are made now), and of each
        batch indexed, screened and compared.

        A ``Chip`` should come from ``Method.chip``. ``chip`` gives the one that ``Features`` were
        made of, called where nobody stands out as the query is; without it the query is not turned.

        Raises ``SettingsError`` for an unknown side, a chip of another size or a score
        the method cannot give, ``IncompatibleFeatures`` for features of another extractor,
        ``TooLittleLearned`` where matcher or score learn from the gallery and it has too little
        without what this query must not meet: of this query only, the next may do.
        """
        started = time.perf_counter()
        if side not in SIDES:
            raise SettingsError(f"there is no side {side!r}; there are {', '.join(SIDES)}")
        features = self._features_of(query)
        entries, left_out = self._choose(side, encounter, photo, without_individual)
        if not len(features):
            left_out[QUERY_WITHOUT_KEYPOINTS] += len(entries)
            entries = []
        funnel = Funnel()
        if entries:
            own = {"encounter": encounter, "photo": photo, "individual": without_individual}
            cascade = Cascade(
                method=self._method_without(own),
                effort=self.effort,
                describe=lambda some: self._described([each.annotation for each in some], progress),
                shortlist=cache(lambda: self.shortlist(progress)),
                turned=Turning(
                    self.method.extractor, (lambda: query) if isinstance(query, Chip) else chip
                ),
                photos_kept=self.photos_kept,
                batch_size=self.batch_size,
            )
            funnel = cascade.run(features, entries, self._distributions_without(own), progress)
        left_out.update(funnel.left_out)
        answer = Identification(
            candidates=funnel.candidates,
            passed_over=funnel.passed_over,
            method=self.method.name,
            fingerprint=self.fingerprint,
            score=self.method.score,
            side=side,
            side_policy=self.side_policy,
            effort=self.effort.name,
            searched=funnel.searched,
            shortlisted=funnel.shortlisted,
            half_matched=funnel.half_matched,
            matched=funnel.matched,
            turned=funnel.turned,
            left_out={reason: left_out[reason] for reason in LEFT_OUT if left_out[reason]},
            seconds=time.perf_counter() - started,
        )
        return self._judged(answer, encounter, photo)

    def chip(self, annotation: str) -> Optional[Chip]:
        """The chip of a gallery's annotation, where it can be had."""
        return self.chips(annotation) if self.chips else None

    def _judged(self, answer: Identification, encounter: str, photo: str) -> Identification:
        """The answer with probabilities, if there is a calibration and anything was compared."""
        if self.calibration is None or not answer.candidates:
            return answer
        try:
            judged = self.calibration.judge(
                [calibrated_score(each, answer.score) for each in answer.candidates],
                side=answer.side,
                encounter=encounter,
                photo=photo,
                photos=len(self.gallery.entries()),
            )
        except CalibrationError as error:  # of this query only: the ranking is none the worse
            return replace(answer, calibration=str(error))
        candidates = zip(answer.candidates, judged.candidates.tolist(), strict=True)
        return replace(
            answer,
            candidates=tuple(replace(each, probability=p) for each, p in candidates),
            new_probability=judged.new,
            unlisted_probability=judged.unlisted,
            needed=judged.needed,
            calibration=judged.basis,
        )

    def _method_without(self, own: Mapping[str, str]) -> Method:
        """The method; of one that learned from the gallery, what others than ``own`` taught."""
        matcher = self.method.matcher
        if not isinstance(matcher, LearnedMatcher):
            return self.method
        return replace(self.method, matcher=matcher.without(**own))

    def _distributions_without(self, own: Mapping[str, str]) -> Optional[ScoreDistributions]:
        """What known pairs of others than ``own`` say about scores, if there are any pairs."""
        if self.known_pairs is None:
            return None
        rest = self.known_pairs.distributions(**own)
        score = self.method.score
        if rest.lack(score) and not self.known_pairs.distributions().lack(score):
            raise TooLittleLearned(
                f"there is no {score} without the query's own photo, encounter or individual: all "
                "known pairs to learn it from show one of them; ask after more photos were added, "
                "or use another score"
            )
        return rest

    def _features_of(self, query: Union[Chip, Features]) -> Features:
        features = query
        if isinstance(features, Chip):
            long_edge = max(features.size)
            if long_edge != self.method.long_edge:
                raise SettingsError(
                    f"the chip of the query is {long_edge} pixels long, but {self.method.name} "
                    f"is set to {self.method.long_edge}; cut it by the method's chip()"
                )
            (features,) = described(self.method.extractor, [features])
        self._check(features, "the query")
        return features

    def _check(self, features: Features, whose: str) -> None:
        expected = self.method.extractor.fingerprint
        if features.fingerprint != expected:
            raise IncompatibleFeatures(
                f"the features of {whose} were made by {features.fingerprint}, but "
                f"{self.method.name} needs those of {expected}; extract them again"
            )

    def _choose(
        self, side: str, encounter: str, photo: str, without_individual: str
    ) -> tuple[list[GalleryEntry], Counter[str]]:
        """The entries to compare, and how many are left out for which reason."""
        chosen: list[GalleryEntry] = []
        left_out: Counter[str] = Counter()
        meets = {other: sides_meet(side, other, self.side_policy) for other in SIDES}
        for entry in self.gallery.entries():
            if photo and entry.photo == photo:
                left_out[OWN_PHOTO] += 1
            elif encounter and entry.encounter == encounter:
                left_out[OWN_ENCOUNTER] += 1
            elif without_individual and entry.individual == without_individual:
                left_out[LEFT_OUT_ON_PURPOSE] += 1
            elif not entry.individual:
                left_out[NO_INDIVIDUAL] += 1
            elif not meets[entry.side]:
                left_out[OTHER_SIDE] += 1
            else:
                chosen.append(entry)
        return chosen, left_out

    def shortlist(self, progress: Optional[Progress] = None) -> Shortlist:
        """The gallery's shortlist, brought up to date; as ``Shortlist.update``."""
        if self._shortlist is None:
            self._shortlist = Shortlist()
        of = {entry.described: entry.annotation for entry in self.gallery.entries()}
        self._shortlist.update(
            list(of), lambda names: self._described([of[name] for name in names]), progress
        )
        return self._shortlist

    def _described(
        self, annotations: Sequence[str], progress: Optional[Progress] = None
    ) -> Iterator[Optional[Features]]:
        """The gallery's features of these annotations, known to be of this method."""
        features = self.gallery.features(
            annotations,
            self.method.extractor,
            long_edge=self.method.long_edge,
            margin=self.method.margin,
        )
        if progress:
            features = _told(features, len(annotations), progress)
        for name, each in zip(annotations, features, strict=True):
            if each is not None:
                self._check(each, f"annotation {name}")
            yield each


def _told(each: Iterator[_Item], total: int, tell: Progress) -> Iterator[_Item]:
    """The same items, each told as it comes."""
    for done, item in enumerate(each, start=1):
        tell(READING, done, total)
        yield item


def calibrated_score(candidate: Candidate, score: str) -> float:
    """The number that a probability is learned from: the ranking score, but for two.

    The distances ``wasserstein_h0`` and ``wasserstein_h1`` have no sign: a photo without any
    match lies away from the distributions too. ``mean_shift``, which has one, stands for them.
    """
    if score in ("wasserstein_h0", "wasserstein_h1"):
        signed = candidate.evidence[0].scores["mean_shift"]
        if signed is not None:
            return signed
    return candidate.score


def check_fit(trials: Trials, method: Method, effort: Effort) -> None:
    """Raise ``CalibrationError`` unless the trials are of this method and effort."""
    theirs, ours = trials.fingerprint, asked_by(method, effort)
    if stripped(theirs) != stripped(ours) or (trials.origin == CATALOGUE and theirs != ours):
        raise CalibrationError(
            f"the calibration is not of {method.name} at effort {effort.name} as they are set "
            f"now: it was learned with {theirs}, but they are {ours}"
        )


def _join(method: Method, effort: Effort, known_pairs: Optional[KnownPairs]) -> str:
    """The method's fingerprint, with its screen and digests of what was learned from."""
    parts = [asked_by(method, effort)]
    if isinstance(method.matcher, LearnedMatcher):
        parts.append(fingerprint("taught.v1", sha256=method.matcher.digest))
    if known_pairs:
        parts.append(fingerprint("known_pairs.v1", sha256=known_pairs.digest))
    return " | ".join(parts)
