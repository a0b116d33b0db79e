"""Boxes of animals: proposed by a detector, and of further animals on a photo."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Annotated, Literal, Optional

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from resight.catalogue import AnnotationRecord, ImportPlan, PlannedPhoto
from resight.errors import BadFact, Conflict, PhotoError
from resight.service import models, views
from resight.service.asking import TheAsker, TheDesk, in_turn
from resight.service.desk import Desk
from resight.types import Box

router = APIRouter(tags=["annotations"])

Id = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
#: Animals that one photo may get at once.
_MOST = 50


class LookForBoxes(models.Asked):
    """By which detector; null: what the catalogue's boxes taught if they did, else ``salient``."""

    detector: Optional[Literal["salient", "catalogue"]] = None


class ProposedBox(BaseModel):
    """In pixels of the upright photo; ``score`` in 0..1 is no probability."""

    box: models.BoxValues
    score: float
    label: str


class ProposedBoxes(BaseModel):
    """The most sure first; the ``detector`` is the one that found them."""

    detector: Literal["salient", "catalogue"]
    boxes: list[ProposedBox]


class OtherAnimals(models.Asked):
    """Where they are, in pixels of the upright photo."""

    boxes: Annotated[list[models.BoxValues], Field(min_length=1, max_length=_MOST)]
    note: models.Note = ""


class Others(BaseModel):
    """Further animals of a photo; the decision that put them in, null where all were there."""

    annotations: list[models.Annotation]
    decision: Optional[models.Decision]


@router.post("/annotations/{id}/boxes")
async def boxes(
    id: Id, request: Request, desk: TheDesk, _: TheAsker, asked: Optional[LookForBoxes] = None
) -> ProposedBoxes:
    """Look for animals on the whole photo of an annotation; nothing is changed.

    Takes a second or two, in turn with people's questions.
    """
    record = (await run_sync(desk.board.now)).annotation(id)
    detector = asked.detector if asked else None
    found = await in_turn(desk, request, partial(desk.boxes.propose, record, detector))
    return ProposedBoxes.model_validate(
        {
            "detector": found.detector,
            "boxes": [
                {"box": tuple(each.box), "score": each.score, "label": each.label}
                for each in found.boxes
            ],
        }
    )


@router.post("/annotations/{id}/others", status_code=HTTPStatus.CREATED)
def others(id: Id, asked: OtherAnimals, desk: TheDesk, asker: TheAsker) -> Others:
    """Say that there are more animals on an annotation's photo: each box becomes an annotation.

    They have the photo's date, place and species, and are of nobody known. One decision for all
    of them; a box that is there already is left as it is.
    """
    groups = desk.board.now()
    record = groups.annotation(id)
    own = [each for each in groups.state.annotations.values() if each.photo == record.photo]
    if any(each.box is None for each in own):
        raise Conflict("say first where the animal is that the photo has: it has no box yet")
    plan = ImportPlan("the review desk", tuple(_planned(record, asked.boxes, desk)))
    outcomes = list(
        desk.catalogue.add(plan, actor=asker.name, note=asked.note, limits=desk.uploads)
    )
    for outcome in outcomes:
        if outcome.status in ("bad", "conflict"):
            raise BadFact(f"{record.name}: {outcome.reason}")
    added = [each.annotation for each in outcomes if each.status == "added"]
    made = desk.catalogue.decisions(touching=added[:1], limit=1) if added else ()
    groups = desk.board.now()
    return Others(
        annotations=[
            views.annotation(groups.annotation(each.annotation), asker) for each in outcomes
        ],
        decision=views.decision(desk.catalogue, made[0]) if made else None,
    )


def _planned(
    record: AnnotationRecord, boxes: list[models.BoxValues], desk: Desk
) -> list[PlannedPhoto]:
    from resight.chips import check_box  # loads OpenCV

    path = desk.catalogue.original(record.photo.sha256)
    try:
        for box in boxes:  # all of them, before the first is put in
            check_box(Box(*box), 0.0, record.photo.size)
        return [
            PlannedPhoto(
                path,
                record.name,
                record.name,
                box=Box(*box),
                species=record.species,
                date=record.date,
                place=record.place,
                position=record.position,
            )
            for box in boxes
        ]
    except (PhotoError, ValueError) as error:
        raise BadFact(f"{record.name}: {error}") from error
