"""Matchers: keypoints of a query against those of gallery photos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from resight.types import Features, Matches

#: ``accepts`` of a matcher that takes any family, if query and gallery agree.
ANY_FAMILY: frozenset[str] = frozenset({"*"})


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
