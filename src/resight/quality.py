"""How well a photo can be identified, as far as one can see by the photo alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.chips import make_chip
from resight.types import Box

#: Detail is compared at one scale, whatever a method's chips are.
_LONG_EDGE = 512
#: Photos with less than this share of the usual detail are weak. A choice, fitted on nothing.
_WEAK = 0.5
#: With fewer photos nothing is usual.
_ENOUGH = 20
#: With less detail there is nothing to see. The murkiest of 80 heads of turtle_heads has 0.5, a
#: camera's noise alone some 0.3, a photo of one colour none.
BLANK = 0.2


def detail(pixels: NDArray[np.uint8], box: Box | None = None, *, rotation: float = 0.0) -> float:
    """How much fine structure an animal's part of an upright photo shows; 0 for none.

    The standard deviation, in grey levels of 255, of what a difference of Gaussians keeps (one
    and two pixels wide, of a chip 512 pixels long). Blur, haze, bad light and an animal that is
    small in the photo all lessen it. Noise of single pixels, which the Laplacian that is often
    taken for sharpness counts as detail, hardly matters. It compares photos of one
    catalogue only: a spotted animal has more of it than a plain one.

    Raises what ``make_chip`` raises.
    """
    chip = make_chip(pixels, box, rotation=rotation, long_edge=_LONG_EDGE)
    grey = cv2.cvtColor(chip.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = cv2.GaussianBlur(grey, (0, 0), 1) - cv2.GaussianBlur(grey, (0, 0), 2)
    return float(fine.std())


def least_detail(details: Collection[float]) -> float:
    """Below this a photo is weak: half of what half of these photos have; of few ``BLANK``.

    >>> least_detail([4.0, 8.0, 9.0] * 10), least_detail([8.0])
    (4.0, 0.2)
    """
    return max(BLANK, _WEAK * median(details)) if len(details) >= _ENOUGH else BLANK


def share_below(value: float, details: Sequence[float]) -> float:
    """Which share of photos has less detail.

    >>> share_below(5.0, [1.0, 4.0, 6.0, 9.0])
    0.5
    """
    return sum(each < value for each in details) / max(1, len(details))
