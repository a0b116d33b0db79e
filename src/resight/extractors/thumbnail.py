"""The whole chip made small: what a naive comparison of photos looks at."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from resight.extractors import whole_chip
from resight.fingerprints import fingerprint
from resight.types import Chip, Features

#: Pixels of each side: the descriptor's length is its square.
SIDE = 64


class Thumbnail:
    """Brightness of the chip, squeezed to 64 x 64 pixels: one descriptor (1, 4096), row by row.

    Values are 0 to 255 (BT.601), whole numbers, which the catalogue's float16 keeps exactly.
    For the matcher ``ssim``.
    """

    family = "thumbnail"
    max_keypoints = 1
    whole = True

    def __init__(self) -> None:
        self.fingerprint = fingerprint("thumbnail.v1", opencv=cv2.__version__, side=SIDE)

    def __repr__(self) -> str:
        return "Thumbnail()"

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        """One descriptor of each chip."""
        return [self._extract_one(chip) for chip in chips]

    def _extract_one(self, chip: Chip) -> Features:
        grey = cv2.cvtColor(chip.pixels, cv2.COLOR_RGB2GRAY)
        small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        return whole_chip(
            chip,
            small.astype(np.float32).ravel(),
            family=self.family,
            metric="l2",
            fingerprint=self.fingerprint,
        )
