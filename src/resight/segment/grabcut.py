"""GrabCut: which pixels look like the middle of a chip and not like its border. No weights."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.fingerprints import fingerprint
from resight.types import Chip

#: Long edge of what is cut: time goes with its square.
_LONG_EDGE = 192
_ROUNDS = 3
#: The border that is surely no animal, in parts of the chip's size.
_BORDER = 0.03


class GrabCut:
    """Rother et al., "GrabCut", SIGGRAPH 2004, https://doi.org/10.1145/1015706.1015720.

    OpenCV's, begun with all of the chip but a narrow border as the animal. So it wants a box
    around the animal: in a whole photo it takes half of the scenery along. Maps are 0 or 1, of
    a long edge of 192. It is always the same for the same chip.
    """

    def __init__(self) -> None:
        self.fingerprint = fingerprint(
            "grabcut.v1",
            border=_BORDER,
            long_edge=_LONG_EDGE,
            opencv=cv2.__version__,
            rounds=_ROUNDS,
        )

    def masks(self, chips: Sequence[Chip]) -> list[NDArray[np.float32]]:
        """As ``Segmenter.masks``."""
        return [_cut(chip) for chip in chips]


def _cut(chip: Chip) -> NDArray[np.float32]:
    scale = _LONG_EDGE / max(chip.size)
    w, h = (max(1, round(side * scale)) for side in chip.size)
    inside = (round(w * _BORDER) or 1, round(h * _BORDER) or 1)
    if w <= 2 * inside[0] or h <= 2 * inside[1]:  # nothing would be left
        return np.ones((h, w), np.float32)
    small = cv2.resize(chip.pixels, (w, h), interpolation=cv2.INTER_AREA)
    mask = np.full((h, w), cv2.GC_BGD, np.uint8)
    mask[inside[1] : h - inside[1], inside[0] : w - inside[0]] = cv2.GC_PR_FGD
    cv2.setRNGSeed(0)  # it begins with k-means
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(small, mask, None, *models, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    return np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
