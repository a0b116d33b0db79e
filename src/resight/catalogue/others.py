"""Another catalogue, read to be merged: never written to, not even to upgrade its database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from resight.catalogue import dismissals, migrations, notes
from resight.catalogue.decisions import fields_of
from resight.catalogue.dismissals import Said as Dismissed
from resight.catalogue.folders import DATABASE
from resight.catalogue.log import ADDED_LATER, is_undone, undoers_of
from resight.catalogue.originals import Originals
from resight.catalogue.store import (
    Store,
    annotations_table,
    changes,
    decisions,
    merged_changes,
    merged_decisions,
    photos,
    translated,
)
from resight.errors import NotACatalogue

#: A decision, wherever it is written down: when (to the millisecond), who, what.
Mark = tuple[str, str, str]


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
    name = folder.resolve().name
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
        # A reader of a write-ahead log leaves files beside it; where there is none, it need not.
        log = database.with_name(f"{database.name}-wal")
        how = "mode=ro" if log.is_file() and log.stat().st_size else "immutable=1"
        with translated(database), closing(sqlite3.connect(copy)) as target:
            where = f"file:{quote(str(database.absolute()))}?{how}"
            with closing(sqlite3.connect(where, uri=True)) as source:
                source.backup(target)
        store = Store(copy)
        try:
            migrations.upgrade(store)
            yield store
        finally:
            store.close()


def _log(connection: Connection, name: str) -> Iterator[Entry]:
    """What it had taken over from others, then its own decisions, each in order."""
    columns = ("at", "actor", "kind", "note", "identification", "undoes")
    by_decision: dict[object, list[Row[Any]]] = {}
    taken = sa.select(merged_changes).order_by(merged_changes.c.id)
    for row in connection.execute(taken):
        by_decision.setdefault((row.decision, row.origin, row.merged), []).append(row)
    for row in connection.execute(
        sa.select(merged_decisions).order_by(merged_decisions.c.decision, merged_decisions.c.id)
    ):
        values = {column: getattr(row, column) for column in columns}
        key = (row.decision, row.origin, row.id)
        yield Entry(row.origin, row.id, values, tuple(by_decision.get(key, ())))
    for row in connection.execute(sa.select(changes).order_by(changes.c.id)):
        by_decision.setdefault(row.decision, []).append(row)
    for row in connection.execute(sa.select(decisions).order_by(decisions.c.id)):
        values = {column: getattr(row, column) for column in columns}
        yield Entry(name, row.id, values, tuple(by_decision.get(row.id, ())), own=True)


def known_marks(connection: Connection, *, merges: bool = True) -> set[Mark]:
    """Every decision this catalogue knows: its own, and those of ``merges`` that still stand."""
    found = {
        (row.at, row.actor, row.kind)
        for row in connection.execute(
            sa.select(decisions.c.at, decisions.c.actor, decisions.c.kind)
        )
    }
    undone = undoers_of(connection)
    for row in connection.execute(sa.select(merged_decisions)) if merges else ():
        if not is_undone(row.decision, undone):
            found.add((row.at, row.actor, row.kind))
    return found


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


def base_of(other: Other, known: Iterable[Mark]) -> Base:
    """The state after those first decisions of the other's own that are known here."""
    marks = set(known)
    state: dict[str, dict[str, Any]] = {}
    said: dict[str, str] = {}
    dismissed: set[str] = set()
    for entry in (each for each in other.log if each.own):
        if entry.mark not in marks:
            break
        for change in entry.changes:
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


def annotations_now(connection: Connection) -> dict[str, dict[str, Any]]:
    """This catalogue's annotations by id, as decisions write them."""
    rows = connection.execute(sa.select(annotations_table)).mappings()
    return {row["id"]: fields_of(row) for row in rows}
