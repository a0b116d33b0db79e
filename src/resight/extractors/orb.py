"""ORB: FAST corners at several scales with a direction, and turned BRIEF descriptors."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.extractors import check_count
from resight.extractors.opencv import features_of, grey_of, strongest
from resight.fingerprints import fingerprint
from resight.types import Chip, Features

_STEP = 1.2  # from one scale to the next
_SCALES = 8
_THRESHOLD = 10  # of FAST, in grey levels; low, since max_keypoints cuts
_ALL = 1_000_000  # more corners than any chip has
_BYTES = 32
_EDGE = 31  # pixels without corners, at every scale


class Orb:
    """Oriented FAST and rotated BRIEF.

    E. Rublee et al., "ORB: An Efficient Alternative to SIFT or SURF", ICCV 2011,
    https://doi.org/10.1109/ICCV.2011.6126544, as OpenCV implements it. We differ in two ways.
    OpenCV gives each scale a quota; here the best of all scales are kept, so that fewer
    keypoints are always the first of more. And it enlarges the coordinates of coarser scales
    without minding that a pixel's centre is at its integer; that is put right.

    ``scores`` are Harris's measure. Descriptors are (N, 32) uint8 bit strings. No keypoints
    within 31 pixels of the chip's edge.
    """

    family = "orb"

    def __init__(self, *, max_keypoints: int = 1024) -> None:
        check_count("orb", max_keypoints)
        self.max_keypoints = max_keypoints
        self.fingerprint = fingerprint(
            "orb.v2", max_keypoints=max_keypoints, opencv=cv2.__version__
        )

    def __repr__(self) -> str:
        return f"Orb(max_keypoints={self.max_keypoints})"

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        """Features of each chip; those most like a corner first."""
        return [self._extract_one(chip) for chip in chips]

    def _extract_one(self, chip: Chip) -> Features:
        corners: Sequence[cv2.KeyPoint] = ()
        descriptors = np.zeros((0, _BYTES), np.uint8)
        if min(chip.size) > 2 * _EDGE:  # OpenCV fails where the coarsest scale has no pixel
            corners, descriptors = self._described(chip, descriptors)
        best = strongest(corners, self.max_keypoints, chip)
        return features_of(
            chip,
            [corners[index] for index in best],
            descriptors[best],
            family=self.family,
            metric="hamming",
            fingerprint=self.fingerprint,
            oriented=True,
        )

    def _described(
        self, chip: Chip, none: NDArray[np.uint8]
    ) -> tuple[Sequence[cv2.KeyPoint], NDArray[np.uint8]]:
        """The best corners, by scale, and their descriptors; ``none`` where there are none."""
        orb = cv2.ORB.create(
            _ALL,
            scaleFactor=_STEP,
            nlevels=_SCALES,
            edgeThreshold=_EDGE,
            fastThreshold=_THRESHOLD,
        )
        grey = grey_of(chip)
        found = orb.detect(grey, None)
        corners = [found[index] for index in strongest(found, self.max_keypoints, chip)]
        if not corners:
            return (), none
        described, descriptors = orb.compute(grey, corners)
        for corner in described:
            shift = (_STEP**corner.octave - 1) / 2
            corner.pt = corner.pt[0] + shift, corner.pt[1] + shift
        return described, descriptors
