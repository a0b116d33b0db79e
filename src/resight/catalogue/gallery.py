"""The catalogue as identification needs it: who is there, and their features."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from resight.catalogue import queries
from resight.catalogue.arrays import FeatureStore
from resight.catalogue.names import box_text
from resight.catalogue.originals import Originals
from resight.catalogue.records import AnnotationRecord
from resight.catalogue.store import Store
from resight.errors import PhotoError
from resight.extractors import Extractor
from resight.photos import read_photo
from resight.types import Chip, Features, GalleryEntry

logger = logging.getLogger(__name__)

#: Chips extracted together: enough for a network to work well, little memory.
_BATCH = 8


def entries(records: Sequence[AnnotationRecord]) -> list[GalleryEntry]:
    """The annotations among which to search: visible ones of known individuals."""
    return [
        GalleryEntry(
            annotation=record.id,
            individual=record.individual,
            photo=record.photo.sha256,
            side=record.side,
            encounter=record.encounter,
        )
        for record in records
        if record.individual and not record.hidden
    ]


class GalleryFeatures:
    """Features of annotations by one extractor: loaded, or made and kept."""

    def __init__(
        self,
        store: Store,
        originals: Originals,
        extractor: Extractor,
        *,
        long_edge: int,
        margin: float,
    ) -> None:
        from resight.chips import chip_fingerprint  # loads OpenCV

        self._catalogue = store
        self._originals = originals
        self._extractor = extractor
        self._long_edge = long_edge
        self._margin = float(margin)
        self._store = FeatureStore(
            originals.folder.parent,
            f"{extractor.fingerprint} | {chip_fingerprint(long_edge=long_edge, margin=margin)}",
        )

    def of(self, records: Sequence[AnnotationRecord | None]) -> Iterator[Features | None]:
        """Features of each annotation, in order; ``None`` for none and for a lost original."""
        for start in range(0, len(records), _BATCH):
            yield from self._batch(records[start : start + _BATCH])

    def _batch(self, records: Sequence[AnnotationRecord | None]) -> list[Features | None]:
        found: list[Features | None] = []
        lacking: list[tuple[int, AnnotationRecord, Chip]] = []
        for index, record in enumerate(records):
            found.append(None)
            if record is None:
                continue
            found[index] = self._store.load(record.photo.sha256, _region(record))
            chip = self._chip(record) if found[index] is None else None
            if chip is not None:
                lacking.append((index, record, chip))
        if lacking:
            made = self._extractor.extract([chip for _, _, chip in lacking])
            for (index, record, _), features in zip(lacking, made, strict=True):
                found[index] = self._store.save(record.photo.sha256, _region(record), features)
            for index in self._purged(records, [index for index, _, _ in lacking]):
                found[index] = None
        return found

    def _purged(
        self, records: Sequence[AnnotationRecord | None], saved: Sequence[int]
    ) -> Iterator[int]:
        """Those just saved whose photo is gone; nothing is kept of them."""
        # A purge of which this sees nothing yet will find the files when it removes them.
        with self._catalogue.reading() as connection:
            for index in saved:
                record = records[index]
                if record and not queries.holds_photo(connection, record.photo.sha256):
                    self._store.remove(record.photo.sha256, _region(record))
                    yield index

    def _chip(self, record: AnnotationRecord) -> Chip | None:
        from resight.chips import make_chip  # loads OpenCV

        path = self._originals.path(record.photo.sha256, record.photo.format)
        try:
            photo, pixels = read_photo(path)
        except PhotoError as error:
            self._warn_of(record, str(error))
            return None
        if photo.sha256 != record.photo.sha256:
            self._warn_of(record, f"{path} is not the photo that was added")
            return None
        return make_chip(
            pixels,
            record.box,
            rotation=record.rotation,
            margin=self._margin,
            long_edge=self._long_edge,
        )

    def _warn_of(self, record: AnnotationRecord, why: str) -> None:
        """Say that an original is lost or damaged, unless the photo was just purged."""
        # A purge is committed before its files are removed.
        with self._catalogue.reading() as connection:
            if not queries.holds_photo(connection, record.photo.sha256):
                return
        logger.warning(
            "photo %s is left out, its original is lost or damaged: %s: run `resight check`, and "
            "add the photo again from its source to put it back",
            record.name,
            why,
        )


def _region(record: AnnotationRecord) -> str:
    return f"{box_text(record.box)}|{record.rotation!r}"
