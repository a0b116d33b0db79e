"""Keypoints of the animal only: another extractor's, without those of what is around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Optional

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.extractors import Extractor, describes_whole
from resight.fingerprints import fingerprint
from resight.segment import Segmenter
from resight.types import Chip, Features

#: A pixel is the animal's where the map says at least this.
_LEAST = 0.3
#: Less of a chip than this is no animal: the segmenter missed it.
_MISSED = 0.02
#: A mask is believed if the map itself expects it to share so much with the animal.
_EXPECTED = 0.5


class Foreground:
    """An extractor whose keypoints lie on the animal: where somebody said it is
    (``Chip.animal``), else where a segmenter found it.

    Two photos of one place match by their grass and stones, whoever stands there. Where what was
    found is not believed (``animal_of``), or nothing on it has a keypoint, all keypoints are kept.
    Family and all else are those of the extractor.
    """

    def __init__(self, extractor: Extractor, segmenter: Segmenter) -> None:
        self.extractor = extractor
        self.segmenter = segmenter
        self.family = extractor.family
        self.max_keypoints = extractor.max_keypoints
        self.precision: Optional[str] = getattr(extractor, "precision", None)
        self.fingerprint = fingerprint(
            "foreground.v2",
            expected=_EXPECTED,
            extractor=extractor.fingerprint,
            least=_LEAST,
            missed=_MISSED,
            segmenter=segmenter.fingerprint,
        )

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        """The extractor's features of each chip, on the animal."""
        masked = self.masked(chips)
        found = map(on_animal, self.extractor.extract(masked), masked)
        return [
            replace(
                features if len(features) or chip.animal is None else self._of_all(chip),
                fingerprint=self.fingerprint,
            )
            for features, chip in zip(found, masked, strict=True)
        ]

    def masked(self, chips: Sequence[Chip]) -> list[Chip]:
        """The chips, with the animal where nobody had said where it is and it was found."""
        unseen = [chip for chip in chips if chip.animal is None]
        masks = iter(self.segmenter.masks(unseen) if unseen else ())
        return [
            replace(chip, animal=animal_of(next(masks), chip.size)) if chip.animal is None else chip
            for chip in chips
        ]

    def _of_all(self, chip: Chip) -> Features:
        (features,) = self.extractor.extract([replace(chip, animal=None)])
        return features


def described(extractor: Extractor, chips: Sequence[Chip]) -> list[Features]:
    """Any extractor's features of each chip, on the animal where somebody said where it is.

    What was said is kept with the photo, as its box is, and is in no fingerprint. Where nothing
    on it has a keypoint, it is as if nothing had been said. Nor does it concern an
    extractor of whole chips.
    """
    features = extractor.extract(chips)
    if describes_whole(extractor):
        return features
    return [_as_said(extractor, *each) for each in zip(features, chips, strict=True)]


def _as_said(extractor: Extractor, features: Features, chip: Chip) -> Features:
    found = on_animal(features, chip)
    if len(found) or chip.animal is None:
        return found
    (unsaid,) = extractor.extract([replace(chip, animal=None)])
    return unsaid


def animal_of(likely: NDArray[np.float32], size: tuple[int, int]) -> Optional[NDArray[np.bool_]]:
    """Which pixels of a chip of ``size`` (width, height) are the animal's, (height, width).

    ``likely`` (rows, columns) says how probably each part of the chip is the animal's, 0 to 1.
    ``None`` where that finds less than a fiftieth of the chip, or is so unsure that by its own
    probabilities less than half of mask and animal together would be shared by both: of a head
    that fills the chip in murky water it may find an eye.
    """
    animal: NDArray[np.bool_] = cv2.resize(likely, size, interpolation=cv2.INTER_LINEAR) >= _LEAST
    if animal.mean() < _MISSED or _expected_overlap(likely) < _EXPECTED:
        return None
    return animal


def _expected_overlap(likely: NDArray[np.float32]) -> float:
    """Intersection over union that a mask of it can expect, each of them by its mean."""
    found = likely >= _LEAST
    either = found.sum() + likely[~found].sum()
    return float(likely[found].sum() / either) if either else 0.0


def on_animal(features: Features, chip: Chip) -> Features:
    """Those of the chip's features that lie on its animal; all, where that is not known."""
    if chip.animal is None:
        return features
    return features.only(np.flatnonzero(chip.on_animal(features.keypoints)))
