"""Adding photos: checked, copied and made known so that a crash loses nothing told.

Two threads at a time check and copy photos into ``incoming``; then a batch of
them is renamed into place and committed in one transaction, and only then are
its outcomes given to the caller. Repeating an interrupted run continues it,
because a photo that is known is recognised by its content.
"""

from __future__ import annotations

import os
import secrets
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from resight.catalogue.decisions import Said, append, changed, record, storable
from resight.catalogue.facts import as_corrected
from resight.catalogue.importing import ImportPlan, PlannedPhoto
from resight.catalogue.likenesses import Looks, likeness
from resight.catalogue.log import still_stands
from resight.catalogue.names import box_text
from resight.catalogue.originals import Originals, Staging, sha256_of
from resight.catalogue.records import AddOutcome, Change, Likeness
from resight.catalogue.sayings import annotation_meant, filled_in, new_fields
from resight.catalogue.store import Store, annotations_table, decisions, photos, purged
from resight.damage import damage
from resight.errors import BadFact, Conflict, PhotoError
from resight.looks import Look, look
from resight.masks import Mask, check_mask
from resight.photos import DEFAULT_LIMITS, PhotoLimits, read_photo
from resight.types import Photo

#: Below the catalogue's folder: photos that were sent and wait to be added.
UPLOADS = "uploads"
_WORKERS = min(4, os.cpu_count() or 1)
#: A commit costs some milliseconds; people like to see progress twice a second.
_BATCH = 32
_BATCH_SECONDS = 0.5

Boxing = Callable[[PlannedPhoto], Sequence[PlannedPhoto]]


@dataclass(frozen=True)
class AddOptions:
    """How to add. ``dry_run`` says what would happen and writes nothing at all;
    ``even_purged`` takes back in what was purged before; photos of ``looked_at`` were read
    already and a dry run need not read them again. ``decision`` is gone on with where it is an
    ``add`` of the same actor that stands. ``boxing`` makes of each photo, shortly before it is
    added, one for each animal on it."""

    actor: str
    note: str = ""
    dry_run: bool = False
    even_purged: bool = False
    limits: PhotoLimits = DEFAULT_LIMITS
    looked_at: Mapping[Path, tuple[Photo, Look]] | None = None
    decision: int | None = None
    boxing: Boxing | None = None


def add(
    store: Store, originals: Originals, looks: Looks, plan: ImportPlan, options: AddOptions
) -> Iterator[AddOutcome]:
    """Add what is planned and say, photo by photo in the plan's order, what became of it.

    An outcome is given only once it is on the disk. The caller may stop at any
    outcome. Raises ``CatalogueError`` where the catalogue cannot be written.
    """
    for bad in plan.bad:
        yield AddOutcome("bad", bad.source, reason=bad.reason)
    with ExitStack() as stack:
        trial, staging = store, None
        if options.dry_run:
            trial = stack.enter_context(closing(store.in_memory()))
        else:
            staging = stack.enter_context(originals.staging())
        known = _Known(store, originals)
        adder = _Adder(trial, known, looks, staging, plan.origin, options)
        # Closed first, so that a caller who stops waits only for photos being read.
        boxing = options.boxing or (lambda planned: (planned,))
        boxed = (each for planned in plan.photos for each in boxing(planned))
        ready = stack.enter_context(closing(_prepared(adder, boxed)))
        for batch in _batches(ready):
            yield from adder.commit(batch)


@dataclass(frozen=True)
class _Prepared:
    """A photo read and checked; ``staged`` is its copy, if one was made."""

    planned: PlannedPhoto
    sha256: str = ""
    photo: Photo | None = None
    staged: Path | None = None
    error: str = ""
    detail: float | None = None
    look: Look | None = None
    damaged: str = ""


def _prepared(adder: _Adder, planned: Iterable[PlannedPhoto]) -> Generator[_Prepared, None, None]:
    waiting: deque[Future[_Prepared]] = deque()
    pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="resight-add")
    try:
        for one in planned:
            waiting.append(pool.submit(adder.prepare, one))
            if len(waiting) > 2 * _WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _batches(ready: Iterator[_Prepared]) -> Iterator[list[_Prepared]]:
    batch: list[_Prepared] = []
    began = time.monotonic()
    for one in ready:
        full = len(batch) >= _BATCH or time.monotonic() - began > _BATCH_SECONDS
        # The animals of one photo come to be together: a run that goes on knows the photo by then.
        if batch and full and one.planned.path != batch[-1].planned.path:
            yield batch
            batch, began = [], time.monotonic()
        batch.append(one)
    if batch:
        yield batch


