"""What extractors share that read keypoints off a network's maps."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.engine import Graph

_SIZES_KEPT = 4  # ALIKED's graphs for photos of 512 pixels take some 130 MB


class GraphsBySize:
    """The graphs ``load(h, w)`` makes for photos of that size; those of the last four are kept.

    Engines run graphs of fixed shapes about twice as fast as graphs for any. Safe to use from
    several threads.
    """

    def __init__(self, load: Callable[[int, int], tuple[Graph, ...]]) -> None:
        self._load = load
        self._loaded: OrderedDict[tuple[int, int], tuple[Graph, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, h: int, w: int) -> tuple[Graph, ...]:
        with self._lock:
            graphs = self._loaded.pop((h, w), None)
            if graphs is None:
                graphs = self._load(h, w)
            self._loaded[h, w] = graphs
            if len(self._loaded) > _SIZES_KEPT:
                self._loaded.popitem(last=False)
        return graphs


def strict_maxima(values: NDArray[np.float32], radius: int) -> NDArray[np.bool_]:
    """Where (h, w) ``values`` exceed all others within ``radius`` pixels in x and y.

    There are none in the outermost ``radius`` pixels, nor on a plateau.

    >>> strict_maxima(np.float32([[0, 0, 0, 0], [0, 2, 1, 3], [0, 0, 0, 0]]), 1).nonzero()
    (array([1]), array([1]))
    """
    window = np.ones((2 * radius + 1,) * 2, np.uint8)
    window[radius, radius] = 0
    return without_border(values > cv2.dilate(values, window), radius)


def without_border(is_peak: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """The (h, w) mask with its outermost ``radius`` pixels cleared."""
    inside = np.zeros_like(is_peak)
    inside[radius:-radius, radius:-radius] = is_peak[radius:-radius, radius:-radius]
    return inside
