"""DeDoDe keypoints and descriptors, from two networks that know nothing of each other.

Edstedt, Bökman, Wadenbäck and Felsberg, "DeDoDe: Detect, Don't Describe — Describe, Don't Detect
for Local Feature Matching", 3DV 2024, https://arxiv.org/abs/2308.08479; the detector is that of
"DeDoDe v2", 2024, https://arxiv.org/abs/2404.08928, the descriptor B, which needs no DINOv2. **Not
tried with the authors' weights**: no copy was to be had. With random ones of their layout it agrees
with kornia (tests/parity).

One ONNX graph gives a logit for each pixel. The best pixels are picked in NumPy, and the other
graph describes these and no others. We differ in that photos keep their size, where the authors
make them squares of 784 pixels, in padding at the lower right, and in giving descriptors unit
length, which their matcher does.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Optional

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.engine import Engine, Graph
from resight.extractors import check_count
from resight.fingerprints import fingerprint
from resight.models.folder import weights_path
from resight.models.graphs import ModelGraph
from resight.models.table import weights
from resight.types import Chip, Features

_DETECTOR, _DESCRIPTOR = "dedode-detector", "dedode-descriptor"
_STRIDE = 32  # sides of the photo are multiples of it, though 8 would do: graphs are made for each
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)  # of ImageNet, and below
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
#: Weights of the neighbours within 25 pixels, in x and in y, that make a place crowded.
_CROWD = np.exp(-(np.linspace(-2, 2, 51, dtype=np.float32) ** 2))


class DeDoDe:
    """DeDoDe. Descriptors are (N, 256) float32, unit length; keypoints are whole pixels.

    There is no threshold: a chip of at least ``max_keypoints`` pixels has so many keypoints, which
    may be neighbours. ``scores`` are the pixel's share of the chip, less where it is crowded.
    Extraction always runs in float32, since features are stored and compared for years.

    Raises ``WeightsMissing`` when made, ``EngineError`` when a graph fails.
    """

    family = "dedode"

    def __init__(self, *, engine: Engine, max_keypoints: int = 1024) -> None:
        check_count("dedode", max_keypoints)
        self.engine = engine
        self.max_keypoints = max_keypoints
        for model in (_DETECTOR, _DESCRIPTOR):
            weights_path(model)  # says so now if it is missing, whatever has been compiled before
        #: What runs, whatever the engine's.
        self.precision = "f32"
        self.fingerprint = fingerprint(
            "dedode.v1",
            descriptor=ModelGraph(_DESCRIPTOR, _DESCRIPTOR).digest[:16],
            detector=ModelGraph(_DETECTOR, _DETECTOR).digest[:16],
            engine=engine.name,
            max_keypoints=max_keypoints,
            precision=self.precision,
            weights=weights(_DETECTOR).sha256 + weights(_DESCRIPTOR).sha256,
        )

    @cached_property
    def _graphs(self) -> tuple[Graph, Graph]:
        pixels = (("pixels", (self.max_keypoints, 2)),)
        detector = ModelGraph(_DETECTOR, _DETECTOR)
        descriptor = ModelGraph(_DESCRIPTOR, _DESCRIPTOR, shapes=pixels)
        return self.engine.load(detector, exact=True), self.engine.load(descriptor, exact=True)

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        return [self._extract(chip) for chip in chips]

    def _extract(self, chip: Chip) -> Features:
        photo = _padded(chip.pixels)
        w, h = chip.size
        detect, describe = self._graphs
        with detect.running({"photo": photo}) as (logits,):
            scores = uncrowded(logits[0, 0, :h, :w])
        pixels = best_pixels(scores, self.max_keypoints, chip.animal)
        size = np.array(photo.shape[:1:-1], np.float32)
        at: NDArray[np.float32] = np.zeros((self.max_keypoints, 2), np.float32)
        at[: len(pixels)] = (2 * pixels + 1) / size - 1
        (descriptors,) = describe.run({"photo": photo, "pixels": at})
        return Features(
            keypoints=pixels.astype(np.float32),
            descriptors=descriptors[: len(pixels)],
            scores=scores[pixels[:, 1], pixels[:, 0]],
            size=chip.size,
            family=self.family,
            metric="cosine",
            fingerprint=self.fingerprint,
        )


def uncrowded(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w) probabilities, divided by the square root of how much of them is near."""
    likely = np.exp(logits - logits.max())
    likely /= likely.sum()
    # The authors' numbers; off the photo nothing is near.
    near = cv2.sepFilter2D(
        (likely + np.float32(1e-6)) * np.float32(1e4),
        cv2.CV_32F,
        _CROWD,
        _CROWD,
        borderType=cv2.BORDER_CONSTANT,
    )
    scores: NDArray[np.float32] = likely / np.sqrt(near + np.float32(1e-8))
    return scores


def best_pixels(
    scores: NDArray[np.float32], count: int, where: Optional[NDArray[np.bool_]]
) -> NDArray[np.intp]:
    """The ``count`` pixels of the highest scores as (N, 2) integer xy.

    ``where`` (h, w): only there.

    >>> best_pixels(np.float32([[1, 3, 0], [0, 2, 4]]), 2, None)
    array([[2, 1],
           [1, 0]])
    """
    ys, xs = np.nonzero(np.ones_like(scores, bool) if where is None else where)
    best = np.argsort(-scores[ys, xs], kind="stable")[:count]
    return np.stack([xs[best], ys[best]], 1)


def _padded(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(1, 3, H, W), standardised; the mean colour makes the sides multiples of 32."""
    h, w = pixels.shape[:2]
    photo: NDArray[np.float32] = np.zeros((1, 3, h + -h % _STRIDE, w + -w % _STRIDE), np.float32)
    colours = (pixels / np.float32(255) - _MEAN) / _DEVIATION
    photo[0, :, :h, :w] = colours.transpose(2, 0, 1)
    return photo
