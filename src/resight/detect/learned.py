"""Boxes as the catalogue's own are: where on the animal people drew them, learned from these.

A head is a small part of a body, and no detector to be had knows the head of every species. But
a catalogue whose photos have boxes shows what lies in them. A network trained on ImageNet tells
of each small square of a picture what it sees there (``cells.py``); ridge regression (Hoerl and
Kennard 1970) learns from it which squares lie in such a box, and where the four sides of the box
are from there, as in Tian et al., "FCOS: Fully Convolutional One-Stage Object Detection", ICCV
2019, https://arxiv.org/abs/1904.01355, but without training a network. A second look at what was
found, enlarged, by a second regression, makes the box exact.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.chips import make_chip
from resight.detect import Detection, Detector
from resight.detect.cells import CellNetwork, Cells
from resight.errors import CalibrationError, ModelError, PhotoError
from resight.files import write_whole
from resight.fingerprints import fingerprint
from resight.types import Box, Chip

Values = NDArray[np.float64]

#: Boxes and animals that it takes to learn anything.
LEAST_BOXES, LEAST_ANIMALS = 20, 3
#: Of the pictures that the network sees: an animal, and what was found on it.
FIRST_SIDE, SECOND_SIDE = 384, 256

_ROUND_ANIMAL = 0.25  # on each side, in parts of its box: heads and tails stick out of it
_ROUND_PART = 0.5  # on each side of what was found
_VIEWS = 3  # of each box that the second look is learned from, moved and scaled at random
_SHIFT, _SCALE = 0.3, 0.4  # by so many parts of the box, and so much of a natural logarithm
_AGAIN = 2  # second looks, each at what the last one found
_ROOM = 0.05  # on each side of what was found at last: regression draws the sides in
_INSIDE_RIDGE, _SIDES_RIDGE = 0.3, 10.0
_SMOOTHED = 1.0  # cells: deviation of the Gaussian that answers are averaged by
_FOLDS = 5

#: Told how many boxed photos are learned from, and how many are to be.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Example:
    """A photo whose part people boxed (upright photo pixels).

    ``read`` gives its pixels and may raise ``PhotoError``. ``animal``: examples of one are never
    learned from and judged by at once.
    """

    read: Callable[[], NDArray[np.uint8]]
    box: Box
    animal: str


@dataclass(frozen=True, eq=False)
class Sums:
    """What ridge regression needs of pictures, which adds up: of their cells' knowledge (a one
    at its end) the products with itself and with the answers. First of all cells, half of the
    weight for those in the box, with 1 for in the box; then of those in the box, with how far
    from the cell its left, upper, right and lower sides are.

    Each picture weighs the same, however large its box is.
    """

    all_cells: Values  # (D + 1, D + 1)
    inside: Values  # (D + 1, 1)
    box_cells: Values  # (D + 1, D + 1)
    sides: Values  # (D + 1, 4), in parts of ``side``

    @classmethod
    def of(cls, cells: Cells, box: Box, side: int) -> Sums | None:
        """Of a picture and of its mirror image; ``None`` where no cell or every one is inside."""
        points = cells.points.reshape(-1, 2)
        low, high = np.array(box[:2]), np.array(box[:2]) + box[2:]
        there = np.all((points >= low) & (points <= high), axis=1)
        if there.all() or not there.any():
            return None
        weights = np.where(there, 0.5 / there.sum(), 0.5 / (~there).sum())
        away = np.concatenate([points - low, high - points], axis=1)[there] / side
        parts = []
        for known, sides in zip(cells.known, (away, away[:, [2, 1, 0, 3]]), strict=True):
            own = np.append(known.reshape(len(points), -1), np.ones((len(points), 1)), axis=1)
            own = own.astype(np.float64)
            weighted, boxed = own.T * weights, own[there].T / there.sum()
            parts.append(
                (weighted @ own, weighted @ there[:, None], boxed @ own[there], boxed @ sides)
            )
        return cls(*(one + other for one, other in zip(*parts, strict=True)))

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.all_cells + other.all_cells,
            self.inside + other.inside,
            self.box_cells + other.box_cells,
            self.sides + other.sides,
        )


@dataclass(frozen=True, eq=False)
class Look:
    """What was learned: ``weights`` (D + 1, 5) float64 of five linear answers about a cell.

    Is it in the box, 1 for yes and 0 for no; and where the box's sides are from it.
    """

    weights: Values

    @classmethod
    def learned(cls, sums: Sums) -> Look:
        """By ridge regression on what is known, standardised."""
        inside = _ridge(sums.all_cells, sums.inside, _INSIDE_RIDGE)
        return cls(np.append(inside, _ridge(sums.box_cells, sums.sides, _SIDES_RIDGE), axis=1))

    def box(self, cells: Cells, side: int) -> tuple[Box, float]:
        """Where the box is, as the cells about the surest one say, and how sure these are."""
        plain, mirrored = cells.known @ self.weights[:-1] + self.weights[-1]
        answers = (plain + mirrored[..., [0, 3, 2, 1, 4]]) / 2
        inside = cv2.GaussianBlur(
            np.ascontiguousarray(answers[..., 0]), (0, 0), _SMOOTHED, borderType=cv2.BORDER_REFLECT
        )
        row, column = np.unravel_index(int(inside.argmax()), inside.shape)
        about = (
            slice(max(0, int(row) - 1), int(row) + 2),
            slice(max(0, int(column) - 1), int(column) + 2),
        )
        away, points = answers[about][..., 1:] * side, cells.points[about]
        corners = np.concatenate([points - away[..., :2], points + away[..., 2:]], axis=-1)
        sure = np.maximum(answers[about][..., 0], 0.01)
        left, top, right, bottom = np.average(corners.reshape(-1, 4), axis=0, weights=sure.ravel())
        return Box(left, top, right - left, bottom - top), float(inside[row, column])


@dataclass(frozen=True, eq=False)
class PartModel:
    """What was learned of a part: what to look for on an animal, and in what was found there.

    ``found``: the share of boxes found again (half of the union shared) that were of animals left
    out; ``boxes`` and ``animals`` it was learned from; ``network`` is a fingerprint.
    """

    first: Look
    second: Look
    network: str
    boxes: int
    animals: int
    found: float

    def write(self, path: Path) -> None:
        """Keep it; the file appears whole or not at all."""
        from safetensors.numpy import save

        arrays = {
            "first": self.first.weights,
            "second": self.second.weights,
            "numbers": np.array([self.boxes, self.animals, self.found], np.float64),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, save(arrays, {"network": self.network}))

    @classmethod
    def read(cls, path: Path) -> PartModel:
        """What ``write`` kept. Raises ``FileNotFoundError``, ``ModelError`` if it is damaged."""
        from safetensors import SafetensorError, safe_open

        if not path.exists():
            raise FileNotFoundError(path)
        try:
            with safe_open(path, "np") as file:
                first, second = Look(file.get_tensor("first")), Look(file.get_tensor("second"))
                boxes, animals, found = file.get_tensor("numbers").tolist()
                network = file.metadata()["network"]
        except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
            raise ModelError(f"{path} is damaged ({error}); delete it: it is made again") from error
        return cls(first, second, network, int(boxes), int(animals), found)


@dataclass(frozen=True)
class Networks:
    """What looks at a photo: the detector of whole animals, and the two that look for a part."""

    animals: Detector
    first: CellNetwork
    second: CellNetwork

    @property
    def fingerprint(self) -> str:
        """Of all that the model of a part depends on."""
        return f"{self.animals.fingerprint} {self.first.fingerprint} {self.second.fingerprint}"


class LearnedDetector:
    """The part that people boxed, on each animal that is found (else on the whole photo).

    ``score`` says how sure the first look is, in 0..1.
    """

    def __init__(self, model: PartModel, networks: Networks) -> None:
        if model.network != networks.fingerprint:
            raise ModelError("what boxes look like was learned with other networks: learn again")
        self._model, self._networks = model, networks
        looks = model.first.weights.tobytes() + model.second.weights.tobytes()
        self.fingerprint = fingerprint(
            "learned.v3",
            room=_ROOM,
            networks=networks.fingerprint,
            weights=hashlib.sha256(looks).hexdigest()[:16],
        )

    def detect(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """As ``Detector.detect``: a part for each animal."""
        chips = _animals_on(pixels, self._networks.animals)
        found = [self._part(pixels, chip) for chip in chips]
        return sorted((each for each in found if each), key=lambda each: -each.score)

    def _part(self, pixels: NDArray[np.uint8], chip: Chip) -> Detection | None:
        network = self._networks.first
        seen, score = self._model.first.box(network.cells(chip.pixels), network.side)
        box = _in_photo(pixels, chip, seen)
        network = self._networks.second
        for _ in range(_AGAIN):
            if box is None:
                return None
            chip = make_chip(pixels, box, margin=_ROUND_PART, long_edge=network.side)
            seen, _ = self._model.second.box(network.cells(chip.pixels), network.side)
            box = _in_photo(pixels, chip, seen)
        return box and Detection(_with_room(pixels, box), float(np.clip(score, 0, 1)))


def learn_part(
    examples: Sequence[Example], networks: Networks, progress: Progress | None = None
) -> PartModel:
    """Learn from boxes. Every photo is read twice: to learn from it, and to judge what was
    learned without its animal.

    Raises ``CalibrationError`` for fewer than ``LEAST_BOXES`` examples that can be read and
    have more in the picture than the box, or of fewer than ``LEAST_ANIMALS`` animals.
    """
    names = sorted({each.animal for each in examples})
    fold_of = {animal: number % _FOLDS for number, animal in enumerate(names)}
    of_fold: dict[int, tuple[Sums, Sums]] = {}
    learned_from: list[Example] = []
    for number, example in enumerate(examples):
        if progress:
            progress(number, 2 * len(examples))
        sums = _looked_at(example, networks, number)
        if sums:
            learned_from.append(example)
            fold = fold_of[example.animal]
            of_fold[fold] = _added([of_fold[fold], sums]) if fold in of_fold else sums
    animals = len({each.animal for each in learned_from})
    if len(learned_from) < LEAST_BOXES or animals < LEAST_ANIMALS:
        raise CalibrationError(
            f"{len(learned_from)} boxed photos of {animals} animals are too few to learn from: it "
            f"takes {LEAST_BOXES} of {LEAST_ANIMALS}; draw the boxes of more photos"
        )
    without = {
        fold: LearnedDetector(
            _model(_added([own for other, own in of_fold.items() if other != fold]), networks),
            networks,
        )
        for fold in of_fold
    }
    shared = []
    for number, example in enumerate(learned_from):
        if progress:
            progress(len(examples) + number, 2 * len(examples))
        found = without[fold_of[example.animal]].detect(example.read())
        shared.append(_overlap(found[0].box, example.box) if found else 0.0)
    right = float(np.mean(np.array(shared) >= 0.5))
    return _model(_added(of_fold.values()), networks, len(learned_from), animals, right)


def _model(
    sums: tuple[Sums, Sums], networks: Networks, boxes: int = 0, animals: int = 0, found: float = 0
) -> PartModel:
    first, second = (Look.learned(each) for each in sums)
    return PartModel(first, second, networks.fingerprint, boxes, animals, found)


def _added(sums: Iterable[tuple[Sums, Sums]]) -> tuple[Sums, Sums]:
    (first, second), *more = sums
    for one, other in more:
        first, second = first + one, second + other
    return first, second


def _looked_at(example: Example, networks: Networks, seed: int) -> tuple[Sums, Sums] | None:
    """What both looks learn from a photo; ``None`` where there is nothing to learn from."""
    try:
        pixels = example.read()
    except PhotoError:
        return None
    chip = _animal_of(pixels, example.box, networks.animals)
    first = _sums(networks.first, chip, example.box)
    second = None
    for box in _moved(example.box, np.random.default_rng(seed)):
        try:
            chip = make_chip(pixels, box, margin=_ROUND_PART, long_edge=networks.second.side)
        except PhotoError:  # moved off the photo
            continue
        own = _sums(networks.second, chip, example.box)
        if own:
            second = second + own if second else own
    return (first, second) if first and second else None


def _sums(network: CellNetwork, chip: Chip, box: Box) -> Sums | None:
    return Sums.of(network.cells(chip.pixels), _in_chip(chip, box), network.side)


def _moved(box: Box, random: np.random.Generator) -> Iterator[Box]:
    """The box as a first look might find it."""
    size = np.array([box.w, box.h])
    middle = np.array([box.x, box.y]) + size / 2
    for _ in range(_VIEWS):
        scaled = size * np.exp(random.uniform(-_SCALE, _SCALE, 2))
        corner = middle + random.uniform(-_SHIFT, _SHIFT, 2) * size - scaled / 2
        yield Box(*corner.tolist(), *scaled.tolist())


def _animals_on(pixels: NDArray[np.uint8], animals: Detector) -> Iterator[Chip]:
    """The chips in which a part is looked for: of each animal, or else of the whole photo."""
    boxes: list[Box | None] = [each.box for each in animals.detect(pixels)]
    for box in boxes or [None]:
        yield make_chip(pixels, box, margin=_ROUND_ANIMAL, long_edge=FIRST_SIDE)


def _animal_of(pixels: NDArray[np.uint8], box: Box, animals: Detector) -> Chip:
    """The chip of the animal that the box's middle lies on, else of the whole photo."""
    for chip in _animals_on(pixels, animals):
        here = _in_chip(chip, box)
        middle = (here.x + here.w / 2, here.y + here.h / 2)
        if all(0 <= at < side for at, side in zip(middle, chip.size, strict=True)):
            return chip
    return make_chip(pixels, long_edge=FIRST_SIDE)


