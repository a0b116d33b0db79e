"""FAST corners with BRIEF descriptors: two cheap ideas of 2006 and 2010."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from resight.extractors import check_count
from resight.extractors.opencv import features_of, grey_of, strongest
from resight.fingerprints import fingerprint
from resight.types import Chip, Features

_THRESHOLD = 5  # grey levels; low, since max_keypoints cuts
_REACH = 16  # pixels that a descriptor reads to each side
_BYTES = 32


class FastBrief:
    """Corners found by comparing 16 pixels of a circle, described by 256 comparisons.

    E. Rosten and T. Drummond, "Machine Learning for High-Speed Corner Detection", ECCV 2006,
    https://doi.org/10.1007/11744023_34, and M. Calonder et al., "BRIEF: Binary Robust
    Independent Elementary Features", ECCV 2010, https://doi.org/10.1007/978-3-642-15561-1_56,
    as OpenCV implements them. We differ from BRIEF in where the pairs of pixels lie: its
    authors drew them at random, ours are ORB's, chosen to vary and to be independent (OpenCV's
    own BRIEF is in none of its wheels).

    One scale and upright, as ``CornerSift``. ``scores`` are the highest thresholds at which a
    place is still a corner. Descriptors are (N, 32) uint8 bit strings. No keypoints within 16
    pixels of the chip's edge.
    """

    family = "fast-brief"

    def __init__(self, *, max_keypoints: int = 1024) -> None:
        check_count("fast_brief", max_keypoints)
        self.max_keypoints = max_keypoints
        self.fingerprint = fingerprint(
            "fast_brief.v2", max_keypoints=max_keypoints, opencv=cv2.__version__
        )

    def __repr__(self) -> str:
        return f"FastBrief(max_keypoints={self.max_keypoints})"

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        """Features of each chip; the clearest corners first."""
        return [self._extract_one(chip) for chip in chips]

    def _extract_one(self, chip: Chip) -> Features:
        grey = grey_of(chip)
        inside = np.zeros_like(grey)
        inside[_REACH:-_REACH, _REACH:-_REACH] = 1
        found = cv2.FastFeatureDetector.create(_THRESHOLD).detect(grey, inside)
        corners: Sequence[cv2.KeyPoint] = [
            found[index] for index in strongest(found, self.max_keypoints, chip)
        ]
        for corner in corners:
            corner.angle = 0  # what ORB turns its pairs by
        descriptors = np.zeros((0, _BYTES), np.uint8)
        if corners:
            corners, descriptors = cv2.ORB.create(edgeThreshold=_REACH).compute(grey, corners)
        return features_of(
            chip,
            corners,
            descriptors,
            family=self.family,
            metric="hamming",
            fingerprint=self.fingerprint,
            oriented=False,
        )
