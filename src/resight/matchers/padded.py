"""Photos of a batch padded to one number of points, for ``lightglue``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

#: Counts are rounded up to this: a new shape costs the engine some 10 ms the first time.
_ROUND = 64
#: Added to the attention and assignment scores of padding: exp of it is 0.
_MASKED = -1e4


def rounded(count: int) -> int:
    return -(-count // _ROUND) * _ROUND


@dataclass(frozen=True, eq=False)
class Side:
    """Query or gallery photos of a batch, padded to one number of points.

    tokens (B, N, D); cosines, sines (B, 1, N, D / heads); index (B, N) into the photo's own
    keypoints, -1 for padding and pruned points.
    """

    tokens: NDArray[np.float32]
    cosines: NDArray[np.float32]
    sines: NDArray[np.float32]
    index: NDArray[np.int64]

    @property
    def valid(self) -> NDArray[np.bool_]:
        return self.index >= 0

    @cached_property
    def bias(self) -> NDArray[np.float32]:
        """(B, 1, 1, N): added to the attention that the points receive."""
        bias: NDArray[np.float32] = np.where(self.valid, np.float32(0), np.float32(_MASKED))
        return bias[:, None, None]

    def repeat(self, times: int) -> Side:
        return Side(
            np.repeat(self.tokens, times, 0),
            np.repeat(self.cosines, times, 0),
            np.repeat(self.sines, times, 0),
            np.repeat(self.index, times, 0),
        )

    def first(self, rows: int) -> Side:
        return Side(self.tokens[:rows], self.cosines[:rows], self.sines[:rows], self.index[:rows])

    def only(self, rows: NDArray[np.bool_]) -> Side:
        return Side(self.tokens[rows], self.cosines[rows], self.sines[rows], self.index[rows])

    def kept(self, keep: NDArray[np.bool_]) -> Side:
        """Without the points not kept; narrower where that saves a multiple of 64."""
        index = np.where(keep, self.index, -1)
        width = rounded(max(int((index >= 0).sum(1).max()), 1))
        if width >= index.shape[1]:
            return replace(self, index=index)
        # A stable sort brings the valid points to the front in their order.
        order = np.argsort(index < 0, axis=1, kind="stable")[:, :width]
        return Side(
            np.take_along_axis(self.tokens, order[..., None], 1),
            np.take_along_axis(self.cosines, order[:, None, :, None], 2),
            np.take_along_axis(self.sines, order[:, None, :, None], 2),
            np.take_along_axis(index, order, 1),
        )


@dataclass(frozen=True, eq=False)
class Batch:
    """Pairs that still run: their row in the batch and how many points they began with."""

    rows: NDArray[np.int64]
    points: NDArray[np.int64]
    query: Side
    gallery: Side

    def only(self, rows: NDArray[np.bool_]) -> Batch:
        if rows.all():
            return self
        return Batch(
            self.rows[rows], self.points[rows], self.query.only(rows), self.gallery.only(rows)
        )

    @property
    def tokens_and_bias(self) -> dict[str, NDArray[np.float32]]:
        return {
            "tokens0": self.query.tokens,
            "tokens1": self.gallery.tokens,
            "bias0": self.query.bias,
            "bias1": self.gallery.bias,
        }
