"""ALIKED keypoints and descriptors.

Zhao, Wu, Chen, Chen, Xu and Li, "ALIKED: A Lighter Keypoint and Descriptor Extraction
Network via Deformable Transformation", 2023, https://arxiv.org/abs/2304.03608.

The two networks (dense maps, sparse descriptors) are ONNX graphs; peak picking between
them is NumPy. Keypoints follow the authors' code: their non-maximum suppression also keeps
points on the flank of a stronger one (kornia's keeps strict maxima only: ``strict``).
We differ where theirs would fill up a short list with points that are no maxima, or lower
the threshold by itself. (Without a threshold even a blank photo has maxima, some hundred.)
A keypoint's score is
that of the peak it was chosen by (theirs reads the map again after refinement), so fewer
keypoints are always the first of more.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.engine import Engine
from resight.errors import SettingsError, UnknownMethod
from resight.fingerprints import fingerprint
from resight.models.folder import weights_path
from resight.models.graphs import ModelGraph
from resight.models.table import weights
from resight.types import Chip, Features

#: Templates of the two networks of each model; those that differ in weights only share them.
_TEMPLATES = {
    "aliked-t16": ("aliked-t16-dense", "aliked-t16-descriptors"),
    "aliked-n16": ("aliked-n16-dense", "aliked-n16-descriptors"),
    "aliked-n16rot": ("aliked-n16-dense", "aliked-n16-descriptors"),
    "aliked-n32": ("aliked-n16-dense", "aliked-n32-descriptors"),
}
MODELS = tuple(_TEMPLATES)

_RADIUS = 2  # of non-maximum suppression and refinement, as trained
_TEMPERATURE = 0.1  # of the soft argmax that refines a peak
_STRIDE = 32  # the coarsest map is this much smaller than the photo
_PATCH = 3  # the descriptor head looks at 3x3 features to place its samples


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
        if max_keypoints < 1:
            raise SettingsError(f"max_keypoints must be at least 1, got {max_keypoints}")
        if not 0.0 <= detection_threshold < 1.0:
            raise SettingsError(f"detection_threshold must be in [0, 1), got {detection_threshold}")
        self.engine = engine
        self.model = model
        self.max_keypoints = max_keypoints
        self.detection_threshold = detection_threshold
        self.strict = strict
        dense, describe = graphs = _graphs(model)
        self._dense, self._describe = (engine.load(graph, exact=True) for graph in graphs)
        self._local = threading.local()
        #: What runs, whatever the engine's: keypoints move with less.
        self.precision = self._dense.precision
        if model == "aliked-t16":
            self.family = "aliked-t16"  # 64-dimensional: no LightGlue was trained for it
        self.fingerprint = fingerprint(
            "aliked.v1",
            dense=dense.digest[:16],
            descriptors=describe.digest[:16],
            detection_threshold=detection_threshold,
            engine=engine.name,
            max_keypoints=max_keypoints,
            precision=self.precision,
            strict=strict,
            weights=weights(model).sha256,
        )

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        return [self._extract(chip) for chip in chips]

    def _extract(self, chip: Chip) -> Features:
        photo, (top, left) = _pad(chip.pixels)
        w, h = chip.size
        inside = (slice(top, top + h), slice(left, left + w))
        with self._dense.running({"photo": photo}) as (feature_map, score_map):
            scores = np.ascontiguousarray(score_map[0, 0][inside])
            peaks = find_peaks(
                scores,
                count=self.max_keypoints,
                threshold=self.detection_threshold,
                strict=self.strict,
            )
            keypoints = refine_peaks(scores, peaks)
            descriptors = self._descriptors(feature_map[(..., *inside)], keypoints)
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
        self, feature_map: NDArray[np.float32], keypoints: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        if not len(keypoints):
            return np.zeros((0, feature_map.shape[1]), np.float32)
        inputs = {
            "feature_map": self._contiguous(feature_map),
            "keypoints": keypoints,
            "patches": _patches(feature_map[0], keypoints),
        }
        (descriptors,) = self._describe.run(inputs)
        return descriptors

    def _contiguous(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """A copy without gaps in this thread's scratch memory, if ``values`` have any.

        A feature map takes some 100 MB: fresh memory for each would cost more than the copy.
        """
        if values.flags.c_contiguous:
            return values
        scratch: NDArray[np.float32] | None = getattr(self._local, "scratch", None)
        if scratch is None or len(scratch) < values.size:
            scratch = self._local.scratch = np.empty(values.size, np.float32)
        copy = scratch[: values.size].reshape(values.shape)
        np.copyto(copy, values)
        return copy


def find_peaks(
    score_map: NDArray[np.float32], *, count: int, threshold: float, strict: bool
) -> NDArray[np.intp]:
    """The ``count`` best local maxima above ``threshold`` as (N, 2) integer xy.

    A maximum is compared within 5x5 pixels; the outermost two pixels have none. Unless
    ``strict``, two more rounds add the maxima of what is left beside those already found.
    """
    if strict:
        window = np.ones((2 * _RADIUS + 1,) * 2, np.uint8)
        window[_RADIUS, _RADIUS] = 0
        is_peak = score_map > cv2.dilate(score_map, window)
    else:
        is_peak = _suppress(score_map)
    inside = np.zeros_like(is_peak)
    inside[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS] = True
    ys, xs = np.nonzero(is_peak & inside & (score_map > threshold))
    best = np.argsort(-score_map[ys, xs], kind="stable")[:count]
    return np.stack([xs[best], ys[best]], 1)


def _suppress(score_map: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Non-maximum suppression as in the authors' code, which has it from SuperPoint."""
    window = np.ones((2 * _RADIUS + 1,) * 2, np.uint8)
    is_peak: NDArray[np.bool_] = score_map == cv2.dilate(score_map, window)
    for _ in range(2):
        near_peak = cv2.dilate(is_peak.astype(np.uint8), window) > 0
        rest = np.where(near_peak, np.float32(0), score_map)
        is_peak = is_peak | ((rest == cv2.dilate(rest, window)) & ~near_peak)
    return is_peak


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


def _patches(
    feature_map: NDArray[np.float32], keypoints: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(N, D, 3, 3) features around each keypoint, kept inside the map.

    The authors keep the last row and column out of reach (``size - 1 - 3``); so do we.
    """
    _, h, w = feature_map.shape
    limit = np.array([w - 1 - _PATCH, h - 1 - _PATCH])
    corner = np.clip(keypoints.astype(int) - _PATCH // 2, 0, limit)
    steps = np.arange(_PATCH)
    ys = corner[:, 1, None, None] + steps[:, None]
    xs = corner[:, 0, None, None] + steps
    patches: NDArray[np.float32] = feature_map[:, ys, xs].transpose(1, 0, 2, 3)
    return np.ascontiguousarray(patches)


def _graphs(model: str) -> tuple[ModelGraph, ModelGraph]:
    if model not in _TEMPLATES:
        raise UnknownMethod(f"ALIKED has no model {model!r}: choose from {', '.join(MODELS)}")
    weights_path(model)  # says so now if it is missing, whatever has been compiled before
    dense, describe = _TEMPLATES[model]
    return ModelGraph(model, dense), ModelGraph(model, describe)
