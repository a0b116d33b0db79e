"""XFeat keypoints and descriptors: the cheapest network here.

Potje, Cadar, Araujo, Martins and Nascimento, "XFeat: Accelerated Features for Lightweight Image
Matching", CVPR 2024, https://arxiv.org/abs/2404.19174.

One ONNX graph gives maps; peaks are picked and descriptors sampled from the coarse map in NumPy.
As in the authors' code the photo is resized to multiples of 32 and the coarse maps are read half
a cell beside the keypoint, as they were trained. We differ in that keypoints are strict
maxima (as kornia's are) and lie where the pixel's centre was before resizing; theirs are up to
half a pixel to the upper left in small photos. XFeat*, the semi-dense matching of the same paper,
is not built.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.engine import Engine, Graph
from resight.extractors import check_count
from resight.extractors.maps import (
    cubic,
    linear,
    on_animal,
    sample,
    strict_maxima,
)
from resight.fingerprints import fingerprint
from resight.models.folder import weights_path
from resight.models.graphs import ModelGraph
from resight.models.table import weights
from resight.types import Chip, Features

_MODEL = "xfeat"
_STRIDE = 32  # sides of the photo are multiples of it
_RADIUS = 2  # of non-maximum suppression
_THRESHOLD = 0.05  # of a peak, the authors'
_GREY = np.full((1, 3), 1 / (3 * 255), np.float32)


class XFeat:
    """XFeat's sparse keypoints, each with 64 numbers, float32, unit length.

    ``scores`` are the keypoint's probability times the reliability of its surroundings.
    Extraction always runs in float32, since features are stored and compared for years.

    Raises ``WeightsMissing`` when made, ``EngineError`` when the graph fails.
    """

    family = "xfeat"

    def __init__(self, *, engine: Engine, max_keypoints: int = 1024) -> None:
        check_count("xfeat", max_keypoints)
        self.engine = engine
        self.max_keypoints = max_keypoints
        weights_path(_MODEL)  # says so now if it is missing, whatever has been compiled before
        #: What runs, whatever the engine's.
        self.precision = "f32"
        self.fingerprint = fingerprint(
            "xfeat.v2",
            engine=engine.name,
            graph=ModelGraph(_MODEL, _MODEL).digest[:16],
            max_keypoints=max_keypoints,
            precision=self.precision,
            weights=weights(_MODEL).sha256,
        )

    @cached_property
    def _graph(self) -> Graph:
        return self.engine.load(ModelGraph(_MODEL, _MODEL), exact=True)

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        return [self._extract(chip) for chip in chips]

    def _extract(self, chip: Chip) -> Features:
        photo = _resized_grey(chip.pixels)
        h, w = photo.shape
        with self._graph.running({"photo": photo[None, None]}) as (heat, reliability, features):
            peaks = strict_maxima(heat[0, 0], _RADIUS) & (heat[0, 0] > _THRESHOLD)
            ys, xs = np.nonzero(on_animal(peaks, chip))
            at = _on_coarse_map(np.stack([xs, ys], 1), (w, h))
            scores = heat[0, 0, ys, xs] * sample(reliability[..., None], at, linear)[:, 0]
            best = np.argsort(-scores, kind="stable")[: self.max_keypoints]
            descriptors = sample(features, at[best], cubic)
        length = np.linalg.norm(descriptors, axis=1, keepdims=True)
        ratio = np.array(chip.size, np.float32) / (w, h)
        pixels = np.stack([xs[best], ys[best]], 1)
        return Features(
            keypoints=((pixels + 0.5) * ratio - 0.5).astype(np.float32),
            descriptors=descriptors / np.maximum(length, 1e-12),
            scores=scores[best],
            size=chip.size,
            family=self.family,
            metric="cosine",
            fingerprint=self.fingerprint,
        )


def _resized_grey(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W) in [0, 1], the mean of the colours; sides rounded down to multiples of 32."""
    grey = cv2.transform(pixels.astype(np.float32), _GREY)
    h, w = (max(side // _STRIDE, 1) * _STRIDE for side in grey.shape[:2])
    resized: NDArray[np.float32] = cv2.resize(grey, (w, h), interpolation=cv2.INTER_LINEAR)
    return resized


def _on_coarse_map(pixels: NDArray[np.intp], size: tuple[int, int]) -> NDArray[np.float32]:
    """Where the maps of 1/8 of ``size`` (w, h) are read for (N, 2) pixels, as in training."""
    whole = np.array(size, np.float32)
    at: NDArray[np.float32] = (pixels * (whole / 8 / (whole - 1)) - 0.5).astype(np.float32)
    return at
