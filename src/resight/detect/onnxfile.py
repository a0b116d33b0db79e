"""A detector that the user brings as an ONNX file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import product
from math import ceil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.detect import Detection
from resight.detect.layouts import Raw, read_outputs
from resight.engine import Engine
from resight.errors import ModelError
from resight.fingerprints import fingerprint
from resight.models.userfile import UserFile
from resight.types import Box

#: Below this a detector guesses; what it says above is kept, with its score.
_LEAST = 0.1
#: Two boxes that share more than this part of their union are one animal's.
_SAME = 0.5
#: Of a network that takes any size.
_SIDE = 640
_GREY = 114  # what the families were trained to see beside a photo
#: Tiles overlap by this share, and there are at most so many in a row.
_OVERLAP, _TILES = 0.25, 3
_CUT = 2.0  # pixels from a tile's edge


class OnnxDetector:
    """A YOLO (v5 to v11), RT-DETR or MegaDetector v5 as an ONNX file, known by its outputs.

    ``layouts`` tells which. Photos are scaled into the network's input, beside grey (RT-DETR:
    stretched), RGB in 0..1. A photo more than twice as large as the input is looked at as a
    whole and in overlapping tiles; a box that a tile's edge cuts is left to its neighbour or to
    the whole. Overlapping boxes are one, whatever their kind: the surest stays.

    Labels are the file's ``names``, else numbers. Runs in float32.

    Raises ``ModelError`` where the file is no such network, ``EngineError`` where it fails.
    """

    def __init__(self, file: Path, *, engine: Engine) -> None:
        self._file = UserFile(file)
        self._size = _size_of(self._file)  # before an engine looks: says what is wrong with a file
        self._names = _names_of(self._file)
        self._stretches = _stretches(self._file)
        self._graph = engine.load(self._file, exact=True)
        self.fingerprint = fingerprint(
            "onnx_detector.v1",
            cut=_CUT,
            engine=engine.name,
            least=_LEAST,
            opencv=cv2.__version__,
            overlap=_OVERLAP,
            precision=self._graph.precision,
            same=_SAME,
            tiles=_TILES,
            weights=self._file.digest,
        )

    def detect(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """As ``Detector.detect``."""
        found = [each for tile in self._tiles(pixels) for each in self._in_tile(pixels, tile)]
        boxes = [list(each.box) for each in found]
        kept = cv2.dnn.NMSBoxes(boxes, [each.score for each in found], _LEAST, _SAME)
        return [found[int(i)] for i in kept]

    def _tiles(self, pixels: NDArray[np.uint8]) -> Iterator[Box]:
        """The whole photo, then the tiles of a large one."""
        height, width = pixels.shape[:2]
        yield Box(0, 0, width, height)
        count = min(_TILES, ceil(max(width, height) / (2 * max(self._size))))
        if count < 2:
            return
        side = ceil(max(width, height) / (count - (count - 1) * _OVERLAP))
        for y, x in product(_starts(height, side), _starts(width, side)):
            yield Box(x, y, min(side, width), min(side, height))

    def _in_tile(self, pixels: NDArray[np.uint8], tile: Box) -> Iterator[Detection]:
        x, y, w, h = map(int, tile)
        start = np.array([x, y])
        photo = (pixels.shape[1], pixels.shape[0])
        for box, score, kind in self._look(pixels[y : y + h, x : x + w]):
            low, high = (np.clip(corner, 0, (w, h)) + start for corner in (box[:2], box[2:]))
            if np.all(high - low >= 1) and not _is_cut(low, high, tile, photo):
                yield Detection(Box(*low.tolist(), *(high - low).tolist()), score, kind)

    def _look(self, tile: NDArray[np.uint8]) -> Iterator[tuple[NDArray[Any], float, str]]:
        """Boxes (x1 y1 x2 y2 in the tile's pixels), scores and labels that are sure enough."""
        size = np.array(self._size, np.float64)
        scale = size / (tile.shape[1], tile.shape[0])
        if not self._stretches:
            scale[:] = scale.min()
        seen = np.full((*self._size[::-1], 3), _GREY, np.uint8)
        fitted = np.maximum(1, np.minimum(size, np.rint(scale * tile.shape[1::-1]))).astype(int)
        seen[: fitted[1], : fitted[0]] = cv2.resize(
            tile, fitted.tolist(), interpolation=cv2.INTER_AREA
        )
        raw = self._run(seen, tile.shape[1::-1])
        unit = {"input": 1 / scale, "parts": size / scale, "photo": np.ones(2)}[raw.unit]
        (sure,) = np.nonzero(raw.scores >= _LEAST)
        for i in sure:
            box = raw.boxes[i].astype(np.float64) * np.tile(unit, 2)
            yield box, min(1.0, float(raw.scores[i])), self._label(int(raw.kinds[i]))

    def _label(self, kind: int) -> str:
        return self._names.get(kind, str(kind))

    def _run(self, seen: NDArray[np.uint8], photo: tuple[int, ...]) -> Raw:
        planes = (seen.astype(np.float32) / 255).transpose(2, 0, 1)[None]
        inputs: dict[str, NDArray[Any]] = {
            self._file.inputs[0]: np.ascontiguousarray(planes, self._file.dtype)
        }
        for name in self._file.inputs[1:]:  # of the authors' RT-DETR: the photo's size
            inputs[name] = np.array([photo], np.int64)
        outputs = dict(zip(self._file.outputs, self._graph.run(inputs), strict=True))
        try:
            return read_outputs(outputs, len(self._names))
        except ModelError as error:
            raise ModelError(f"{self._file.path} {error}") from error


def _starts(length: int, side: int) -> list[int]:
    """Where tiles of ``side`` start that cover ``length`` and overlap evenly."""
    if side >= length:
        return [0]
    count = ceil((length - side) / (side * (1 - _OVERLAP))) + 1
    return [int(start) for start in np.linspace(0, length - side, count)]


def _is_cut(low: NDArray[Any], high: NDArray[Any], tile: Box, photo: tuple[int, int]) -> bool:
    """Whether a box ends at an edge of its tile that is none of the photo's."""
    start, end = np.array([tile.x, tile.y]), np.array([tile.x + tile.w, tile.y + tile.h])
    cut = ((low - start < _CUT) & (start > 0)) | ((end - high < _CUT) & (end < photo))
    return bool(cut.any())


def _size_of(file: UserFile) -> tuple[int, int]:
    """(w, h) of the input; of one that takes any, a usual size."""
    if len(file.shape) != 4:
        raise ModelError(
            f"{file.path} takes no photos: its input {file.inputs[0]} has {len(file.shape)} "
            "dimensions, not 4 (photos, colours, rows, columns)"
        )
    return file.shape[3] or _SIDE, file.shape[2] or _SIDE


def _names_of(file: UserFile) -> dict[int, str]:
    """What kinds are called, as exports by Ultralytics say it; empty for others."""
    try:
        said = ast.literal_eval(file.said.get("names", "{}"))
    except (ValueError, SyntaxError):
        return {}
    pairs = said.items() if isinstance(said, dict) else enumerate(said)
    return {int(number): str(name) for number, name in pairs}


def _stretches(file: UserFile) -> bool:
    """Whether it was trained on photos squeezed to its input: the RT-DETR family."""
    said = file.said.get("description", "").casefold()
    return "detr" in said or not {"pred_boxes", "boxes"}.isdisjoint(file.outputs)
