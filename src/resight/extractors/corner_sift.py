"""Harris and Shi-Tomasi corners with upright RootSIFT descriptors."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from resight.errors import UnknownMethod
from resight.extractors import check_count
from resight.extractors.opencv import features_of, grey_of, root_sift, strongest
from resight.fingerprints import fingerprint
from resight.types import Chip, Features

MEASURES = ("harris", "shi-tomasi")

_HARRIS_K = 0.04  # as in the paper and OpenCV
_APART = 3  # pixels between corners: a thick corner would give several
_LEAST = 1e-6  # of the strongest corner: keeps all but rounding; max_keypoints cuts
#: Where OpenCV's SIFT shall take the gradients: octave 1, layer 1, which is smoothed for
#: keypoints of this diameter. A descriptor covers six times as much, 48 pixels.
_OCTAVE, _LAYER = 1, 1
_DIAMETER = 2 * 1.6 * 2 ** (_OCTAVE + _LAYER / 3)


class CornerSift:
    """Corners at one scale, described by RootSIFT.

    ``measure`` of how much of a corner a place is, from the eigenvalues of its gradients:
    ``harris`` their product less a part of their sum squared (C. Harris and M. Stephens, "A
    Combined Corner and Edge Detector", 1988, https://doi.org/10.5244/C.2.23); ``shi-tomasi``
    the smaller one (J. Shi and C. Tomasi, "Good Features to Track", CVPR 1994,
    https://doi.org/10.1109/CVPR.1994.323794); both as OpenCV implements them. ``scores`` are
    these values.

    Neither has a descriptor, a scale or a direction. Theirs is SIFT's (see ``Sift``), always
    of the same 48 pixels and upright: a head that is twice as large or turned by more than
    some 20 degrees is not recognised, which is what these two are here to show.
    """

    family = "corner-sift"

    def __init__(self, *, measure: str = "harris", max_keypoints: int = 1024) -> None:
        if measure not in MEASURES:
            raise UnknownMethod(
                f"there is no corner measure {measure!r}: choose from {', '.join(MEASURES)}"
            )
        check_count(measure, max_keypoints)
        self.measure = measure
        self.max_keypoints = max_keypoints
        self.fingerprint = fingerprint(
            "corner_sift.v2",
            max_keypoints=max_keypoints,
            measure=measure,
            opencv=cv2.__version__,
        )

    def __repr__(self) -> str:
        return f"CornerSift(measure={self.measure!r}, max_keypoints={self.max_keypoints})"

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        """Features of each chip; those most like a corner first."""
        return [self._extract_one(chip) for chip in chips]

    def _extract_one(self, chip: Chip) -> Features:
        corners = self._corners(chip)
        descriptors = np.zeros((0, 128), np.float32)
        if corners:
            _, descriptors = cv2.SIFT.create().compute(grey_of(chip), corners)
        seen = descriptors.any(axis=1)  # in a chip of few pixels there may be no gradients
        return features_of(
            chip,
            [corners[index] for index in np.flatnonzero(seen)],
            root_sift(descriptors[seen]),
            family=self.family,
            metric="cosine",
            fingerprint=self.fingerprint,
            oriented=False,
        )

    def _corners(self, chip: Chip) -> list[cv2.KeyPoint]:
        """Best first."""
        places, values = cv2.goodFeaturesToTrackWithQuality(
            grey_of(chip),
            self.max_keypoints,
            _LEAST,
            _APART,
            None if chip.animal is None else chip.animal.astype(np.uint8),
            useHarrisDetector=self.measure == "harris",
            k=_HARRIS_K,
        )
        if places is None:
            return []
        rows = zip(places.reshape(-1, 2).tolist(), values.ravel().tolist(), strict=True)
        found = [
            cv2.KeyPoint(x, y, _DIAMETER, 0, value, _OCTAVE | _LAYER << 8) for (x, y), value in rows
        ]
        return [found[index] for index in strongest(found, self.max_keypoints, chip)]
