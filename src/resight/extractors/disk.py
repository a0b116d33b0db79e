"""DISK keypoints and descriptors.

Tyszkiewicz, Fua and Trulls, "DISK: Learning local features with policy gradient", 2020,
https://arxiv.org/abs/2006.13566. The weights are those trained with depth.

Two ONNX graphs: a U-Net, and its last convolution, which gives descriptors where keypoints are
and nowhere else; it would take four fifths of the time for the whole photo. Keypoints are whole
pixels, strict maxima of the heat (as kornia's are; the authors' code also has some in the
outermost two pixels). They lie about one pixel above what they mark, by half-turns of photos:
the network learned so, and it cancels out between upright photos.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from resight.engine import Engine, Graph
from resight.extractors import check_count
from resight.extractors.maps import on_animal, strict_maxima
from resight.fingerprints import fingerprint
from resight.models.folder import weights_path
from resight.models.graphs import ModelGraph
from resight.models.table import weights
from resight.types import Chip, Features

_MODEL = "disk"
_NAMES = (("", "extractor."),)
_DENSE = ModelGraph(_MODEL, "disk-dense", names=_NAMES)
_STRIDE = 16  # sides of the photo are multiples of it
_RADIUS = 2  # of non-maximum suppression, and of the last convolution
_LENGTH = 128
_PATCH = 80 * (2 * _RADIUS + 1) ** 2
_AT_ONCE = 128  # keypoints described at once


class Disk:
    """DISK with the weights disk. Descriptors are (N, 128) float32, unit length.

    ``scores`` are logits. Extraction always runs in float32, since features are stored and
    compared for years.

    Raises ``WeightsMissing`` when made, ``EngineError`` when a graph fails.
    """

    family = "disk"

    def __init__(self, *, engine: Engine, max_keypoints: int = 1024) -> None:
        check_count("disk", max_keypoints)
        self.engine = engine
        self.max_keypoints = max_keypoints
        weights_path(_MODEL)  # says so now if it is missing, whatever has been compiled before
        patches = (("patches", (_AT_ONCE, _PATCH)),)
        describe = ModelGraph(_MODEL, "disk-descriptors", shapes=patches, names=_NAMES)
        self._describe = engine.load(describe, exact=True)
        #: What runs, whatever the engine's.
        self.precision = "f32"
        self.fingerprint = fingerprint(
            "disk.v2",
            dense=_DENSE.digest[:16],
            descriptors=describe.digest[:16],
            engine=engine.name,
            max_keypoints=max_keypoints,
            precision=self.precision,
            weights=weights(_MODEL).sha256,
        )

    @cached_property
    def _dense(self) -> Graph:
        return self.engine.load(_DENSE, exact=True)

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        return [self._extract(chip) for chip in chips]

    def _extract(self, chip: Chip) -> Features:
        photo = _pad(chip.pixels)
        w, h = chip.size
        with self._dense.running({"photo": photo}) as (heat, inputs):
            logits = heat[0, 0, :h, :w]
            peaks = strict_maxima(logits, _RADIUS) & (logits > 0)
            ys, xs = np.nonzero(on_animal(peaks, chip))
            best = np.argsort(-logits[ys, xs], kind="stable")[: self.max_keypoints]
            ys, xs = ys[best], xs[best]
            scores = logits[ys, xs]
            descriptors = self._descriptors(inputs, ys, xs)
        return Features(
            keypoints=np.stack([xs, ys], 1).astype(np.float32),
            descriptors=descriptors,
            scores=scores,
            size=chip.size,
            family=self.family,
            metric="cosine",
            fingerprint=self.fingerprint,
        )

    def _descriptors(
        self, inputs: NDArray[np.float32], ys: NDArray[np.intp], xs: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """Of keypoints that are no nearer than two pixels to the border."""
        windows = sliding_window_view(inputs, (2 * _RADIUS + 1,) * 2, (1, 2))
        descriptors = np.empty((len(ys), _LENGTH), np.float32)
        patches: NDArray[np.float32] = np.zeros((_AT_ONCE, _PATCH), np.float32)
        for start in range(0, len(ys), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            near = windows[:, ys[some] - _RADIUS, xs[some] - _RADIUS]
            n = near.shape[1]
            patches[:n] = near.swapaxes(0, 1).reshape(n, _PATCH)
            with self._describe.running({"patches": patches}) as (described,):
                descriptors[some] = described[:n]
        return descriptors


def _pad(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(1, 3, H, W) in [0, 1]; black rows and columns make the sides multiples of 16."""
    h, w = pixels.shape[:2]
    rows, columns = -h % _STRIDE, -w % _STRIDE
    padded = cv2.copyMakeBorder(pixels, 0, rows, 0, columns, cv2.BORDER_CONSTANT)
    planes = np.divide(padded.transpose(2, 0, 1)[None], np.float32(255), dtype=np.float32)
    return np.ascontiguousarray(planes)
