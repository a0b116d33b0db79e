"""SuperPoint keypoints and descriptors.

DeTone, Malisiewicz and Rabinovich, "SuperPoint: Self-Supervised Interest Point Detection and
Description", 2017, https://arxiv.org/abs/1712.07629. **Not tried with the authors' weights**,
whose licence forbids commercial use: with random ones of their layout it agrees with an independent
implementation (tests/parity).

One ONNX graph gives maps; peaks are picked and descriptors sampled in NumPy. Suppression, threshold
and border are those of the LightGlue authors' version. We differ where sides are no
multiples of 8: edges are replicated, theirs lose the last pixels.
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
    linear,
    on_animal,
    sample,
    suppressed_maxima,
)
from resight.fingerprints import fingerprint
from resight.models.folder import weights_path
from resight.models.graphs import ModelGraph
from resight.models.table import weights
from resight.types import Chip, Features

_MODEL = "superpoint"
_CELL = 8  # sides of the photo are multiples of it; the map of descriptors is this much smaller
_RADIUS = 4  # of non-maximum suppression; as many pixels at the border have no keypoints
_THRESHOLD = 0.0005
_GREY = np.array([[0.299, 0.587, 0.114]], np.float32) / 255


class SuperPoint:
    """SuperPoint. Descriptors are (N, 256) float32, unit length; keypoints are whole pixels.

    Extraction always runs in float32, since features are stored and compared for years.

    Raises ``WeightsMissing`` when made, ``EngineError`` when the graph fails.
    """

    family = "superpoint"

    def __init__(self, *, engine: Engine, max_keypoints: int = 1024) -> None:
        check_count("superpoint", max_keypoints)
        self.engine = engine
        self.max_keypoints = max_keypoints
        weights_path(_MODEL)  # says so now if it is missing, whatever has been compiled before
        #: What runs, whatever the engine's.
        self.precision = "f32"
        self.fingerprint = fingerprint(
            "superpoint.v2",
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
        w, h = chip.size
        grey = cv2.transform(chip.pixels.astype(np.float32), _GREY)
        photo = cv2.copyMakeBorder(grey, 0, -h % _CELL, 0, -w % _CELL, cv2.BORDER_REPLICATE)
        with self._graph.running({"photo": photo[None, None]}) as (heat, features):
            scores = np.ascontiguousarray(heat[0, 0, :h, :w])
            peaks = suppressed_maxima(scores, _RADIUS) & (scores > _THRESHOLD)
            ys, xs = np.nonzero(on_animal(peaks, chip))
            best = np.argsort(-scores[ys, xs], kind="stable")[: self.max_keypoints]
            keypoints = np.stack([xs[best], ys[best]], 1).astype(np.float32)
            descriptors = sample(features, _on_coarse_map(keypoints, photo.shape), linear)
        length = np.linalg.norm(descriptors, axis=1, keepdims=True)
        return Features(
            keypoints=keypoints,
            descriptors=descriptors / np.maximum(length, 1e-12),
            scores=scores[ys[best], xs[best]],
            size=chip.size,
            family=self.family,
            metric="cosine",
            fingerprint=self.fingerprint,
        )


def _on_coarse_map(keypoints: NDArray[np.float32], size: tuple[int, ...]) -> NDArray[np.float32]:
    """Where the map of 1/8 of ``size`` (h, w) is read for (N, 2) pixels, as in training."""
    whole = np.array(size[::-1], np.float32)
    middle = (_CELL - 1) / 2  # of the first cell
    part = (keypoints - middle) / (whole - middle - 1)
    at: NDArray[np.float32] = (part * (whole / _CELL - 1)).astype(np.float32)
    return at
