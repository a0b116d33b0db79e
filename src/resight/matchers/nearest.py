"""Mutual nearest neighbours with Lowe's ratio test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from resight.errors import IncompatibleFeatures, SettingsError
from resight.fingerprints import fingerprint
from resight.matchers import ANY_FAMILY, no_match
from resight.types import Features, Matches


class NearestNeighbour:
    """Pairs of keypoints that are each other's nearest and clearly so.

    A query keypoint is kept if its nearest gallery descriptor is also nearest
    the other way round, and nearer than ``ratio`` times the second nearest
    (D. G. Lowe, "Distinctive Image Features from Scale-Invariant Keypoints",
    IJCV 2004, section 7.1); ``ratio`` 1 keeps all mutual neighbours. A photo
    with a single keypoint has no second nearest and so no match unless
    ``ratio`` is 1.

    Distances are Euclidean, of unit vectors where the metric is ``cosine``, and
    numbers of differing bits where it is ``hamming``. The score of a match is
    ``1 - nearest / second nearest``: 0 when the second is as near, 1 when the
    descriptors are equal. (Summed over a pair it told turtle heads apart better
    than the count of matches or the sum of cosines did.) There are no
    confidences, since an unmatched keypoint has no probability here.

    Any family is accepted, as long as query and gallery agree in family, metric
    and descriptor length. The work is one matrix product for each gallery photo.
    """

    accepts = ANY_FAMILY

    def __init__(self, *, ratio: float = 0.85) -> None:
        if not 0 < ratio <= 1:
            raise SettingsError(f"nearest: ratio must be in (0, 1], got {ratio}")
        self.ratio = ratio
        self.fingerprint = fingerprint("nearest.v1", ratio=ratio)

    def __repr__(self) -> str:
        return f"NearestNeighbour(ratio={self.ratio!r})"

    def match(self, query: Features, gallery: Sequence[Features]) -> list[Matches]:
        """Matches of the query with each gallery photo, by query index."""
        for position, features in enumerate(gallery):
            _check_compatible(query, features, position)
        vectors = _vectors(query)
        return [self._match_one(vectors, features) for features in gallery]

    def _match_one(self, query: NDArray[np.float32], features: Features) -> Matches:
        if len(query) == 0 or len(features) == 0:
            return no_match()
        squared = _squared_distances(query, _vectors(features))
        rows = np.arange(len(query))
        nearest = squared.argmin(axis=1)
        first = squared[rows, nearest]
        mutual = first <= squared.min(axis=0)[nearest]
        squared[rows, nearest] = np.inf
        second = squared.min(axis=1)

        ratios = np.ones_like(first)  # equally near (0/0), or no second: not distinctive
        np.divide(first, second, out=ratios, where=np.isfinite(second) & (second > 0))
        if features.metric != "hamming":  # whose distance is the squared one, up to a factor
            np.sqrt(ratios, out=ratios)
        kept = np.flatnonzero(mutual & ((ratios < self.ratio) | (self.ratio == 1)))
        # Query keypoints equally near to one gallery keypoint: the first, which is the better.
        _, once = np.unique(nearest[kept], return_index=True)
        kept = kept[np.sort(once)]
        pairs = np.stack([kept, nearest[kept]], axis=1).astype(np.int32)
        return Matches(pairs, 1 - ratios[kept])


def _check_compatible(query: Features, features: Features, position: int) -> None:
    for what, ours, theirs in (
        ("family", query.family, features.family),
        ("metric", query.metric, features.metric),
        ("descriptor length", query.descriptors.shape[1], features.descriptors.shape[1]),
    ):
        if ours != theirs:
            raise IncompatibleFeatures(
                f"gallery item {position} has {what} {theirs}, the query has {ours}: "
                "extract both with the same method"
            )


def _vectors(features: Features) -> NDArray[np.float32]:
    """(N, D) float32 whose Euclidean distances give the metric's."""
    if features.metric == "hamming":  # bits as ±1: squared distance is 4 × differing bits
        bits = np.unpackbits(features.descriptors, axis=1)
        return 2 * bits.astype(np.float32) - 1
    vectors = features.descriptors.astype(np.float32)
    if features.metric == "cosine":
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.maximum(length, np.finfo(np.float32).tiny)
    return vectors


def _squared_distances(
    query: NDArray[np.float32], gallery: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(N, M) squared Euclidean distances, by one matrix product."""
    squared: NDArray[np.float32] = query @ gallery.T
    squared *= -2
    squared += np.einsum("nd,nd->n", query, query)[:, None]
    squared += np.einsum("md,md->m", gallery, gallery)
    return np.maximum(squared, 0, out=squared)  # rounding