def _in_chip(chip: Chip, box: Box) -> Box:
    corners = np.array([(box.x, box.y), (box.x + box.w, box.y + box.h)], np.float64)
    low, high = chip.points_from_photo(corners)
    return Box(*low.tolist(), *(high - low).tolist())


def _in_photo(pixels: NDArray[np.uint8], chip: Chip, box: Box) -> Box | None:
    """A box of chip pixels in whole photo pixels, none where nothing of it is on the photo."""
    corners = np.array([(box.x, box.y), (box.x + box.w, box.y + box.h)], np.float64)
    low, high = np.clip(chip.points_to_photo(corners), 0, pixels.shape[1::-1])
    low, high = np.floor(low), np.ceil(high)
    return Box(*low.tolist(), *(high - low).tolist()) if np.all(high - low >= 1) else None


def _with_room(pixels: NDArray[np.uint8], box: Box) -> Box:
    size = np.array([box.w, box.h])
    low = np.array([box.x, box.y]) - _ROOM * size
    low, high = np.clip([low, low + (1 + 2 * _ROOM) * size], 0, pixels.shape[1::-1])
    return Box(*low.tolist(), *(high - low).tolist())


def _ridge(gram: Values, cross: Values, ridge: float) -> Values:
    """Weights (D + 1, T) of the regression on standardised knowledge, the last of the one."""
    count = gram[-1, -1]
    mean, mean_answer = gram[-1, :-1] / count, cross[-1] / count
    spread = gram[:-1, :-1] / count - np.outer(mean, mean)
    deviation = np.sqrt(np.maximum(np.diag(spread), 0)) + 1e-6
    standard = spread / np.outer(deviation, deviation) + ridge * np.eye(len(mean))
    together = cross[:-1] / count - np.outer(mean, mean_answer)
    weights = np.linalg.solve(standard, together / deviation[:, None]) / deviation[:, None]
    return np.append(weights, [mean_answer - mean @ weights], axis=0)


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    w = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    h = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    shared = max(0.0, w) * max(0.0, h)
    return shared / (one.w * one.h + other.w * other.h - shared)
