"""Cosine of two embeddings of whole photos."""

from __future__ import annotations

from collections.abc import Sequence

from resight.fingerprints import fingerprint
from resight.matchers import EMBEDDINGS, check_embeddings, no_match, whole_match
from resight.types import Features, Matches


class Cosine:
    """One match of the query with each photo, of score (1 + cosine) / 2.

    For features of the family ``embedding``: one unit vector for each photo. There is nothing
    to see in its answers but the number.
    """

    accepts = EMBEDDINGS

    def __init__(self) -> None:
        self.fingerprint = fingerprint("cosine.v1")

    def __repr__(self) -> str:
        return "Cosine()"

    def match(self, query: Features, gallery: Sequence[Features]) -> list[Matches]:
        check_embeddings("cosine", query, gallery)
        return [
            whole_match(float(query.descriptors[0] @ features.descriptors[0]))
            if len(query) and len(features)
            else no_match()
            for features in gallery
        ]