class _Known:
    """What the catalogue has on the disk, asked from any thread."""

    def __init__(self, store: Store, originals: Originals) -> None:
        self._store = store
        self._home = originals.folder.parent.resolve()
        self.holds = originals.holds

    def is_inside(self, path: Path) -> bool:
        """Whether a resolved path lies in the catalogue's folder, other than to be added."""
        return path.is_relative_to(self._home) and not path.is_relative_to(self._home / UPLOADS)

    def boxes(self, sha256: str) -> set[str] | None:
        """The boxes of a photo; ``None`` unless its original is in its place."""
        this = photos.c.sha256 == sha256
        with self._store.reading() as connection:
            row = connection.execute(sa.select(photos.c.format, photos.c.bytes).where(this)).first()
            own = annotations_table.c.photo == sha256
            boxes = connection.execute(sa.select(annotations_table.c.box).where(own)).scalars()
            found = {"", *boxes}
        return found if row and self.holds(sha256, row.format, row.bytes) else None


class _Adder:
    """One run of ``add``."""

    def __init__(
        self,
        store: Store,
        known: _Known,
        looks: Looks,
        staging: Staging | None,
        origin: str,
        options: AddOptions,
    ) -> None:
        self._store = store
        self._known = known
        self._looks = looks
        self._staging = staging
        self._options = options
        note = f"{options.note} (from {origin})" if options.note else f"from {origin}"
        self._said = Said("add", options.actor, note)
        self._decision = options.decision
        #: By annotation and field, the file of this run that said what is known.
        self._said_by: dict[tuple[str, str], str] = {}

    def prepare(self, planned: PlannedPhoto) -> _Prepared:
        """Check one photo and copy it where it is not known yet (any thread)."""
        try:
            looked_at = (self._options.looked_at or {}).get(planned.path)
            if looked_at is not None and self._staging is None:
                return self._looked_at(planned, *looked_at)
            path = planned.path.resolve()
            # The original of a known photo may be meant: exports of this catalogue name it.
            if self._known.is_inside(path) and self._known.boxes(path.stem) is None:
                return _Prepared(planned, error="lies inside the catalogue itself")
            if planned.path.exists() and not planned.path.is_file():
                return _Prepared(planned, error="is no file")  # reading a pipe would never end
            sha256 = sha256_of(planned.path)
            known = self._known.boxes(sha256)
            if known is not None and box_text(planned.box) in known:
                return _Prepared(planned, sha256)
            photo, pixels = read_photo(planned.path, limits=self._options.limits)
            from resight.quality import detail  # loads OpenCV

            # Also says now whether the box can be cut out, not at the first search.
            found = detail(pixels, planned.box, rotation=planned.rotation)
            damaged = damage(planned.path, photo.format)
            _check_mask(planned, photo)
            staged = None
            if self._staging is not None and known is None:
                staged = self._staging.copy(planned.path, photo.sha256)
        except OSError as error:
            return _Prepared(planned, error=f"cannot be read: {error.strerror or error}")
        except (PhotoError, ValueError) as error:
            return _Prepared(planned, error=str(error))
        seen = look(pixels)
        return _Prepared(
            planned, photo.sha256, photo, staged, detail=found, look=seen, damaged=damaged
        )

    def _looked_at(self, planned: PlannedPhoto, photo: Photo, look: Look) -> _Prepared:
        """As ``prepare`` without reading the file; ``PhotoError`` for a wrong box or mask."""
        known = self._known.boxes(photo.sha256)
        _check_mask(planned, photo)
        if known is not None and box_text(planned.box) in known:
            return _Prepared(planned, photo.sha256)
        if planned.box:
            from resight.chips import check_box  # loads OpenCV

            check_box(planned.box, planned.rotation, photo.size)
        return _Prepared(planned, photo.sha256, photo, look=look)

    def commit(self, batch: list[_Prepared]) -> list[AddOutcome]:
        """Make a batch known in one transaction."""
        before = self._decision
        try:
            with self._store.writing() as connection:
                if self._decision is not None and not self._goes_on(connection, self._decision):
                    self._decision = None  # somebody undid this run while it ran
                outcomes = [self._settle(connection, prepared) for prepared in batch]
                if self._staging:
                    self._staging.settle()
        except BaseException:
            self._decision = before
            raise
        for prepared in batch:
            if prepared.staged is not None:
                prepared.staged.unlink(missing_ok=True)
        if self._staging:
            self._looks.add({each.sha256: each.look for each in batch if each.look is not None})
        return outcomes

    def _goes_on(self, connection: Connection, decision: int) -> bool:
        """Whether a decision is one that this run may add to."""
        this = decisions.c.id == decision
        row = connection.execute(sa.select(decisions.c.kind, decisions.c.actor).where(this)).first()
        ours = ("add", storable(self._said.actor))
        return row is not None and tuple(row) == ours and still_stands(connection, decision)

    def _settle(self, connection: Connection, prepared: _Prepared) -> AddOutcome:
        planned = prepared.planned
        if prepared.error:
            return AddOutcome("bad", planned.source, planned.path, reason=prepared.error)
        before = self._decision
        try:
            with connection.begin_nested():
                publish, reason = self._take_in(connection, prepared)
                outcome, change = self._judge(connection, prepared, reason)
                if change is not None:
                    if self._decision is None:
                        self._decision = record(connection, self._said)
                    append(connection, self._decision, [change])
                    outcome = replace(outcome, decision=self._decision)
                # Last, so that a conflict leaves no file behind.
                if publish and self._staging and prepared.staged:
                    self._staging.publish(prepared.staged, prepared.sha256, publish)
        except (Conflict, BadFact) as error:
            self._decision = before
            return AddOutcome("conflict", planned.source, planned.path, reason=str(error))
        if change is not None:
            for field in change.after or ():
                self._said_by[change.annotation, field] = planned.source
        return outcome

    def _judge(
        self, connection: Connection, prepared: _Prepared, reason: str
    ) -> tuple[AddOutcome, Change | None]:
        """What is to become of a photo that is known now; raises ``Conflict``, ``BadFact``."""
        planned = prepared.planned
        outcome = AddOutcome("added", planned.source, planned.path)
        if planned.mask is not None:
            _check_mask_known(connection, prepared.sha256, planned.mask)
        found = annotation_meant(connection, prepared.sha256, planned)
        if found is None:
            new = secrets.token_hex(8)
            change = Change(new, None, new_fields(prepared.sha256, planned))
            like = self._like(connection, prepared)
            outcome = replace(outcome, annotation=new, reason=reason, detail=prepared.detail)
            return replace(outcome, like=like, damaged=prepared.damaged), change
        id, fields = found
        planned = as_corrected(connection, id, planned, fields)
        outcome = replace(outcome, status="already", annotation=id)
        if fields["hidden"]:
            reason = "it is hidden" + (f"; {reason}" if reason else "")
        said_by = {field: self._said_by.get((id, field), "") for field in fields}
        filled = filled_in(fields, planned, said_by)
        if not filled:
            return replace(outcome, reason=reason), None
        outcome = replace(outcome, status="updated", reason=f"filled in {', '.join(filled)}")
        return outcome, changed(id, fields, filled)

    def _like(self, connection: Connection, prepared: _Prepared) -> Likeness | None:
        """What a photo of which the catalogue says nothing yet resembles."""
        sha256 = prepared.sha256
        said = sa.select(annotations_table.c.id).where(annotations_table.c.photo == sha256)
        # The look of one that was taken back is kept.
        look = prepared.look if prepared.look is not None else self._looks.of(sha256)
        if look is None or connection.execute(said.limit(1)).first():
            return None
        near = self._looks.near(look)
        return likeness(connection, near, sha256, prepared.planned.encounter, self._decision)

    def _take_in(self, connection: Connection, prepared: _Prepared) -> tuple[str, str]:
        """Enter a photo that is not known yet.

        Returns the format to publish its original under (empty: it is in its
        place) and what to tell about it; raises ``Conflict``.
        """
        sha256, photo = prepared.sha256, prepared.photo
        known = connection.execute(
            sa.select(photos.c.format, photos.c.bytes).where(photos.c.sha256 == sha256)
        ).first()
        if known is not None:
            if prepared.staged is None or self._known.holds(sha256, known.format, known.bytes):
                return "", ""
            return known.format, "its lost original was put back"
        if photo is None:
            raise Conflict("it was purged while this import ran: add it again if it is wanted")
        when = connection.execute(
            sa.select(purged.c.decision).where(purged.c.sha256 == sha256)
        ).scalar()
        if when is not None and not self._options.even_purged:
            raise Conflict(
                f"it was purged by decision {when}, so it is not taken in again: if it is wanted "
                "after all, add it with --even-purged"
            )
        connection.execute(photos.insert().values(**_photo_columns(photo, prepared.planned)))
        return photo.format, ""


def _check_mask(planned: PlannedPhoto, photo: Photo) -> None:
    if planned.mask is not None:
        check_mask(planned.mask, photo.size)


def _check_mask_known(connection: Connection, sha256: str, mask: Mask) -> None:
    """As ``_check_mask``, of a photo that the catalogue has; raises ``BadFact``."""
    size = connection.execute(
        sa.select(photos.c.width, photos.c.height).where(photos.c.sha256 == sha256)
    ).one()
    try:
        check_mask(mask, (size.width, size.height))
    except PhotoError as error:
        raise BadFact(str(error)) from error


def _photo_columns(photo: Photo, planned: PlannedPhoto) -> dict[str, Any]:
    return {
        "sha256": photo.sha256,
        "name": storable(planned.name),
        "format": photo.format,
        "bytes": photo.bytes,
        "width": photo.size[0],
        "height": photo.size[1],
        "taken_at": photo.taken_at.isoformat() if photo.taken_at else "",
        "utc_offset": photo.utc_offset,
        "latitude": photo.place.latitude if photo.place else None,
        "longitude": photo.place.longitude if photo.place else None,
    }
