"""The catalogue: photos, who is on them, and who decided that. The only writer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Literal

from resight.catalogue import (
    adding,
    arrays,
    backup,
    checking,
    decisions,
    gallery,
    log,
    opening,
    purging,
    queries,
)
from resight.catalogue.adding import AddOptions
from resight.catalogue.decisions import Said
from resight.catalogue.facts import Facts
from resight.catalogue.importing import ImportPlan
from resight.catalogue.individuals import Individuals, name_said
from resight.catalogue.originals import Originals
from resight.catalogue.pictures import Pictures
from resight.catalogue.records import (
    REVIEWS,
    AddOutcome,
    AnnotationRecord,
    BackupReport,
    Change,
    Decision,
    Finding,
    IndividualSummary,
    Prepared,
    Purged,
    Shown,
)
from resight.catalogue.snapshot import Memory, State
from resight.catalogue.store import Store
from resight.errors import BadFact, NotFound
from resight.extractors import Extractor
from resight.photos import DEFAULT_LIMITS, PhotoLimits
from resight.shortlist.index import Progress, Shortlist
from resight.types import Box, Features, GalleryEntry

#: Whatever the versions of annotations are.
_ANY: Mapping[str, int] = MappingProxyType({})


class Catalogue:
    """One folder on the disk with everything about a population of animals.

        catalogue.sqlite    what is known and who decided it
        originals/          the photos byte for byte, named by sha256
        features/           derived, may be deleted at any time
        incoming/           copies on their way in

    What a method has returned, or an iterator given out, is on the disk and
    outlives a crash or a power cut. Any number of processes and threads may use
    a catalogue at once; writers wait for each other. Every change is a decision
    in an append-only log with its actor, and can be undone (``purge`` excepted).

    Use ``init`` or ``open``, and ``close`` at the end or a ``with`` statement.
    Not to be carried across ``fork``.
    """

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder.absolute()
        self._store = store
        self._originals = Originals(self.folder)
        self._entries = gallery.Entries(store)
        self._memory = Memory(store)
        self.individuals = Individuals(store)
        self.pictures = Pictures(self.folder, self._originals)

    @classmethod
    def init(cls, folder: Path) -> Catalogue:
        """Make a catalogue in a new or empty folder.

        Raises ``CatalogueExists`` where there is one, ``CatalogueError`` where
        the folder holds something else or cannot be written.
        """
        return cls(folder, opening.create(folder))

    @classmethod
    def open(cls, folder: Path) -> Catalogue:
        """Open the catalogue in a folder, upgrading it where an older resight made it.

        Raises ``NotACatalogue``, ``CatalogueVersion`` for one of a newer
        resight, ``CatalogueDamaged`` where the database cannot be read.
        """
        return cls(folder, opening.store_of(folder))

    @classmethod
    def restore(cls, archive: Path, folder: Path) -> Catalogue:
        """Make a catalogue of a backup in a new or empty folder, every byte verified.

        Raises ``CatalogueExists``, ``CatalogueDamaged`` for a damaged archive
        and ``CatalogueError`` where the folder cannot be used.
        """
        backup.restore(archive, folder)
        return cls.open(folder)

    def close(self) -> None:
        """Close the database's connections."""
        self._store.close()

    def __enter__(self) -> Catalogue:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Writing

    def add(
        self,
        plan: ImportPlan,
        *,
        actor: str,
        note: str = "",
        dry_run: bool = False,
        even_purged: bool = False,
        limits: PhotoLimits = DEFAULT_LIMITS,
    ) -> Iterator[AddOutcome]:
        """Add photos and say one by one, in order, what became of each.

        An outcome is on the disk when it is given. A bad or contradicting
        photo is reported and the rest goes on. Stopping (or killing) and
        repeating is safe: what is known is recognised by its content. The same
        photo again with facts that were not known yet fills them in; with
        others than known it is a conflict and changes nothing. ``dry_run``
        gives the same outcomes and writes nothing. A photo that was purged is
        a conflict unless ``even_purged``; one beyond ``limits`` is bad. All of a run is
        one decision.

        Nothing happens before the first outcome is asked for. Raises
        ``CatalogueError`` where the catalogue cannot be written.
        """
        options = AddOptions(actor, note, dry_run, even_purged, limits)
        return adding.add(self._store, self._originals, plan, options)

    def assign(
        self,
        annotations: Sequence[str],
        individual: str | None,
        *,
        actor: str,
        note: str = "",
        identification: str = "",
        seen: Mapping[str, int] = _ANY,
        fresh: bool = False,
    ) -> Decision:
        """Say which individual annotations show; ``None`` or ``"unknown"``: not known.

        The individual comes to be with its first annotation. Saying what is
        known already is kept too, as a confirmation. ``identification`` says on
        which answer of which method this rests. Marks of reviews go.

        ``fresh``: it is a new one, so ``Conflict`` is raised where somebody has the name.
        ``seen``, here and below: the versions of annotations that whoever decides has
        seen; ``Outdated`` is raised where one has another by now, and nothing changes.

        Raises ``BadFact`` for a blank name, so that an empty field of a
        form or script wipes nothing; ``NotFound``; ``Conflict`` for a name that
        differs from a known one only in case or spacing, or where an encounter
        would hold two animals.
        """
        name = name_said(individual)
        said = Said("assign", actor, note, identification)
        with self._store.writing() as connection:
            if fresh:
                decisions.check_free(connection, name)
            made = decisions.decide(connection, annotations, said, seen, individual=name)
        return self.decision(made)

    def mark(
        self,
        annotations: Sequence[str],
        review: str,
        *,
        actor: str,
        note: str = "",
        identification: str = "",
        seen: Mapping[str, int] = _ANY,
    ) -> Decision:
        """Leave a mark of ``REVIEWS`` on annotations, which stays until one is assigned.

        Raises ``BadFact`` for another mark, ``NotFound``.
        """
        if review not in REVIEWS:
            raise BadFact(f"there is no mark {review!r}; there are {', '.join(REVIEWS)}")
        said = Said(review, actor, note, identification)
        return self._set(annotations, said, seen, review=review)

    def describe(
        self,
        annotations: Sequence[str],
        *,
        side: str | None = None,
        encounter: str | None = None,
        species: str | None = None,
        date: str | None = None,
        place: str | None = None,
        box: Box | Literal[""] | None = None,
        rotation: float | None = None,
        actor: str,
        note: str = "",
        seen: Mapping[str, int] = _ANY,
    ) -> Decision:
        """Correct facts of annotations: only those given change, ``""`` to not known.

        They may be written as in tables for ``add``. A ``box`` of ``""`` is the whole
        photo. By a box that was corrected ``add`` still knows its annotation again.

        Raises ``BadFact`` for a fact that cannot be understood or none at
        all, ``NotFound``, and ``Conflict`` where an encounter would hold two animals or a
        photo two annotations of one box.
        """
        facts = Facts(side, encounter, species, date, place, box, rotation).fields()
        return self._set(annotations, Said("describe", actor, note), seen, **facts)

    def hide(
        self,
        annotations: Sequence[str],
        *,
        actor: str,
        note: str = "",
        hidden: bool = True,
        seen: Mapping[str, int] = _ANY,
    ) -> Decision | None:
        """Leave annotations out of lists and searches (``hidden=False``: take them in again).

        Hiding an individual hides the annotations it has now, not later ones.
        The decision is about those that were not so already; ``None``, and
        nothing is written, where all were.
        """
        said = Said("hide" if hidden else "unhide", actor, note)
        with self._store.writing() as connection:
            decisions.check_versions(connection, seen)
            changes = decisions.updates(connection, annotations, said, hidden=hidden)
            changing = [change for change in changes if change.before != change.after]
            if not changing:
                return None
            made = decisions.record(connection, said)
            decisions.append(connection, made, changing)
        return self.decision(made)

    def undo(self, decision: int | None = None, *, actor: str, note: str = "") -> Decision:
        """Take a decision back; ``None``: the last one that still stands.

        An undo is a decision too, and undoing it does the first one again. An
        undone ``add`` keeps the originals, so that this stays possible.

        Raises ``NotFound``; ``Conflict`` where it is undone already, is a purge
        (what was decided before one is undone by its number only), or a later
        decision builds on it.
        """
        with self._store.writing() as connection:
            made = decisions.undo(connection, decision, Said("undo", actor, note))
        return self.decision(made)

    def purge(self, photo: str, *, confirm: str, actor: str, note: str = "") -> Purged:
        """Remove a photo, its annotations and its features for good; only the log remains.

        ``photo`` is its sha256 (may be shortened), its file as in ``find`` or an
        annotation's id; ``confirm`` repeats the file name or the whole sha256.
        Backups made before still hold the photo.

        Raises ``NotFound``; ``Conflict`` where it is not confirmed or several are meant.
        """
        said = Said("purge", actor, note)
        return purging.purge(self._store, self._originals, photo, confirm=confirm, said=said)

    def _set(
        self, annotations: Sequence[str], said: Said, seen: Mapping[str, int], **fields: object
    ) -> Decision:
        with self._store.writing() as connection:
            made = decisions.decide(connection, annotations, said, seen, **fields)
        return self.decision(made)

    # Reading

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
            return Shown(
                tuple(queries.records(connection, ids)),
                log.history(connection, touching=ids),
            )

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

    def decision(self, id: int) -> Decision:
        """One decision. Raises ``NotFound``."""
        with self._store.reading() as connection:
            for found in log.history(connection, id=id):
                return found
        raise NotFound(f"no decision {id} in this catalogue")

    def changes(self, decision: int) -> tuple[Change, ...]:
        """What a decision did, annotation by annotation."""
        with self._store.reading() as connection:
            return tuple(log.changes_of(connection, decision))

    def original(self, photo: str) -> Path:
        """The file of a photo; ``photo`` as in ``purge``. Not to be written to."""
        with self._store.reading() as connection:
            row = queries.find_photo(connection, photo)
        return self._originals.path(row.sha256, row.format)

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

    # Keeping it safe

    def backup(self, target: Path) -> BackupReport:
        """Write an archive of all that cannot be made again, while others may write.

        That includes the catalogue's settings, its ``resight.toml``.
        ``target`` is a new file, or a folder to put one in. Look at ``missing``
        of the report: originals that were lost before. Raises ``CatalogueError``.
        """
        return backup.backup(self._store, self._originals, target)

    def check(self, *, quick: bool = False, repair: bool = False) -> Iterator[Finding]:
        """Look for anything lost, damaged or contradicting; no finding, all is well.

        ``quick`` does not read the photos. ``repair`` puts right what can be
        without losing anything; it never touches an error.
        """
        return checking.check(self._store, self._originals, quick=quick, repair=repair)
