"""SIFT keypoints with RootSIFT descriptors, the classical baseline."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from resight.errors import SettingsError
from resight.extractors import check_count
from resight.extractors.opencv import features_of, grey_of, root_sift, strongest
from resight.fingerprints import fingerprint
from resight.types import Chip, Features

_DIMENSIONS = 128
_VERSION = tuple(int(part) for part in cv2.__version__.split(".")[:2])
_PRECISE = {"enable_precise_upscale": True} if _VERSION >= (4, 8) else {}


class Sift:
    """Difference-of-Gaussians keypoints, described by RootSIFT.

    D. G. Lowe, "Distinctive Image Features from Scale-Invariant Keypoints",
    IJCV 2004, https://doi.org/10.1023/B:VISI.0000029664.99615.94, as OpenCV
    implements it; descriptors after R. Arandjelović and A. Zisserman, "Three
    things everyone should know to improve object retrieval", CVPR 2012: divided
    by their sum, then the square root of each element. They are float32 of unit
    length, so ``cosine`` and Euclidean distance rank them alike; we state
    ``cosine``, because their dot product is the paper's Hellinger kernel.

    A place with several dominant directions gives one keypoint for each, with
    equal coordinates and score, as in Lowe's paper. ``scores`` are OpenCV's
    responses (local contrast), ``scales`` diameters in pixels, ``orientations``
    counter-clockwise.

    ``contrast_threshold`` is OpenCV's: lower finds more keypoints in flat or
    blurred chips (Lowe's 0.03 corresponds to 0.09 here).

    The fingerprint names the OpenCV version, since its rounding and sampling
    have changed between releases. Needs OpenCV 4.8 or newer.
    """

    family = "sift"
    metric = "cosine"

    def __init__(self, *, max_keypoints: int = 1024, contrast_threshold: float = 0.04) -> None:
        check_count("sift", max_keypoints)
        if not 0 <= contrast_threshold < 1:
            raise SettingsError(
                f"sift: contrast_threshold must be in [0, 1), got {contrast_threshold}"
            )
        self.max_keypoints = max_keypoints
        self.contrast_threshold = contrast_threshold
        self.fingerprint = fingerprint(
            "sift.v2",
            contrast_threshold=contrast_threshold,
            max_keypoints=max_keypoints,
            opencv=cv2.__version__,
        )

    def __repr__(self) -> str:
        return (
            f"Sift(max_keypoints={self.max_keypoints}, "
            f"contrast_threshold={self.contrast_threshold!r})"
        )

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        """Features of each chip; those with the strongest response first."""
        # Without the precise upscale every keypoint lies 0.25 px to the lower right. OpenCV has it
        # from 4.8 on; WBIA's is older, where only this plugin runs and the fingerprint says so.
        # The detector is made per chip because OpenCV does not say it may be shared by threads.
        return [self._extract_one(chip) for chip in chips]

    def _extract_one(self, chip: Chip) -> Features:
        detector = cv2.SIFT.create(
            nfeatures=self.max_keypoints if chip.animal is None else 0,  # 0: all
            contrastThreshold=self.contrast_threshold,
            **_PRECISE,
        )
        found, descriptors = detector.detectAndCompute(grey_of(chip), None)
        if descriptors is None:
            found, descriptors = (), np.zeros((0, _DIMENSIONS), np.float32)
        best = strongest(found, self.max_keypoints, chip)
        return features_of(
            chip,
            [found[index] for index in best],
            root_sift(descriptors[best]),
            family=self.family,
            metric=self.metric,
            fingerprint=self.fingerprint,
            oriented=True,
        )
