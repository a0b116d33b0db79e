"""Matchers: keypoints of a query against those of gallery photos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from resight.errors import IncompatibleFeatures
from resight.types import Features, GalleryEntry, Matches

#: ``accepts`` of a matcher that takes any family, if query and gallery agree.
ANY_FAMILY: frozenset[str] = frozenset({"*"})
#: The family of extractors that give a photo one vector, of unit length (``cosine``).
EMBEDDINGS = frozenset({"embedding"})


@runtime_checkable
class Matcher(Protocol):
    """Matches one query with many gallery photos.

    ``accepts`` are the feature families it was made for (or ``ANY_FAMILY``); any
    other, or a gallery photo whose family differs from the query's, raises
    ``IncompatibleFeatures``. The result keeps the gallery's order, does not
    depend on which photos are matched in the same call, and is empty where
    either side has no keypoints. Safe to call from several threads.
    """

    accepts: frozenset[str]
    fingerprint: str

    def match(self, query: Features, gallery: Sequence[Features]) -> list[Matches]:
        """Matches of the query with each gallery photo."""
        ...


@runtime_checkable
class LearnedMatcher(Matcher, Protocol):
    """A matcher that has learned from gallery photos.

    Its ``fingerprint`` is the same whatever they were; ``digest`` (hexadecimal) says that.
    """

    digest: str

    def without(self, *, encounter: str, photo: str, individual: str) -> Matcher:
        """What would have been learned without these photos (empty: none to leave out).

        Raises ``TooLittleLearned`` where too few others are left.
        """
        ...


@runtime_checkable
class LearningMatcher(Matcher, Protocol):
    """A matcher that must learn from a gallery before it matches."""

    def learned(self, photos: Sequence[tuple[GalleryEntry, Features]]) -> LearnedMatcher:
        """The matcher that has learned from these photos, each with who it shows."""
        ...


def whole_match(similarity: float) -> Matches:
    """What a matcher of whole photos gives: one match with the score (1 + similarity) / 2.

    ``similarity`` in [-1, 1], -1 for opposites; rounding beyond that is cut off.
    """
    score = np.clip((1 + similarity) / 2, 0, 1)
    return Matches(np.zeros((1, 2), np.int32), np.array([score], np.float32), whole=True)


def no_match() -> Matches:
    """No matches, and no confidences."""
    return Matches(np.zeros((0, 2), np.int32), np.zeros(0, np.float32))


def check_embeddings(matcher: str, query: Features, gallery: Sequence[Features]) -> None:
    """Raise ``IncompatibleFeatures`` unless all are embeddings of one length."""
    length = query.descriptors.shape[1]
    for features in (query, *gallery):
        if features.family not in EMBEDDINGS or features.descriptors.shape[1] != length:
            raise IncompatibleFeatures(
                f"{matcher} compares embeddings of {length} numbers, not features of "
                f"{features.family} with {features.descriptors.shape[1]}: extract both with the "
                "same method, such as efficientnet-lite0"
            )
