"""What a network trained on ImageNet says of each small square of a picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.detect.maps import SIXTEENTH, THIRTY_SECOND, MirroredMaps, normalised
from resight.engine import Engine

#: Pixels from one cell to the next.
CELL = 16


@dataclass(frozen=True, eq=False)
class Cells:
    """The squares of a picture, row by row, their middles ``CELL`` pixels apart.

    ``points`` (h, w, 2) float64 xy of the middles, pixels of the picture; ``known``
    (2, h, w, D) float32: what is known of each, and what is known of it when the picture is
    mirrored.
    """

    points: NDArray[np.float64]
    known: NDArray[np.float32]


class CellNetwork:
    """EfficientNet-Lite0 up to its last blocks, over pictures of at most ``side`` pixels.

    Tan and Le, 2019: see ``resight.extractors.efficientnet``. Of each cell it tells 432 numbers
    and seven of its place in the picture. Parts of animals are learned from some dozens of
    boxes: too few to learn to see from, so it needs a network that does already.

    Runs in float32 always. Raises ``WeightsMissing`` when made.
    """

    def __init__(self, *, engine: Engine, side: int) -> None:
        self.side = side
        maps = (SIXTEENTH, THIRTY_SECOND)
        self._maps = MirroredMaps("cells.v1", engine=engine, side=side, maps=maps)
        self.fingerprint = self._maps.fingerprint

    def cells(self, pixels: NDArray[np.uint8]) -> Cells:
        """Of a picture (h, w, 3) uint8 RGB, neither side longer than ``side``."""
        height, width = pixels.shape[:2]
        square = np.zeros((self.side, self.side, 3), np.float32)
        square[:height, :width] = normalised(pixels)
        fine, coarse = self._maps.of(square)
        rows, columns = -(-height // CELL), -(-width // CELL)
        ys, xs = np.mgrid[:rows, :columns]
        points = np.stack([xs, ys], -1) * float(CELL) + (CELL - 1) / 2
        place = points / (width, height) - 0.5
        known = []
        for mirrored in (False, True):
            near = fine[int(mirrored)].transpose(1, 2, 0)
            size = near.shape[1::-1]
            around = np.stack([cv2.resize(each, size) for each in coarse[int(mirrored)]], axis=2)
            seen = np.concatenate([near, around], axis=2)
            seen = (seen[:, ::-1] if mirrored else seen)[:rows, :columns]
            known.append(np.concatenate([seen, _places(place, mirrored)], axis=2))
        return Cells(points, np.stack(known).astype(np.float32))


def _places(place: NDArray[np.float64], mirrored: bool) -> NDArray[np.float64]:
    """Seven numbers of where in the picture a cell is: -0.5..0.5 on each axis, and powers."""
    u, v = (-place[..., 0] if mirrored else place[..., 0]), place[..., 1]
    return np.stack([u, v, np.abs(u), np.abs(v), u * u, v * v, u * v], axis=-1)
