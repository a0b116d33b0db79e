"""Taking over what another catalogue holds, after a field season in which both went on.

Photos are the same where their bytes are. What both say of an annotation is compared with what
they said when they last agreed (the decisions that both logs have), as version control merges
texts: what only one of them changed since is taken over, what both changed differently stays as it
is here and is listed. Nobody's identity is decided by a merge.

First the originals are copied, batch by batch: photos in no annotation yet, which is harmless, so
an interrupted merge goes on where it stopped. Then one transaction enters one decision with
all changes and the other's log beside it; undoing that decision takes all of it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection

from resight.catalogue.decisions import Said, append, record
from resight.catalogue.log import history
from resight.catalogue.merge_plan import MergePlan, Wanted, plan_merge
from resight.catalogue.names import writable
from resight.catalogue.originals import Originals, Staging
from resight.catalogue.others import Entry, Other, read_other
from resight.catalogue.records import Change, MergeConflict, Merged
from resight.catalogue.store import Store, merged_changes, merged_decisions, photos
from resight.errors import CatalogueError, Conflict, PhotoUnreadable

Tell = Callable[[int, int], None]
_BATCH, _WORKERS = 64, 4


@dataclass(frozen=True)
class _Tried:
    """What could be written of a plan, and why the rest could not."""

    changes: tuple[Change, ...]
    conflicts: tuple[MergeConflict, ...]


def merge(
    store: Store,
    originals: Originals,
    folder: Path,
    *,
    actor: str,
    note: str = "",
    dry_run: bool = False,
    tell: Tell | None = None,
) -> Merged:
    """As ``Catalogue.merge``; ``tell(done, total)`` is told of the photos copied."""
    if folder.resolve() == originals.folder.parent.resolve():
        raise CatalogueError(f"{folder} is this catalogue itself: name another to merge into it")
    other = read_other(folder)
    with store.reading() as connection:
        plan = plan_merge(connection, other, originals)
    with ExitStack() as stack:
        if dry_run:
            store = stack.enter_context(closing(store.in_memory()))
            lost = _enter_photos(store, other, plan)
        else:
            staging = stack.enter_context(originals.staging())
            lost = _copy_photos(store, staging, other, plan, tell or (lambda *_: None))
        origin = f"from {writable(str(folder))}"
        said = Said("merge", actor, f"{note} ({origin})" if note else origin)
        with store.writing() as connection:
            # Others may have decided meanwhile.
            plan = plan_merge(connection, other, originals, without=lost)
            made = _decide(connection, plan, said)
        return _report(store, plan, made, lost)


def _copy_photos(
    store: Store, staging: Staging, other: Other, plan: MergePlan, tell: Tell
) -> dict[str, str]:
    """Take in the originals that are wanted; by sha256 why some could not be."""
    lost: dict[str, str] = {}

    def copied(sha256: str) -> Path | None:
        try:
            path = other.originals.path(sha256, other.photos[sha256]["format"])
            return staging.copy(path, sha256)
        except (OSError, PhotoUnreadable) as error:
            why = error.strerror if isinstance(error, OSError) else "it is damaged"
            lost[sha256] = f"its original cannot be read in the other catalogue: {why}"
            return None

    # Most of the time goes by in waiting for the disk to have what was written.
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="resight-merge") as pool:
        for begin in range(0, len(plan.photos), _BATCH):
            batch = plan.photos[begin : begin + _BATCH]
            staged = dict(zip(batch, pool.map(copied, batch), strict=True))
            with store.writing() as connection:
                for sha256, copy in staged.items():
                    if copy is not None:
                        _enter_photo(connection, other, sha256)
                        staging.publish(copy, sha256, other.photos[sha256]["format"])
                staging.settle()
            tell(begin + len(batch), len(plan.photos))
    return lost


def _enter_photos(store: Store, other: Other, plan: MergePlan) -> dict[str, str]:
    """As ``_copy_photos``, copying nothing."""
    lost = {}
    with store.writing() as connection:
        for sha256 in plan.photos:
            row = other.photos[sha256]
            if other.originals.holds(sha256, row["format"], row["bytes"]):
                _enter_photo(connection, other, sha256)
            else:
                lost[sha256] = "its original is lost or damaged in the other catalogue"
    return lost


def _enter_photo(connection: Connection, other: Other, sha256: str) -> None:
    known = sa.select(photos.c.sha256).where(photos.c.sha256 == sha256)
    if connection.execute(known).first() is None:
        connection.execute(photos.insert().values(**other.photos[sha256]))


@dataclass(frozen=True)
class _Made:
    decision: int | None
    tried: _Tried
    history: int


def _decide(connection: Connection, plan: MergePlan, said: Said) -> _Made:
    """Enter the one decision, if there is anything to take over."""
    new = _numbered(plan.log)
    if not plan.wanted and not new:
        return _Made(None, _Tried((), ()), 0)
    decision = record(connection, said)
    tried = _write(connection, decision, plan.wanted)
    for entry in new:
        row = {"decision": decision, "origin": entry.origin, "id": entry.id, **entry.values}
        connection.execute(merged_decisions.insert().values(**row))
        for change in entry.changes:
            connection.execute(
                merged_changes.insert().values(
                    decision=decision,
                    origin=entry.origin,
                    merged=entry.id,
                    annotation=plan.pairs.get(change.annotation, change.annotation),
                    individual=change.individual,
                    before=change.before,
                    after=change.after,
                    dismissal=change.dismissal,
                )
            )
    return _Made(decision, tried, len(new))


def _numbered(entries: Iterable[Entry]) -> list[Entry]:
    """Each entry once, and no two of one origin and number: several folders may be called alike."""
    seen: set[tuple[object, ...]] = set()
    taken: set[tuple[str, int]] = set()
    found: list[Entry] = []
    for entry in entries:
        if (entry.origin, entry.id, entry.mark) in seen:
            continue  # taken over twice there: merged, undone, merged again
        seen.add((entry.origin, entry.id, entry.mark))
        origin, number = entry.origin, 1
        while (origin, entry.id) in taken:
            number += 1
            origin = f"{entry.origin} ({number})"
        taken.add((origin, entry.id))
        found.append(replace(entry, origin=origin))
    return found


def _write(connection: Connection, decision: int, wanted: Sequence[Wanted]) -> _Tried:
    """Write changes, as many as the catalogue's rules allow.

    All at once where that is possible, because one may need the other; else encounter by
    encounter, then one by one, then without who and which encounter it is.
    """
    if _appended(connection, decision, wanted) is None:
        return _Tried(tuple(each.change for each in wanted), ())
    groups: dict[str, list[Wanted]] = {}
    for each in wanted:
        groups.setdefault(each.encounter or each.change.annotation, []).append(each)
    done: list[Change] = []
    conflicts: list[MergeConflict] = []
    for group in groups.values():
        if _appended(connection, decision, group) is None:
            done += [each.change for each in group]
            continue
        for each in group:
            made, conflict = _alone(connection, decision, each)
            done += made
            conflicts += conflict
    return _Tried(tuple(done), tuple(conflicts))


def _alone(
    connection: Connection, decision: int, wanted: Wanted
) -> tuple[list[Change], list[MergeConflict]]:
    why = _appended(connection, decision, [wanted])
    if why is None:
        return [wanted.change], []
    field = "notes" if wanted.change.individual else "individual"
    before, after = wanted.change.before or {}, wanted.change.after or {}
    theirs = f"{after.get(field, '')}: {why}"
    conflict = MergeConflict(
        wanted.change.annotation, wanted.photo, field, before.get(field, ""), theirs
    )
    reduced = wanted.without_identity()
    if reduced is None or _appended(connection, decision, [reduced]) is not None:
        return [], [conflict]
    return [reduced.change], [conflict]


def _appended(connection: Connection, decision: int, wanted: Iterable[Wanted]) -> str | None:
    """Append changes; ``None`` if that was allowed, else why not and nothing is written."""
    try:
        with connection.begin_nested():
            append(connection, decision, [each.change for each in wanted])
    except Conflict as error:
        return str(error)
    return None


def _report(store: Store, plan: MergePlan, made: _Made, lost: Mapping[str, str]) -> Merged:
    decision = None
    if made.decision is not None:
        with store.reading() as connection:
            (decision,) = history(connection, id=made.decision)
    facts = [change for change in made.tried.changes if not change.dismissal]
    added = sum(change.before is None for change in facts)
    refused = {plan.names.get(sha256, sha256): why for sha256, why in lost.items()}
    return Merged(
        decision=decision,
        photos=plan.taken_in,
        added=added,
        updated=len(facts) - added,
        already=plan.already,
        conflicts=(*plan.conflicts, *made.tried.conflicts),
        refused={**plan.refused, **refused},
        encounters=plan.encounters,
        individuals=plan.individuals,
        same_names=plan.same_names,
        same_animals=plan.same_animals,
        history=made.history,
    )
