"""A table and its photos: sent, looked at before anything is done, put in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, File, Path, Query, Response, UploadFile

from resight.catalogue.csvfile import COLUMNS
from resight.errors import BadFact
from resight.formats.wildbook_reading import is_sheet
from resight.service import models
from resight.service.asking import TheAsker, TheDesk
from resight.service.desk import Desk
from resight.service.imports import Choice, Import
from resight.service.jobs_api import shown
from resight.service.routes.photos import clean_file_name
from resight.service.rows import planned, report_of
from resight.service.tables import Choices, Column, Report, SentPhoto, TableImport

router = APIRouter(prefix="/imports", tags=["imports"])

Id = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]


@router.post("", status_code=HTTPStatus.CREATED)
def begin(
    desk: TheDesk,
    asker: TheAsker,
    file: Annotated[UploadFile, File(description="CSV or Excel, its first line the columns")],
) -> TableImport:
    """Send a table; nothing of it is put in yet."""
    name = clean_file_name(file.filename or "", otherwise="table")
    return _told(desk, desk.imports.begin(asker.name, name, file.file))


@router.get("")
def waiting(desk: TheDesk, asker: TheAsker) -> models.Page[TableImport]:
    """The tables that one has sent and not put in yet, the last first. They are kept a week."""
    found = [_told(desk, each) for each in desk.imports.of(asker.name)]
    return models.Page(items=found, total=len(found))


@router.get("/{id}")
def one(id: Id, desk: TheDesk, asker: TheAsker) -> TableImport:
    """A table that one has sent, and what became of it."""
    return _told(desk, desk.imports.get(id, asker.name))


@router.delete("/{id}", status_code=HTTPStatus.NO_CONTENT)
def discard(id: Id, desk: TheDesk, asker: TheAsker) -> Response:
    """Throw a table and its photos away, unless it is being put in or was."""
    desk.imports.discard(id, asker.name)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post("/{id}/photos", status_code=HTTPStatus.CREATED)
def send(
    id: Id,
    desk: TheDesk,
    asker: TheAsker,
    file: Annotated[UploadFile, File(description="JPEG, PNG, TIFF, WebP or HEIC")],
    path: Annotated[str, Query(max_length=1000, description="by which the table knows it")],
) -> SentPhoto:
    """Send a photo of a table. One that cannot be read is refused now."""
    if not path.isprintable() or not clean_file_name(path, otherwise=""):
        raise BadFact("the photo has no name by which a table could know it")
    photo = desk.imports.send(id, asker.name, path, file.file)
    return SentPhoto(path=path, width=photo.size[0], height=photo.size[1])


@router.post("/{id}/preview")
def preview(id: Id, asked: Choices, desk: TheDesk, asker: TheAsker) -> Report:
    """What putting it in would do, row by row; nothing is changed."""
    chosen = desk.imports.choose(id, asker.name, _choice(asked))
    plan, unnamed = planned(chosen, desk.catalogue)
    outcomes = desk.catalogue.add(
        plan, actor=asker.name, dry_run=True, limits=desk.uploads,
        looked_at=desk.imports.looked_at(),
    )  # fmt: skip
    return report_of(plan, outcomes, unnamed, dry_run=True)


@router.post("/{id}/run", status_code=HTTPStatus.ACCEPTED)
def run(id: Id, asked: Choices, desk: TheDesk, asker: TheAsker) -> models.Job:
    """Put it in, as a job; ``GET /imports/{id}`` has what became of each row then."""
    choice = _choice(asked)
    at_work = desk.puts_in(desk.imports.get(id, asker.name).id)
    if at_work is None:
        waits = replace(desk.imports.waiting(id, asker.name), choice=choice)
        planned(waits, desk.catalogue)  # refused now rather than in a job
        at_work = desk.put_in(id, asker.name, choice)
    return shown(at_work)


def _choice(asked: Choices) -> Choice:
    return Choice(asked.columns, asked.others, asked.dates or "")


def _told(desk: Desk, of: Import) -> TableImport:
    at_work = desk.puts_in(of.id)
    fixed = is_sheet(tuple(of.header))
    report = of.report()
    return TableImport(
        id=of.id,
        name=of.name,
        begun_at=datetime.fromtimestamp(of.begun_at, UTC).isoformat(),
        rows=of.rows,
        header=[
            Column(name=name, sample=sample)
            for name, sample in zip(of.header, of.samples, strict=True)
            if name
        ],
        fields=list(COLUMNS),
        columns={} if fixed else dict(of.columns),
        fixed=fixed,
        dates=of.choice.dates or None,
        others=of.choice.others,
        photos=sorted(of.photos()),
        job=at_work.id if at_work else None,
        report=Report(**report) if report else None,
        decisions=report["decisions"] if report else [],
    )
