"""The words of resight as frozen value types over NumPy arrays.

Conventions (they hold everywhere, so docstrings elsewhere do not repeat them):

- sizes are ``(w, h)``; boxes ``(x, y, w, h)`` in upright photo pixels, covering
  the half-open range ``[x, x + w) x [y, y + h)`` in edge coordinates;
- points are ``(N, 2)`` float32 ``xy``; a pixel's centre is at integer
  coordinates, so the photo spans ``[-0.5, w - 0.5]``;
- pixels are ``(h, w, 3)`` uint8 RGB; angles degrees counter-clockwise as seen;
- scores are higher = more similar; probabilities in ``[0, 1]``;
- capture times are local as the camera wrote them, plus its offset if known;
  resight's own times are UTC.

Arrays inside these types are made read-only: results may be shared and cached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple, Optional

import numpy as np
from numpy.typing import NDArray

UNKNOWN_SIDE = "unknown"
#: Verdicts of an identification.
KNOWN, NEW, UNDECIDED = "known", "new", "undecided"
#: Parts of the animal a photo can show. A compound name shows both of its parts.
SIDES: Mapping[str, frozenset[str]] = {
    "left": frozenset({"left"}),
    "right": frozenset({"right"}),
    "top": frozenset({"top"}),
    "bottom": frozenset({"bottom"}),
    "front": frozenset({"front"}),
    "back": frozenset({"back"}),
    "topleft": frozenset({"top", "left"}),
    "topright": frozenset({"top", "right"}),
    "frontleft": frozenset({"front", "left"}),
    "frontright": frozenset({"front", "right"}),
    "backleft": frozenset({"back", "left"}),
    "backright": frozenset({"back", "right"}),
    UNKNOWN_SIDE: frozenset(),
}
_OPPOSITE = {
    "left": "right",
    "right": "left",
    "top": "bottom",
    "bottom": "top",
    "front": "back",
    "back": "front",
}

SIDE_POLICIES = ("same", "compatible", "any")


def sides_meet(query: str, gallery: str, policy: str) -> bool:
    """Whether a query of one side is compared with a gallery photo of another.

    ``same``: equal names; ``compatible``: no part of one is opposite to a part
    of the other (left meets left, topleft and top, not right or topright);
    ``any``: always. ``unknown`` meets every side under every policy.

    >>> sides_meet("left", "topleft", "compatible"), sides_meet("left", "topright", "compatible")
    (True, False)
    """
    if policy not in SIDE_POLICIES:
        raise ValueError(f"side policy {policy!r} is not one of {', '.join(SIDE_POLICIES)}")
    if policy == "any" or UNKNOWN_SIDE in (query, gallery):
        return True
    if policy == "same":
        return query == gallery
    return not any(_OPPOSITE[part] in SIDES[gallery] for part in SIDES[query])


def mirrored_side(side: str) -> str:
    """What a side is in a mirror.

    >>> mirrored_side("topleft"), mirrored_side("top")
    ('topright', 'top')
    """
    if "left" in side:
        return side.replace("left", "right")
    return side.replace("right", "left")


class Box(NamedTuple):
    """A rectangle in upright photo pixels (edge coordinates, floats allowed)."""

    x: float
    y: float
    w: float
    h: float


class Place(NamedTuple):
    """Where a photo was taken: WGS 84 degrees, north and east positive."""

    latitude: float
    longitude: float


@dataclass(frozen=True)
class Photo:
    """An image file, as it is: identified by the sha256 of its bytes.

    ``size`` is that of the upright photo (EXIF orientation applied).
    ``taken_at`` is naive local time as the camera wrote it and ``utc_offset``
    the offset in minutes, where the camera recorded one.
    """

    sha256: str
    size: tuple[int, int]
    format: str
    bytes: int
    taken_at: Optional[datetime] = None
    utc_offset: Optional[int] = None
    place: Optional[Place] = None


@dataclass(frozen=True, eq=False)
class Chip:
    """The upright, cropped and scaled pixels of one annotation.

    ``pixels``: (h, w, 3) uint8 RGB. ``to_photo``: (2, 3) float64 affine that
    takes chip coordinates to upright photo coordinates. ``animal``: (h, w) bool, the pixels
    known to show the animal; ``None`` where nobody looked.
    """

    pixels: NDArray[np.uint8]
    to_photo: NDArray[np.float64]
    animal: Optional[NDArray[np.bool_]] = None

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 3 or self.pixels.shape[2] != 3:
            raise ValueError(
                f"chip pixels must be (h, w, 3) uint8, got {self.pixels.shape} {self.pixels.dtype}"
            )
        if self.to_photo.shape != (2, 3):
            raise ValueError(f"chip transform must be (2, 3), got {self.to_photo.shape}")
        if self.animal is not None and self.animal.shape != self.pixels.shape[:2]:
            raise ValueError(f"chip mask must be {self.pixels.shape[:2]}, got {self.animal.shape}")
        _freeze(self.pixels, self.to_photo, self.animal)

    def on_animal(self, points: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which points (N, 2) xy lie on the animal; all, where that is not known."""
        if self.animal is None:
            return np.ones(len(points), bool)
        w, h = self.size
        x, y = np.rint(points).astype(np.intp).T
        there: NDArray[np.bool_] = self.animal[np.clip(y, 0, h - 1), np.clip(x, 0, w - 1)]
        return there

    @property
    def size(self) -> tuple[int, int]:
        """``(w, h)`` in chip pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def points_to_photo(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Map (N, 2) chip points to upright photo pixels."""
        mapped: NDArray[np.float64] = (
            np.asarray(points, np.float64) @ self.to_photo[:, :2].T + self.to_photo[:, 2]
        )
        return mapped

    def points_from_photo(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Map (N, 2) upright photo points to chip pixels."""
        shifted = np.asarray(points, np.float64) - self.to_photo[:, 2]
        return np.linalg.solve(self.to_photo[:, :2], shifted.T).T.astype(np.float64)


METRICS = ("cosine", "l2", "hamming")


@dataclass(frozen=True, eq=False)
class Features:
    """Keypoints of one chip and what they look like, best first.

    ``keypoints`` (N, 2) float32 xy in chip pixels; ``descriptors`` (N, D)
    floating, or uint8 bit strings for the ``hamming`` metric; ``scores`` (N,)
    float32 detector responses; ``scales`` (N,) float32 diameters in pixels and
    ``orientations`` (N,) float32 degrees, where the method has them; ``size``
    ``(w, h)`` of the chip; ``family`` what matchers are trained for (``aliked``,
    ``sift``); ``fingerprint`` of the extractor that made them. N may be 0.
    """

    keypoints: NDArray[np.float32]
    descriptors: NDArray[Any]
    scores: NDArray[np.float32]
    size: tuple[int, int]
    family: str
    metric: str
    fingerprint: str
    scales: Optional[NDArray[np.float32]] = None
    orientations: Optional[NDArray[np.float32]] = None

    def __post_init__(self) -> None:
        n = len(self.keypoints)
        if self.keypoints.shape != (n, 2) or self.keypoints.dtype != np.float32:
            found = f"{self.keypoints.shape} {self.keypoints.dtype}"
            raise ValueError(f"keypoints must be (N, 2) float32, got {found}")
        if self.descriptors.ndim != 2 or len(self.descriptors) != n:
            raise ValueError(f"descriptors must be ({n}, D), got {self.descriptors.shape}")
        for name in ("scores", "scales", "orientations"):
            values = getattr(self, name)
            if values is not None and values.shape != (n,):
                raise ValueError(f"{name} must be ({n},), got {values.shape}")
        if self.metric not in METRICS:
            raise ValueError(f"metric {self.metric!r} is not one of {', '.join(METRICS)}")
        _freeze(self.keypoints, self.descriptors, self.scores, self.scales, self.orientations)

    def __len__(self) -> int:
        return len(self.keypoints)

    def kept_descriptors(self) -> NDArray[Any]:
        """Descriptors as they are stored: float16, or float32 where that is too small for them.

        Bit strings as they are.
        """
        if self.descriptors.dtype == np.uint8:
            return np.ascontiguousarray(self.descriptors)
        with np.errstate(over="ignore"):
            half = self.descriptors.astype(np.float16)
        kept = half if np.isfinite(half).all() else self.descriptors.astype(np.float32)
        return np.ascontiguousarray(kept)

    def only(self, which: slice | NDArray[np.intp]) -> Features:
        """These keypoints alone, in the order that ``which`` selects them."""
        arrays = ("keypoints", "descriptors", "scores", "scales", "orientations")
        there = {name: getattr(self, name) for name in arrays}
        kept = {name: values[which] for name, values in there.items() if values is not None}
        return replace(self, **kept)


@dataclass(frozen=True, eq=False)
class Matches:
    """Which keypoints of a query correspond to which of one gallery photo.

    ``pairs`` (K, 2) int32: ``pairs[k] = (index in query, index in gallery)``,
    each index at most once; ``scores`` (K,) float32 in [0, 1]; ``confidences``
    (N,) float32 over *all* N query keypoints before filtering, 0 where a point
    has no mutual match (``None`` where the matcher has no confidences);
    ``layers`` how many network layers ran (``None`` for other matchers).
    ``whole``: the photos were compared as wholes. The one pair is then of their centres
    and shows no place on the animal; its score is all there is to say.
    """

    pairs: NDArray[np.int32]
    scores: NDArray[np.float32]
    confidences: Optional[NDArray[np.float32]] = None
    layers: Optional[int] = None
    whole: bool = False

    def __post_init__(self) -> None:
        k = len(self.pairs)
        if self.pairs.shape != (k, 2) or self.pairs.dtype != np.int32:
            raise ValueError(
                f"pairs must be (K, 2) int32, got {self.pairs.shape} {self.pairs.dtype}"
            )
        if self.scores.shape != (k,):
            raise ValueError(f"scores must be ({k},), got {self.scores.shape}")
        _freeze(self.pairs, self.scores, self.confidences)

    def __len__(self) -> int:
        return len(self.pairs)


@dataclass(frozen=True, eq=False)
class Geometry:
    """Robust geometry fitted to the matches of one pair.

    ``inliers`` (K,) bool over the matches; ``model`` (3, 3) float64 or ``None``
    where too few matches agree on one.
    """

    inliers: NDArray[np.bool_]
    model: Optional[NDArray[np.float64]] = None

    def __post_init__(self) -> None:
        _freeze(self.inliers, self.model)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What one query and one gallery annotation say about being the same animal.

    ``scores`` maps each raw score's name to its value (``None`` where the
    method cannot give it); ``matches`` and ``geometry`` are what a picture of
    this pair draws. ``keypoints`` (N, 2) float32: those of the query that the matches mean,
    in pixels of its chip as it is, where it was turned to be compared; ``None`` where it was
    not, and they are those of its features.
    """

    annotation: str
    scores: Mapping[str, Optional[float]]
    matches: Matches
    geometry: Geometry
    keypoints: Optional[NDArray[np.float32]] = None

    def of_query(self, keypoints: NDArray[np.float32]) -> NDArray[np.float32]:
        """The keypoints that the matches mean; ``keypoints`` are those of the query's features."""
        return keypoints if self.keypoints is None else self.keypoints


@dataclass(frozen=True)
class GalleryEntry:
    """One gallery annotation as identification sees it.

    ``annotation`` is its id; ``individual`` the animal's name; ``photo`` the
    sha256 of its photo; ``encounter`` empty if none is known. ``region`` is another one for
    another part of the photo, where the part that an annotation shows can be corrected.
    """

    annotation: str
    individual: str
    photo: str
    side: str = UNKNOWN_SIDE
    encounter: str = ""
    region: str = ""

    @property
    def described(self) -> str:
        """What descriptors are kept under: another one when the annotation is of another part."""
        return f"{self.annotation}/{self.region}" if self.region else self.annotation


@dataclass(frozen=True)
class Candidate:
    """One individual with its evidence, best photo first.

    ``score`` is the best of its photos' ranking scores: raw, not a probability.
    ``probability`` that this is the animal; ``None`` where nothing says what scores mean.
    """

    individual: str
    score: float
    evidence: tuple[Evidence, ...]
    probability: Optional[float] = None


@dataclass(frozen=True)
class Identification:
    """The answer about one query: ranked candidates and how they were found.

    ``method`` names extractor and matcher, ``fingerprint`` pins them exactly,
    ``score`` is the name of the ranking score. ``searched`` counts the gallery annotations
    that took part and ``left_out`` says, by reason, how many did not. Of those searched
    ``shortlisted`` were looked at by the network: ``half_matched`` by its first layers and
    ``matched`` wholly, as ``effort`` allowed. Candidates have a photo that
    was matched, or half-matched where the effort matches none. ``passed_over`` are the most
    alike of the half-matched individuals that are no candidates, so that an answer names ten if
    it can: their scores are of the first layers, with all keypoints where those were looked at
    once more (which gives more), so they put them in order and say nothing else.
    ``turned`` counts the photos looked at with the query turned, once for each turn in which they
    were: where nobody stood out as it is, or by an effort that turns every query. The other counts
    are of the query as it is.
    ``new_probability`` that the animal is new, ``unlisted_probability`` that it is a known one
    but none of the candidates, because the search missed it: with those of the candidates
    they sum to one. ``needed`` is the probability that an outcome must have to be acted on,
    and ``calibration`` says from what all this was learned, or why it cannot be told of this
    query. ``None`` and empty where nothing was learned.
    """

    candidates: tuple[Candidate, ...]
    method: str
    fingerprint: str
    score: str
    side: str
    side_policy: str
    effort: str
    searched: int
    shortlisted: int
    half_matched: int
    matched: int
    passed_over: tuple[Candidate, ...] = ()
    turned: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    new_probability: Optional[float] = None
    unlisted_probability: Optional[float] = None
    needed: Optional[float] = None
    calibration: str = ""

    def without_probabilities(self, why: str) -> Identification:
        """The same candidates with their scores alone; ``calibration`` says ``why``."""
        return replace(
            self,
            candidates=tuple(replace(each, probability=None) for each in self.candidates),
            new_probability=None,
            unlisted_probability=None,
            needed=None,
            calibration=why,
        )

    @property
    def named(self) -> tuple[Candidate, ...]:
        """All individuals of the answer: the candidates, then those passed over."""
        return self.candidates + self.passed_over

    @property
    def verdict(self) -> Optional[str]:
        """``known`` (the first candidate), ``new``, or ``undecided``; ``None`` uncalibrated."""
        if self.new_probability is None or self.needed is None:
            return None
        first = self.candidates[0].probability if self.candidates else None
        best = max(first or 0.0, self.new_probability)
        if best < self.needed:
            return UNDECIDED
        return NEW if self.new_probability == best else KNOWN


def _freeze(*arrays: Optional[NDArray[Any]]) -> None:
    for array in arrays:
        if array is not None:
            array.flags.writeable = False
