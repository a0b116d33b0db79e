"""The append-only log of decisions, and the current state it adds up to.

Every change to what the catalogue says goes through ``append``: it writes the
change to the log and applies it to the ``annotations`` table in the same
transaction, then checks the rules. ``log.replay`` adds the log up again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from resight.catalogue import dismissals, notes
from resight.catalogue.facts import check_place
from resight.catalogue.log import ADDED_LATER, changes_of, is_undone, undoers_of, who_said
from resight.catalogue.names import name_key, told
from resight.catalogue.records import Change
from resight.catalogue.store import annotations_table, changes, decisions, photos
from resight.errors import BadFact, CatalogueDamaged, Conflict, NotFound, Outdated

#: The fields of an annotation that decisions speak about.
FIELDS = (
    "photo",
    "box",
    "rotation",
    "individual",
    "side",
    "encounter",
    "species",
    "date",
    "place",
    "latitude",
    "longitude",
    "hidden",
    "review",
    "mask",
)
#: Kinds that cannot be taken back: a purge has destroyed what it removed.
_FINAL = frozenset({"purge"})


@dataclass(frozen=True)
class Said:
    """The words of a decision before it has an id."""

    kind: str
    actor: str
    note: str = ""
    identification: str = ""
    undoes: int | None = None


def record(connection: Connection, said: Said) -> int:
    """Enter a decision into the log; its changes follow by ``append``."""
    result = connection.execute(
        decisions.insert().values(
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            actor=storable(said.actor),
            kind=said.kind,
            note=storable(said.note),
            identification=storable(said.identification),
            undoes=said.undoes,
        )
    )
    key = result.inserted_primary_key
    if key is None:  # pragma: no cover - SQLite always gives one
        raise CatalogueDamaged("the database gave the new decision no id")
    return int(key[0])


def storable(text: str) -> str:
    """Text that UTF-8 can hold: names of files may be in no valid encoding."""
    return text.encode("utf-8", "replace").decode("utf-8")


def append(connection: Connection, decision: int, made: Sequence[Change]) -> None:
    """Log changes under a decision and apply them.

    Raises ``Conflict`` where an annotation is no longer as ``before`` says, or
    where a rule would break: an encounter belongs to one animal, and two names
    do not differ in case or spacing only. Roll back then.
    """
    for change in made:
        if change.dismissal:
            dismissals.apply(connection, change)
        elif change.individual:
            notes.apply(connection, change)
        else:
            _apply(connection, change)
        connection.execute(
            changes.insert().values(
                decision=decision,
                annotation=change.annotation,
                before=_to_json(change.before),
                after=_to_json(change.after),
                individual=change.individual,
                dismissal=change.dismissal,
            )
        )
    _keep_rules(connection, made)


def current(connection: Connection, annotation: str) -> dict[str, Any] | None:
    """The fields of an annotation now, or ``None`` where there is none."""
    row = (
        connection.execute(sa.select(annotations_table).where(annotations_table.c.id == annotation))
        .mappings()
        .first()
    )
    return None if row is None else fields_of(row)


def fields_of(row: RowMapping) -> dict[str, Any]:
    """A table row as decisions write it."""
    return {**{field: row[field] for field in FIELDS}, "hidden": bool(row["hidden"])}


def updates(
    connection: Connection, annotations: Sequence[str], said: Said, **fields: object
) -> list[Change]:
    """As ``update``, of several annotations; raises ``BadFact`` for none."""
    if not annotations:
        raise BadFact(f"no annotation given to {said.kind}")
    return [update(connection, id, **fields) for id in dict.fromkeys(annotations)]


def update(connection: Connection, annotation: str, **after: object) -> Change:
    """The change that sets some fields of an annotation; nothing is written.

    Raises ``NotFound`` for an id the catalogue does not have.
    """
    before = current(connection, annotation)
    if before is None:
        raise NotFound(f"no annotation {annotation!r} in this catalogue")
    return changed(annotation, before, after)


def changed(annotation: str, now: Mapping[str, Any], after: Mapping[str, Any]) -> Change:
    """The change that sets some fields of an annotation that is so ``now``."""
    if "individual" in after and now["review"]:
        after = {**after, "review": ""}  # who it is was asked, and is answered
    return Change(annotation, {field: now[field] for field in after}, after)


def decide(
    connection: Connection,
    annotations: Sequence[str],
    said: Said,
    seen: Mapping[str, int],
    **fields: object,
) -> int:
    """Set fields of annotations by a new decision, of which this is the id.

    Raises what ``check_versions``, ``updates``, ``check_place`` and ``append`` raise.
    """
    check_versions(connection, seen)
    made = updates(connection, annotations, said, **fields)
    for change in made:
        check_place(connection, change.annotation, fields)
    decision = record(connection, said)
    append(connection, decision, made)
    return decision


def check_free(connection: Connection, name: str) -> None:
    """Raise ``Conflict`` where an individual has this name."""
    query = sa.select(annotations_table.c.id).where(annotations_table.c.individual == name)
    if connection.execute(query.limit(1)).first():
        raise Conflict(f"there is an individual {name!r} already: choose another name")


def check_versions(connection: Connection, seen: Mapping[str, int]) -> None:
    """Raise ``Outdated`` unless annotations have these versions still.

    In the transaction that decides, nothing can change between this and that.
    """
    for annotation, version in seen.items():
        latest = connection.execute(
            sa.select(sa.func.max(changes.c.id)).where(
                changes.c.annotation == annotation, changes.c.dismissal == ""
            )
        ).scalar()
        if latest != version:
            raise Outdated(
                f"annotation {annotation} was changed since you read it: look at it again, then "
                "decide"
            )


def undo(connection: Connection, decision: int | None, said: Said) -> int:
    """Take a decision back (the last one still standing for ``None``).

    Undoing an undo does the first decision again. Raises ``NotFound`` for no
    such decision; ``Conflict`` where it is undone already, is final, or where
    a later decision builds on what it did.
    """
    undoers = undoers_of(connection)
    wanted = decision
    if decision is None:
        decision = _last_standing(connection, undoers)
    kind = connection.execute(
        sa.select(decisions.c.kind).where(decisions.c.id == decision)
    ).scalar()
    if kind is None:
        raise NotFound(f"no decision {decision} in this catalogue")
    if kind in _FINAL:
        # Whoever names none means the newest, and would not notice that an older one went.
        number = ": give the number of the one to undo (log lists them)" if wanted is None else ""
        raise Conflict(f"decision {decision} is a {kind}, which cannot be undone{number}")
    if is_undone(decision, undoers):
        raise Conflict(f"decision {decision} is undone already")
    reverse = [
        replace(change, before=change.after, after=change.before)
        for change in reversed(changes_of(connection, decision))
    ]
    new = record(connection, Said("undo", said.actor, said.note, undoes=decision))
    try:
        append(connection, new, reverse)
    except Conflict as error:
        raise Conflict(f"decision {decision} cannot be undone: {error}") from None
    return new


def _apply(connection: Connection, change: Change) -> None:
    now = current(connection, change.annotation)
    if change.before is None:
        if now is not None:
            raise Conflict(f"annotation {change.annotation} exists again already")
        _insert(connection, change)
        return
    if now is None:
        raise Conflict(f"annotation {change.annotation} is no longer there")
    expected = {**ADDED_LATER, **change.before} if change.after is None else change.before
    for field, value in expected.items():
        if now[field] != value:
            by = who_said(connection, change.annotation, field)
            raise Conflict(
                f"the {field} of annotation {change.annotation} was changed since, from "
                f"{told(field, value)} to {told(field, now[field])}, by decision {by}: undo that "
                "first"
            )
    row = annotations_table.c.id == change.annotation
    if change.after is None:
        connection.execute(annotations_table.delete().where(row))
    else:
        if "box" in change.after:
            _keep_one_of_a_box(connection, now["photo"], change)
        connection.execute(annotations_table.update().where(row).values(**_columns(change.after)))


def _insert(connection: Connection, change: Change) -> None:
    if change.after is None:
        raise ValueError("a change has neither before nor after")
    photo = change.after["photo"]
    if not connection.execute(sa.select(photos.c.name).where(photos.c.sha256 == photo)).first():
        raise Conflict(f"photo {photo[:12]} was purged")
    _keep_one_of_a_box(connection, photo, change)
    connection.execute(
        annotations_table.insert().values(id=change.annotation, **_columns(change.after))
    )


def _keep_one_of_a_box(connection: Connection, photo: str, change: Change) -> None:
    same = sa.select(annotations_table.c.id).where(
        annotations_table.c.photo == photo,
        annotations_table.c.box == (change.after or {})["box"],
        annotations_table.c.id != change.annotation,
    )
    taken = connection.execute(same).scalar()
    if taken:
        raise Conflict(f"photo {photo[:12]} has an annotation of the same box, {taken}")


def _columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    columns = dict(fields)
    if "individual" in columns:
        columns["individual_key"] = name_key(columns["individual"])
    return columns


def _keep_rules(connection: Connection, made: Sequence[Change]) -> None:
    touched = [current(connection, change.annotation) for change in made if change.annotation]
    for name in sorted({row["individual"] for row in touched if row} - {""}):
        _keep_one_spelling(connection, name)
    for encounter in sorted({row["encounter"] for row in touched if row} - {""}):
        _keep_one_animal(connection, encounter)


def _keep_one_spelling(connection: Connection, name: str) -> None:
    other = connection.execute(
        sa.select(annotations_table.c.individual)
        .where(
            annotations_table.c.individual_key == name_key(name),
            annotations_table.c.individual != name,
        )
        .limit(1)
    ).scalar()
    if other:
        raise Conflict(
            f"there is an individual {other!r} and {name!r} differs from it in case or spacing "
            f"only: use the spelling {other!r}, or a name that differs more"
        )


def _keep_one_animal(connection: Connection, encounter: str) -> None:
    names = connection.execute(
        sa.select(annotations_table.c.individual)
        .where(annotations_table.c.encounter == encounter, annotations_table.c.individual != "")
        .distinct()
        .order_by(annotations_table.c.individual)
        .limit(2)
    ).scalars()
    both = list(names)
    if len(both) > 1:
        raise Conflict(
            f"encounter {encounter!r} would hold {both[0]!r} and {both[1]!r}, but an encounter "
            "belongs to one animal: give each animal an encounter of its own"
        )


def _last_standing(connection: Connection, undoers: Mapping[int, Sequence[int]]) -> int:
    newest = connection.execute(
        sa.select(decisions.c.id).where(decisions.c.kind != "undo").order_by(decisions.c.id.desc())
    ).scalars()
    for decision in newest:
        if not is_undone(decision, undoers):
            return int(decision)
    raise NotFound("nothing to undo: no decision of this catalogue still stands")


def _to_json(fields: Mapping[str, Any] | None) -> str | None:
    return None if fields is None else json.dumps(fields, ensure_ascii=False, sort_keys=True)
