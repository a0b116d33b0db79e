"""Lines between matched points, as all match pictures draw them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_LIGHT, _DARK = (255, 255, 255), (25, 25, 25)
UNVERIFIED = (190, 190, 190)
_CROWD = 60  # verified matches in one picture
_SUBPIXEL_BITS = 4  # OpenCV draws in fixed point: coordinates × 16


@dataclass(frozen=True)
class Pen:
    """How lines are drawn: widths in pixels, and opacity in (0, 1].

    Outlined lines read best, but a crowd of them would hide the animal.
    """

    line: int
    dot: int
    opacity: float
    outlined: bool


def pen_for(width: int, most: int) -> Pen:
    """The pen for a picture so many pixels wide, with ``most`` verified matches."""
    crowded = most > _CROWD
    return Pen(
        line=1 if crowded else max(1, round(width / 800)),
        dot=max(3, round(width / 240)),
        opacity=0.65 if crowded else 0.8,
        outlined=not crowded,
    )


def colours(scores: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(K, 3) RGB of scores in [0, 1]: viridis, dark blue to yellow."""
    levels = np.clip(np.rint(scores * 255), 0, 255).astype(np.uint8).reshape(-1, 1)
    if len(levels) == 0:
        return np.zeros((0, 3), np.uint8)
    mapped = cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS)
    return np.asarray(mapped[:, 0, ::-1], np.uint8)


def _fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.rint(points * (1 << _SUBPIXEL_BITS)).astype(np.int32)


def draw_unverified(
    canvas: NDArray[np.uint8], start: NDArray[np.float64], end: NDArray[np.float64]
) -> None:
    """Draw thin grey lines onto (h, w, 3) RGB, between points (K, 2) of the canvas."""
    layer = canvas.copy()
    for a, b in zip(_fixed(start), _fixed(end), strict=True):
        cv2.line(layer, a.tolist(), b.tolist(), UNVERIFIED, 1, cv2.LINE_AA, _SUBPIXEL_BITS)
    cv2.addWeighted(layer, 0.35, canvas, 0.65, 0, dst=canvas)


def draw_verified(
    canvas: NDArray[np.uint8],
    pen: Pen,
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    scores: NDArray[np.float32],
) -> None:
    """Draw lines with dots at their ends onto (h, w, 3) RGB, coloured by scores (K,) in [0, 1]."""
    order = np.argsort(scores, kind="stable")  # the surest on top
    starts, ends = _fixed(start[order]).tolist(), _fixed(end[order]).tolist()
    shades = colours(scores[order]).tolist()
    layer = canvas.copy()
    for a, b, colour in zip(starts, ends, shades, strict=True):
        if pen.outlined:
            cv2.line(layer, a, b, _halo(colour), pen.line + 2, cv2.LINE_AA, _SUBPIXEL_BITS)
        cv2.line(layer, a, b, colour, pen.line, cv2.LINE_AA, _SUBPIXEL_BITS)
    cv2.addWeighted(layer, pen.opacity, canvas, 1 - pen.opacity, 0, dst=canvas)
    radius = pen.dot << _SUBPIXEL_BITS
    for a, b, colour in zip(starts, ends, shades, strict=True):
        for point in (a, b):
            cv2.circle(canvas, point, radius, colour, -1, cv2.LINE_AA, _SUBPIXEL_BITS)
            cv2.circle(canvas, point, radius, _halo(colour), 1, cv2.LINE_AA, _SUBPIXEL_BITS)


def _halo(colour: Sequence[int]) -> tuple[int, int, int]:
    """The outline that sets a colour off from any photo: light around dark, dark around light."""
    return _LIGHT if sum(colour) < 3 * 110 else _DARK
