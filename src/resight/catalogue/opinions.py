"""Where two people say different things about one annotation."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from resight.catalogue.log import is_undone, undoers_of
from resight.catalogue.records import Opinion
from resight.catalogue.store import changes, decisions, merged_decisions


def disagreements(connection: Connection) -> dict[str, tuple[Opinion, ...]]:
    """By annotation, the last opinion of each person, where these name different individuals.

    An opinion is an assignment that still stands; whoever says "unknown" has none. Names that
    were changed or merged since are the present ones. Imports are nobody's opinion.
    """
    said: dict[str, dict[str, Opinion]] = defaultdict(dict)
    undoers, renamings = undoers_of(connection), _Renamings(connection)
    for row in connection.execute(_assigned()):
        if not is_undone(row.id, undoers):
            name = renamings.now(row.individual, since=row.id)
            said[row.annotation][row.actor] = Opinion(row.id, row.at, row.actor, name)
    return {
        annotation: tuple(named)
        for annotation, of in said.items()
        if (named := [each for each in of.values() if each.individual])
        and len({each.individual for each in named}) > 1
    }


def _assigned() -> sa.Select[Any]:
    named = sa.func.json_extract(changes.c.after, "$.individual")
    return (
        sa.select(
            decisions.c.id,
            decisions.c.at,
            decisions.c.actor,
            changes.c.annotation,
            named.label("individual"),
        )
        .join(decisions, decisions.c.id == changes.c.decision)
        .where(decisions.c.kind == "assign", named.is_not(None))
        .order_by(changes.c.id)
    )


class _Renamings:
    """What individuals are called since decisions that renamed them, or merged two, and stand.

    Merges of catalogues are none: they speak about photos, one by one.
    """

    def __init__(self, connection: Connection) -> None:
        self._of: dict[str, list[tuple[int, str]]] = {}
        before, after = (
            sa.func.json_extract(said, "$.individual")
            for said in (changes.c.before, changes.c.after)
        )
        query = (
            sa.select(decisions.c.id, before.label("before"), after.label("after"))
            .join(changes, changes.c.decision == decisions.c.id)
            .where(
                decisions.c.kind.in_(["rename", "merge"]),
                decisions.c.id.not_in(sa.select(merged_decisions.c.decision)),
                sa.func.coalesce(before, "") != "",
                after.is_not(None),
            )
            .distinct()
            .order_by(decisions.c.id)
        )
        undoers = undoers_of(connection)
        for row in connection.execute(query):
            if not is_undone(row.id, undoers):
                self._of.setdefault(row.before, []).append((row.id, row.after))

    def now(self, name: str, since: int) -> str:
        """What an individual is called that had this name after decision ``since``."""
        while True:
            later = ((at, after) for at, after in self._of.get(name, ()) if at > since)
            renamed = next(later, None)
            if renamed is None:
                return name
            since, name = renamed
