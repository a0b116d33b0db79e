"""What extractors share that read keypoints off a network's maps."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.types import Chip


def strict_maxima(values: NDArray[np.float32], radius: int) -> NDArray[np.bool_]:
    """Where (h, w) ``values`` exceed all others within ``radius`` pixels in x and y.

    There are none in the outermost ``radius`` pixels, nor on a plateau.

    >>> strict_maxima(np.float32([[0, 0, 0, 0], [0, 2, 1, 3], [0, 0, 0, 0]]), 1).nonzero()
    (array([1]), array([1]))
    """
    window = np.ones((2 * radius + 1,) * 2, np.uint8)
    window[radius, radius] = 0
    return without_border(values > cv2.dilate(values, window), radius)


def suppressed_maxima(values: NDArray[np.float32], radius: int) -> NDArray[np.bool_]:
    """As ``strict_maxima``, but two more rounds add the maxima of what the first leave.

    SuperPoint's non-maximum suppression, which ALIKED took over: it also keeps points on the
    flank of a higher one, and all of a plateau.
    """
    window = np.ones((2 * radius + 1,) * 2, np.uint8)
    is_peak: NDArray[np.bool_] = values == cv2.dilate(values, window)
    for _ in range(2):
        near_peak = cv2.dilate(is_peak.astype(np.uint8), window) > 0
        rest = np.where(near_peak, np.float32(0), values)
        is_peak = is_peak | ((rest == cv2.dilate(rest, window)) & ~near_peak)
    return without_border(is_peak, radius)


def without_border(is_peak: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """The (h, w) mask with its outermost ``radius`` pixels cleared."""
    inside = np.zeros_like(is_peak)
    inside[radius:-radius, radius:-radius] = is_peak[radius:-radius, radius:-radius]
    return inside


def on_animal(peaks: NDArray[np.bool_], chip: Chip) -> NDArray[np.bool_]:
    """Of a map (h, w) of the whole chip those peaks that are the animal's, where that is known."""
    if chip.animal is None:
        return peaks
    h, w = peaks.shape
    animal = cv2.resize(chip.animal.astype(np.uint8), (w, h), interpolation=cv2.INTER_NEAREST)
    there: NDArray[np.bool_] = peaks & (animal > 0)
    return there


def linear(part: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights (N, 2) of the values before and after, for (N,) parts in [0, 1) of the way."""
    return np.stack([1 - part, part], 1)


def cubic(part: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights (N, 4) of cubic convolution (Keys 1981, a = -0.75), two values on either side."""
    a = np.float32(-0.75)
    far, near = np.stack([1 + part, 2 - part]), np.stack([part, 1 - part])
    far = ((a * far - 5 * a) * far + 8 * a) * far - 4 * a
    near = ((a + 2) * near - (a + 3)) * near * near + 1
    return np.stack([far[0], near[0], near[1], far[1]], 1)


def sample(
    values: NDArray[np.float32],
    at: NDArray[np.float32],
    kernel: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """``values`` (h, w, C) between pixels ``at`` (N, 2) xy; those off the map count as 0."""
    h, w, channels = values.shape
    low = np.floor(at)
    axes = []
    for axis, length in ((1, h), (0, w)):
        weight = kernel(at[:, axis] - low[:, axis])
        before = weight.shape[1] // 2 - 1
        index = low[:, axis, None].astype(np.intp) + np.arange(-before, weight.shape[1] - before)
        inside = np.clip(index, 0, length - 1)
        axes.append((inside, np.where(index == inside, weight, np.float32(0))))
    (y, weight_y), (x, weight_x) = axes
    n, taps = len(at), y.shape[1] * x.shape[1]
    near = (y[:, :, None] * w + x[:, None, :]).reshape(n, taps)
    weight = (weight_y[:, :, None] * weight_x[:, None, :]).reshape(n, 1, taps)
    sampled: NDArray[np.float32] = (weight @ values.reshape(-1, channels)[near])[:, 0]
    return sampled
