"""What an identification is made of: the parts that compare, and how much they compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from types import MappingProxyType
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from resight.chips import chip_fingerprint, make_chip
from resight.errors import SettingsError
from resight.extractors import Extractor, describes_whole
from resight.fingerprints import fingerprint
from resight.matchers import Matcher
from resight.scoring import DISTRIBUTION_SCORES, SCORE_NAMES
from resight.shortlist.index import SHORTLIST
from resight.types import Box, Chip, Features, Matches
from resight.verify import GEOMETRY


@dataclass(frozen=True)
class Look:
    """How much of a gallery is looked at.

    ``shortlisted``: how many photos the scan gives to the screen; ``matched``: of how many
    individuals the screen gives the best photo to the matcher, if it comes to at least the
    share ``close`` of the best score; 0: what the screen found is all there is. ``None``: all
    photos, so that the stage before is not run. ``closer``: the screen first looks at all
    keypoints of so many, and gives the ``matched`` best of these to the matcher; 0: it does not.
    """

    shortlisted: Optional[int]
    matched: Optional[int]
    close: float = 0.0
    closer: int = 0

    @property
    def scanned_closely(self) -> int:
        """How many photos the scan compares by all their descriptors (``shortlist.scan``)."""
        return max(48, 8 * (self.shortlisted or 0))

    def __str__(self) -> str:
        return f"{self.shortlisted} {self.matched} {self.close} {self.closer}"


@dataclass(frozen=True)
class Effort:
    """How many gallery photos each stage of the cascade passes on at most.

    ``scanned``: how many of a large gallery the votes give to the scan. ``look``: at the query as
    it is, whose screen stops early where an individual's score exceeds the next one's by
    ``leading`` times the square root of that. ``further``: at the photos most alike to it as it is
    or turned by any 45 degrees, where none stood out: no individual's score of whole matches
    exceeds the next one's by ``certain`` times the square root of that (of a single one's next by
    as much as the screen saw it behind).
    """

    name: str
    scanned: int
    look: Look
    leading: float = inf
    certain: float = inf
    further: Optional[Look] = None

    @property
    def matches_all(self) -> bool:
        """Whether every photo is matched, and none chosen before."""
        return self.look.shortlisted is None

    @property
    def fingerprint(self) -> str:
        """All that changes what is compared."""
        return fingerprint(
            # What later versions changed needs a shortlist.
            "effort.v1" if self.matches_all else "effort.v6",
            certain=self.certain,
            close=self.look.close,
            matched=self.look.matched,
            scanned=self.scanned,
            shortlist=SHORTLIST,
            shortlisted=self.look.shortlisted,
            **({"further": str(self.further), "leading": self.leading} if self.further else {}),
        )


_ALL = Look(shortlisted=None, matched=None)
_FURTHER = Look(60, matched=3, close=0.4, closer=14)

#: From the least to the most; the numbers come from docs/speed.md.
EFFORTS: Mapping[str, Effort] = MappingProxyType(
    {
        effort.name: effort
        for effort in (
            Effort("quick", scanned=200, look=Look(3, matched=0)),
            Effort(
                "normal",
                scanned=400,
                look=Look(24, matched=6, close=0.6),
                leading=2.5,
                certain=5.0,
                further=_FURTHER,
            ),
            Effort("thorough", scanned=1500, look=Look(100, matched=20), further=_FURTHER),
            Effort("exhaustive", scanned=0, look=_ALL),
        )
    }
)


#: Of both photos. After three layers of 512 the right animal was among the best four of 24
#: photos for 99 % of the queries that nine layers got right; of 128, for 75 % of them.
SCREEN_KEYPOINTS = 512


@dataclass(frozen=True)
class Screen:
    """A cheap look at a pair: ``matcher`` on the first ``keypoints`` of both photos."""

    matcher: Matcher
    keypoints: int

    def match(self, query: Features, gallery: Sequence[Features]) -> list[Matches]:
        """As a matcher's; confidences are of the query's first keypoints only."""
        few = slice(self.keypoints)
        return self.matcher.match(query.only(few), [features.only(few) for features in gallery])

    @property
    def fingerprint(self) -> str:
        """All that changes its scores."""
        return fingerprint("screen.v1", keypoints=self.keypoints, matcher=self.matcher.fingerprint)


@dataclass(frozen=True)
class Method:
    """How two photos are compared and individuals ranked; all that changes a score.

    ``name`` is what people call it (``sift+nearest``); ``fingerprint`` pins it. ``screen``
    is a cheaper matcher that chooses which photos are worth the ``matcher``, where there is
    one.
    """

    name: str
    extractor: Extractor
    matcher: Matcher
    long_edge: int = 512
    margin: float = 0.0
    score: str = "sum"
    screen: Optional[Screen] = None

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


def effort_for(method: Method, name: str) -> Effort:
    """The effort of that name, as far as it concerns the method.

    One that compares photos as wholes compares all by any; one without a screen looks once.

    Raises ``SettingsError`` for an unknown one, and where the method's score needs whole
    matches but the screen's are all there would be.
    """
    if name not in EFFORTS:
        raise SettingsError(f"there is no effort {name!r}; there are {', '.join(EFFORTS)}")
    effort = EFFORTS[name]
    if describes_whole(method.extractor):  # nothing is cheaper than the comparison itself
        return replace(effort, scanned=0, look=_ALL, further=None)
    if method.score in DISTRIBUTION_SCORES and method.screen and effort.look.matched == 0:
        raise SettingsError(
            f"the score {method.score} compares whole matches, which effort {name} does not "
            "make: use a higher effort, or another score"
        )
    if method.screen is None:  # a further look is what the screen can afford
        return replace(effort, further=None)
    return effort
