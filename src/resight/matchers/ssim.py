"""Structural similarity of whole photos: the naive baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.errors import IncompatibleFeatures
from resight.fingerprints import fingerprint
from resight.matchers import no_match, whole_match
from resight.types import Features, Matches

_WINDOW, _SIGMA = 11, 1.5  # as in the paper
_MEANS, _CONTRASTS = (0.01 * 255) ** 2, (0.03 * 255) ** 2


class Ssim:
    """Mean structural similarity of two thumbnails (``Thumbnail``).

    Z. Wang, A. C. Bovik, H. R. Sheikh and E. P. Simoncelli, "Image Quality Assessment: From
    Error Visibility to Structural Similarity", IEEE TIP 2004,
    https://doi.org/10.1109/TIP.2003.819861, with its constants.

    It compares the same place in both photos, so it fails as soon as the animal is turned,
    seen from elsewhere or cut out otherwise. It is here to show that, not to be used.
    """

    accepts = frozenset({"thumbnail"})

    def __init__(self) -> None:
        self.fingerprint = fingerprint("ssim.v1", sigma=_SIGMA, window=_WINDOW)

    def __repr__(self) -> str:
        return "Ssim()"

    def match(self, query: Features, gallery: Sequence[Features]) -> list[Matches]:
        """One match of the query with each photo, of score (1 + SSIM) / 2."""
        for features in (query, *gallery):
            if features.family not in self.accepts:
                raise IncompatibleFeatures(
                    f"ssim compares thumbnails, not features of {features.family}: "
                    "use the method thumbnail+ssim"
                )
        return [
            whole_match(ssim(_picture(query), _picture(features)))
            if len(query) and len(features)
            else no_match()
            for features in gallery
        ]


def ssim(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Mean structural similarity in [-1, 1] of two (h, w) pictures with values 0 to 255.

    Over all places where the window of 11 x 11 lies within the picture.
    """
    mean, other_mean = _blurred(one), _blurred(other)
    variance = _blurred(one * one) - mean**2
    other_variance = _blurred(other * other) - other_mean**2
    covariance = _blurred(one * other) - mean * other_mean
    similarity = (
        (2 * mean * other_mean + _MEANS)
        * (2 * covariance + _CONTRASTS)
        / (mean**2 + other_mean**2 + _MEANS)
        / (variance + other_variance + _CONTRASTS)
    )
    return float(similarity.mean())


def _blurred(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted means of the windows that lie within the picture."""
    edge = _WINDOW // 2
    blurred = cv2.GaussianBlur(picture, (_WINDOW, _WINDOW), _SIGMA)
    return np.asarray(blurred[edge:-edge, edge:-edge], np.float64)


def _picture(features: Features) -> NDArray[np.float64]:
    side = math.isqrt(features.descriptors.shape[1])
    picture: NDArray[np.float64] = features.descriptors[0].astype(np.float64)
    return picture.reshape(side, side)
