"""Masks: which part of a photo is the animal, by people and by the program."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Optional, Union

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from resight.catalogue import AnnotationRecord
from resight.errors import BadFact, Outdated, PhotoError
from resight.masks import Mask, check_mask, mask_said
from resight.service import models, views
from resight.service.asking import (
    IfMatch,
    TheAsker,
    TheDesk,
    if_match,
    in_turn,
    outdated,
    versions,
    with_etag,
)

router = APIRouter(tags=["annotations"])

Id = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
Size = Annotated[int, Field(ge=1, lt=2**20)]
_Run = Annotated[int, Field(ge=0, lt=2**40)]
_Polygon = Annotated[list[models.Number], Field(min_length=6, max_length=20_000)]


class RunLengths(models.Asked):
    """COCO's run lengths: ``size`` is rows and columns of the part ``box`` of the upright photo;
    without a box of all of it, a place for each pixel."""

    size: tuple[Size, Size]
    counts: Union[
        Annotated[str, Field(max_length=1_000_000)],
        Annotated[list[_Run], Field(max_length=200_000)],
    ]
    box: Optional[models.BoxValues] = None


class NewMask(models.Asked):
    """COCO's run lengths or polygons, in pixels of the upright photo; null: the program's own."""

    mask: Union[RunLengths, Annotated[list[_Polygon], Field(min_length=1, max_length=1000)], None]
    note: models.Note = ""


class KeptMask(BaseModel):
    """A mask as it is kept, of at most 256 rows and columns."""

    box: models.BoxValues
    size: tuple[int, int]
    counts: str


class MaskOf(BaseModel):
    """Null: nobody has said which part is the animal. ``etag`` is the annotation's."""

    mask: Optional[KeptMask]
    etag: str


class FoundMask(BaseModel):
    """Null: all of the box is taken for the animal."""

    mask: Optional[KeptMask]


@router.get("/annotations/{id}/mask")
def mask(id: Id, desk: TheDesk, _: TheAsker, response: Response) -> MaskOf:
    """The mask that somebody gave an annotation, with the annotation's version as ETag."""
    return _told(desk.board.now().annotation(id), response)


@router.put("/annotations/{id}/mask")
def correct(
    id: Id,
    asked: NewMask,
    desk: TheDesk,
    asker: TheAsker,
    response: Response,
    if_match_: IfMatch = "",
) -> MaskOf:
    """Say which part of the photo is the animal; If-Match must be the version that was seen.

    What is larger than 256 rows or columns, or very ragged, is kept coarser: see the answer.
    """
    seen = versions({id: if_match(if_match_)}, [id])
    try:
        said = None if asked.mask is None else mask_said(asked.model_dump(mode="json")["mask"])
        if said is not None:
            check_mask(said, desk.board.now().annotation(id).photo.size)
    except (ValueError, PhotoError) as error:
        raise BadFact(str(error)) from error
    try:
        desk.catalogue.describe([id], mask=said or "", actor=asker.name, note=asked.note, seen=seen)
    except Outdated as error:
        raise outdated(desk, seen, str(error)) from error
    return _told(desk.board.now().annotation(id), response)


@router.post("/annotations/{id}/mask")
async def find(id: Id, request: Request, desk: TheDesk, _: TheAsker) -> FoundMask:
    """What the program takes for the animal where nobody has said it; nothing is changed.

    Takes a second or two, in turn with people's questions.
    """
    record = (await run_sync(desk.board.now)).annotation(id)
    return FoundMask(mask=_kept(await in_turn(desk, request, partial(desk.masks.find, record))))


def _told(record: AnnotationRecord, response: Response) -> MaskOf:
    etag = views.etag_of(record)
    with_etag(response, etag)
    return MaskOf(mask=_kept(record.mask), etag=etag)


def _kept(mask: Mask | None) -> KeptMask | None:
    return None if mask is None else KeptMask.model_validate(mask.as_json())
