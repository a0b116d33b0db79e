"""Who is it? Asked, kept, and shown pair by pair."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Annotated

import cv2
import numpy as np
from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Query, Request, Response
from numpy.typing import NDArray

from resight.errors import BadFact, NotFound
from resight.service import models, views
from resight.service.answers import keep
from resight.service.asking import TheAsker, TheDesk, in_turn
from resight.service.board import Groups
from resight.service.desk import Desk

router = APIRouter(tags=["identifications"])

Id = Annotated[int, Path(ge=1, lt=2**63)]
AnnotationId = Annotated[str, Query(pattern=r"^[0-9a-f]{16}$")]


@router.post("/identifications", status_code=HTTPStatus.CREATED)
async def identify(
    asked: models.Question, request: Request, desk: TheDesk, asker: TheAsker
) -> models.Answer:
    """Ask who it is. Each photo is asked on its own; ``combined`` says how one answer came of it.

    Takes seconds; the answer is kept. Others' photos take their turns between these, and
    nothing more is asked for a client that has gone.
    """
    groups = await run_sync(desk.board.now)
    with desk.jobs.interactive():  # between two photos too
        photos = [
            await in_turn(desk, request, partial(desk.searcher.ask, annotation))
            for annotation in _asked_about(asked, groups)
        ]
        found = await in_turn(desk, request, partial(desk.searcher.found, photos))
    kept = await run_sync(keep, desk.store, found, groups, asker.name)
    return await run_sync(views.answer, kept, groups, asker)


@router.get("/identifications/{id}")
def identification(id: Id, desk: TheDesk, asker: TheAsker) -> models.Answer:
    """An answer that was given before."""
    return views.answer(desk.store.kept(id), desk.board.now(), asker)


@router.get("/identifications/{id}/pair")
async def pair(
    id: Id,
    query: AnnotationId,
    annotation: AnnotationId,
    request: Request,
    desk: TheDesk,
    asker: TheAsker,
) -> models.PairAnswer:
    """Where a photo asked about and one of the catalogue match.

    Those of the answer are kept with it; others are matched now.
    """
    groups = await run_sync(desk.board.now)
    await run_sync(_check_asked, desk, id, query)
    found = await run_sync(desk.store.pair, id, query, annotation)
    if found is None:
        found = await in_turn(desk, request, partial(desk.searcher.compare, query, annotation))
    lines = [(*line[:5], int(line[5])) for line in found.lines.round(3).tolist()]
    return models.PairAnswer(
        query=views.annotation(groups.annotation(query), asker),
        candidate=views.annotation(groups.annotation(annotation), asker),
        lines=lines,
        transform=None if found.transform is None else found.transform.tolist(),
    )


@router.get(
    "/identifications/{id}/picture",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}},
)
async def picture(
    id: Id,
    query: AnnotationId,
    annotation: AnnotationId,
    request: Request,
    desk: TheDesk,
    _: TheAsker,
) -> Response:
    """Both animals side by side with all matches between them, to be kept or printed."""
    await run_sync(_check_asked, desk, id, query)
    (await run_sync(desk.board.now)).annotation(annotation)
    drawn = await in_turn(desk, request, partial(desk.searcher.picture, query, annotation))
    return Response(await run_sync(_png, drawn), media_type="image/png")


def _asked_about(asked: models.Question, groups: Groups) -> list[str]:
    if (asked.encounter is None) == (asked.annotations is None):
        raise BadFact("say either encounter or annotations")
    if asked.encounter is not None:
        return [each.id for each in groups.encounter(asked.encounter).records]
    ids = list(dict.fromkeys(asked.annotations or ()))
    for id in ids:
        groups.annotation(id)
    return ids


def _check_asked(desk: Desk, id: int, query: str) -> None:
    if query not in desk.store.kept(id).annotations:
        raise NotFound(f"identification {id} did not ask about annotation {query}")


def _png(pixels: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1].tobytes()
