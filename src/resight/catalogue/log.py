"""Reading the append-only log of decisions: what was decided, what still stands, the sum of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Row

from resight.catalogue.records import Change, Decision, MergedDecision
from resight.catalogue.store import changes, decisions, listed, merged_changes, merged_decisions

#: Values of fields that older decisions know nothing of.
ADDED_LATER = {"review": "", "mask": ""}


def still_stands(connection: Connection, decision: int) -> bool:
    """Whether a decision has not been taken back."""
    return not is_undone(decision, undoers_of(connection))


def is_undone(decision: int, undoers: Mapping[int, Sequence[int]]) -> bool:
    """Whether some undo of a decision itself still stands."""
    # Follows chains of undo and redo without recursion: they may be long.
    standing: dict[int, bool] = {}
    stack = [decision]
    while stack:
        top = stack[-1]
        waiting = [by for by in undoers.get(top, ()) if by not in standing]
        if waiting:
            stack.extend(waiting)
        else:
            stack.pop()
            standing[top] = not any(standing[by] for by in undoers.get(top, ()))
    return not standing[decision]


def changes_of(connection: Connection, decision: int) -> list[Change]:
    """What a decision changed, in the order in which it did."""
    rows = connection.execute(
        sa.select(changes).where(changes.c.decision == decision).order_by(changes.c.id)
    )
    return [_change(row) for row in rows]


def who_said(connection: Connection, annotation: str, field: str) -> int | None:
    """The last decision that said something about this field of an annotation."""
    rows = connection.execute(
        sa.select(changes)
        .where(changes.c.annotation == annotation, changes.c.dismissal == "")
        .order_by(changes.c.id.desc())
    )
    return next((row.decision for row in rows if field in (_change(row).after or {})), None)


def history(
    connection: Connection,
    *,
    touching: Iterable[str] | None = None,
    individual: str = "",
    id: int | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> tuple[Decision, ...]:
    """Decisions, newest first: all, one, or those that touched given annotations.

    With ``individual``, those about its notes as well; with ``before``, those of lower ids.
    """
    touched = (
        sa.select(sa.func.count(sa.distinct(sa.func.nullif(changes.c.annotation, ""))))
        .where(changes.c.decision == decisions.c.id)
        .scalar_subquery()
    )
    query = (
        sa.select(decisions, touched.label("annotations"))
        .order_by(decisions.c.id.desc())
        .limit(limit)
    )
    if touching is not None:
        query = query.where(_about(touching, individual))
    if id is not None:
        query = query.where(decisions.c.id == id)
    if before is not None:
        query = query.where(decisions.c.id < before)
    undoers = undoers_of(connection)
    return tuple(
        Decision(
            id=row.id,
            at=datetime.fromisoformat(row.at),
            actor=row.actor,
            kind=row.kind,
            note=row.note,
            identification=row.identification,
            undoes=row.undoes,
            undone=is_undone(row.id, undoers),
            annotations=row.annotations,
        )
        for row in connection.execute(query)
    )


def merged_history(
    connection: Connection,
    *,
    touching: Iterable[str] | None = None,
    decision: int | None = None,
) -> tuple[MergedDecision, ...]:
    """Decisions of other catalogues, newest first: all, of one merge, or about annotations."""
    m = merged_decisions.c
    query = sa.select(merged_decisions).order_by(m.at.desc(), m.id.desc())
    if decision is not None:
        query = query.where(m.decision == decision)
    if touching is not None:
        about = sa.select(merged_changes.c.id).where(
            merged_changes.c.decision == m.decision,
            merged_changes.c.origin == m.origin,
            merged_changes.c.merged == m.id,
            merged_changes.c.annotation.in_(listed(touching)),
        )
        query = query.where(about.exists())
    return tuple(
        MergedDecision(
            decision=row.decision,
            origin=row.origin,
            id=row.id,
            at=datetime.fromisoformat(row.at),
            actor=row.actor,
            kind=row.kind,
            note=row.note,
        )
        for row in connection.execute(query)
    )


def count(
    connection: Connection, *, touching: Iterable[str] | None = None, individual: str = ""
) -> int:
    """How many decisions ``history`` gives without a limit."""
    query = sa.select(sa.func.count()).select_from(decisions)
    if touching is not None:
        query = query.where(_about(touching, individual))
    return connection.execute(query).scalar_one()


def individuals_of(connection: Connection, decided: Sequence[int]) -> dict[int, str]:
    """By decision, the individual that it named, renamed or noted about, where it is only one."""
    said = sa.func.json_extract(changes.c.after, "$.individual")
    name = sa.func.coalesce(sa.func.nullif(changes.c.individual, ""), sa.func.nullif(said, ""))
    rows = connection.execute(
        sa.select(changes.c.decision, sa.func.min(name).label("name"))
        .where(changes.c.decision.in_(listed(decided)))
        .group_by(changes.c.decision)
        .having(
            sa.func.count(sa.distinct(name)) == 1,
            sa.func.count(name) == sa.func.count(),  # photos without a name are not of it
        )
    )
    return {row.decision: row.name for row in rows}


def _about(touching: Iterable[str], individual: str) -> ColumnElement[bool]:
    about: ColumnElement[bool] = changes.c.annotation.in_(listed(touching))
    if individual:
        about |= changes.c.individual == individual
    return decisions.c.id.in_(sa.select(changes.c.decision).where(about))


def replay(connection: Connection) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Add up the log: annotation id to its fields, and where the log contradicts itself."""
    state: dict[str, dict[str, Any]] = {}
    problems = []
    about = (
        sa.select(changes)
        .where(changes.c.individual == "", changes.c.dismissal == "")
        .order_by(changes.c.id)
    )
    for row in connection.execute(about):
        before, after = _from_json(row.before), _from_json(row.after)
        known = state.get(row.annotation)
        expected = known if before is None or known is None else {f: known[f] for f in before}
        if before != expected:
            problems.append(f"change {row.id} of annotation {row.annotation} starts elsewhere")
        if after is None:
            state.pop(row.annotation, None)
        else:
            state[row.annotation] = {**(known or ADDED_LATER), **after}
    return state, problems


def undoers_of(connection: Connection) -> dict[int, list[int]]:
    """By decision, those that undo it."""
    found: dict[int, list[int]] = {}
    rows = connection.execute(
        sa.select(decisions.c.undoes, decisions.c.id).where(decisions.c.undoes.is_not(None))
    )
    for undone, by in rows:
        found.setdefault(undone, []).append(by)
    return found


def _change(row: Row[tuple[object, ...]]) -> Change:
    before, after = _from_json(row.before), _from_json(row.after)
    return Change(row.annotation, before, after, row.individual, row.dismissal)


def _from_json(text: str | None) -> dict[str, Any] | None:
    found: dict[str, Any] | None = None if text is None else json.loads(text)
    return found
