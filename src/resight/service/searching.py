"""Asking who is on annotations: one search of the catalogue for all, one question at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resight.catalogue import Catalogue
from resight.errors import CatalogueDamaged, NotFound
from resight.method import Method
from resight.pooling import Pooled, pool
from resight.queries import Pair, PhotoQuery
from resight.registry import build_method
from resight.search import PhotoSearch
from resight.settings import Settings
from resight.types import Identification

#: Photos that somebody's question may describe on the way; more are left to a job.
_DESCRIBED_AT_ONCE = 40


@dataclass(frozen=True, eq=False)
class Asked:
    """A photo that was asked about, and the answer."""

    annotation: str
    query: PhotoQuery
    answer: Identification


@dataclass(frozen=True, eq=False)
class Found:
    """The answer about annotations, and where each pair of it matches."""

    annotations: list[str]
    pooled: Pooled
    pairs: dict[tuple[str, str], Pair]


class Searcher:
    """The search of a server. Loaded at the first question, which takes some seconds.

    Questions wait for each other, since one uses all processor cores.
    """

    def __init__(self, catalogue: Catalogue, settings: Settings) -> None:
        self.catalogue = catalogue
        self.settings = settings
        self._method: Method | None = None
        self._search: PhotoSearch | None = None
        self._turn = threading.Lock()

    @contextmanager
    def searching(self) -> Iterator[PhotoSearch]:
        """The search, for oneself alone until the end of the ``with`` block."""
        with self._turn:
            if self._search is None:
                self._search = self._loaded(waits_for=_DESCRIBED_AT_ONCE)
            yield self._search

    def for_bulk(self) -> PhotoSearch:
        """Another search of the same method, for work that changes what a search has learned."""
        with self.searching():
            pass  # the method is loaded now
        return self._loaded(waits_for=None)

    def ask(self, annotation: str) -> Asked:
        """Ask who is on an annotation.

        Raises ``NotFound`` for one that is not there, ``CatalogueDamaged`` where an original
        is lost, and what loading a method raises.
        """
        with self.searching() as search:
            query = search.read_annotation(annotation)
            return Asked(annotation, query, search.identify(query))

    def found(self, asked: Sequence[Asked]) -> Found:
        """One answer of those about an encounter's photos (``pool``)."""
        pooled = pool({each.annotation: each.answer for each in asked})
        queries = {each.annotation: each.query for each in asked}
        with self.searching() as search:
            return Found(list(queries), pooled, dict(_pairs(search, queries, pooled)))

    def compare(self, query: str, annotation: str) -> Pair:
        """Two annotations matched in full."""
        with self.searching() as search:
            asked = search.read_annotation(query)
            return search.pair(asked, search.compare(asked, annotation))

    def picture(self, query: str, annotation: str) -> NDArray[np.uint8]:
        """Two annotations side by side with all their matches: (h, w, 3) uint8 RGB."""
        with self.searching() as search:
            asked = search.read_annotation(query)
            return search.pair_picture(asked, search.compare(asked, annotation))

    def _loaded(self, *, waits_for: int | None) -> PhotoSearch:
        values = self.settings
        if self._method is None:
            self._method = build_method(values.method, values)
        return PhotoSearch(
            catalogue=self.catalogue,
            method=self._method,
            side_policy=values.side_policy,
            effort=values.effort,
            new_prior=values.new_prior,
            wanted_error=values.wanted_error,
            waits_for=waits_for,
        )


def _pairs(
    search: PhotoSearch, queries: dict[str, PhotoQuery], pooled: Pooled
) -> Iterator[tuple[tuple[str, str], Pair]]:
    for candidate in (*pooled.candidates, *pooled.passed_over):
        for query, evidence in candidate.evidence:
            try:
                yield (query, evidence.annotation), search.pair(queries[query], evidence)
            except (NotFound, CatalogueDamaged):  # purged or corrected since it was compared
                continue
