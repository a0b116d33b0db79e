"""The catalogue as identification needs it: who is there, and their features."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from resight.catalogue import queries
from resight.catalogue.arrays import FeatureStore
from resight.catalogue.names import box_text
from resight.catalogue.originals import Originals
from resight.catalogue.records import AnnotationRecord, Prepared
from resight.catalogue.store import Store
from resight.engine import available_cores
from resight.errors import PhotoError
from resight.extractors import Extractor, describes_whole
from resight.masks import mask_text, masked
from resight.photos import read_photo
from resight.shortlist.index import Progress, Shortlist
from resight.types import Chip, Features, GalleryEntry

logger = logging.getLogger(__name__)

#: Chips extracted together: enough for a network to work well, little memory.
_BATCH = 8


def entries(records: Sequence[AnnotationRecord]) -> list[GalleryEntry]:
    """The gallery as identification sees it."""
    return [
        GalleryEntry(
            annotation=record.id,
            individual=record.individual,
            photo=record.photo.sha256,
            side=record.side,
            encounter=record.encounter,
            region=hashlib.sha256(_region(record).encode()).hexdigest()[:8],
        )
        for record in searched(records)
    ]


class Entries:
    """The gallery of a store, read again only after a change: a decision may grow by more."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: tuple[int, tuple[GalleryEntry, ...]] = (-1, ())

    def current(self) -> tuple[GalleryEntry, ...]:
        """The same tuple as before where nothing was changed since, by any process."""
        with self._store.reading() as connection:
            known, latest = self._known, queries.latest_change(connection)
            if latest != known[0]:
                known = latest, tuple(entries(queries.records(connection)))
                self._known = known
        return known[1]  # not another thread's, which may have read before this one


def searched(records: Sequence[AnnotationRecord]) -> list[AnnotationRecord]:
    """The annotations among which to search: visible ones of known individuals."""
    return [record for record in records if record.individual and not record.hidden]


