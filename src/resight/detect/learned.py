"""Boxes as the catalogue's own are: where on the animal people drew them, learned from these.

A head is a small part of a body, and no detector to be had knows the head of every species. But
a catalogue whose photos have boxes shows what lies in them. Each keypoint of a photo is told by
its descriptor, its neighbours' and its place on the animal how much it looks like one in such a
box (ridge regression, Hoerl and Kennard 1970). The box is where the sum of that, less a
threshold, is greatest (Lampert et al., "Beyond Sliding Windows", CVPR 2008, searched
exhaustively on a grid here).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resight.chips import make_chip
from resight.detect import Detection, Detector
from resight.errors import CalibrationError, ModelError
from resight.extractors import Extractor
from resight.files import write_whole
from resight.fingerprints import fingerprint
from resight.types import Box, Chip, Features

Values = NDArray[np.float64]

#: Boxes and animals that it takes to learn anything.
LEAST_BOXES, LEAST_ANIMALS = 20, 3
#: Of the chips that are looked at: parts are small.
LONG_EDGE, MAX_KEYPOINTS = 1024, 2048

_NEIGHBOURS = (8, 32)  # keypoints whose descriptors are averaged
_SMOOTHED = 24  # keypoints whose answers are
_RIDGE = 1e-3
_FOLDS = 5
_GRID = 40  # cells of the search along each side
_THRESHOLDS = (0.15, 0.2, 0.25, 0.3, 0.4)
_GROWN = 0.15  # on each side, in parts of the box: what is cut off is lost, what is added is not
_FEWEST = 33  # keypoints of a photo that says anything


@dataclass(frozen=True, eq=False)
class Example:
    """A described photo: ``features`` of a chip, and which part of it people boxed (chip pixels).

    ``animal``: examples of one are never learned from and judged by at once.
    """

    features: Features
    box: Box
    animal: str


@dataclass(frozen=True, eq=False)
class PartModel:
    """What was learned: a linear answer about what is known of a keypoint, 1 for in a box and 0
    for not, and the ``threshold`` that boxes are searched with.

    ``found``: the share of boxes found again (half of the union shared) that were of animals left
    out; ``boxes`` and ``animals`` it was learned from; ``extractor`` is a fingerprint.
    """

    mean: Values
    deviation: Values
    weights: Values
    offset: float
    threshold: float
    extractor: str
    boxes: int
    animals: int
    found: float

    def box(self, seen: _Seen) -> tuple[Box, float]:
        """Where a photo's part is, in chip pixels, and the mean answer there."""
        answers = _answers(seen, self.mean, self.deviation, self.weights, self.offset)
        return _best_box(seen, answers, self.threshold)

    def write(self, path: Path) -> None:
        """Keep it; the file appears whole or not at all."""
        from safetensors.numpy import save

        numbers = [self.offset, self.threshold, self.boxes, self.animals, self.found]
        arrays = {
            "mean": self.mean,
            "deviation": self.deviation,
            "weights": self.weights,
            "numbers": np.array(numbers, np.float64),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, save(arrays, {"extractor": self.extractor}))

    @classmethod
    def read(cls, path: Path) -> PartModel:
        """What ``write`` kept. Raises ``FileNotFoundError``, ``ModelError`` if it is damaged."""
        from safetensors import SafetensorError, safe_open

        if not path.exists():
            raise FileNotFoundError(path)
        try:
            with safe_open(path, "np") as file:
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                extractor = file.metadata()["extractor"]
            offset, threshold, boxes, animals, found = arrays.pop("numbers").tolist()
            return cls(
                **arrays,
                offset=offset,
                threshold=threshold,
                extractor=extractor,
                boxes=int(boxes),
                animals=int(animals),
                found=found,
            )
        except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
            raise ModelError(f"{path} is damaged ({error}); delete it: it is made again") from error


