"""From OpenCV's keypoints to features: what the classical extractors share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.types import Chip, Features


def grey_of(chip: Chip) -> NDArray[np.uint8]:
    """(h, w) brightness after BT.601."""
    return np.asarray(cv2.cvtColor(chip.pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def strongest(found: Sequence[cv2.KeyPoint], count: int, chip: Chip) -> NDArray[np.intp]:
    """Indices of the ``count`` keypoints with the highest response, best first.

    Of those on the chip's animal, where that is known. OpenCV keeps all that tie for the last
    place: a total order cuts them always alike.
    """
    x, y, response, size, angle = _table(found).T
    order = np.lexsort((angle, size, y, x, -response))
    return order[chip.on_animal(np.stack([x, y], 1)[order])][:count]


def features_of(
    chip: Chip,
    found: Sequence[cv2.KeyPoint],
    descriptors: NDArray[Any],
    *,
    family: str,
    metric: str,
    fingerprint: str,
    oriented: bool,
) -> Features:
    """Keypoints, best first, with their descriptors (N, D), as features.

    ``oriented``: whether their angles, which turn clockwise, mean anything.
    """
    x, y, response, size, angle = _table(found).T.copy()
    return Features(
        keypoints=np.stack([x, y], axis=1),
        descriptors=descriptors,
        scores=response,
        scales=size,
        orientations=(360 - angle) % 360 if oriented else None,
        size=chip.size,
        family=family,
        metric=metric,
        fingerprint=fingerprint,
    )


def root_sift(descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
    """RootSIFT of (N, D) SIFT descriptors: divided by their sum, then the root of each element.

    R. Arandjelović and A. Zisserman, "Three things everyone should know to improve object
    retrieval", CVPR 2012. Rows of 0 stay 0.
    """
    total = descriptors.sum(axis=1, keepdims=True)
    rooted: NDArray[np.float32] = np.sqrt(descriptors / np.maximum(total, 1))
    return rooted


def _table(found: Sequence[cv2.KeyPoint]) -> NDArray[np.float32]:
    """(N, 5) x, y, response, size, angle."""
    rows = [(*each.pt, each.response, each.size, each.angle) for each in found]
    return np.array(rows, np.float32).reshape(-1, 5)
