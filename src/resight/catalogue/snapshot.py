"""All annotations in memory, kept up to date by reading what the log has new."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy import Connection

from resight.catalogue import notes, queries
from resight.catalogue.records import AnnotationRecord
from resight.catalogue.store import Store, changes


@dataclass(frozen=True)
class State:
    """What a catalogue holds after change number ``version``: another one, another state.

    ``annotations`` by id, hidden ones too; ``notes`` of the individuals that have some.
    """

    version: int = -1
    annotations: Mapping[str, AnnotationRecord] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


class Memory:
    """The state of a store. Safe to use from several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._state = State()
        self._lock = threading.Lock()

    def current(self) -> State:
        """The same object as before where nothing was decided since, by any process."""
        with self._lock, self._store.reading() as connection:
            latest = queries.latest_change(connection)
            if latest != self._state.version:
                self._state = _after(connection, self._state, latest)
            return self._state


def _after(connection: Connection, state: State, latest: int) -> State:
    touched = connection.execute(
        sa.select(changes.c.annotation).where(changes.c.id > state.version).distinct()
    ).scalars()
    ids = [id for id in touched if id]
    known = queries.known(connection, ids)
    left = {id: record for id, record in state.annotations.items() if id not in known}
    for id in ids:
        left.pop(id, None)
    return State(latest, {**left, **known}, notes.noted(connection))
