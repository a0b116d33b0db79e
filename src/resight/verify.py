"""Which matches of a pair agree on one geometry: the check that a picture shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Optional

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.errors import SettingsError
from resight.fingerprints import fingerprint
from resight.types import Features, Geometry, Matches

Points = NDArray[np.float64]
Model = NDArray[np.float64]

# Chosen on SIFT matches of turtle heads, hand-held turtles and a wall: of unrelated pairs 75-86 %
# keep no match and the others 6 to 7, while a fundamental matrix keeps 10 to 13 in half or more.
# A threshold of 6 loses a third of LightGlue's matches between photos of the same head.
MODEL = "homography"
THRESHOLD = 10.0
_ITERATIONS = 2000


def verify(
    query: Features,
    gallery: Features,
    matches: Matches,
    *,
    model: str = MODEL,
    threshold: float = THRESHOLD,
) -> Geometry:
    """Fit one transformation from query to gallery and keep the matches that obey it.

    ``model`` is ``homography`` (a flat or gently curved skin), ``affine``
    (narrower) or ``fundamental`` (any rigid body, but a match need only lie on
    a line, so unrelated photos agree by chance more often). ``threshold`` is in
    chip pixels, made for a long edge of 512: an inlier lies within it in *both*
    photos, and a homography or affine map may not mirror it, since a left side
    is not a right side seen in a mirror.

    ``Geometry.model`` is (3, 3): gallery ~ model x query in homogeneous
    coordinates, for ``fundamental`` the matrix whose bilinear form of gallery
    and query is 0. It is ``None``, with no inliers, where no more matches agree
    than any random few would: at two places beyond the sample that defines the
    model (keypoints of one place and several orientations are one place).

    MAGSAC++ (Barath et al., CVPR 2020, arXiv 1912.05909) as OpenCV's USAC
    implements it, always from the same seed: equal input, equal answer, from
    any thread. Raises ``SettingsError`` for an unknown model or a threshold of
    0 or less.
    """
    if model not in _FITS:
        raise SettingsError(f"verify: unknown model {model!r}, use one of {', '.join(_FITS)}")
    if threshold <= 0:
        raise SettingsError(f"verify: threshold must be above 0 pixels, got {threshold}")
    fit = _FITS[model]
    start = query.keypoints[matches.pairs[:, 0]].astype(np.float64)
    end = gallery.keypoints[matches.pairs[:, 1]].astype(np.float64)
    fitted = _fit(fit, start, end, threshold)
    if fitted is not None:
        inliers = fit.agree(fitted, start, end, threshold)
        places = min(len(np.unique(points[inliers], axis=0)) for points in (start, end))
        if places >= fit.sample + 2:
            return Geometry(inliers, fitted)
    return Geometry(np.zeros(len(matches), np.bool_))


def _fit(fit: _Fit, start: Points, end: Points, threshold: float) -> Optional[Model]:
    if len(start) < fit.sample + 2:
        return None
    parameters = cv2.UsacParams()
    parameters.threshold = threshold
    parameters.maxIterations = _ITERATIONS
    parameters.confidence = 0.999
    parameters.score = cv2.SCORE_METHOD_MAGSAC
    parameters.loMethod = cv2.LOCAL_OPTIM_SIGMA
    parameters.randomGeneratorState = 0
    parameters.isParallel = False  # whose answer would depend on the machine
    try:
        found, _ = fit.estimate(start, end, parameters)
    except cv2.error:  # all samples degenerate: some versions of OpenCV say so by raising
        return None
    if found is None or found.shape not in ((3, 3), (2, 3)) or not np.isfinite(found).all():
        return None
    if found.shape == (2, 3):
        found = np.vstack([found, [0.0, 0.0, 1.0]])
    return np.asarray(found, np.float64)


def _agree_with_map(
    model: Model, start: Points, end: Points, threshold: float
) -> NDArray[np.bool_]:
    """Within the threshold in both photos, and not mirrored."""
    if abs(np.linalg.det(model)) < np.finfo(np.float64).tiny:
        return np.zeros(len(start), np.bool_)
    there, depth = _moved(model, start)
    back, _ = _moved(np.asarray(np.linalg.inv(model), np.float64), end)
    # The sign of the map's Jacobian at each point.
    upright = np.linalg.det(model) * depth > 0
    near = (_lengths(there - end) < threshold) & (_lengths(back - start) < threshold)
    return np.asarray(near & upright, np.bool_)


def _agree_with_lines(
    model: Model, start: Points, end: Points, threshold: float
) -> NDArray[np.bool_]:
    """Within the threshold of the epipolar line in both photos."""
    ones = np.ones((len(start), 1))
    start, end = np.hstack([start, ones]), np.hstack([end, ones])
    in_gallery, in_query = start @ model.T, end @ model
    product = np.abs(np.sum(end * in_gallery, axis=1))
    near = (product < threshold * _lengths(in_gallery[:, :2])) & (
        product < threshold * _lengths(in_query[:, :2])
    )
    return np.asarray(near, np.bool_)


def _moved(model: Model, points: Points) -> tuple[Points, Points]:
    """Points under a homography, and their third homogeneous coordinate."""
    moved = points @ model[:, :2].T + model[:, 2]
    depth = moved[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):  # on the horizon: inf, so no inlier
        return moved[:, :2] / depth[:, None], depth


def _lengths(vectors: Points) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(vectors, axis=1), np.float64)


class _Fit(NamedTuple):
    """How to estimate a model, from how many matches at least, and who agrees."""

    estimate: Callable[..., Any]
    sample: int
    agree: Callable[[Model, Points, Points, float], NDArray[np.bool_]]


_FITS = {
    "homography": _Fit(cv2.findHomography, 4, _agree_with_map),
    "affine": _Fit(cv2.estimateAffine2D, 3, _agree_with_map),
    "fundamental": _Fit(cv2.findFundamentalMat, 7, _agree_with_lines),
}

#: Fingerprint of ``verify`` with its defaults, for whatever is derived from inliers.
GEOMETRY = fingerprint("magsac.v1", model=MODEL, opencv=cv2.__version__, threshold=THRESHOLD)
