"""Photos: taken in, and shown."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path, PurePosixPath, PureWindowsPath
from tempfile import TemporaryDirectory
from typing import Annotated, Optional

from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile
from fastapi import Path as InPath

from resight.catalogue import AnnotationRecord, ImportPlan
from resight.catalogue.importing import planned_photo
from resight.errors import BadFact, NotFound, PhotoTooLarge, PhotoUnreadable
from resight.service import models, views
from resight.service.asking import TheAsker, TheDesk
from resight.service.board import Groups
from resight.weakest import keep

router = APIRouter(tags=["photos"])

Sha256 = Annotated[str, InPath(pattern=r"^[0-9a-f]{64}$")]
_Text = Annotated[str, Form(max_length=200)]
#: What a photo's bytes are never changes; only those who may see it keep it.
_FOR_EVER = "private, max-age=31536000, immutable"


@router.post("/photos", responses={201: {"description": "A new annotation"}})
def add_photo(
    desk: TheDesk,
    asker: TheAsker,
    response: Response,
    file: Annotated[UploadFile, File(description="JPEG, PNG, TIFF, WebP or HEIC")],
    individual: _Text = "",
    side: _Text = "",
    encounter: _Text = "",
    date: _Text = "",
    place: _Text = "",
    species: _Text = "",
    box: Annotated[_Text, Form(description="x,y,w,h in pixels of the upright photo")] = "",
    decision: Annotated[
        Optional[int], Form(ge=1, lt=2**63, description="of one's own import to go on with")
    ] = None,
) -> models.Added:
    """Take one photo in. The same photo again may fill in what was not known, no more.

    With the `decision` of the answer about another photo, both are one import: one decision, which
    is taken back as one. Where that was taken back already, another begins."""
    said = {
        "identity": individual,
        "side": side,
        "encounter": encounter,
        "date": date,
        "place": place,
        "species": species,
        **_box(box),
    }
    name = clean_file_name(file.filename or "", otherwise="photo")
    with TemporaryDirectory(prefix="resight-upload-") as folder:
        path = Path(folder) / "photo"
        with path.open("wb") as copy:
            shutil.copyfileobj(file.file, copy, 1 << 20)
        try:
            planned = planned_photo(path, name, name, said)
        except ValueError as error:
            raise BadFact(str(error)) from error
        plan = ImportPlan("the review desk", (planned,))
        (outcome,) = desk.catalogue.add(
            plan, actor=asker.name, limits=desk.uploads, decision=decision
        )
    told = outcome.reason.replace(str(path), name)
    if outcome.status == "bad":
        raise (PhotoTooLarge if "the limit is" in outcome.reason else PhotoUnreadable)(told)
    keep(desk.catalogue, [outcome])
    response.status_code = HTTPStatus.CREATED if outcome.status == "added" else HTTPStatus.OK
    record = desk.board.now().state.annotations.get(outcome.annotation)
    return models.Added(
        status=outcome.status,
        photo=record.photo.sha256 if record else None,
        annotation=outcome.annotation or None,
        encounter=(record.encounter or None) if record else None,
        reason=told,
        like=models.Likeness(**asdict(outcome.like)) if outcome.like else None,
        decision=outcome.decision,
        damaged=outcome.damaged,
    )


@router.get("/photos/{sha256}")
def photo(sha256: Sha256, desk: TheDesk, asker: TheAsker) -> models.PhotoFile:
    """A photo's facts and the annotations in it."""
    found = _records(desk.board.now(), sha256)
    file, taken = found[0].photo, found[0].photo.taken_at
    return models.PhotoFile(
        sha256=sha256,
        name=found[0].name,
        format=file.format,
        bytes=file.bytes,
        width=file.size[0],
        height=file.size[1],
        taken_at=taken.isoformat() if taken else None,
        annotations=[views.annotation(each, asker) for each in found],
    )


@router.get(
    "/photos/{sha256}/picture",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}},
)
def picture(
    sha256: Sha256, desk: TheDesk, _: TheAsker, width: Annotated[int, Query(ge=1, le=10_000)] = 1280
) -> Response:
    """The upright photo without metadata, ``width`` rounded up to 320, 640, 1280 or 2560."""
    found = _records(desk.board.now(), sha256)
    made = desk.catalogue.pictures.picture(found[0].photo, width)
    return Response(made, media_type="image/jpeg", headers={"cache-control": _FOR_EVER})


@router.get(
    "/annotations/{id}/chip",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}},
)
def chip(
    id: Annotated[str, InPath(pattern=r"^[0-9a-f]{16}$")],
    desk: TheDesk,
    _: TheAsker,
    request: Request,
    size: Annotated[int, Query(ge=1, le=10_000)] = 256,
) -> Response:
    """The animal, cropped and upright, its longer edge rounded up to 128, 256, 512 or 1024."""
    record = desk.board.now().annotation(id)
    headers = {"cache-control": "private, no-cache", "etag": f'"{views.etag_of(record)}-{size}"'}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    made = desk.catalogue.pictures.chip(record, size)
    return Response(made, media_type="image/jpeg", headers=headers)


def _records(groups: Groups, sha256: str) -> list[AnnotationRecord]:
    found = [each for each in groups.state.annotations.values() if each.photo.sha256 == sha256]
    if not found:
        raise NotFound(f"no photo {sha256!r} in this catalogue")
    return sorted(found, key=lambda each: each.id)


def clean_file_name(given: str, *, otherwise: str) -> str:
    """The last part of a path that a browser gave, fit to be kept and shown."""
    last = PureWindowsPath(PurePosixPath(given).name).name
    name = "".join(letter for letter in last if letter.isprintable())[-200:].strip()
    return name or otherwise


def _box(text: str) -> dict[str, str]:
    values = text.split(",") if text else []
    if len(values) not in (0, 4):
        raise BadFact(f"the box {text!r} is not x,y,w,h")
    return dict(zip("xywh", values, strict=False))
