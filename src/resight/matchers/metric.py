"""Metric learning: a projection of embeddings that brings one's own individuals together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resight.errors import SettingsError, TooLittleLearned
from resight.fingerprints import fingerprint
from resight.matchers import EMBEDDINGS, check_embeddings, no_match, whole_match
from resight.types import Features, GalleryEntry, Matches, sides_meet

Floats = NDArray[np.float32]

_MARGIN, _SCALE = 0.25, 128.0  # of the circle loss: the paper's for recognising people again
_COMPONENTS, _DIMENSIONS = 256, 128  # kept of the embeddings, and of the projection
_STEPS, _ANCHORS, _RATE = 200, 256, 1e-2
_HOLD = 1e-1  # pull towards the start, or few photos would be learned by heart
_SEED = 1


class Metric:
    """Compares embeddings after a linear projection learned from the gallery's own individuals.

    The circle loss (Y. Sun et al., "Circle Loss: A Unified Perspective of Pair Similarity
    Optimization", CVPR 2020, https://arxiv.org/abs/2002.10857) pulls photos of one individual
    in two encounters together and pushes other individuals away. We differ in training a
    projection to 128 numbers only, by Adam, in NumPy: the network that made the embeddings
    stays as it is, and so do the features that a catalogue keeps.

    It must learn before it matches (``learned``); ``resight.teaching`` sees to that.
    """

    accepts = EMBEDDINGS

    def __init__(self) -> None:
        self.fingerprint = fingerprint(
            "metric.v1", hold=_HOLD, margin=_MARGIN, rate=_RATE, scale=_SCALE, steps=_STEPS
        )

    def __repr__(self) -> str:
        return "Metric()"

    def learned(self, photos: Sequence[tuple[GalleryEntry, Features]]) -> LearnedMetric:
        """The matcher that has learned from photos, each with one embedding.

        Takes seconds. Raises ``SettingsError`` where fewer than two individuals were seen in
        two known encounters from sides that can show the same.
        """
        return LearnedMetric(photos)

    def match(self, query: Features, gallery: Sequence[Features]) -> list[Matches]:  # noqa: ARG002
        raise SettingsError(
            "metric has not learned from a gallery yet: use resight.teaching.taught_by"
        )


class LearnedMetric:
    """One match of the query with each photo, of score (1 + cosine of the projections) / 2."""

    accepts = EMBEDDINGS

    def __init__(self, photos: Sequence[tuple[GalleryEntry, Features]]) -> None:
        self._photos = tuple(photos)
        entries = [entry for entry, _ in self._photos]
        same, other = _pairs(entries)
        vectors = np.stack([features.descriptors[0] for _, features in self._photos])
        self._head = learn_head(vectors, same, other)
        digest = hashlib.sha256(vectors.tobytes())
        digest.update(repr([(e.individual, e.encounter, e.side) for e in entries]).encode())
        self.fingerprint = Metric().fingerprint
        self.digest = digest.hexdigest()

    def without(self, *, encounter: str, photo: str, individual: str) -> LearnedMetric:
        """As ``LearnedMatcher.without``."""
        kept = [
            (entry, features)
            for entry, features in self._photos
            if not (encounter and entry.encounter == encounter)
            and not (photo and entry.photo == photo)
            and not (individual and entry.individual == individual)
        ]
        if len(kept) == len(self._photos):
            return self
        try:
            return LearnedMetric(kept)
        except SettingsError as error:
            raise TooLittleLearned(
                "metric cannot learn without the query's own photo, encounter or individual: too "
                "few others were seen twice; ask after more were added, or use the matcher cosine"
            ) from error

    def match(self, query: Features, gallery: Sequence[Features]) -> list[Matches]:
        check_embeddings("metric", query, gallery)
        matches = [no_match()] * len(gallery)
        there = [index for index, features in enumerate(gallery) if len(features)]
        if len(query) and there:
            asked = self._head.project(query.descriptors)[0]
            known = self._head.project(np.stack([gallery[i].descriptors[0] for i in there]))
            for index, vector in zip(there, known, strict=True):
                matches[index] = whole_match(float(asked @ vector))
        return matches


@dataclass(frozen=True, eq=False)
class Head:
    """``mean`` (D,), ``weights`` (D, d)."""

    mean: Floats
    weights: Floats

    def project(self, vectors: Floats) -> Floats:
        """(N, D) embeddings as (N, d) unit vectors."""
        projected = np.asarray((vectors - self.mean) @ self.weights, np.float32)
        return _unit(projected)[0]


def learn_head(vectors: Floats, same: NDArray[np.bool_], other: NDArray[np.bool_]) -> Head:
    """The projection of embeddings (N, D) for which pairs of ``same`` (N, N) are alike.

    ``other`` (N, N) are the pairs that shall not be. It starts from the principal components,
    each divided by its spread as far as that exceeds the mean one.
    """
    mean = vectors.mean(0)
    _, spread, axes = np.linalg.svd(vectors - mean, full_matrices=False)
    axes = axes[:_COMPONENTS]
    variance = spread[:_COMPONENTS] ** 2 / len(vectors)
    basis = (axes / np.sqrt(variance + variance.mean())[:, None]).T.astype(np.float32)
    inputs = (vectors - mean) @ basis
    start = np.eye(inputs.shape[1], min(_DIMENSIONS, inputs.shape[1]), dtype=np.float32)
    weights, adam = start.copy(), _Adam(start.shape)
    random = np.random.default_rng(_SEED)
    anchors = np.flatnonzero(same.any(1))
    for _ in range(_STEPS):
        some = np.sort(random.permutation(anchors)[:_ANCHORS])
        slope = _slope(inputs, weights, some, same[some], other[some])
        weights -= adam.step(slope + _HOLD * (weights - start))
    return Head(mean, basis @ weights)


def circle_loss(
    similarity: Floats, same: NDArray[np.bool_], other: NDArray[np.bool_]
) -> tuple[float, Floats]:
    """Mean loss of anchors with (A, N) similarities to photos, and its slope (A, N).

    The paper's equation 6. As there, the weights of pairs are constants to the slope. Every
    anchor needs a photo that is the ``same``.
    """
    of_same = np.maximum(1 + _MARGIN - similarity, 0)
    of_other = np.maximum(similarity + _MARGIN, 0)
    lack = np.where(same, -_SCALE * of_same * (similarity - (1 - _MARGIN)), -np.inf)
    excess = np.where(other, _SCALE * of_other * (similarity - _MARGIN), -np.inf)
    total_lack, share_lack = _softmax(lack)
    total_excess, share_excess = _softmax(excess)
    both = total_lack + total_excess
    loss = np.logaddexp(0, both)
    rate = np.exp(both - loss)  # sigmoid
    slope = _SCALE * rate[:, None] * (share_excess * of_other - share_lack * of_same)
    return float(loss.mean()), (slope / len(slope)).astype(np.float32)


def _slope(
    inputs: Floats,
    weights: Floats,
    some: NDArray[np.intp],
    same: NDArray[np.bool_],
    other: NDArray[np.bool_],
) -> Floats:
    """Of the loss by ``weights``, for the anchors ``some``."""
    unit, length = _unit(inputs @ weights)
    _, by_similarity = circle_loss(unit[some] @ unit.T, same, other)
    by_unit = by_similarity.T @ unit[some]
    by_unit[some] += by_similarity @ unit
    along = (by_unit * unit).sum(1, keepdims=True)
    by_weights: Floats = inputs.T @ ((by_unit - along * unit) / length)
    return by_weights


class _Adam:
    """Kingma and Ba, "Adam", 2015, https://arxiv.org/abs/1412.6980."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._mean, self._square = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self._steps = 0

    def step(self, slope: Floats) -> Floats:
        """What to subtract."""
        self._steps += 1
        self._mean += 0.1 * (slope - self._mean)
        self._square += 0.001 * (slope**2 - self._square)
        mean = self._mean / (1 - 0.9**self._steps)
        square = self._square / (1 - 0.999**self._steps)
        change: Floats = _RATE * mean / (np.sqrt(square) + 1e-8)
        return change


def _pairs(entries: Sequence[GalleryEntry]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of (N, N) pairs are of one individual in two encounters, and which of two."""
    names = np.array([entry.individual for entry in entries])
    occasions = np.array([entry.encounter for entry in entries])
    alike = names[:, None] == names
    known = occasions != ""
    same = alike & (occasions[:, None] != occasions) & known & known[:, None]
    for i, j in np.argwhere(same):
        same[i, j] = sides_meet(entries[i].side, entries[j].side, "compatible")
    if len(set(names[same.any(1)])) < 2:
        raise SettingsError(
            "metric learns from individuals with photos of two encounters in which the same "
            "side can be seen, and the gallery has fewer than two: add photos and say their "
            "encounters, or use the matcher cosine"
        )
    return same, ~alike


def _unit(vectors: Floats) -> tuple[Floats, Floats]:
    """Vectors of unit length, and the lengths (N, 1) they had."""
    length = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return vectors / length, length


def _softmax(values: Floats) -> tuple[Floats, Floats]:
    """The logarithm of the sum of each row's exponentials, and each one's share of it."""
    highest = values.max(1, keepdims=True)
    highest = np.where(np.isfinite(highest), highest, 0)
    powers = np.exp(values - highest)
    total = powers.sum(1, keepdims=True)
    with np.errstate(divide="ignore"):  # a row of no pairs: -inf, and no shares
        logarithm = np.log(total) + highest
    return logarithm[:, 0], powers / np.maximum(total, np.finfo(np.float32).tiny)
