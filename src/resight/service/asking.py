"""What routes share: the desk, who asks, pages of lists, and versions of what is edited."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from anyio.to_thread import run_sync
from fastapi import Depends, Header, Query, Request, Response

from resight.service.desk import Desk
from resight.service.gate import Asker
from resight.service.problems import MEDIA_TYPE, Refused
from resight.service.views import etag_of

T = TypeVar("T")

#: For the description of every route: any error is a problem.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What is wrong",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
Limit = Annotated[int, Query(ge=1, le=500)]
Cursor = Annotated[str, Query(pattern=r"^\d{0,9}$")]
IfMatch = Annotated[str, Header(alias="if-match", max_length=200)]


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def known_asker(request: Request) -> Asker:
    asker: Asker | None = request.state.asker
    if asker is None:
        raise Refused(HTTPStatus.UNAUTHORIZED, "log in first")
    return asker


def check_curator(asker: Asker) -> None:
    """Raise ``Refused`` unless a curator asks."""
    if not asker.may("curator"):
        raise Refused(HTTPStatus.FORBIDDEN, f"this is for curators, and {asker.name} is none")


def _curator(request: Request) -> Asker:
    asker = known_asker(request)
    check_curator(asker)
    return asker


TheDesk = Annotated[Desk, Depends(_desk)]
TheAsker = Annotated[Asker, Depends(known_asker)]
Curator = Annotated[Asker, Depends(_curator)]


async def in_turn(desk: Desk, request: Request, ask: Callable[[], T]) -> T:
    """What ``ask`` answers, once those who came before have been.

    Whoever waits holds none of the threads that serve pages. Raises ``Refused`` where the client
    has gone meanwhile: nothing is computed for nobody.
    """
    with desk.jobs.interactive():
        async with desk.turn:
            if await request.is_disconnected():
                raise Refused(HTTPStatus.REQUEST_TIMEOUT, "nobody waits for this answer any more")
            return await run_sync(ask)


def versions(seen: Mapping[str, str], annotations: Iterable[str]) -> dict[str, int]:
    """The versions that whoever decides has seen. Raises ``Refused`` where one is not told."""
    annotations = list(annotations)
    lacking = [id for id in annotations if id not in seen]
    if lacking:
        raise Refused(
            HTTPStatus.PRECONDITION_REQUIRED,
            f"the etag of annotation {lacking[0]} is needed, so that nobody's change is lost",
        )
    return {id: _number(seen[id]) for id in annotations}


def _number(etag: str) -> int:
    text = unquoted(etag)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else -1


def if_match(header: str) -> str:
    """What stands in If-Match. Raises ``Refused`` where nothing does."""
    etag = unquoted(header)
    if not etag:
        raise Refused(
            HTTPStatus.PRECONDITION_REQUIRED,
            "the header If-Match is needed, with the etag of what is changed",
        )
    return etag


def unquoted(etag: str) -> str:
    """An etag as it is inside of HTTP's quotes."""
    return etag.strip().removeprefix("W/").strip('"')


def outdated(desk: Desk, seen: Mapping[str, int], detail: str) -> Refused:
    """What to answer to whoever has seen other versions: which, and who changed them."""
    changed: list[dict[str, Any]] = []
    for id, version in seen.items():
        record = desk.board.now().state.annotations.get(id)
        if record is None:
            changed.append({"annotation": id, "etag": None})
        elif record.version != version:
            (by,) = desk.catalogue.decisions(touching=[id], limit=1)
            changed.append(
                {
                    "annotation": id,
                    "etag": etag_of(record),
                    "decision": by.id,
                    "actor": by.actor,
                    "kind": by.kind,
                    "individual": record.individual or None,
                }
            )
    return Refused(HTTPStatus.PRECONDITION_FAILED, detail, about=changed)


def with_etag(response: Response, etag: str) -> None:
    """Say which version an answer is of."""
    response.headers["etag"] = f'"{etag}"'
