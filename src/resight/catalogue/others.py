"""Another catalogue, read to be merged: never written to, not even to upgrade its database."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from resight.catalogue import dismissals, migrations, notes
from resight.catalogue.decisions import fields_of
from resight.catalogue.dismissals import Said as Dismissed
from resight.catalogue.folders import DATABASE
from resight.catalogue.log import ADDED_LATER, is_undone, undoers_of
from resight.catalogue.names import writable
from resight.catalogue.originals import Originals
from resight.catalogue.store import (
    Store,
    annotations_table,
    changes,
    copy_unmarked,
    decisions,
    merged_changes,
    merged_decisions,
    photos,
)
from resight.errors import NotACatalogue

#: A decision, wherever it is written down: when (to the millisecond), who, what.
Mark = tuple[str, str, str]
#: A change of a decision, wherever that is written down; see ``change_key``.
ChangeKey = tuple[str | None, ...]
#: By decision the changes of it that are known: one that adds photos grows as they come.
Known = Mapping[Mark, Collection[ChangeKey]]


@dataclass(frozen=True)
class Entry:
    """A decision of another catalogue with its changes as they are written there."""

    origin: str
    id: int
    values: Mapping[str, Any]
    changes: tuple[Row[Any], ...]
    own: bool = False

    @property
    def mark(self) -> Mark:
        """By which it is known again."""
        return self.values["at"], self.values["actor"], self.values["kind"]


@dataclass(frozen=True)
class Other:
    """All that another catalogue says: annotations by id, photos by sha256, notes by individual,
    dismissals by their id and annotation, and its log in order, what it had taken over from others
    first."""

    name: str
    originals: Originals
    annotations: Mapping[str, dict[str, Any]]
    photos: Mapping[str, Mapping[str, Any]]
    notes: Mapping[str, str]
    dismissals: Mapping[str, Dismissed]
    log: tuple[Entry, ...]


def read_other(folder: Path) -> Other:
    """Read a catalogue, from a copy of its database.

    Raises ``NotACatalogue``, ``CatalogueVersion`` for one of a newer resight, ``CatalogueDamaged``.
    """
    if not (folder / DATABASE).is_file():
        raise NotACatalogue(f"{folder} holds no catalogue to merge")
    name = writable(folder.resolve().name)
    with _copy(folder / DATABASE) as store, store.reading() as connection:
        return Other(
            name,
            Originals(folder),
            annotations_now(connection),
            {row["sha256"]: dict(row) for row in connection.execute(sa.select(photos)).mappings()},
            notes.noted(connection),
            dismissals.said(connection),
            tuple(_log(connection, name)),
        )


@contextmanager
def _copy(database: Path) -> Iterator[Store]:
    with TemporaryDirectory(prefix="resight-merge-") as folder:
        copy = Path(folder) / DATABASE
        copy_unmarked(database, copy)
        store = Store(copy)
        try:
            migrations.upgrade(store)
            yield store
        finally:
            store.close()


def _log(connection: Connection, name: str) -> Iterator[Entry]:
    """What it had taken over from others, then its own decisions, each in order."""
    columns = ("at", "actor", "kind", "note", "identification", "undoes")
    merged = connection.execute(
        sa.select(merged_decisions).order_by(merged_decisions.c.decision, merged_decisions.c.id)
    ).all()
    # Several merges may have taken over one decision: it grew, or one of them was undone.
    which = {
        (row.decision, row.origin, row.id): (row.origin, row.id, row.at, row.actor, row.kind)
        for row in merged
    }
    taken: dict[object, dict[ChangeKey, Row[Any]]] = {each: {} for each in which.values()}
    for row in connection.execute(sa.select(merged_changes).order_by(merged_changes.c.id)):
        of = taken[which[row.decision, row.origin, row.merged]]
        of.setdefault((row.annotation, *change_key(row)), row)
    for row in merged:
        values = {column: getattr(row, column) for column in columns}
        of = taken[which[row.decision, row.origin, row.id]]
        yield Entry(row.origin, row.id, values, tuple(of.values()))
    by_decision: dict[int, list[Row[Any]]] = {}
    for row in connection.execute(sa.select(changes).order_by(changes.c.id)):
        by_decision.setdefault(row.decision, []).append(row)
    for row in connection.execute(sa.select(decisions).order_by(decisions.c.id)):
        values = {column: getattr(row, column) for column in columns}
        yield Entry(name, row.id, values, tuple(by_decision.get(row.id, ())), own=True)


def change_key(change: Row[Any], pairs: Mapping[str, str] = MappingProxyType({})) -> ChangeKey:
    """By which a change of a known decision is known again.

    ``pairs``: another catalogue's annotations that have another id here. A new annotation is
    known by its photo and box, which ``after`` tells, since it may have been paired otherwise.
    """
    new = change.before is None and not (change.individual or change.dismissal)
    annotation = "" if new else pairs.get(change.annotation, change.annotation)
    return annotation, change.individual, change.dismissal, change.before, change.after


def known_decisions(connection: Connection) -> tuple[Known, Known]:
    """What this catalogue knows of its own decisions; and also of those of merges that stand."""
    own: dict[Mark, set[ChangeKey]] = {}
    by_id = {}
    for row in connection.execute(sa.select(decisions)):
        by_id[row.id] = own.setdefault((row.at, row.actor, row.kind), set())
    for row in connection.execute(sa.select(changes)):
        by_id[row.decision].add(change_key(row))
    known = {mark: set(keys) for mark, keys in own.items()}
    undone, taken = undoers_of(connection), {}
    for row in connection.execute(sa.select(merged_decisions)):
        if not is_undone(row.decision, undone):
            mark = row.at, row.actor, row.kind
            taken[row.decision, row.origin, row.id] = known.setdefault(mark, set())
    for row in connection.execute(sa.select(merged_changes)):
        key = row.decision, row.origin, row.merged
        if key in taken:
            taken[key].add(change_key(row))
    return own, known


def unknown_of(other: Other, known: Known, pairs: Mapping[str, str]) -> Iterator[Entry]:
    """The other's decisions that are not known here, and of those known the changes that are not.

    ``pairs``: by the other's annotation the one here that it is.
    """
    for entry in other.log:
        here = known.get(entry.mark)
        if here is None:
            yield entry
        elif rest := [each for each in entry.changes if change_key(each, pairs) not in here]:
            yield replace(entry, changes=tuple(rest))


def last_merge(connection: Connection, other: Other) -> int:
    """The decision that last merged this other catalogue and still stands; 0 for none."""
    marks = {entry.mark for entry in other.log}
    undone = undoers_of(connection)
    return max(
        (
            row.decision
            for row in connection.execute(sa.select(merged_decisions))
            if (row.at, row.actor, row.kind) in marks and not is_undone(row.decision, undone)
        ),
        default=0,
    )


def latest_decisions(connection: Connection) -> dict[str, int]:
    """By annotation, the last decision about it."""
    query = sa.select(changes.c.annotation, sa.func.max(changes.c.decision).label("last"))
    query = query.where(changes.c.dismissal == "").group_by(changes.c.annotation)
    rows = connection.execute(query)
    return {row.annotation: row.last for row in rows}


@dataclass(frozen=True)
class Base:
    """What another catalogue said when both last agreed: fields by annotation, notes by name,
    and which dismissals stood."""

    annotations: Mapping[str, dict[str, Any]]
    notes: Mapping[str, str]
    dismissals: frozenset[str]


def base_of(other: Other, known: Known, pairs: Mapping[str, str]) -> Base:
    """The state after what is known here of the other's own first decisions.

    ``pairs``: by the other's annotation the one here that it is.
    """
    state: dict[str, dict[str, Any]] = {}
    said: dict[str, str] = {}
    dismissed: set[str] = set()
    own = takewhile(lambda each: each.mark in known, (each for each in other.log if each.own))
    common = [
        change
        for entry in own
        for change in entry.changes
        if change_key(change, pairs) in known[entry.mark]
    ]
    for change in sorted(common, key=lambda each: each.id):  # as they were made
        after = None if change.after is None else json.loads(change.after)
        if change.dismissal:
            (dismissed.discard if after is None else dismissed.add)(change.dismissal)
        elif change.individual:
            said[change.individual] = (after or {}).get("notes", "")
        elif after is None:
            state.pop(change.annotation, None)
        else:
            state[change.annotation] = {**state.get(change.annotation, ADDED_LATER), **after}
    return Base(state, said, frozenset(dismissed))


def ever_here(connection: Connection) -> tuple[set[str], set[tuple[str, str]]]:
    """Annotations that this catalogue has or had: their ids; and their photo and first box."""
    photo, box = (sa.func.json_extract(changes.c.after, f"$.{name}") for name in ("photo", "box"))
    made = sa.select(changes.c.annotation, photo.label("photo"), box.label("box")).where(
        changes.c.before.is_(None), changes.c.individual == "", changes.c.dismissal == ""
    )
    rows = connection.execute(made).all()
    return {row.annotation for row in rows}, {(row.photo, row.box) for row in rows}


def annotations_now(connection: Connection) -> dict[str, dict[str, Any]]:
    """This catalogue's annotations by id, as decisions write them."""
    rows = connection.execute(sa.select(annotations_table)).mappings()
    return {row["id"]: fields_of(row) for row in rows}
