"""Where two people say different things about one annotation."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from resight.catalogue.log import is_undone, undoers_of
from resight.catalogue.records import Opinion
from resight.catalogue.store import changes, decisions

#: By these, one name becomes another without anybody changing their mind.
_SAME_ANIMAL = frozenset({"rename", "merge"})


def disagreements(connection: Connection) -> dict[str, tuple[Opinion, ...]]:
    """By annotation, the last opinion of each person, where these name different individuals.

    An opinion is an assignment that still stands; whoever says "unknown" has none. Names that
    were changed or merged since are the present ones. Imports are nobody's opinion.
    """
    said: dict[str, dict[str, Opinion]] = defaultdict(dict)
    undoers = undoers_of(connection)
    for row in connection.execute(_about_individuals()):
        if is_undone(row.id, undoers):
            continue
        before, after = (json.loads(text)["individual"] for text in (row.before, row.after))
        if row.kind == "assign":
            said[row.annotation][row.actor] = Opinion(row.id, row.at, row.actor, after)
        elif row.kind in _SAME_ANIMAL:
            _rename(said, before, after)
    return {
        annotation: tuple(named)
        for annotation, of in said.items()
        if (named := [each for each in of.values() if each.individual])
        and len({each.individual for each in named}) > 1
    }


def _about_individuals() -> sa.Select[Any]:
    named = sa.func.json_extract(changes.c.after, "$.individual")
    return (
        sa.select(
            decisions.c.id,
            decisions.c.at,
            decisions.c.actor,
            decisions.c.kind,
            changes.c.annotation,
            changes.c.before,
            changes.c.after,
        )
        .join(decisions, decisions.c.id == changes.c.decision)
        .where(decisions.c.kind.in_(["assign", *_SAME_ANIMAL]), named.is_not(None))
        .order_by(changes.c.id)
    )


def _rename(said: dict[str, dict[str, Opinion]], before: str, after: str) -> None:
    for of in said.values():
        for actor, each in of.items():
            if each.individual == before:
                of[actor] = Opinion(each.decision, each.at, actor, after)
