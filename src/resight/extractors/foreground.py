"""Keypoints of the animal only: another extractor's, without those of what is around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from resight.extractors import Extractor
from resight.fingerprints import fingerprint
from resight.segment import Segmenter
from resight.types import Chip, Features

#: A keypoint is the animal's where the map says at least this.
_LEAST = 0.3
#: Fewer of a chip's keypoints than this share on the animal: the segmenter missed it.
_MISSED = 0.1


class Foreground:
    """An extractor whose keypoints lie on the animal that a segmenter found.

    Two photos of one place match by their grass and stones, whoever stands there. Where fewer
    than a tenth of a chip's keypoints lie on what was found, that was not the animal, and all
    are kept. Family, metric and all else are those of the extractor.
    """

    def __init__(self, extractor: Extractor, segmenter: Segmenter) -> None:
        self.extractor = extractor
        self.segmenter = segmenter
        self.family = extractor.family
        self.max_keypoints = extractor.max_keypoints
        self.precision: Optional[str] = getattr(extractor, "precision", None)
        self.fingerprint = fingerprint(
            "foreground.v1",
            extractor=extractor.fingerprint,
            least=_LEAST,
            missed=_MISSED,
            segmenter=segmenter.fingerprint,
        )

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        """The extractor's features of each chip, those on the animal."""
        found = self.extractor.extract(chips)
        masks = self.segmenter.masks(chips)
        return [
            replace(self._on_animal(features, mask), fingerprint=self.fingerprint)
            for features, mask in zip(found, masks, strict=True)
        ]

    def _on_animal(self, features: Features, mask: NDArray[np.float32]) -> Features:
        (kept,) = np.nonzero(_values(mask, features) >= _LEAST)
        return features if len(kept) < _MISSED * len(features) else features.only(kept)


def _values(mask: NDArray[np.float32], features: Features) -> NDArray[np.float32]:
    """The map's value at each keypoint."""
    rows, columns = mask.shape
    parts = (features.keypoints + 0.5) * (columns, rows) / np.array(features.size, np.float64)
    x, y = parts.astype(np.intp).T
    values: NDArray[np.float32] = mask[np.clip(y, 0, rows - 1), np.clip(x, 0, columns - 1)]
    return values
