"""Detectors: photo -> boxes of the animals on it. One file per kind of detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from resight.types import Box

#: Boxes less sure than this are seldom an animal.
LEAST = 0.2


@dataclass(frozen=True)
class Detection:
    """Where an animal, or a part of one, may be.

    ``box`` lies within the photo; ``score`` in 0..1 is the detector's own confidence, no
    probability; ``label`` is what the detector calls it, empty where it knows no kinds.
    """

    box: Box
    score: float
    label: str = ""


class Detector(Protocol):
    """Finds animals. ``fingerprint`` pins its weights and everything that changes the boxes."""

    fingerprint: str

    def detect(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """Boxes on an upright photo (h, w, 3) uint8 RGB, the most sure first; none is an answer.

        Safe to call from several threads.
        """
        ...
