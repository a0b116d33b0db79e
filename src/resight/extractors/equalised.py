"""Another extractor's keypoints, of chips whose local contrast was evened out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Optional

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.extractors import Extractor
from resight.fingerprints import fingerprint
from resight.types import Chip, Features

_CLIP = 2.0
_TILES = 8


class Equalised:
    """An extractor that sees pattern in haze, murk and shadow.

    Contrast limited adaptive histogram equalisation (Zuiderveld, "Contrast Limited Adaptive
    Histogram Equalization", Graphics Gems IV, 1994; OpenCV's) of the lightness, in 8 x 8 tiles
    with a clip limit of 2. Colours stay. Family and all else are those of the extractor.
    """

    def __init__(self, extractor: Extractor) -> None:
        self.extractor = extractor
        self.family = extractor.family
        self.max_keypoints = extractor.max_keypoints
        self.precision: Optional[str] = getattr(extractor, "precision", None)
        self.fingerprint = fingerprint(
            "equalised.v1",
            clip=_CLIP,
            extractor=extractor.fingerprint,
            opencv=cv2.__version__,
            tiles=_TILES,
        )

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        """The extractor's features of each chip, equalised."""
        found = self.extractor.extract(
            [replace(chip, pixels=_equal(chip.pixels)) for chip in chips]
        )
        return [replace(features, fingerprint=self.fingerprint) for features in found]


def _equal(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(h, w, 3) RGB with its lightness (L of CIE Lab) equalised."""
    lightness, *colours = cv2.split(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB))
    # Made per call because OpenCV does not say it may be shared by threads.
    equal = cv2.createCLAHE(_CLIP, (_TILES, _TILES)).apply(lightness)
    return np.asarray(cv2.cvtColor(cv2.merge([equal, *colours]), cv2.COLOR_LAB2RGB), np.uint8)
