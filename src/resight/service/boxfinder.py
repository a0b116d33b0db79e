"""Where animals are on photos: proposed by a detector, for people to take or leave."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from resight.boxing import BOXES, kept_detector
from resight.catalogue import AnnotationRecord, Catalogue
from resight.detect import LEAST, Detection, Detector
from resight.errors import Conflict
from resight.photos import read_photo
from resight.registry import SALIENT, build_detector
from resight.settings import Settings
from resight.taught import kept_models

#: The detector that the catalogue's own boxes teach.
CATALOGUE = "catalogue"


@dataclass(frozen=True)
class Proposed:
    """Boxes on a photo, the most sure first, and the ``detector`` that found them."""

    detector: str
    boxes: Sequence[Detection]


class BoxFinder:
    """The detectors of a server, loaded when first asked for. Safe to use from several threads."""

    def __init__(self, catalogue: Catalogue, settings: Settings) -> None:
        self._catalogue = catalogue
        self._settings = settings
        self._lock = threading.Lock()
        self._salient: Detector | None = None
        self._learned: Detector | None = None
        self._known: tuple[Path, ...] = ()

    def propose(self, record: AnnotationRecord, detector: str | None = None) -> Proposed:
        """Look at an annotation's whole photo.

        ``detector``: ``salient``, ``catalogue``, or by ``None`` the latter as soon as something
        was learned from the catalogue's boxes. Raises ``Conflict`` where nothing was and it is
        asked for, and what loading a detector and reading a photo raise.
        """
        name, finder = self._finder(detector)
        _, pixels = read_photo(self._catalogue.original(record.photo.sha256))
        return Proposed(name, [each for each in finder.detect(pixels) if each.score >= LEAST])

    def _finder(self, detector: str | None) -> tuple[str, Detector]:
        with self._lock:
            models = kept_models(self._catalogue, BOXES)
            if detector != SALIENT and models != self._known:
                self._learned = kept_detector(self._catalogue, self._settings)
                self._known = models
            if detector != SALIENT and self._learned is not None:
                return CATALOGUE, self._learned
            if detector == CATALOGUE:
                raise Conflict("nothing was learned from boxes yet: begin the job boxes first")
            if self._salient is None:
                self._salient = build_detector(SALIENT, self._settings)
            return SALIENT, self._salient
