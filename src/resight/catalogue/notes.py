"""What people note about individuals: like all they say, changed by decisions only."""

from __future__ import annotations

import json
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy import Connection

from resight.catalogue.records import Change
from resight.catalogue.store import changes, individuals
from resight.errors import Conflict


def noted(connection: Connection) -> dict[str, str]:
    """The notes of each individual that has some."""
    return {row.name: row.notes for row in connection.execute(sa.select(individuals))}


def note_of(connection: Connection, individual: str) -> str:
    """An individual's notes; empty where it has none."""
    query = sa.select(individuals.c.notes).where(individuals.c.name == individual)
    return connection.execute(query).scalar() or ""


def change_of(connection: Connection, individual: str, after: str) -> Change:
    """The change that makes these an individual's notes; nothing is written."""
    before = {"notes": note_of(connection, individual)}
    return Change("", before, {"notes": after}, individual)


def apply(connection: Connection, change: Change) -> None:
    """Make a change of notes. Raises ``Conflict`` where they are not as ``before`` says."""
    before, after = (change.before or {})["notes"], (change.after or {})["notes"]
    if note_of(connection, change.individual) != before:
        raise Conflict(f"the notes of {change.individual!r} were changed since: undo that first")
    connection.execute(individuals.delete().where(individuals.c.name == change.individual))
    if after:
        connection.execute(individuals.insert().values(name=change.individual, notes=after))


def contradictions(connection: Connection) -> Iterator[str]:
    """Individuals whose notes are not what the decisions add up to."""
    state: dict[str, str] = {}
    about = sa.select(changes).where(changes.c.individual != "").order_by(changes.c.id)
    for row in connection.execute(about):
        if state.get(row.individual, "") != json.loads(row.before)["notes"]:
            yield row.individual
        state[row.individual] = json.loads(row.after)["notes"]
    found = noted(connection)
    for name in sorted(state.keys() | found.keys()):
        if state.get(name, "") != found.get(name, ""):
            yield name
