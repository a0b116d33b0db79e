"""Which side of an animal a picture shows, learned from pictures whose side is known.

Where head and tail, back and belly lie tells it, and a network trained on ImageNet tells of each
part of a picture what it sees there. Its mean over the whole picture tells nothing (56 of 100
pairs of left and right, where a coin has 50): it was trained to see the same in a mirror. Its
means over 4 x 4 parts tell nearly all (docs/methods.md). Ridge regression (Hoerl and Kennard
1970) learns from them, and each picture teaches twice, since in a mirror left is right.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.detect.maps import SIXTEENTH, MirroredMaps, normalised
from resight.engine import Engine
from resight.errors import CalibrationError, ModelError
from resight.files import write_whole
from resight.types import mirrored_side

Values = NDArray[np.float64]

#: Pictures, and animals on them, that it takes to learn anything.
LEAST_PICTURES, LEAST_ANIMALS = 20, 3
#: Proposals that are less probable are not made unless they are asked for.
SURE = 0.9

_SIDE = 224  # pixels, as trained
_GRID = 4
_OF_A_SIDE = 5  # pictures of a side, or of its mirror image, without which it is not learned
_RIDGE = 1.0
_FOLDS = 5
_SHARPNESS = np.geomspace(1, 100, 61)


class PartsNetwork:
    """EfficientNet-Lite0 up to its map of a sixteenth, over pictures squeezed to 224 x 224.

    Tan and Le, 2019: see ``resight.extractors.efficientnet``. Runs in float32 always.
    Raises ``WeightsMissing`` when made.
    """

    def __init__(self, *, engine: Engine) -> None:
        self._maps = MirroredMaps("parts.v1", engine=engine, side=_SIDE, maps=(SIXTEENTH,))
        self.fingerprint = self._maps.fingerprint

    def parts(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(2, 1792) of a picture (h, w, 3) uint8 RGB, and of its mirror image: for each of 4 x 4
        parts what the network sees there on average."""
        square = cv2.resize(pixels, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        (seen,) = self._maps.of(normalised(square))
        shares = _shares(seen.shape[2])
        parts: NDArray[np.float32] = np.einsum(
            "ah,nchw,bw->nabc", shares, seen, shares, optimize=True
        )
        return parts.reshape(2, -1)


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture whose ``side`` (a name of ``SIDES``) is known: its ``parts`` as ``PartsNetwork``
    tells them. ``animal``: pictures of one are never learned from and judged by at once.
    ``encounter``: by which it is known again where the animal has another name later."""

    parts: NDArray[np.float32]
    side: str
    animal: str
    encounter: str = ""


@dataclass(frozen=True, eq=False)
class SideModel:
    """What was learned: ``weights`` (6, D + 1, K) float64 of linear answers, a column for each of
    ``sides``; one table for each fold of animals left out, the last of all animals.

    ``sharpness`` makes answers probabilities. ``folds``: by an animal's or encounter's digest,
    the table that was learned without it. Of ``pictures`` of ``animals``, judged without their own
    animal, the share ``right`` were right; ``sure`` were at least ``SURE``, and of these
    ``sure_right`` were. ``network`` is a fingerprint.
    """

    weights: Values
    sides: tuple[str, ...]
    sharpness: float
    folds: Mapping[str, int]
    network: str
    pictures: int
    animals: int
    right: float = 0.0
    sure: float = 0.0
    sure_right: float = 0.0

    def probabilities(
        self, parts: NDArray[np.float32], animal: str = "", encounter: str = ""
    ) -> dict[str, float]:
        """By side, of a picture's parts; nothing is used that was learned from its ``animal`` or
        ``encounter``. All are equally probable where there is no such table: the encounter was
        said to be of that animal after both were learned from."""
        known = {_digest(animal), _of_encounter(encounter)} & self.folds.keys()
        tables = {self.folds[each] for each in known} or {-1}
        if len(tables) > 1:
            return dict.fromkeys(self.sides, 1 / len(self.sides))
        answers = _answers(self.weights[tables.pop()], parts[None], self.sides)
        found = _probable(answers, self.sharpness, self.pictures)[0]
        return dict(zip(self.sides, found.tolist(), strict=True))

    def write(self, path: Path) -> None:
        """Keep it; the file appears whole or not at all."""
        from safetensors.numpy import save

        told = {
            name: getattr(self, name)
            for name in (
                "sides", "sharpness", "folds", "network", "pictures", "animals", "right", "sure",
                "sure_right",
            )
        }  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, save({"weights": self.weights}, {"model": json.dumps(told)}))

    @classmethod
    def read(cls, path: Path) -> SideModel:
        """What ``write`` kept. Raises ``FileNotFoundError``, ``ModelError`` if it is damaged."""
        from safetensors import SafetensorError, safe_open

        if not path.exists():
            raise FileNotFoundError(path)
        try:
            with safe_open(path, "np") as file:
                told = json.loads(file.metadata()["model"])
                told["sides"] = tuple(told["sides"])
                return cls(weights=file.get_tensor("weights"), **told)
        except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
            raise ModelError(f"{path} is damaged ({error}); delete it: it is made again") from error


def learn_sides(pictures: Sequence[Shown], network: str) -> SideModel:
    """Learn from pictures of several animals, and judge it by animals left out.

    Sides of which there are too few pictures are left out. Raises ``CalibrationError`` for fewer
    than ``LEAST_PICTURES`` of two sides or ``LEAST_ANIMALS`` animals.
    """
    counted = Counter(each.side for each in pictures)
    enough = {
        side for side in counted
        if sum(counted[each] for each in {side, mirrored_side(side)}) >= _OF_A_SIDE
    }  # fmt: skip
    sides = tuple(sorted(enough | {mirrored_side(side) for side in enough}))
    known = [each for each in pictures if each.side in enough]
    animals = sorted({each.animal for each in known})
    if len(known) < LEAST_PICTURES or len(enough) < 2 or len(animals) < LEAST_ANIMALS:
        there = len({each.animal for each in pictures})
        raise CalibrationError(
            f"{len(pictures)} photos of {there} animals whose side is known ({_counted(counted)}) "
            f"are too few to learn from: it takes {LEAST_PICTURES} of {LEAST_ANIMALS} animals, and "
            f"two sides with {_OF_A_SIDE} each"
        )
    fold_of = {animal: number % _FOLDS for number, animal in enumerate(animals)}
    fold = np.array([fold_of[each.animal] for each in known])
    side = np.array([sides.index(each.side) for each in known])
    parts = np.stack([each.parts for each in known]).astype(np.float64)
    weights = np.stack([_ridge(parts, side, sides, fold != left) for left in range(_FOLDS + 1)])
    answers = np.stack(
        [_answers(weights[left], parts[at : at + 1], sides)[0] for at, left in enumerate(fold)]
    )
    sharpness = max(
        _SHARPNESS, key=lambda value: _likelihood(_probable(answers, value, len(known)), side)
    )
    found = _probable(answers, sharpness, len(known))
    right, sure = found.argmax(1) == side, found.max(1) >= SURE
    return SideModel(
        weights,
        sides,
        float(sharpness),
        {
            **{
                _of_encounter(each.encounter): fold_of[each.animal]
                for each in known
                if each.encounter
            },
            **{_digest(animal): fold for animal, fold in fold_of.items()},
        },
        network,
        len(known),
        len(animals),
        float(right.mean()),
        float(sure.mean()),
        float(right[sure].mean()) if sure.any() else 0.0,
    )


def _ridge(
    parts: Values, side: NDArray[np.int64], sides: Sequence[str], which: NDArray[np.bool_]
) -> Values:
    """Weights (D + 1, K) learned from some pictures and their mirror images, the last of the one.

    As there are more numbers than pictures, it is solved for the pictures.
    """
    wanted = np.eye(len(sides))[side[which]]
    wanted = np.concatenate([wanted, _mirrored(wanted, sides)])
    seen = np.concatenate([parts[which, 0], parts[which, 1]])
    mean, mean_wanted = seen.mean(axis=0), wanted.mean(axis=0)
    scale = (seen.std(axis=0) + 1e-3) * np.sqrt(seen.shape[1])
    standard = (seen - mean) / scale
    products = standard @ standard.T + _RIDGE * np.eye(len(standard))
    slopes = standard.T @ np.linalg.solve(products, wanted - mean_wanted) / scale[:, None]
    return np.append(slopes, [mean_wanted - mean @ slopes], axis=0)


def _answers(weights: Values, parts: NDArray[np.floating], sides: Sequence[str]) -> Values:
    """(N, K) about pictures (N, 2, D): the mean of what they and their mirror images say."""
    said = parts.astype(np.float64) @ weights[:-1] + weights[-1]
    mean: Values = (said[:, 0] + _mirrored(said[:, 1], sides)) / 2
    return mean


def _mirrored(values: Values, sides: Sequence[str]) -> Values:
    """Of each side, a column of (N, K), the value of its mirror image."""
    return values[:, [sides.index(mirrored_side(side)) for side in sides]]


def _probable(answers: Values, sharpness: float, pictures: int) -> Values:
    """Probabilities (N, K). However clear, one picture more might have been wrong."""
    raised = np.exp(sharpness * (answers - answers.max(axis=1, keepdims=True)))
    clear = raised / raised.sum(axis=1, keepdims=True)
    doubt = 1 / (pictures + 1)
    mixed: Values = (1 - doubt) * clear + doubt / answers.shape[1]
    return mixed


def _likelihood(probable: Values, side: NDArray[np.int64]) -> float:
    return float(np.log(probable[np.arange(len(side)), side]).mean())


def _shares(size: int) -> NDArray[np.float32]:
    """(4, size): how much of each of ``size`` cells lies in each of four parts; rows sum to 1."""
    ends = np.linspace(0, size, _GRID + 1)
    cells = np.arange(size)
    low = np.maximum(ends[:-1, None], cells)
    high = np.minimum(ends[1:, None], cells + 1)
    shares: NDArray[np.float32] = (np.maximum(high - low, 0) * _GRID / size).astype(np.float32)
    return shares


def _counted(sides: Counter[str]) -> str:
    order = sorted(sides.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{side} {number}" for side, number in order) or "none"


def _of_encounter(encounter: str) -> str:
    """The digest of an encounter, which may be called as an animal is."""
    return _digest(f"encounter {encounter}")


def _digest(animal: str) -> str:
    return hashlib.sha256(animal.encode()).hexdigest()[:16]
