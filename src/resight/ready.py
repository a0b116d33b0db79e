"""A catalogue's gallery as far as it is described, so that nobody's search waits for the rest."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

from resight.catalogue import Catalogue
from resight.extractors import Extractor
from resight.method import Method
from resight.types import Features, GalleryEntry, Identification

#: Why photos are left out of a search, beside ``resight.identify.LEFT_OUT``.
NOT_DESCRIBED = "not described yet"


class ReadyGallery:
    """The gallery without the photos that a method has not described yet, if there are many.

    Up to ``most`` are left in, for the search to describe. A ``Gallery``; safe to use from several
    threads.
    """

    def __init__(self, catalogue: Catalogue, method: Method, most: int) -> None:
        self._catalogue = catalogue
        self._method = method
        self._most = most
        self._lock = threading.Lock()
        self._all: tuple[GalleryEntry, ...] = ()
        self._lacking: frozenset[str] = frozenset()

    def lacking(self) -> frozenset[str]:
        """The annotations that are left out now: none, or more than ``most``."""
        method, entries = self._method, self._catalogue.entries()
        with self._lock:
            looked_at = entries is self._all  # the same tuple until something is decided
            among = self._lacking if looked_at else [each.annotation for each in entries]
            if among:
                self._lacking = self._catalogue.not_described(
                    among, method.extractor, long_edge=method.long_edge, margin=method.margin
                )
            self._all = entries
            return self._lacking if len(self._lacking) > self._most else frozenset()

    def entries(self) -> Sequence[GalleryEntry]:
        """All that may be searched now."""
        lacking = self.lacking()
        entries = self._catalogue.entries()
        return [each for each in entries if each.annotation not in lacking] if lacking else entries

    def features(
        self, annotations: Sequence[str], extractor: Extractor, /, *, long_edge: int, margin: float
    ) -> Iterator[Features | None]:
        """As ``Catalogue.features``."""
        return self._catalogue.features(annotations, extractor, long_edge=long_edge, margin=margin)


def without_some(answer: Identification, lacking: int) -> Identification:
    """An answer that so many photos had no part in, as they are not described yet."""
    unjudged = answer.without_probabilities(
        f"not told while {lacking} photos are still to be described: ask again later"
    )
    return replace(unjudged, left_out={**answer.left_out, NOT_DESCRIBED: lacking})
