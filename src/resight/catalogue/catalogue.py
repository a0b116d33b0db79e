"""The catalogue: photos, who is on them, and who decided that. The only writer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Literal

from resight.catalogue import (
    adding,
    backup,
    checking,
    decisions,
    merging,
    opening,
    purging,
)
from resight.catalogue.adding import AddOptions, Boxing
from resight.catalogue.decisions import Said
from resight.catalogue.facts import Facts
from resight.catalogue.importing import ImportPlan
from resight.catalogue.individuals import Individuals, name_said, notes_follow
from resight.catalogue.reading import Reading
from resight.catalogue.records import (
    REVIEWS,
    AddOutcome,
    BackupReport,
    Decision,
    Finding,
    Merged,
    Purged,
)
from resight.catalogue.store import Store
from resight.errors import BadFact
from resight.looks import Look
from resight.masks import Mask
from resight.photos import DEFAULT_LIMITS, PhotoLimits
from resight.types import Box, Photo

#: Whatever the versions of annotations are.
_ANY: Mapping[str, int] = MappingProxyType({})


class Catalogue(Reading):
    """One folder on the disk with everything about a population of animals.

        catalogue.sqlite    what is known and who decided it
        originals/          the photos byte for byte, named by sha256
        features/           derived, may be deleted at any time
        incoming/           copies on their way in
        uploads/            what was sent to the review desk and waits to be added

    What a method has returned, or an iterator given out, is on the disk and
    outlives a crash or a power cut. Any number of processes and threads may use
    a catalogue at once; writers wait for each other. Every change is a decision
    in an append-only log with its actor, and can be undone (``purge`` excepted).

    Use ``init`` or ``open``, and ``close`` at the end or a ``with`` statement.
    Not to be carried across ``fork``.
    """

    def __init__(self, folder: Path, store: Store) -> None:
        super().__init__(folder, store)
        self.individuals = Individuals(store)

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
        looked_at: Mapping[Path, tuple[Photo, Look]] | None = None,
        decision: int | None = None,
        boxing: Boxing | None = None,
    ) -> Iterator[AddOutcome]:
        """Add photos and say one by one, in order, what became of each.

        An outcome is on the disk when it is given. A bad or contradicting
        photo is reported and the rest goes on. Stopping (or killing) and
        repeating is safe: what is known is recognised by its content. The same
        photo again with facts that were not known yet fills them in; with
        others than known it is a conflict and changes nothing. ``dry_run``
        gives the same outcomes and writes nothing; it does not read photos again that
        were read already (``looked_at``, by path). A photo that was purged is
        a conflict unless ``even_purged``; one beyond ``limits`` is bad. All of a run is
        one decision, and of several runs where each is given the ``decision`` of the one before
        (``AddOutcome.decision``), the same actor's; one that was taken back is not gone on with.
        A new photo that looks like one that was there before the run says which
        (``like``), as far as those were looked at (``look_at_photos``); it is added all the same.
        ``boxing`` is asked about each photo shortly before it is added, and gives it once for each
        animal on it.

        Nothing happens before the first outcome is asked for. Raises
        ``CatalogueError`` where the catalogue cannot be written.
        """
        options = AddOptions(actor, note, dry_run, even_purged, limits, looked_at, decision, boxing)
        return adding.add(self._store, self._originals, self._looks, plan, options)

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
        which answer of which method this rests. Marks of reviews go. Notes of an individual
        that is left without annotations follow them.

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
            notes_follow(connection, made, name)
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
        mask: Mask | Literal[""] | None = None,
        actor: str,
        note: str = "",
        seen: Mapping[str, int] = _ANY,
    ) -> Decision:
        """Correct facts of annotations: only those given change, ``""`` to not known.

        They may be written as in tables for ``add``. A ``box`` of ``""`` is the whole
        photo. With a ``mask`` an annotation is described where that lies, with ``""`` again
        where the program finds the animal. By a box that was corrected ``add`` still knows its
        annotation again.

        Raises ``BadFact`` for a fact that cannot be understood or none at
        all, ``NotFound``, and ``Conflict`` where an encounter would hold two animals or a
        photo two annotations of one box.
        """
        facts = Facts(side, encounter, species, date, place, box, rotation, mask).fields()
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

    def merge(
        self,
        other: Path,
        *,
        actor: str,
        note: str = "",
        dry_run: bool = False,
        progress: merging.Tell | None = None,
    ) -> Merged:
        """Take over what the catalogue in a folder holds, as one decision; it is only read.

        Photos are known by their bytes. What both say differently of one annotation since they
        last agreed stays as it is here and is listed as a conflict, with what the other
        says. The other's log is kept as history (``merged``). Stopping (or killing) and
        repeating is safe; merging again takes over what is new. ``dry_run`` writes nothing.
        ``progress`` is told how many photos are copied, and how many are to be.

        Raises ``NotACatalogue``, ``CatalogueVersion``, ``CatalogueDamaged``; ``CatalogueError``
        for this catalogue itself.
        """
        return merging.merge(
            self._store,
            self._originals,
            other,
            actor=actor,
            note=note,
            dry_run=dry_run,
            tell=progress,
        )

    def _set(
        self, annotations: Sequence[str], said: Said, seen: Mapping[str, int], **fields: object
    ) -> Decision:
        with self._store.writing() as connection:
            made = decisions.decide(connection, annotations, said, seen, **fields)
        return self.decision(made)

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