def learn_part(examples: Iterable[Example]) -> PartModel:
    """Learn from boxes; the threshold is the one that finds boxes of animals left out best.

    Examples are taken one by one, and what is needed of each is kept: some 4 MB.

    Raises ``CalibrationError`` for fewer than ``LEAST_BOXES`` examples that have keypoints, or
    of fewer than ``LEAST_ANIMALS`` animals.
    """
    extractor, of = "", defaultdict[str, list[tuple[_Seen, Box, _Moments]]](list)
    for each in examples:
        if len(each.features) >= _FEWEST:
            seen, extractor = _Seen.of(each.features), each.features.fingerprint
            of[each.animal].append((seen, each.box, _Moments.of(seen, each.box)))
    animals, boxes = sorted(of), sum(map(len, of.values()))
    if boxes < LEAST_BOXES or len(animals) < LEAST_ANIMALS:
        raise CalibrationError(
            f"{boxes} boxed photos of {len(animals)} animals are too few to learn from: it "
            f"takes {LEAST_BOXES} of {LEAST_ANIMALS}; draw the boxes of more photos"
        )
    shared: dict[float, list[float]] = {threshold: [] for threshold in _THRESHOLDS}
    folds = min(len(animals), _FOLDS)
    for fold in range(folds):
        out = animals[fold::folds]
        linear = _ridge(moments for name in animals if name not in out for *_, moments in of[name])
        for seen, box, _ in (each for name in out for each in of[name]):
            answers = _answers(seen, *linear)
            for threshold, values in shared.items():
                values.append(_overlap(_best_box(seen, answers, threshold)[0], box))
    best = max(shared, key=lambda threshold: (_found(shared[threshold]), -threshold))
    mean, deviation, weights, offset = _ridge(each for own in of.values() for *_, each in own)
    return PartModel(
        mean=mean,
        deviation=deviation,
        weights=weights,
        offset=offset,
        threshold=best,
        extractor=extractor,
        boxes=boxes,
        animals=len(animals),
        found=_found(shared[best]),
    )


