"""A global likeness and the matches of the most alike, as one score."""

from __future__ import annotations

import math
from typing import Optional

import numpy as np
from numpy.typing import NDArray


def likeness(query: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Of two embeddings, in [0, 1]: ``(2 - cosine distance) / 2``; 0 for one that is all zeros.

    >>> likeness(np.array([1.0, 0.0]), np.array([0.0, 2.0]))
    0.5
    """
    length = float(np.linalg.norm(query)) * float(np.linalg.norm(other))
    if not length > 0:
        return 0.0
    return float(np.clip((1 + float(np.dot(query, other)) / length) / 2, 0, 1))


def fused(g: float, raw: Optional[float], *, a: float, k: float, x0: float) -> float:
    """``a g + (1 - a) l`` with ``l = 1 / (1 + exp(-k (raw - x0)))``; ``a g`` without ``raw``.

    ``g`` is a likeness in [0, 1], ``raw`` the sum of match confidences of a pair on the
    shortlist, ``None`` of another or of one that could not be compared.

    >>> fused(0.5, 10.0, a=0.5, k=0.2, x0=10.0)
    0.5
    >>> fused(0.5, None, a=0.5, k=0.2, x0=10.0)
    0.25
    """
    if raw is None:
        return a * g
    # A logistic function by tanh, which cannot overflow.
    return a * g + (1 - a) * 0.5 * (1 + math.tanh(k * (raw - x0) / 2))
