"""What matching one pair asks of a machine."""

from __future__ import annotations


def pair_operations(query: int, gallery: int, *, layers: int = 9, pairs: int = 1) -> float:
    """Floating-point operations of LightGlue's matrix products for one pair of photos.

    ``query`` and ``gallery`` keypoints; a multiplication and an addition are two operations.
    ``pairs``: how many photos the query meets at once, as its input step and its first
    attention to itself are shared. Counted is what has to be computed (the output projections
    are part of the weights), not softmax, norms and other elementwise work, some 10 % of the time.
    """
    d, descriptor, angles = 256, 128, 32
    points = query + gallery

    def self_attention(n: int) -> int:
        q_k_v, feed_forward = 2 * n * d * 3 * d, 2 * n * (2 * d * 2 * d + 2 * d * d)
        return q_k_v + feed_forward + 2 * (2 * n * n * d)

    def begin(n: int) -> int:
        return 2 * n * (descriptor * d + 2 * angles)

    cross = 2 * points * (2 * d * d + 2 * d * 2 * d + 2 * d * d) + 2 * 2 * (2 * query * gallery * d)
    shared = begin(query) + self_attention(query)
    own = begin(gallery) + (layers - 1) * self_attention(query) + layers * self_attention(gallery)
    assignment = 2 * points * (d * d + d) + 2 * query * gallery * d
    return own + layers * cross + assignment + shared / pairs
