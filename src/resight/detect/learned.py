"""Boxes as the catalogue's own are: where on the animal people drew them, learned from these.

A head is a small part of a body, and no detector to be had knows the head of every species. But
a catalogue whose photos have boxes shows what lies in them. Each keypoint of a photo is told by
its descriptor, its neighbours' and its place on the animal how much it looks like one in such a
box (ridge regression, Hoerl and Kennard 1970). The box is where the sum of that, less a
threshold, is greatest (Lampert et al., "Beyond Sliding Windows", CVPR 2008, searched
exhaustively on a grid here).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    """What was learned. ``found``: the share of boxes found again (half of the union shared) that
    were of animals left out; ``boxes`` and ``animals`` it was learned from."""

    mean: Values
    deviation: Values
    weights: Values
    offset: float
    threshold: float
    extractor: str
    boxes: int
    animals: int
    found: float

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


def learn_part(examples: Sequence[Example]) -> PartModel:
    """Learn from boxes; the threshold is the one that finds boxes of animals left out best.

    Raises ``CalibrationError`` for fewer than ``LEAST_BOXES`` examples that have keypoints, or
    of fewer than ``LEAST_ANIMALS`` animals.
    """
    examples = [each for each in examples if len(each.features) >= _FEWEST]
    animals = sorted({each.animal for each in examples})
    if len(examples) < LEAST_BOXES or len(animals) < LEAST_ANIMALS:
        raise CalibrationError(
            f"{len(examples)} boxed photos of {len(animals)} animals are too few to learn from: it "
            f"takes {LEAST_BOXES} of {LEAST_ANIMALS}; draw the boxes of more photos"
        )
    seen = [_Seen.of(each.features) for each in examples]
    inside = [_inside(each.features.keypoints, each.box) for each in examples]
    shared: dict[float, list[float]] = {threshold: [] for threshold in _THRESHOLDS}
    for fold in range(min(len(animals), 5)):
        out = set(animals[fold :: min(len(animals), 5)])
        kept = [i for i, each in enumerate(examples) if each.animal not in out]
        model = _Ridge.fit([seen[i] for i in kept], [inside[i] for i in kept])
        for i in set(range(len(examples))) - set(kept):
            for threshold, values in shared.items():
                box, _ = _best_box(seen[i], model.answers(seen[i]), threshold)
                values.append(_overlap(box, examples[i].box))
    best = max(shared, key=lambda threshold: (_found(shared[threshold]), -threshold))
    model = _Ridge.fit(seen, inside)
    return PartModel(
        mean=model.mean,
        deviation=model.deviation,
        weights=model.weights,
        offset=model.offset,
        threshold=best,
        extractor=examples[0].features.fingerprint,
        boxes=len(examples),
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
        self._ridge = _Ridge(model.mean, model.deviation, model.weights, model.offset)
        self._threshold = model.threshold
        self._extractor, self._first = extractor, first
        self.fingerprint = fingerprint(
            "learned.v1",
            boxes=model.boxes,
            extractor=extractor.fingerprint,
            first=first.fingerprint,
            weights=float(model.weights @ np.arange(len(model.weights))),
        )

    def detect(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """As ``Detector.detect``: a part for each animal."""
        found = [self._part(pixels, chip) for chip in animals_on(pixels, self._first)]
        return sorted((each for each in found if each), key=lambda each: -each.score)

    def _part(self, pixels: NDArray[np.uint8], chip: Chip) -> Detection | None:
        (features,) = self._extractor.extract([chip])
        if len(features) < _FEWEST:
            return None
        seen = _Seen.of(features)
        box, score = _best_box(seen, self._ridge.answers(seen), self._threshold)
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
    known: Values
    nearest: NDArray[np.intp]

    @classmethod
    def of(cls, features: Features) -> _Seen:
        points = features.keypoints.astype(np.float64)
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
        return cls(points, np.concatenate([descriptors, *around, *more], axis=1), nearest)


@dataclass(frozen=True, eq=False)
class _Ridge:
    """A linear answer about each keypoint, 1 for in a box and 0 for not."""

    mean: Values
    deviation: Values
    weights: Values
    offset: float

    @classmethod
    def fit(cls, seen: Sequence[_Seen], inside: Sequence[Values]) -> _Ridge:
        known, wanted = np.concatenate([each.known for each in seen]), np.concatenate(inside)
        mean, deviation = known.mean(0), known.std(0) + 1e-6
        scaled = (known - mean) / deviation
        gram = scaled.T @ scaled + _RIDGE * len(scaled) * np.eye(scaled.shape[1])
        weights = np.linalg.solve(gram, scaled.T @ (wanted - wanted.mean()))
        return cls(mean, deviation, weights, float(wanted.mean()))

    def answers(self, seen: _Seen) -> Values:
        """Of each keypoint, averaged with those of its neighbours."""
        own = (seen.known - self.mean) / self.deviation @ self.weights + self.offset
        smoothed: Values = own[seen.nearest[:, :_SMOOTHED]].mean(1)
        return smoothed


def _found(shared: Sequence[float]) -> float:
    """The share of boxes that were found again: half of the union shared."""
    return float(np.mean(np.array(shared) >= 0.5))


def _inside(points: NDArray[np.float32], box: Box) -> Values:
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
    there = _inside(seen.points.astype(np.float32), box) > 0
    return box, float(answers[there].mean()) if there.any() else 0.0


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    w = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    h = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    shared = max(0.0, w) * max(0.0, h)
    return shared / (one.w * one.h + other.w * other.h - shared)
