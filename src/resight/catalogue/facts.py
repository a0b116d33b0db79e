"""Facts that people correct, read as they write them; and what ``add`` said before that."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from resight.catalogue.importing import PlannedPhoto
from resight.catalogue.names import box_of, box_text, clean_name, date_named, side_named, told
from resight.catalogue.store import annotations_table, changes, photos
from resight.errors import BadFact, PhotoError
from resight.masks import Mask, check_kept, check_mask, mask_of, mask_text
from resight.types import Box


@dataclass(frozen=True)
class Facts:
    """What ``describe`` can correct; ``None`` is not said, ``""`` not known.

    A ``box`` of ``""`` is the whole photo, a ``mask`` of ``""`` the program's own.
    """

    side: str | None = None
    encounter: str | None = None
    species: str | None = None
    date: str | None = None
    place: str | None = None
    box: Box | Literal[""] | None = None
    rotation: float | None = None
    mask: Mask | Literal[""] | None = None

    def fields(self) -> dict[str, Any]:
        """Those that are said, as decisions write them.

        Raises ``BadFact`` for one that cannot be understood, or none at all.
        """
        read: dict[str, Callable[[Any], Any]] = {
            "side": side_named,
            "encounter": clean_name,
            "species": clean_name,
            "date": date_named,
            "place": clean_name,
            "box": lambda box: box_text(box or None),
            "rotation": _angle,
            "mask": _mask,
        }
        try:
            said = {
                name: read_as(getattr(self, name))
                for name, read_as in read.items()
                if getattr(self, name) is not None
            }
        except ValueError as error:
            raise BadFact(str(error)) from error
        if not said:
            raise BadFact(f"no fact given to describe: there are {', '.join(read)}")
        return said


def _mask(mask: Mask | Literal[""]) -> str:
    if mask:
        check_kept(mask)
    return mask_text(mask or None)


def _angle(degrees: float) -> float:
    if not math.isfinite(degrees):
        raise ValueError(f"the rotation {degrees} is not a number of degrees")
    return float(degrees) % 360


def check_place(connection: Connection, annotation: str, after: dict[str, Any]) -> None:
    """Raise ``BadFact`` where a corrected box, rotation or mask leaves its photo."""
    if not {"box", "rotation", "mask"} & after.keys():
        return
    from resight.chips import check_box  # loads OpenCV

    row = connection.execute(
        sa.select(annotations_table.c.box, annotations_table.c.rotation, photos)
        .join(photos, photos.c.sha256 == annotations_table.c.photo)
        .where(annotations_table.c.id == annotation)
    ).first()
    if row is None:
        return
    box, mask = box_of(after.get("box", row.box)), mask_of(after.get("mask", ""))
    size = (row.width, row.height)
    try:
        if box is not None:
            check_box(box, after.get("rotation", row.rotation), size)
        if mask is not None:
            check_mask(mask, size)
    except PhotoError as error:
        raise BadFact(f"annotation {annotation}: {error}") from error


def box_before(connection: Connection, photo: str, box: str) -> str | None:
    """The annotation of a photo that had this box before it was corrected, if there is one.

    ``add`` knows an annotation again by its box: also by one that it has no longer.
    """
    had = sa.func.json_extract(changes.c.before, "$.box") == box
    return connection.execute(
        sa.select(changes.c.annotation)
        .join(annotations_table, annotations_table.c.id == changes.c.annotation)
        .where(annotations_table.c.photo == photo, had)
        .order_by(changes.c.id.desc())
        .limit(1)
    ).scalar()


def as_corrected(
    connection: Connection, annotation: str, planned: PlannedPhoto, known: dict[str, Any]
) -> PlannedPhoto:
    """What is planned, with the box, rotation and mask that people have corrected since.

    Adding the same table again must not contradict whoever corrected what it says.
    """
    before = connection.execute(
        sa.select(changes.c.before).where(
            changes.c.annotation == annotation, changes.c.before.is_not(None)
        )
    ).scalars()
    for text in before:
        had = json.loads(text)
        if had.get("box") == box_text(planned.box):
            planned = replace(planned, box=box_of(known["box"]))
        if had.get("rotation") == planned.rotation:
            planned = replace(planned, rotation=known["rotation"])
        if had.get("mask") == mask_text(planned.mask):
            planned = replace(planned, mask=mask_of(known["mask"]))
    return planned


def contradiction(field: str, known: object, said: object, said_by: str) -> str:
    """Why a photo that is added again cannot say something else; ``said_by`` as the file of the
    same run that said what is ``known``, empty for none."""
    cure = _CURES.get(field, "")
    known_told, said_told = told(field, known), told(field, said)
    if said_by:
        what = "" if field == "individual" else f"{field} "
        added = f"{'with' if what else 'as'} {what}{known_told}"
        here = f"{what}{said_told}"
        return (
            f"same bytes as {said_by}, added {added}, but {here} here: keep one of the two "
            "files" + (f"; to correct what was added, {cure}" if cure else "")
        )
    return (
        f"the same photo has {field} {known_told} in the catalogue and {said_told} here: nothing "
        "was changed" + (f"; if {said_told} is right, {cure}" if cure else "")
    )


#: What changes a fact of a known annotation.
_CURES = {
    "individual": "assign it",
    **dict.fromkeys(("side", "encounter", "species", "date", "place"), "describe it"),
}
