"""What people say of suspicions: these two are different animals, these photos are right.

A dismissal speaks about annotations as they are when it is made. Each has a row of its own in
the log and in the table, and counts as long as its annotation shows the same part of the photo
under the same name: what a photo showed before somebody corrected it says nothing about it now.
"""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from resight.catalogue.records import Change, Dismissal
from resight.catalogue.store import (
    annotations_table,
    changes,
    decisions,
    dismissals,
    merged_decisions,
)
from resight.errors import Conflict

#: What must not have changed of an annotation.
_SAME = ("individual", "box", "rotation", "mask")
Said = dict[str, dict[str, Any]]


def change_of(connection: Connection, *groups: Sequence[str]) -> list[Change]:
    """The changes that dismiss a suspicion; nothing is written.

    ``groups``: annotations of one animal, or those of one and those of another.
    """
    dismissal = secrets.token_hex(8)
    a = annotations_table.c
    found = []
    for group, ids in enumerate(groups):
        rows = connection.execute(
            sa.select(annotations_table).where(a.id.in_(ids)).order_by(a.id)
        ).mappings()
        for row in rows:
            said = {"group": group, **{name: row[name] for name in _SAME}}
            found.append(Change(row["id"], None, said, dismissal=dismissal))
    return found


def apply(connection: Connection, change: Change) -> None:
    """Make a change of a dismissal. Raises ``Conflict`` where it is not as ``before`` says."""
    d = dismissals.c
    row = sa.and_(d.id == change.dismissal, d.annotation == change.annotation)
    known = connection.execute(sa.select(d.said).where(row)).scalar()
    if (None if known is None else json.loads(known)) != change.before:
        raise Conflict("what was said of this suspicion was changed since: undo that first")
    connection.execute(dismissals.delete().where(row))
    if change.after is not None:
        connection.execute(
            dismissals.insert().values(
                id=change.dismissal,
                annotation=change.annotation,
                said=json.dumps(change.after, sort_keys=True),
            )
        )


def kept(connection: Connection) -> dict[str, Said]:
    """By dismissal and annotation what was said, as it was."""
    found: dict[str, Said] = defaultdict(dict)
    for row in connection.execute(sa.select(dismissals).order_by(dismissals.c.annotation)):
        found[row.id][row.annotation] = json.loads(row.said)
    return dict(found)


def said(connection: Connection) -> dict[str, Said]:
    """By dismissal and annotation what was said, in the names that individuals have now."""
    every = kept(connection)
    if not every:
        return {}
    first = sa.select(
        changes.c.dismissal, changes.c.annotation, sa.func.min(changes.c.id).label("at")
    ).where(changes.c.dismissal != "")
    begun = {
        (row.dismissal, row.annotation): row.at
        for row in connection.execute(first.group_by(changes.c.dismissal, changes.c.annotation))
    }
    renamed = _renamed(connection)
    for id, of in every.items():
        for annotation, fields in of.items():
            for at, before, after in renamed.get(annotation, ()):
                if at > begun[id, annotation] and before == fields["individual"]:
                    fields["individual"] = after
    return every


def _renamed(connection: Connection) -> dict[str, list[tuple[int, str, str]]]:
    """By dismissed annotation, the changes by which its individual got another name, in order.

    The animal stays the same where an individual is renamed or merged, or that is taken back.
    """
    d = decisions.c
    rows = connection.execute(
        sa.select(d.id, d.kind, d.undoes).where(d.kind.in_(["rename", "merge", "undo"]))
    )
    known = {row.id: row for row in rows}
    # A merge of catalogues speaks about photos, one by one.
    others = set(connection.execute(sa.select(merged_decisions.c.decision)).scalars())

    def renames(decision: int) -> bool:
        while decision in known and known[decision].kind == "undo":
            decision = known[decision].undoes
        return decision in known and decision not in others

    before, after = (
        sa.func.json_extract(state, "$.individual") for state in (changes.c.before, changes.c.after)
    )
    query = (
        sa.select(changes, before.label("was"), after.label("is_now"))
        .where(
            changes.c.annotation.in_(sa.select(dismissals.c.annotation)),
            changes.c.dismissal == "",
            before != after,
        )
        .order_by(changes.c.id)
    )
    found: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for row in connection.execute(query):
        if renames(row.decision):
            found[row.annotation].append((row.id, row.was, row.is_now))
    return found


def standing(connection: Connection) -> tuple[Dismissal, ...]:
    """Dismissals by the annotations for which they count still."""
    every = said(connection)
    if not every:
        return ()
    now = {row["id"]: row for row in connection.execute(sa.select(annotations_table)).mappings()}

    def group(of: Said, number: int) -> frozenset[str]:
        return frozenset(
            id
            for id, fields in of.items()
            if fields["group"] == number
            and id in now
            and all(now[id][name] == fields.get(name, "") for name in _SAME)
        )

    return tuple(
        Dismissal(group(of, 0), group(of, 1) if any(f["group"] for f in of.values()) else None)
        for of in every.values()
    )


def contradictions(connection: Connection) -> Iterator[str]:
    """Annotations whose dismissals are not what the decisions add up to."""
    state: dict[tuple[str, str], Mapping[str, Any]] = {}
    about = sa.select(changes).where(changes.c.dismissal != "").order_by(changes.c.id)
    for row in connection.execute(about):
        key = row.dismissal, row.annotation
        before, after = (text and json.loads(text) for text in (row.before, row.after))
        if state.get(key) != before:
            yield row.annotation
        state.pop(key, None)
        if after:
            state[key] = after
    found = {
        (row.id, row.annotation): json.loads(row.said)
        for row in connection.execute(sa.select(dismissals))
    }
    for key in sorted(state.keys() | found.keys()):
        if state.get(key) != found.get(key):
            yield key[1]
