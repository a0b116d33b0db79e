"""The catalogue as identification needs it: who is there, and their features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from resight.catalogue.arrays import FeatureStore
from resight.catalogue.names import box_text
from resight.catalogue.originals import Originals
from resight.catalogue.records import AnnotationRecord
from resight.errors import CatalogueDamaged, PhotoError
from resight.extractors import Extractor
from resight.photos import read_photo
from resight.types import Chip, Features, GalleryEntry

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
        catalogue: Path,
        originals: Originals,
        extractor: Extractor,
        *,
        long_edge: int,
        margin: float,
    ) -> None:
        from resight.chips import chip_fingerprint  # loads OpenCV

        self._originals = originals
        self._extractor = extractor
        self._long_edge = long_edge
        self._margin = float(margin)
        self._store = FeatureStore(
            catalogue,
            f"{extractor.fingerprint} | {chip_fingerprint(long_edge=long_edge, margin=margin)}",
        )

    def of(self, records: Sequence[AnnotationRecord]) -> Iterator[Features]:
        """Features of each annotation, in order.

        Raises ``CatalogueDamaged`` where an original is lost or damaged.
        """
        for start in range(0, len(records), _BATCH):
            yield from self._batch(records[start : start + _BATCH])

    def _batch(self, records: Sequence[AnnotationRecord]) -> list[Features]:
        found = [self._store.load(record.photo.sha256, _region(record)) for record in records]
        missing = [index for index, features in enumerate(found) if features is None]
        if missing:
            made = self._extractor.extract([self._chip(records[index]) for index in missing])
            for index, features in zip(missing, made, strict=True):
                record = records[index]
                found[index] = self._store.save(record.photo.sha256, _region(record), features)
        return [features for features in found if features is not None]

    def _chip(self, record: AnnotationRecord) -> Chip:
        from resight.chips import make_chip  # loads OpenCV

        path = self._originals.path(record.photo.sha256, record.photo.format)
        advice = "run check, and add the photo again from its source to put it back"
        try:
            photo, pixels = read_photo(path)
        except PhotoError as error:
            raise CatalogueDamaged(f"an original is lost or damaged: {error}: {advice}") from error
        if photo.sha256 != record.photo.sha256:
            raise CatalogueDamaged(f"{path} is not the photo that was added: {advice}")
        return make_chip(
            pixels,
            record.box,
            rotation=record.rotation,
            margin=self._margin,
            long_edge=self._long_edge,
        )


def _region(record: AnnotationRecord) -> str:
    return f"{box_text(record.box)}|{record.rotation!r}"
