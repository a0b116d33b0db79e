"""Segmenters: chip -> how surely each place shows the animal. One file per method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from resight.types import Chip


class Segmenter(Protocol):
    """Tells an animal from what is around it.

    ``fingerprint`` is name, version, every argument that changes the result and the sha256 of
    the weights. Safe to call from several threads.
    """

    fingerprint: str

    def masks(self, chips: Sequence[Chip]) -> list[NDArray[np.float32]]:
        """A map (rows, columns) in 0..1 of each chip, as fine as the method makes it.

        It covers the whole chip, whatever its own size: its pixels are as many equal parts of
        the chip.
        """
        ...
