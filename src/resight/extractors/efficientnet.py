"""EfficientNet-Lite0: one vector for the whole chip, by a network trained on ImageNet."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.engine import Engine
from resight.extractors import whole_chip
from resight.fingerprints import fingerprint
from resight.models.folder import weights_path
from resight.models.graphs import ModelGraph
from resight.models.table import weights
from resight.types import Chip, Features

_WEIGHTS = "efficientnet-lite0"
_GRAPH = ModelGraph(_WEIGHTS, _WEIGHTS)
_SIDE = 224  # as trained


class EfficientNetLite0:
    """The 1280 numbers that EfficientNet-Lite0 tells kinds of things apart by.

    M. Tan and Q. V. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural
    Networks", ICML 2019, https://arxiv.org/abs/1905.11946; the Lite variants (no squeeze and
    excitation, ReLU6) are the authors' too. The numbers are those before the classifier, the
    mean over the last map, divided by their length: (1, 1280) float32. The chip is squeezed
    to 224 x 224 pixels, its colours scaled as ``(x - 127) / 128``.

    It has learned what a turtle is, not which one. For the matcher ``cosine``, and what
    ``metric`` learns from. Runs in float32 always, as its results are stored for years.

    Raises ``WeightsMissing`` when made, ``EngineError`` when the graph fails.
    """

    family = "embedding"
    max_keypoints = 1
    whole = True

    def __init__(self, *, engine: Engine) -> None:
        self.engine = engine
        weights_path(_WEIGHTS)  # says so now if it is missing, whatever has been compiled before
        self._graph = engine.load(_GRAPH, exact=True)
        self.precision = self._graph.precision
        self.fingerprint = fingerprint(
            "efficientnet_lite0.v1",
            engine=engine.name,
            graph=_GRAPH.digest[:16],
            opencv=cv2.__version__,
            precision=self.precision,
            weights=weights(_WEIGHTS).sha256,
        )

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        """One vector of each chip."""
        return [
            whole_chip(
                chip,
                self._vector(chip),
                family=self.family,
                metric="cosine",
                fingerprint=self.fingerprint,
            )
            for chip in chips
        ]

    def _vector(self, chip: Chip) -> NDArray[np.float32]:
        small = cv2.resize(chip.pixels, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        planes = (small.transpose(2, 0, 1)[None].astype(np.float32) - 127) / 128
        (vectors,) = self._graph.run({"photo": planes})
        vector: NDArray[np.float32] = vectors[0] / np.linalg.norm(vectors[0])
        return vector
