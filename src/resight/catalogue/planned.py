"""What a planned photo says of an annotation, beside what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resight.catalogue.facts import contradiction
from resight.catalogue.importing import PlannedPhoto
from resight.catalogue.names import box_text, coarse_degrees
from resight.errors import Conflict
from resight.masks import mask_text
from resight.types import UNKNOWN_SIDE


def new_fields(sha256: str, planned: PlannedPhoto) -> dict[str, Any]:
    """Of an annotation that is new, as decisions write them."""
    return {"photo": sha256, **_said_about(planned), "hidden": False}


def _said_about(planned: PlannedPhoto) -> dict[str, Any]:
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