class _Wanted(NamedTuple):
    """Features asked for: kept ones, or the chip to make them of, which is being cut."""

    record: AnnotationRecord | None
    features: Features | None
    chip: Future[Chip | None] | None


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

    def shortlist(self) -> Shortlist:
        """The kept shortlist, as far as it was packed."""
        return Shortlist(self._store.shortlist)

    @property
    def calibrations(self) -> Path:
        """The folder of what was learned about answers from these features."""
        return self._store.calibrations

    def of(self, records: Sequence[AnnotationRecord | None]) -> Iterator[Features | None]:
        """Features of each annotation, in order; ``None`` for none and for a lost original.

        While a batch is extracted, the photos of the next are decoded. What was given
        before a stop is kept.
        """
        pool = ThreadPoolExecutor(available_cores(), thread_name_prefix="resight-features")
        waiting: list[_Wanted] = []
        try:
            for start in range(0, len(records), _BATCH):
                ahead = [self._wanted(record, pool) for record in records[start : start + _BATCH]]
                yield from self._batch(waiting)
                waiting = ahead
            yield from self._batch(waiting)
        finally:
            pool.shutdown(cancel_futures=True)

    def holds(self, record: AnnotationRecord) -> bool:
        """Whether features of an annotation are kept."""
        return self._store.holds(record.photo.sha256, _region(record))

    def kept(self, records: Sequence[AnnotationRecord]) -> Iterator[Features | None]:
        """Features that have been made, in order; ``None`` where there are none."""
        for record in records:
            yield self._store.load(record.photo.sha256, _region(record))

    def prepare(self, records: Sequence[AnnotationRecord], progress: Progress | None) -> Prepared:
        """Make the features that are lacking, and a shortlist of all; as ``Catalogue.prepare``."""
        lacking = [record for record in records if not self.holds(record)]
        # Chips of one shape follow each other: an extractor may have to get ready for each.
        lacking.sort(key=_proportions)
        made = 0
        for number, features in enumerate(self.of(lacking), start=1):
            made += features is not None
            if progress:
                progress("describing", number, len(lacking))
        if not describes_whole(self._extractor):
            self._pack(records, progress)
        return Prepared(made, len(records) - len(lacking), len(lacking) - made)

    def _pack(self, records: Sequence[AnnotationRecord], progress: Progress | None) -> None:
        of = {
            entry.described: record for entry, record in zip(entries(records), records, strict=True)
        }
        shortlist = self.shortlist()
        shortlist.update(list(of), lambda names: self.kept([of[name] for name in names]), progress)
        shortlist.wait(progress)  # an identify may end before the background has done anything

    def _wanted(self, record: AnnotationRecord | None, pool: ThreadPoolExecutor) -> _Wanted:
        if record is None:
            return _Wanted(None, None, None)
        features = self._store.load(record.photo.sha256, _region(record))
        chip = None
        if features is None:
            chip = pool.submit(
                chip_of,
                self._catalogue,
                self._originals,
                record,
                long_edge=self._long_edge,
                margin=self._margin,
            )
        return _Wanted(record, features, chip)

    def _batch(self, wanted: Sequence[_Wanted]) -> list[Features | None]:
        found = [each.features for each in wanted]
        made: list[tuple[int, AnnotationRecord, Chip]] = []
        for index, each in enumerate(wanted):
            chip = each.chip.result() if each.chip else None
            if each.record and chip:
                made.append((index, each.record, chip))
        if made:
            from resight.extractors.foreground import described  # loads OpenCV

            extracted = described(self._extractor, [chip for _, _, chip in made])
            for (index, record, _), features in zip(made, extracted, strict=True):
                found[index] = self._store.save(record.photo.sha256, _region(record), features)
            for index in self._purged([(index, record) for index, record, _ in made]):
                found[index] = None
        return found

    def _purged(self, saved: Sequence[tuple[int, AnnotationRecord]]) -> Iterator[int]:
        """Those just saved whose photo is gone; nothing is kept of them."""
        # A purge of which this sees nothing yet will find the files when it removes them.
        with self._catalogue.reading() as connection:
            for index, record in saved:
                if not queries.holds_photo(connection, record.photo.sha256):
                    self._store.remove(record.photo.sha256, _region(record))
                    yield index


def chip_of(
    store: Store,
    originals: Originals,
    record: AnnotationRecord,
    *,
    long_edge: int,
    margin: float,
) -> Chip | None:
    """An annotation cut out of its photo; ``None``, with a warning, for a lost original."""
    from resight.chips import make_chip  # loads OpenCV

    path = originals.path(record.photo.sha256, record.photo.format)
    try:
        photo, pixels = read_photo(path)
    except PhotoError as error:
        _warn_of(store, record, str(error))
        return None
    if photo.sha256 != record.photo.sha256:
        _warn_of(store, record, f"{path} is not the photo that was added")
        return None
    chip = make_chip(
        pixels, record.box, rotation=record.rotation, margin=margin, long_edge=long_edge
    )
    return masked(chip, record.mask)


def _warn_of(store: Store, record: AnnotationRecord, why: str) -> None:
    """Say that an original is lost or damaged, unless the photo was just purged."""
    # A purge is committed before its files are removed.
    with store.reading() as connection:
        if not queries.holds_photo(connection, record.photo.sha256):
            return
    logger.warning(
        "photo %s is left out, its original is lost or damaged: %s: run `resight check`, and "
        "add the photo again from its source to put it back",
        record.name,
        why,
    )


def _proportions(record: AnnotationRecord) -> float:
    """Width by height of an annotation's chip, as far as its margin is not clipped."""
    width, height = record.box[2:] if record.box else record.photo.size
    return width / height


def _region(record: AnnotationRecord) -> str:
    mask = f"|{mask_text(record.mask)}" if record.mask else ""
    return f"{box_text(record.box)}|{record.rotation!r}{mask}"
