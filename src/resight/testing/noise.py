"""What all drawings are made of: seeded generators, smooth noise, soft shapes.

Everything is float32 in [0, 1] unless it says otherwise; colours are RGB.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Field = NDArray[np.float32]


def as_field(values: ArrayLike) -> Field:
    """Anything array-like as float32."""
    return np.asarray(values, np.float32)


def generator(*words: object) -> np.random.Generator:
    """A generator that depends on the text of ``words`` only: equal in every process."""
    digest = hashlib.sha256("/".join(map(str, words)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def smooth_noise(
    random: np.random.Generator, size: tuple[int, int], cell: float, octaves: int = 1
) -> Field:
    """Value noise of zero mean and unit standard deviation, (h, w).

    ``cell`` is the size in pixels of the coarsest bumps; each further octave
    halves size and height.
    """
    w, h = size
    total = np.zeros((h, w), np.float32)
    for octave in range(octaves):
        step = max(cell / 2**octave, 1.0)
        grid = random.standard_normal((int(h / step) + 4, int(w / step) + 4), np.float32)
        whole = (int(grid.shape[1] * step) + 1, int(grid.shape[0] * step) + 1)
        left, top = (int(step * shift) for shift in random.uniform(0.5, 1.5, 2))
        fine = cv2.resize(grid, whole, interpolation=cv2.INTER_CUBIC)
        total += fine[top : top + h, left : left + w] * np.float32(0.5**octave)
    mean, spread = cv2.meanStdDev(total)
    return np.asarray((total - mean[0, 0]) / max(spread[0, 0], 1e-6), np.float32)


def step(values: NDArray[np.floating[Any]], low: float, high: float) -> Field:
    """Smooth step: 0 below ``low``, 1 above ``high``, or the reverse if low > high."""
    t = np.clip((values - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


# NumPy broadcasts a last axis of three slowly; the next three spell it out, six times faster.


def threefold(field: Field) -> Field:
    """(h, w) to (h, w, 3)."""
    return np.asarray(cv2.merge([field, field, field]))


def plain(colour: ArrayLike, size: tuple[int, int]) -> Field:
    """One colour everywhere, (h, w, 3)."""
    row = np.tile(np.asarray(colour, np.float32), size[0])
    return np.broadcast_to(row, (size[1], row.size)).reshape(size[1], size[0], 3)


def mix(below: ArrayLike, above: ArrayLike, amount: NDArray[np.floating[Any]]) -> Field:
    """``below`` where amount is 0, ``above`` where it is 1; colours or (h, w, 3) fields."""
    size = amount.shape[1], amount.shape[0]
    under, over = np.asarray(below, np.float32), np.asarray(above, np.float32)
    if under.ndim == 1:
        under = plain(under, size)
    if over.ndim == 1:
        over = plain(over, size)
    return np.asarray(under + (over - under) * threefold(as_field(amount)))


def outline(points: Sequence[tuple[float, float]], closed: bool = True) -> Field:
    """A smooth curve along the control polygon (Chaikin's corner cutting), (N, 2)."""
    curve = np.asarray(points, np.float32)
    for _ in range(4):
        after = np.roll(curve, -1, axis=0)
        cut = np.stack([0.75 * curve + 0.25 * after, 0.25 * curve + 0.75 * after], axis=1)
        new = cut.reshape(-1, 2)
        curve = new if closed else np.concatenate([curve[:1], new[:-2], curve[-1:]])
    return curve


def fill(curve: ArrayLike, size: tuple[int, int], soft: float = 0.0) -> Field:
    """Coverage of the inside of a closed curve, (h, w), its edge blurred by ``soft`` pixels."""
    canvas = np.zeros((size[1], size[0]), np.uint8)
    fixed = np.round(as_field(curve) * 16).astype(np.int32)  # four fractional bits
    cv2.fillPoly(canvas, [fixed], 255, cv2.LINE_AA, 4)
    inside = canvas.astype(np.float32) / 255
    return as_field(cv2.GaussianBlur(inside, (0, 0), soft)) if soft > 0 else as_field(inside)


def stroke(curve: ArrayLike, size: tuple[int, int], width: float, soft: float = 0.0) -> Field:
    """Coverage of a line of ``width`` pixels along an open curve, (h, w)."""
    canvas = np.zeros((size[1], size[0]), np.uint8)
    fixed = np.round(as_field(curve) * 16).astype(np.int32)
    cv2.polylines(canvas, [fixed], False, 255, max(round(width), 1), cv2.LINE_AA, 4)
    inside = canvas.astype(np.float32) / 255
    return as_field(cv2.GaussianBlur(inside, (0, 0), soft)) if soft > 0 else as_field(inside)


def cells(
    sites: Field, weights: Field, x: Field, y: Field, round_by: float
) -> tuple[NDArray[np.intp], Field]:
    """Rounded polygons around sites: a power diagram with soft corners.

    ``sites`` (N, 2), ``weights`` (N,) pixels (larger means a larger cell), ``x``
    and ``y`` (h, w) the coordinates of each pixel. Returns the site each pixel
    belongs to, (h, w) intp, and its distance from the seam in pixels, (h, w).
    """
    owner = np.zeros(x.shape, np.intp)
    lowest = np.full(x.shape, np.inf, np.float32)
    power = []
    for index, ((sx, sy), weight) in enumerate(zip(sites, weights, strict=True)):
        power.append((x - sx) ** 2 + (y - sy) ** 2 - weight**2)
        owner[power[-1] < lowest] = index
        np.minimum(lowest, power[-1], out=lowest)
    apart = np.linalg.norm(sites[:, None] - sites[None], axis=2).astype(np.float32)
    np.fill_diagonal(apart, np.inf)
    scale = (0.5 / np.maximum(apart, 1)) / round_by
    total = np.zeros_like(lowest)
    for index in range(len(sites)):
        # Distance to the bisector with this site; infinite for the owner itself.
        away = (power[index] - lowest) * scale[index][owner]
        total += np.where(owner == index, 0, np.exp(-away, dtype=np.float32))
    seam = -np.log(np.maximum(total, 1e-12), dtype=np.float32) * np.float32(round_by)
    return owner, as_field(np.maximum(seam, 0))
