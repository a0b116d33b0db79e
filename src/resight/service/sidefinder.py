"""Which side photos show: proposed by what the catalogue taught, for people to take or leave."""

from __future__ import annotations

import threading
from pathlib import Path

from resight.catalogue import AnnotationRecord, Catalogue
from resight.settings import Settings
from resight.siding import SIDES, ProposedSide, SideFinder, kept_sides
from resight.taught import kept_models


class SideProposer:
    """What a server has learned of sides, loaded when first asked for. Safe to use from several
    threads."""

    def __init__(self, catalogue: Catalogue, settings: Settings) -> None:
        self._catalogue = catalogue
        self._settings = settings
        self._lock = threading.Lock()
        self._finder: SideFinder | None = None
        self._known: tuple[Path, ...] = ()

    def propose(self, record: AnnotationRecord) -> ProposedSide | None:
        """The likeliest side of an annotation; ``None`` where nothing was learned yet.

        Raises what loading the network and reading a photo raise.
        """
        with self._lock:
            models = kept_models(self._catalogue, SIDES)
            if models != self._known:
                self._finder = kept_sides(self._catalogue, self._settings)
                self._known = models
            finder = self._finder
        return finder.propose(record) if finder else None
