"""ALIKED keypoints and descriptors.

Zhao, Wu, Chen, Chen, Xu and Li, "ALIKED: A Lighter Keypoint and Descriptor Extraction
Network via Deformable Transformation", 2023, https://arxiv.org/abs/2304.03608.

The two networks (dense maps, sparse descriptors) are ONNX graphs; peak picking between
them is NumPy. The authors' feature map of the photo's size is never made: the second network
computes it where it samples it.

Keypoints follow the authors' code: their non-maximum suppression also keeps points on the
flank of a stronger one (kornia's keeps strict maxima only: ``strict``).
We differ where theirs would fill up a short list with points that are no maxima, or lower
the threshold by itself. (Without a threshold even a blank photo has maxima, some hundred.)
A keypoint's score is
that of the peak it was chosen by (theirs reads the map again after refinement), so fewer
keypoints are always the first of more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple, Optional

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.engine import Engine, Graph
from resight.errors import SettingsError, UnknownMethod
from resight.extractors import check_count
from resight.extractors.maps import strict_maxima, suppressed_maxima
from resight.fingerprints import fingerprint
from resight.models.folder import weights_path
from resight.models.graphs import ModelGraph
from resight.models.table import weights
from resight.types import Chip, Features


class _Networks(NamedTuple):
    """Templates of the two networks, channels of the finest map, numbers of a descriptor."""

    dense: str
    descriptors: str
    channels: int = 16
    length: int = 128


#: Models that differ in weights only share templates.
_NETWORKS = {
    "aliked-t16": _Networks("aliked-t16-dense", "aliked-t16-descriptors", 8, 64),
    "aliked-n16": _Networks("aliked-n16-dense", "aliked-n16-descriptors"),
    "aliked-n16rot": _Networks("aliked-n16-dense", "aliked-n16-descriptors"),
    "aliked-n32": _Networks("aliked-n16-dense", "aliked-n32-descriptors"),
}
MODELS = tuple(_NETWORKS)

_RADIUS = 2  # of non-maximum suppression and refinement, as trained
_TEMPERATURE = 0.1  # of the soft argmax that refines a peak
_STRIDE = 32  # the coarsest map is this much smaller than the photo
_PATCH = 3  # the descriptor head looks at 3x3 features to place its samples
_MAPS = ("x1", "y2", "y3", "y4")  # what the first network gives to the second
_AT_ONCE = 128  # keypoints described at once, so that what is computed of them stays in the cache


class Aliked:
    """ALIKED with the weights ``model`` (aliked-t16, -n16, -n16rot or -n32).

    ``detection_threshold`` in [0, 1): peaks of the score map at or below it are dropped.
    ``strict``: keep only strict local maxima, as kornia does.

    Descriptors are (N, 64) for t16, (N, 128) else, float32, unit length. Extraction always
    runs in float32: bfloat16 moves scores by 0.03 and with them the keypoints, and features
    are stored and compared for years.

    Raises ``WeightsMissing`` when made, ``EngineError`` when a graph fails.
    """

    family = "aliked"

    def __init__(
        self,
        *,
        engine: Engine,
        model: str = "aliked-n16",
        max_keypoints: int = 1024,
        detection_threshold: float = 0.0,
        strict: bool = False,
    ) -> None:
        check_count("aliked", max_keypoints)
        if not 0.0 <= detection_threshold < 1.0:
            raise SettingsError(f"detection_threshold must be in [0, 1), got {detection_threshold}")
        if model not in _NETWORKS:
            raise UnknownMethod(f"ALIKED has no model {model!r}: choose from {', '.join(MODELS)}")
        self.engine = engine
        self.model = model
        self.max_keypoints = max_keypoints
        self.detection_threshold = detection_threshold
        self.strict = strict
        weights_path(model)  # says so now if it is missing, whatever has been compiled before
        dense, describe = self._networks()
        #: What runs, whatever the engine's: keypoints move with less.
        self.precision = "f32"
        if model == "aliked-t16":
            self.family = "aliked-t16"  # 64-dimensional: no LightGlue was trained for it
        self.fingerprint = fingerprint(
            "aliked.v2",
            dense=dense.digest[:16],
            descriptors=describe.digest[:16],
            detection_threshold=detection_threshold,
            engine=engine.name,
            max_keypoints=max_keypoints,
            precision=self.precision,
            strict=strict,
            weights=weights(model).sha256,
        )

    def _networks(self) -> tuple[ModelGraph, ModelGraph]:
        networks = _NETWORKS[self.model]
        return ModelGraph(self.model, networks.dense), ModelGraph(self.model, networks.descriptors)

    @cached_property
    def _graphs(self) -> tuple[Graph, Graph]:
        dense, describe = self._networks()
        points = (_AT_ONCE, 2)
        # Faster than for any number of points.
        at_once = replace(describe, shapes=(("keypoints", points), ("corners", points)))
        return self.engine.load(dense, exact=True), self.engine.load(at_once, exact=True)

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        return [self._extract(chip) for chip in chips]

    def _extract(self, chip: Chip) -> Features:
        photo, (top, left) = _pad(chip.pixels)
        w, h = chip.size
        dense, describe = self._graphs
        with dense.running({"photo": photo}) as (score_map, *maps):
            inside = score_map[0, 0, top : top + h, left : left + w]
            scores = np.ascontiguousarray(inside)
            peaks = find_peaks(
                scores,
                count=self.max_keypoints,
                threshold=self.detection_threshold,
                strict=self.strict,
                where=chip.animal,
            )
            keypoints = refine_peaks(scores, peaks)
            inputs = dict(zip(_MAPS, maps, strict=True))
            inputs["area"] = np.array([left, top, w, h], np.float32)
            descriptors = self._descriptors(describe, inputs, keypoints)
        return Features(
            keypoints=keypoints,
            descriptors=descriptors,
            scores=scores[peaks[:, 1], peaks[:, 0]],
            size=chip.size,
            family=self.family,
            metric="cosine",
            fingerprint=self.fingerprint,
        )

    def _descriptors(
        self,
        describe: Graph,
        inputs: dict[str, NDArray[np.float32]],
        keypoints: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        descriptors = np.empty((len(keypoints), _NETWORKS[self.model].length), np.float32)
        at: NDArray[np.float32] = np.zeros((_AT_ONCE, 2), np.float32)
        _, _, w, h = inputs["area"]
        for start in range(0, len(keypoints), _AT_ONCE):
            some = keypoints[start : start + _AT_ONCE]
            at[: len(some)] = some
            inputs |= {"keypoints": at, "corners": _corners(at, (w, h))}
            with describe.running(inputs) as (described,):
                descriptors[start : start + len(some)] = described[: len(some)]
        return descriptors


def find_peaks(
    score_map: NDArray[np.float32],
    *,
    count: int,
    threshold: float,
    strict: bool,
    where: Optional[NDArray[np.bool_]] = None,
) -> NDArray[np.intp]:
    """The ``count`` best local maxima above ``threshold`` as (N, 2) integer xy.

    A maximum is compared within 5x5 pixels; the outermost two pixels have none. Unless
    ``strict``, two more rounds add the maxima of what is left beside those already found.
    ``where`` (h, w): only there.
    """
    maxima = strict_maxima if strict else suppressed_maxima
    is_peak = maxima(score_map, _RADIUS)
    if where is not None:
        is_peak &= where
    ys, xs = np.nonzero(is_peak & (score_map > threshold))
    best = np.argsort(-score_map[ys, xs], kind="stable")[:count]
    return np.stack([xs[best], ys[best]], 1)


def refine_peaks(score_map: NDArray[np.float32], peaks: NDArray[np.intp]) -> NDArray[np.float32]:
    """Sub-pixel keypoints (N, 2) float32: each peak moved to the soft argmax of its 5x5 pixels."""
    steps = np.arange(-_RADIUS, _RADIUS + 1)
    dx, dy = np.meshgrid(steps, steps)
    around = score_map[peaks[:, 1, None, None] + dy, peaks[:, 0, None, None] + dx]
    weight = np.exp((around - around.max((1, 2), keepdims=True)) / _TEMPERATURE)
    weight /= weight.sum((1, 2), keepdims=True)
    shift = np.stack([(weight * dx).sum((1, 2)), (weight * dy).sum((1, 2))], 1)
    keypoints: NDArray[np.float32] = (peaks + shift).astype(np.float32)
    return keypoints


def _pad(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """(1, 3, H, W) in [0, 1] with sides that are multiples of 32, and the offset (y, x).

    The edge is replicated around the centre, as in the authors' code.
    """
    h, w = pixels.shape[:2]
    rows, columns = -h % _STRIDE, -w % _STRIDE
    top, left = rows // 2, columns // 2
    padded = cv2.copyMakeBorder(pixels, top, rows - top, left, columns - left, cv2.BORDER_REPLICATE)
    planes = np.divide(padded.transpose(2, 0, 1)[None], np.float32(255), dtype=np.float32)
    return np.ascontiguousarray(planes), (top, left)


def _corners(keypoints: NDArray[np.float32], size: tuple[float, float]) -> NDArray[np.float32]:
    """Upper left of the 3x3 pixels around each keypoint, (N, 2), which are kept inside the photo.

    The authors keep the last row and column out of reach (``size - 1 - 3``); so do we.
    """
    limit = np.array(size, np.float32) - (1 + _PATCH)
    corners: NDArray[np.float32] = np.clip(np.trunc(keypoints) - _PATCH // 2, 0, limit)
    return corners
