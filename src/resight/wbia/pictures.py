"""Two chips side by side with the matches between them, as WBIA's review pages show them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.lines import draw_unverified, draw_verified, pen_for
from resight.types import Chip, Features, Matches
from resight.verify import verify

Pixels = NDArray[np.uint8]

_LONG_EDGE = 800  # of each photo in a picture


def draw_pair(
    chips: tuple[Chip, Chip],
    features: tuple[Features, Features],
    matches: Matches,
    *,
    lines: bool = True,
    heat: bool = False,
    vertical: bool = False,
) -> Pixels:
    """The query (left, or above) and the other annotation, (h, w, 3) uint8 RGB.

    ``lines``: matches that agree with one geometry in colour (dark blue unsure, yellow sure),
    the others thin and grey. ``heat``: how much of the animal was matched, as a glow.
    """
    scales = [_LONG_EDGE / max(chip.size) for chip in chips]
    points = [
        ((each.keypoints[matches.pairs[:, side]] + 0.5) * scales[side] - 0.5).astype(np.float64)
        for side, each in enumerate(features)
    ]
    pixels = [_enlarged(chip.pixels, scale) for chip, scale in zip(chips, scales, strict=True)]
    if heat:
        shown = zip(pixels, points, strict=True)
        pixels = [_glowing(photo, where, matches.scores) for photo, where in shown]
    canvas, at = side_by_side(pixels[0], pixels[1], vertical=vertical)
    if lines and len(matches) and not matches.whole:
        inliers = verify(*features, matches).inliers
        start, end = points[0], points[1] + at
        draw_unverified(canvas, start[~inliers], end[~inliers])
        pen = pen_for(canvas.shape[1], int(inliers.sum()))
        draw_verified(canvas, pen, start[inliers], end[inliers], matches.scores[inliers])
    return canvas


def side_by_side(
    first: Pixels, second: Pixels, *, vertical: bool
) -> tuple[Pixels, tuple[int, int]]:
    """Both on white, and where (x, y) the second lies."""
    (h0, w0), (h1, w1) = first.shape[:2], second.shape[:2]
    at = (0, h0) if vertical else (w0, 0)
    size = (h0 + h1, max(w0, w1)) if vertical else (max(h0, h1), w0 + w1)
    canvas = np.full((*size, 3), 255, np.uint8)
    canvas[:h0, :w0] = first
    canvas[at[1] : at[1] + h1, at[0] : at[0] + w1] = second
    return canvas, at


def _enlarged(pixels: Pixels, scale: float) -> Pixels:
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8)


def _glowing(pixels: Pixels, points: NDArray[np.float64], scores: NDArray[np.float32]) -> Pixels:
    """The photo darkened except around the points, the brighter the surer they are."""
    h, w = pixels.shape[:2]
    glow = np.zeros((h, w), np.float32)
    columns = np.clip(np.rint(points[:, 0]).astype(int), 0, w - 1)
    rows = np.clip(np.rint(points[:, 1]).astype(int), 0, h - 1)
    np.maximum.at(glow, (rows, columns), scores)
    glow = cv2.GaussianBlur(glow, (0, 0), max(h, w) / 40)
    if glow.max() > 0:
        glow = glow / glow.max()
    return np.asarray(pixels * (0.3 + 0.7 * np.sqrt(glow))[:, :, None], np.uint8)
