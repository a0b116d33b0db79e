"""What a planned photo says, compared with what the catalogue knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from resight.catalogue.decisions import fields_of
from resight.catalogue.facts import box_before, contradiction
from resight.catalogue.importing import PlannedPhoto
from resight.catalogue.names import box_text, coarse_degrees
from resight.catalogue.store import annotations_table
from resight.errors import Conflict
from resight.masks import mask_text
from resight.types import UNKNOWN_SIDE


def new_fields(sha256: str, planned: PlannedPhoto) -> dict[str, Any]:
    """Of an annotation that is new, as decisions write them."""
    return {"photo": sha256, **_said_about(planned), "hidden": False}


def _said_about(planned: PlannedPhoto) -> dict[str, Any]:
    """By field what is said; what stands for "not known" where nothing is."""
    position = planned.position
    return {
        "box": box_text(planned.box),
        "rotation": planned.rotation,
        "individual": planned.identity,
        "side": planned.side,
        "encounter": planned.encounter,
        "species": planned.species,
        "date": planned.date,
        "place": planned.place,
        "latitude": position.latitude if position else None,
        "longitude": position.longitude if position else None,
        "mask": mask_text(planned.mask),
    }


#: What stands for "not known", other than empty text and ``None``.
_NOT_SAID = {"side": UNKNOWN_SIDE, "rotation": 0.0}


def _is_said(field: str, value: object) -> bool:
    return value not in (None, "", _NOT_SAID.get(field))


def annotation_meant(
    connection: Connection, sha256: str, planned: PlannedPhoto
) -> tuple[str, dict[str, Any]] | None:
    """The known annotation a planned photo speaks of; ``None`` for a new one.

    With equal boxes it is the same one. An annotation of the whole photo has a
    box that nobody has said yet, so it is the same as one with a box; and a
    photo planned without a box means whichever animal in it has its name.
    """
    rows = (
        connection.execute(
            sa.select(annotations_table)
            .where(annotations_table.c.photo == sha256)
            .order_by(annotations_table.c.box, annotations_table.c.id)
        )
        .mappings()
        .all()
    )
    known = {row["box"]: (row["id"], fields_of(row)) for row in rows}
    box = box_text(planned.box)
    if box in known or not known:
        return known.get(box)
    if box:
        before = box_before(connection, sha256, box)
        corrected = [found for found in known.values() if found[0] == before]
        return corrected[0] if corrected else known.get("")
    for found in known.values():
        if planned.identity in ("", found[1]["individual"]):
            return found
    if len(known) == 1:
        return next(iter(known.values()))
    names = ", ".join(repr(fields["individual"] or "unknown") for _, fields in known.values())
    raise Conflict(
        f"this photo shows {names} in the catalogue, each in its box, and {planned.identity!r} "
        "here: say in which box"
    )


def filled_in(
    fields: dict[str, Any], planned: PlannedPhoto, said_by: Mapping[str, str]
) -> dict[str, Any]:
    """Facts that were not known and are said now; raises ``Conflict`` for a contradiction.

    ``said_by`` has the file of the same run that said what is known; empty for none.
    """
    filled = {}
    for field, said in _said_about(planned).items():
        known = fields[field]
        if not _is_said(field, said) or said == known:
            continue
        if _is_said(field, known):
            hidden = field in ("latitude", "longitude") and said == coarse_degrees(known)
            if field in planned.derived or hidden:  # an export that is added again
                continue
            raise Conflict(contradiction(field, known, said, said_by[field]))
        filled[field] = said
    return filled
