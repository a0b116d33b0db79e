"""What a catalogue tells: its half that changes nothing but what is derived."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from resight.catalogue import arrays, dismissals, gallery, likenesses, log, notes, opinions, queries
from resight.catalogue.originals import Originals
from resight.catalogue.pictures import Pictures
from resight.catalogue.records import (
    AnnotationRecord,
    Change,
    Decision,
    Dismissal,
    IndividualSummary,
    MergedDecision,
    Opinion,
    Prepared,
    Shown,
)
from resight.catalogue.snapshot import Memory, State
from resight.catalogue.store import Store
from resight.errors import NotFound
from resight.extractors import Extractor
from resight.shortlist.index import Progress, Shortlist
from resight.types import Chip, Features, GalleryEntry


class Reading:
    """Questions to a catalogue's folder; ``Catalogue`` is what one opens.

    ``folder`` is where it lies, ``pictures`` what people look at.
    """

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder.absolute()
        self._store = store
        self._originals = Originals(self.folder)
        self._entries = gallery.Entries(store)
        self._memory = Memory(store)
        self._looks = likenesses.Looks(self.folder)
        self.pictures = Pictures(self.folder, self._originals)

    def list(self) -> tuple[IndividualSummary, ...]:
        """The individuals by name; those with nothing but hidden annotations too."""
        with self._store.reading() as connection:
            return queries.individuals(connection)

    def find(self, what: str) -> tuple[str, ...]:
        """Ids of the annotations meant by an individual's name, an id or a photo.

        A photo is called by its sha256, by its file name with or without its
        folder, or by the path of a file with the same bytes. Raises ``NotFound``;
        ``Conflict`` where it could mean several things.
        """
        with self._store.reading() as connection:
            return tuple(queries.find(connection, what))

    def show(self, what: str) -> Shown:
        """All about an individual, an annotation or a photo; ``what`` as in ``find``."""
        with self._store.reading() as connection:
            ids = queries.find(connection, what)
            records = tuple(queries.records(connection, ids))
            noted = notes.noted(connection)
            names = dict.fromkeys(each.individual for each in records)
            return Shown(
                records,
                log.history(connection, touching=ids),
                log.merged_history(connection, touching=ids),
                {name: noted[name] for name in names if name in noted},
            )

    def notes(self) -> dict[str, str]:
        """What people noted about individuals, by name; of those with notes only."""
        with self._store.reading() as connection:
            return notes.noted(connection)

    def now(self) -> State:
        """All there is, from memory: what others decided since is read, and only that."""
        return self._memory.current()

    def annotations(self, ids: Sequence[str] | None = None) -> tuple[AnnotationRecord, ...]:
        """All annotations, hidden ones too; or those of given ids, in their order.

        Raises ``NotFound``.
        """
        with self._store.reading() as connection:
            return tuple(queries.records(connection, ids))

    def decisions(
        self,
        *,
        limit: int | None = None,
        touching: Sequence[str] | None = None,
        individual: str = "",
        before: int | None = None,
    ) -> tuple[Decision, ...]:
        """The log of decisions, newest first: all, or those about annotations (with
        ``individual``, also about its notes); with ``before``, those of lower ids."""
        with self._store.reading() as connection:
            return log.history(
                connection, touching=touching, individual=individual, before=before, limit=limit
            )

    def count_decisions(
        self, *, touching: Sequence[str] | None = None, individual: str = ""
    ) -> int:
        """How many ``decisions`` gives without a limit."""
        with self._store.reading() as connection:
            return log.count(connection, touching=touching, individual=individual)

    def disagreements(self) -> dict[str, tuple[Opinion, ...]]:
        """By annotation, what people say of it, where they name different individuals."""
        with self._store.reading() as connection:
            return opinions.disagreements(connection)

    def dismissals(self) -> tuple[Dismissal, ...]:
        """Suspicions that somebody dismissed, as far as their photos are what they were."""
        with self._store.reading() as connection:
            return dismissals.standing(connection)

    def decision(self, id: int) -> Decision:
        """One decision. Raises ``NotFound``."""
        with self._store.reading() as connection:
            for found in log.history(connection, id=id):
                return found
        raise NotFound(f"no decision {id} in this catalogue")

    def individuals_of(self, decisions: Sequence[int]) -> dict[int, str]:
        """By decision, the individual that it named or noted about, where it is only one."""
        with self._store.reading() as connection:
            return log.individuals_of(connection, decisions)

    def changes(self, decision: int) -> tuple[Change, ...]:
        """What a decision did, annotation by annotation."""
        with self._store.reading() as connection:
            return tuple(log.changes_of(connection, decision))

    def merged(self, decision: int | None = None) -> tuple[MergedDecision, ...]:
        """What other catalogues had decided before merges took it over, newest first."""
        with self._store.reading() as connection:
            return log.merged_history(connection, decision=decision)

    def original(self, photo: str) -> Path:
        """The file of a photo; ``photo`` as in ``purge``. Not to be written to."""
        with self._store.reading() as connection:
            row = queries.find_photo(connection, photo)
        return self._originals.path(row.sha256, row.format)

    def look_at_photos(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Look at photos that no ``add`` of this version has looked at, so that copies of them are
        noticed; returns how many. Stopping (or killing) and repeating is safe.

        ``progress`` is told how many are dealt with, and of how many.
        """
        return likenesses.look_at(self._store, self._originals, self._looks, progress)

    # For identification

    def entries(self) -> tuple[GalleryEntry, ...]:
        """The gallery: visible annotations of known individuals."""
        return self._entries.current()

    def features(
        self,
        annotations: Sequence[str],
        extractor: Extractor,
        *,
        long_edge: int,
        margin: float = 0.0,
    ) -> Iterator[Features | None]:
        """Features of annotations, in order: loaded, or made and kept for the next time.

        ``None`` for an annotation that is not there, as another process may have
        taken it out since it was listed, and, with a logged warning, for one whose
        original is lost or damaged. Descriptors have passed through float16 in
        either case, so a search gives the same answer whether they were kept or not.
        """
        with self._store.reading() as connection:
            known = queries.known(connection, annotations)
        made = self._described(extractor, long_edge, margin)
        return made.of([known.get(id) for id in annotations])

    def chip(self, annotation: str, *, long_edge: int, margin: float = 0.0) -> Chip | None:
        """The chip that features of an annotation are made of; ``None`` as in ``features``."""
        with self._store.reading() as connection:
            record = queries.known(connection, [annotation]).get(annotation)
        if record is None:
            return None
        return gallery.chip_of(
            self._store, self._originals, record, long_edge=long_edge, margin=margin
        )

    def not_described(
        self,
        annotations: Iterable[str],
        extractor: Extractor,
        *,
        long_edge: int,
        margin: float = 0.0,
    ) -> frozenset[str]:
        """Those of some annotations, by id, whose features are still to be made."""
        with self._store.reading() as connection:
            known = queries.known(connection, annotations)
        made = self._described(extractor, long_edge, margin)
        return frozenset(id for id, record in known.items() if not made.holds(record))

    def shortlist(self, extractor: Extractor, *, long_edge: int, margin: float = 0.0) -> Shortlist:
        """The shortlist of these features as it was kept; the identifier updates it."""
        return self._described(extractor, long_edge, margin).shortlist()

    def calibrations(self, extractor: Extractor, *, long_edge: int, margin: float = 0.0) -> Path:
        """The folder where ``resight.search`` keeps what it learned with these features."""
        return self._described(extractor, long_edge, margin).calibrations

    def prepare(
        self,
        extractor: Extractor,
        *,
        long_edge: int,
        margin: float = 0.0,
        progress: Progress | None = None,
    ) -> Prepared:
        """Make features and shortlist that the gallery lacks, so that no search has to.

        No shortlist for an extractor of whole chips: all of those are compared.

        Stopping (or killing) and repeating is safe: what was made is kept.
        ``progress`` is told the stage ("describing" and those of the shortlist), how many
        photos are dealt with in it, and how many are to be.
        """
        made = self._described(extractor, long_edge, margin)
        return made.prepare(gallery.searched(self.annotations()), progress)

    def _described(
        self, extractor: Extractor, long_edge: int, margin: float
    ) -> gallery.GalleryFeatures:
        return gallery.GalleryFeatures(
            self._store, self._originals, extractor, long_edge=long_edge, margin=margin
        )

    def features_on_disk(self) -> int:
        """Bytes that kept features take."""
        return arrays.bytes_on_disk(self.folder)

    def delete_features(self) -> None:
        """Remove all kept features; they are made again when needed."""
        arrays.delete_all(self.folder)
