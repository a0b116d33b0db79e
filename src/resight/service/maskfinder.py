"""What the program takes for the animal, where nobody has said it."""

from __future__ import annotations

import threading

from resight.catalogue import AnnotationRecord, Catalogue
from resight.masks import Mask
from resight.photos import read_photo
from resight.registry import build_segmenter
from resight.segment import Segmenter
from resight.settings import Settings


class MaskFinder:
    """The segmenter of a server, loaded when first asked. Safe to use from several threads."""

    def __init__(self, catalogue: Catalogue, settings: Settings) -> None:
        self._catalogue = catalogue
        self._settings = settings
        self._lock = threading.Lock()
        self._segmenter: Segmenter | None = None

    def find(self, record: AnnotationRecord) -> Mask | None:
        """Where searches see the animal of an annotation without a mask of its own.

        ``None`` where they see all of the box: the setting ``segment`` is none, or the animal was
        not found, or not surely. Raises what loading a segmenter and reading a photo raise.
        """
        with self._lock:
            if self._segmenter is None:
                self._segmenter = build_segmenter(self._settings)
            segmenter = self._segmenter
        if segmenter is None:
            return None
        from resight.chips import make_chip  # loads OpenCV
        from resight.extractors.foreground import animal_of

        chip = make_chip(
            read_photo(self._catalogue.original(record.photo.sha256)).pixels,
            record.box,
            rotation=record.rotation,
            margin=self._settings.margin,
            long_edge=self._settings.long_edge,
        )
        (found,) = segmenter.masks([chip])
        animal = animal_of(found, chip.size)
        return None if animal is None else Mask.of_chip(chip, animal)
