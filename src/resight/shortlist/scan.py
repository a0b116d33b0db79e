"""Exact comparison of a query's descriptors with those of some hundreds of photos.

The score of a photo is the sum of ``1 - nearest / second nearest`` over the mutual
nearest neighbours whose ratio is below 0.9 (Lowe 2004, with a looser ratio than a
matcher's): of the cheap scores tried it kept the right animal most often. Pairwise
geometry of the matches, background-normalised distances (LNBNN) and descriptors
that had passed LightGlue's first self-attention did not do better (docs/speed.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATIO = 0.9
#: Photos compared at once: their products stay in the processor's cache.
_AT_ONCE = 4


def scan(
    query: NDArray[np.float32],
    descriptors: NDArray[np.float16],
    counts: NDArray[np.int64],
    slots: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Scores (S,) of the photos in ``slots`` (S,).

    ``query`` (N, D) unit vectors; ``descriptors`` (slots, K, D) and ``counts`` (slots,)
    as of ``PackedDescriptors``. A photo without descriptors scores 0.
    """
    scores = np.zeros(len(slots), np.float32)
    if not len(query):
        return scores
    # In the order of the file, which then is read once from front to back.
    order = np.argsort(slots, kind="stable")
    # One piece of memory for all: to touch fresh memory costs more than to compute in it.
    products = np.empty(len(query) * _AT_ONCE * descriptors.shape[1], np.float32)
    for start in range(0, len(order), _AT_ONCE):
        rows = order[start : start + _AT_ONCE]
        some = slots[rows]
        scores[rows] = _compare(query, descriptors[some], counts[some], products)
    return scores


def _compare(
    query: NDArray[np.float32],
    photos: NDArray[np.float16],
    counts: NDArray[np.int64],
    products: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Scores of photos (P, K, D) of which the first ``counts`` (P,) descriptors are real.

    ``products`` is room for N x P x K numbers and is written over.
    """
    p, k, d = photos.shape
    room = products[: len(query) * p * k].reshape(len(query), p * k)
    np.matmul(query, photos.astype(np.float32).reshape(p * k, d).T, out=room)
    similarity = room.reshape(len(query), p, k)
    if (counts < k).any():
        similarity[:, np.arange(k) >= counts[:, None]] = -np.inf
    nearest = similarity.argmax(2)[..., None]
    first = np.take_along_axis(similarity, nearest, 2)[..., 0]
    best = similarity.max(0)  # of each gallery descriptor
    mutual = first >= np.take_along_axis(best, nearest[..., 0].T, 1).T
    np.put_along_axis(similarity, nearest, -np.inf, 2)
    second = similarity.max(2)
    # Squared distances of unit vectors are 2 - 2 * similarity; -inf: there is no second.
    known = mutual & (second < 1) & np.isfinite(second)
    ratio = np.ones_like(first)
    np.divide(np.maximum(1 - first, 0), 1 - second, out=ratio, where=known)
    np.sqrt(ratio, out=ratio)
    total: NDArray[np.float32] = np.where(ratio < RATIO, 1 - ratio, np.float32(0)).sum(0)
    return total