class LearnedDetector:
    """The part that people boxed, on each animal that ``first`` finds (else on the whole photo).

    ``score`` is the mean of what keypoints in the box say, in 0..1.
    """

    def __init__(self, model: PartModel, extractor: Extractor, first: Detector) -> None:
        if model.extractor != extractor.fingerprint:
            raise ModelError("what boxes look like was learned with another extractor: learn again")
        self._model, self._extractor, self._first = model, extractor, first
        self.fingerprint = fingerprint(
            "learned.v1",
            extractor=extractor.fingerprint,
            first=first.fingerprint,
            threshold=model.threshold,
            weights=hashlib.sha256(model.weights.tobytes()).hexdigest()[:16],
        )

    def detect(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """As ``Detector.detect``: a part for each animal."""
        found = [self._part(pixels, chip) for chip in animals_on(pixels, self._first)]
        return sorted((each for each in found if each), key=lambda each: -each.score)

    def _part(self, pixels: NDArray[np.uint8], chip: Chip) -> Detection | None:
        (features,) = self._extractor.extract([chip])
        if len(features) < _FEWEST:
            return None
        box, score = self._model.box(_Seen.of(features))
        if min(box.w, box.h) <= 0:
            return None
        grown = (box.w * _GROWN, box.h * _GROWN)
        low, high = chip.points_to_photo(
            np.array(
                [
                    (box.x - grown[0], box.y - grown[1]),
                    (box.x + box.w + grown[0], box.y + box.h + grown[1]),
                ]
            )
        )
        low = np.floor(np.clip(low, 0, pixels.shape[1::-1]))
        high = np.ceil(np.clip(high, 0, pixels.shape[1::-1]))
        return Detection(Box(*low.tolist(), *(high - low).tolist()), float(np.clip(score, 0, 1)))


def animals_on(pixels: NDArray[np.uint8], first: Detector) -> Iterator[Chip]:
    """The chips in which a part is looked for: of each animal, or else of the whole photo."""
    boxes: list[Box | None] = [each.box for each in first.detect(pixels)]
    for box in boxes or [None]:
        yield make_chip(pixels, box, long_edge=LONG_EDGE)


@dataclass(frozen=True, eq=False)
class _Seen:
    """A photo's keypoints (N, 2), what is known of each (N, D), and their nearest (N, K)."""

    points: Values
    known: NDArray[np.float32]
    nearest: NDArray[np.int32]

    @classmethod
    def of(cls, features: Features) -> _Seen:
        points = features.keypoints.astype(np.float64)  # squares of float32 would be coarse
        apart = ((points[:, None] - points[None]) ** 2).sum(2)
        nearest = np.argsort(apart, axis=1)[:, : max(_NEIGHBOURS) + 1]
        descriptors = features.descriptors.astype(np.float64)
        around = [descriptors[nearest[:, :count]].mean(1) for count in _NEIGHBOURS]
        low, size = points.min(0), np.maximum(np.ptp(points, axis=0), 1.0)
        place = (points - low) / size - 0.5
        ninth = np.sqrt(np.take_along_axis(apart, nearest[:, 9:10], axis=1))
        more = [
            np.abs(place),
            place**2,
            np.linalg.norm(place, axis=1, keepdims=True),
            np.abs(place[:, :1] * place[:, 1:]),
            np.log(ninth / np.linalg.norm(size) + 1e-6),
        ]
        known = np.concatenate([descriptors, *around, *more], axis=1).astype(np.float32)
        return cls(points, known, nearest.astype(np.int32))


@dataclass(frozen=True, eq=False)
class _Moments:
    """All that ridge regression needs of a photo: sums over its keypoints, which add up."""

    count: int
    known: Values  # (D,)
    products: Values  # (D, D)
    inside: float
    together: Values  # (D,), of what is known and being inside

    @classmethod
    def of(cls, seen: _Seen, box: Box) -> _Moments:
        known, inside = seen.known.astype(np.float64), _inside(seen.points, box)
        return cls(len(known), known.sum(0), known.T @ known, float(inside.sum()), inside @ known)


#: Mean and deviation of what is known, weights of the standardised, and the answer to a mean one.
_Linear = tuple[Values, Values, Values, float]


def _ridge(photos: Iterable[_Moments]) -> _Linear:
    """The regression on standardised knowledge, from the photos' sums alone."""
    sums = [(each.count, each.known, each.products, each.inside, each.together) for each in photos]
    count, known, products, inside, together = (sum(column) for column in zip(*sums, strict=True))
    mean, offset = known / count, float(inside / count)
    spread = products / count - np.outer(mean, mean)
    deviation = np.sqrt(np.maximum(np.diag(spread), 0)) + 1e-6
    gram = spread / np.outer(deviation, deviation) + _RIDGE * np.eye(len(mean))
    weights = np.linalg.solve(gram, (together / count - mean * offset) / deviation)
    return mean, deviation, weights, offset


def _answers(
    seen: _Seen, mean: Values, deviation: Values, weights: Values, offset: float
) -> Values:
    """About each keypoint, averaged with those of its neighbours."""
    own = (seen.known - mean) / deviation @ weights + offset
    smoothed: Values = own[seen.nearest[:, :_SMOOTHED]].mean(1)
    return smoothed


def _found(shared: Sequence[float]) -> float:
    """The share of boxes that were found again: half of the union shared."""
    return float(np.mean(np.array(shared) >= 0.5))


def _inside(points: Values, box: Box) -> Values:
    low, high = np.array([box.x, box.y]), np.array([box.x + box.w, box.y + box.h])
    inside: Values = np.all((points >= low) & (points <= high), axis=1).astype(np.float64)
    return inside


def _best_box(seen: _Seen, answers: Values, threshold: float) -> tuple[Box, float]:
    """Where the sum of answers above the threshold is greatest, and the mean answer there."""
    low, size = seen.points.min(0), np.maximum(np.ptp(seen.points, axis=0), 1.0)
    cells = np.minimum((seen.points - low) / size * _GRID, _GRID - 1).astype(int)
    sums = np.zeros((_GRID + 1, _GRID + 1))
    np.add.at(sums, (cells[:, 1] + 1, cells[:, 0] + 1), answers - threshold)
    sums = sums.cumsum(0).cumsum(1)
    best, where = -np.inf, (0, 0, 1, 1)
    for top in range(_GRID):
        rows = sums[top + 1 :] - sums[top]  # of all boxes that begin at this row
        before = np.minimum.accumulate(rows, axis=1)
        bottom, right = np.unravel_index(int((rows - before).argmax()), rows.shape)
        value = rows[bottom, right] - before[bottom, right]
        if value > best:
            left = int(rows[bottom, : right + 1].argmin())
            best, where = value, (left, top, int(right), top + 1 + int(bottom))
    cell = size / _GRID
    corner, end = low + np.array(where[:2]) * cell, low + np.array(where[2:]) * cell
    box = Box(*corner.tolist(), *(end - corner).tolist())
    there = _inside(seen.points, box) > 0
    return box, float(answers[there].mean()) if there.any() else 0.0


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    w = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    h = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    shared = max(0.0, w) * max(0.0, h)
    return shared / (one.w * one.h + other.w * other.h - shared)
