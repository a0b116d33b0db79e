"""Which matches of a pair agree on one geometry: the check that a picture shows."""

from __future__ import annotations

from typing import Optional

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.fingerprints import fingerprint
from resight.types import Features, Geometry, Matches

Points = NDArray[np.float64]
Model = NDArray[np.float64]

# Chosen on SIFT matches of turtle heads, hand-held turtles and a wall: of unrelated pairs 75-86 %
# keep no match and the others 6 to 7, while a fundamental matrix keeps 10 to 13 in half or more.
# A threshold of 6 loses a third of LightGlue's matches between photos of the same head.
THRESHOLD = 10.0
_LONG_EDGE = 512  # of the chips in whose pixels the threshold is
_SAMPLE = 4  # matches that define a homography
_ITERATIONS = 2000

#: Fingerprint of ``verify``, for whatever is derived from inliers.
GEOMETRY = fingerprint("magsac.v2", model="homography", opencv=cv2.__version__, threshold=THRESHOLD)


def verify(query: Features, gallery: Features, matches: Matches) -> Geometry:
    """Fit one homography from query to gallery and keep the matches that obey it.

    A homography is right for a flat or gently curved skin. An inlier lies within
    ``THRESHOLD`` pixels of it in *both* photos, each of them scaled to a long edge
    of 512, so the same share of the animal is allowed whatever the size of chips.
    It may not be mirrored, since a left side is not a right side seen in a mirror.

    ``Geometry.model`` is (3, 3): gallery ~ model x query in homogeneous chip
    coordinates. It is ``None``, with no inliers, where no more matches agree
    than any random few would: at two places beyond the sample that defines the
    model (keypoints of one place and several orientations are one place).

    MAGSAC++ (Barath et al., CVPR 2020, arXiv 1912.05909) as OpenCV's USAC
    implements it, always from the same seed: equal input, equal answer, from
    any thread.
    """
    of_query, of_gallery = (_LONG_EDGE / max(each.size) for each in (query, gallery))
    start = query.keypoints[matches.pairs[:, 0]].astype(np.float64) * of_query
    end = gallery.keypoints[matches.pairs[:, 1]].astype(np.float64) * of_gallery
    fitted = _fit(start, end)
    if fitted is not None:
        inliers = _agree(fitted, start, end)
        places = min(len(np.unique(points[inliers], axis=0)) for points in (start, end))
        if places >= _SAMPLE + 2:
            in_chips = np.diag([1, 1, of_gallery]) @ fitted @ np.diag([of_query, of_query, 1])
            return Geometry(inliers, in_chips)
    return Geometry(np.zeros(len(matches), np.bool_))


def _fit(start: Points, end: Points) -> Optional[Model]:
    if len(start) < _SAMPLE + 2:
        return None
    parameters = cv2.UsacParams()
    parameters.threshold = THRESHOLD
    parameters.maxIterations = _ITERATIONS
    parameters.confidence = 0.999
    parameters.score = cv2.SCORE_METHOD_MAGSAC
    parameters.loMethod = cv2.LOCAL_OPTIM_SIGMA
    parameters.randomGeneratorState = 0
    parameters.isParallel = False  # whose answer would depend on the machine
    try:
        found, _ = cv2.findHomography(start, end, parameters)
    except cv2.error:  # all samples degenerate: some versions of OpenCV say so by raising
        return None
    if found is None or found.shape != (3, 3) or not np.isfinite(found).all():
        return None
    return np.asarray(found, np.float64)


def _agree(model: Model, start: Points, end: Points) -> NDArray[np.bool_]:
    """Within the threshold in both photos, and not mirrored."""
    if abs(np.linalg.det(model)) < np.finfo(np.float64).tiny:
        return np.zeros(len(start), np.bool_)
    there, depth = _moved(model, start)
    back, _ = _moved(np.asarray(np.linalg.inv(model), np.float64), end)
    # The sign of the map's Jacobian at each point.
    upright = np.linalg.det(model) * depth > 0
    near = (_lengths(there - end) < THRESHOLD) & (_lengths(back - start) < THRESHOLD)
    return np.asarray(near & upright, np.bool_)


def _moved(model: Model, points: Points) -> tuple[Points, Points]:
    """Points under a homography, and their third homogeneous coordinate."""
    moved = points @ model[:, :2].T + model[:, 2]
    depth = moved[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):  # on the horizon: inf, so no inlier
        return moved[:, :2] / depth[:, None], depth


def _lengths(vectors: Points) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(vectors, axis=1), np.float64)
