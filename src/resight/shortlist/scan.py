"""Exact comparison of a query's descriptors with those of some hundreds of photos.

The score of a photo is the sum of ``1 - nearest / second nearest`` over the mutual
nearest neighbours whose ratio is below 0.9 (Lowe 2004, with a looser ratio than a
matcher's): of the cheap scores tried it kept the right animal most often. Pairwise
geometry of the matches, background-normalised distances (LNBNN) and descriptors
that had passed LightGlue's first self-attention did not do better (docs/speed.md).
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

RATIO = 0.9
#: Photos compared at once: their distances stay in the processor's cache.
_AT_ONCE = 4
#: So many of the query's descriptors are never too many to compare.
_FEW = 128


def scan(
    query: NDArray[np.float32],
    descriptors: NDArray[np.float16],
    counts: NDArray[np.int64],
    slots: NDArray[np.int64],
    *,
    closely: int | None = None,
    threads: int = 1,
) -> NDArray[np.float32]:
    """Scores (S,) of the photos in ``slots`` (S,).

    ``query`` (N, D) unit vectors; ``descriptors`` (slots, K, D) and ``counts`` (slots,)
    as of ``PackedDescriptors``. A photo without descriptors scores 0. The scores are the same for
    any number of ``threads``.

    Of more photos than ``closely`` (1 or more) only so many are compared by all descriptors: those
    most alike by the first half of either photo's (128 of the query's at least), which is a quarter
    of the work. The others keep their order, below these.
    """
    if closely is None or len(slots) <= closely:
        return _scan(query, descriptors, counts, slots, threads)
    n, k = max(_FEW, len(query) // 2), descriptors.shape[1] // 2
    scores = _scan(query[:n], descriptors[:, :k], np.minimum(counts, k), slots, threads)
    order = np.argsort(-scores, kind="stable")
    best, others = order[:closely], order[closely:]
    scores[best] = _scan(query, descriptors, counts, slots[best], threads)
    highest = scores[others].max()
    if highest > 0:
        scores[others] *= min(1.0, scores[best].min() / highest)
    return scores


def _scan(
    query: NDArray[np.float32],
    descriptors: NDArray[np.float16],
    counts: NDArray[np.int64],
    slots: NDArray[np.int64],
    threads: int,
) -> NDArray[np.float32]:
    scores = np.zeros(len(slots), np.float32)
    if not len(query):
        return scores
    query = np.ascontiguousarray(query, np.float32)
    # In the order of the file, which then is read once from front to back.
    order = np.argsort(slots, kind="stable")
    own = threading.local()

    def begin() -> None:
        import faiss

        # The threads are ours: NumPy's would wait for each other at every product, which takes
        # three times as long when anything else runs.
        faiss.omp_set_num_threads(1)
        # One piece of memory for all: to touch fresh memory costs more than to compute in it.
        own.distances = np.empty(len(query) * _AT_ONCE * descriptors.shape[1], np.float32)

    def compare(start: int) -> None:
        rows = order[start : start + _AT_ONCE]
        some = slots[rows]
        scores[rows] = _compare(query, descriptors[some], counts[some], own.distances)

    with ThreadPoolExecutor(threads, "resight-scan", initializer=begin) as pool:
        for _ in pool.map(compare, range(0, len(order), _AT_ONCE)):
            pass  # raises what was raised
    return scores


def _compare(
    query: NDArray[np.float32],
    photos: NDArray[np.float16],
    counts: NDArray[np.int64],
    room: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Scores of photos (P, K, D) of which the first ``counts`` (P,) descriptors are real.

    ``room`` for N x P x K numbers is written over.
    """
    p, k, d = photos.shape
    distance = _squared_distances(query, photos.reshape(p * k, d), room).reshape(len(query), p, k)
    if (counts < k).any():
        distance[:, np.arange(k) >= counts[:, None]] = np.inf
    nearest = distance.argmin(2)[..., None]
    first = np.take_along_axis(distance, nearest, 2)[..., 0]
    least = distance.min(0)  # of each gallery descriptor
    mutual = first <= np.take_along_axis(least, nearest[..., 0].T, 1).T
    np.put_along_axis(distance, nearest, np.inf, 2)
    second = distance.min(2)
    known = mutual & (second > 0) & np.isfinite(second)  # inf: there is no second
    ratio = np.ones_like(first)
    np.divide(np.maximum(first, 0), second, out=ratio, where=known)
    np.sqrt(ratio, out=ratio)
    total: NDArray[np.float32] = np.where(ratio < RATIO, 1 - ratio, np.float32(0)).sum(0)
    return total


def _squared_distances(
    query: NDArray[np.float32], photos: NDArray[np.float16], room: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(N, M) between (N, D) and (M, D), in ``room``."""
    import faiss

    vectors = photos.astype(np.float32)
    n, m, d = len(query), *vectors.shape
    pointer = faiss.swig_ptr
    faiss.pairwise_L2sqr(d, n, pointer(query), m, pointer(vectors), pointer(room))
    return room[: n * m].reshape(n, m)
