"""Which known individual is this: the cascade from a query to ranked candidates.

A query is compared with every gallery photo that it may meet, a batch at a time:

    chip -> features -> matches -> geometry -> scores -> individuals
            extractor   matcher    verify      scoring

Each step is one call to a part that does nothing else. This file says which
photos meet, in what order things happen and what is kept. It knows no
catalogue: whatever has entries and features is a ``Gallery``.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Optional, Protocol, TypeVar, Union

import numpy as np
from numpy.typing import NDArray

from resight.chips import chip_fingerprint, make_chip
from resight.errors import IncompatibleFeatures, SettingsError
from resight.extractors import Extractor
from resight.fingerprints import fingerprint
from resight.matchers import Matcher
from resight.scoring import (
    SCORE_NAMES,
    KnownPairs,
    ScoreDistributions,
    rank_individuals,
    score_pair,
)
from resight.types import (
    SIDE_POLICIES,
    SIDES,
    UNKNOWN_SIDE,
    Box,
    Candidate,
    Chip,
    Evidence,
    Features,
    GalleryEntry,
    Identification,
    sides_meet,
)
from resight.verify import GEOMETRY, verify

#: Told how many gallery photos have been dealt with, and how many are to be.
Progress = Callable[[int, int], None]
_Item = TypeVar("_Item")

OWN_PHOTO = "own photo"
OWN_ENCOUNTER = "own encounter"
NO_INDIVIDUAL = "no individual"
OTHER_SIDE = "other side"
NOT_AVAILABLE = "photo not available"
NO_KEYPOINTS = "no keypoints"
QUERY_WITHOUT_KEYPOINTS = "query has no keypoints"
#: Why a gallery photo is left out of a search; the first reason that holds is counted.
LEFT_OUT = (
    OWN_PHOTO,
    OWN_ENCOUNTER,
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


@dataclass(frozen=True)
class Method:
    """How two photos are compared and individuals ranked; all that changes a score.

    ``name`` is what people call it (``sift+nearest``); ``fingerprint`` pins it.
    """

    name: str
    extractor: Extractor
    matcher: Matcher
    long_edge: int = 512
    margin: float = 0.0
    score: str = "sum"

    def __post_init__(self) -> None:
        if self.score not in SCORE_NAMES:
            raise SettingsError(
                f"there is no score {self.score!r}; there are {', '.join(SCORE_NAMES)}"
            )

    def chip(
        self, pixels: NDArray[np.uint8], box: Optional[Box] = None, *, rotation: float = 0.0
    ) -> Chip:
        """An animal cut out of an upright photo, as this method wants it; see ``make_chip``."""
        return make_chip(
            pixels, box, rotation=rotation, margin=self.margin, long_edge=self.long_edge
        )

    @property
    def precision(self) -> Optional[str]:
        """f32 or bf16: that of the matcher, else the extractor; ``None`` without networks."""
        for part in (self.matcher, self.extractor):
            precision: Optional[str] = getattr(part, "precision", None)
            if precision is not None:
                return precision
        return None

    @property
    def matching_fingerprint(self) -> str:
        """All that changes matches and confidences: chips, extractor, matcher."""
        chip = chip_fingerprint(long_edge=self.long_edge, margin=self.margin)
        return " | ".join([chip, self.extractor.fingerprint, self.matcher.fingerprint])

    @property
    def fingerprint(self) -> str:
        """All that changes the ranking, but for what is learned from a gallery."""
        return " | ".join(
            [self.matching_fingerprint, GEOMETRY, fingerprint("rank.v1", score=self.score)]
        )


class Identifier:
    """Searches one gallery by one method.

    ``side_policy`` is that of ``sides_meet``. ``known_pairs`` are needed by the
    scores that compare with distributions, and must be the method's own; from
    those of a query's own encounter or photo nothing is learned about it. Of each
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
        known_pairs: Optional[KnownPairs] = None,
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
        self.photos_kept = photos_kept
        self.batch_size = batch_size
        self.fingerprint = _join(method.fingerprint, known_pairs)

    def identify(
        self,
        query: Union[Chip, Features],
        *,
        side: str = UNKNOWN_SIDE,
        encounter: str = "",
        photo: str = "",
        progress: Optional[Progress] = None,
        reading: Optional[Progress] = None,
    ) -> Identification:
        """Rank the gallery's individuals by how alike they look to the query.

        The query never meets photos of its own ``encounter`` nor its own
        ``photo`` (a sha256); empty means that there is none to avoid. Every
        gallery photo is either counted in ``searched`` or, with its reason, in
        ``left_out`` (see ``LEFT_OUT``); individuals with no photo compared are
        no candidates. Without gallery or keypoints there are none at all.
        ``progress`` is told of each batch compared, ``reading`` of each gallery
        photo whose features are at hand, whether they were kept or made now.

        A ``Chip`` should come from ``Method.chip``.

        Raises ``SettingsError`` for an unknown side, a chip of another size or a score
        the method cannot give, ``IncompatibleFeatures`` for features of another extractor.
        """
        started = time.perf_counter()
        if side not in SIDES:
            raise SettingsError(f"there is no side {side!r}; there are {', '.join(SIDES)}")
        features = self._features_of(query)
        entries, left_out = self._choose(side, encounter, photo)
        if not len(features):
            left_out[QUERY_WITHOUT_KEYPOINTS] += len(entries)
            entries = []
        known = self.known_pairs
        distributions = known.distributions(encounter=encounter, photo=photo) if known else None
        searched = 0
        best = _Best(self.method, self.photos_kept)
        for batch in self._batches(entries, reading):
            available = [(entry, other) for entry, other in batch if other is not None]
            comparable = [(entry, other) for entry, other in available if len(other)]
            best.add(self._compare(features, comparable, distributions))
            searched += len(comparable)
            left_out[NOT_AVAILABLE] += len(batch) - len(available)
            left_out[NO_KEYPOINTS] += len(available) - len(comparable)
            if progress:
                progress(searched + left_out[NOT_AVAILABLE] + left_out[NO_KEYPOINTS], len(entries))
        return Identification(
            candidates=best.candidates(),
            method=self.method.name,
            fingerprint=self.fingerprint,
            score=self.method.score,
            side=side,
            side_policy=self.side_policy,
            searched=searched,
            left_out={reason: left_out[reason] for reason in LEFT_OUT if left_out[reason]},
            seconds=time.perf_counter() - started,
        )

    def _features_of(self, query: Union[Chip, Features]) -> Features:
        features = query
        if isinstance(features, Chip):
            long_edge = max(features.size)
            if long_edge != self.method.long_edge:
                raise SettingsError(
                    f"the chip of the query is {long_edge} pixels long, but {self.method.name} "
                    f"is set to {self.method.long_edge}; cut it by the method's chip()"
                )
            (features,) = self.method.extractor.extract([features])
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
        self, side: str, encounter: str, photo: str
    ) -> tuple[list[GalleryEntry], Counter[str]]:
        """The entries to compare, and how many are left out for which reason."""
        chosen: list[GalleryEntry] = []
        left_out: Counter[str] = Counter()
        for entry in self.gallery.entries():
            if photo and entry.photo == photo:
                left_out[OWN_PHOTO] += 1
            elif encounter and entry.encounter == encounter:
                left_out[OWN_ENCOUNTER] += 1
            elif not entry.individual:
                left_out[NO_INDIVIDUAL] += 1
            elif not sides_meet(side, entry.side, self.side_policy):
                left_out[OTHER_SIDE] += 1
            else:
                chosen.append(entry)
        return chosen, left_out

    def _batches(
        self, entries: Sequence[GalleryEntry], reading: Optional[Progress]
    ) -> Iterator[list[tuple[GalleryEntry, Optional[Features]]]]:
        features = self.gallery.features(
            [entry.annotation for entry in entries],
            self.method.extractor,
            long_edge=self.method.long_edge,
            margin=self.method.margin,
        )
        if reading:
            features = _told(features, len(entries), reading)
        pairs = zip(entries, features, strict=True)
        while batch := list(islice(pairs, self.batch_size)):
            for entry, each in batch:
                if each is not None:
                    self._check(each, f"annotation {entry.annotation}")
            yield batch

    def _compare(
        self,
        query: Features,
        batch: Sequence[tuple[GalleryEntry, Features]],
        distributions: Optional[ScoreDistributions],
    ) -> Iterator[tuple[GalleryEntry, Evidence]]:
        found = self.method.matcher.match(query, [features for _, features in batch])
        for (entry, features), matches in zip(batch, found, strict=True):
            geometry = verify(query, features, matches)
            scores = score_pair(matches, geometry, distributions)
            yield entry, Evidence(entry.annotation, scores, matches, geometry)


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


def _told(each: Iterator[_Item], total: int, tell: Progress) -> Iterator[_Item]:
    """The same items, each told as it comes."""
    for done, item in enumerate(each, start=1):
        tell(done, total)
        yield item


def _join(method: str, known_pairs: Optional[KnownPairs]) -> str:
    """The method's fingerprint with a digest of the pairs learned from, if there are any."""
    if known_pairs is None:
        return method
    return f"{method} | {fingerprint('known_pairs.v1', sha256=known_pairs.digest)}"
