"""What people decide, who decided what, and taking it back."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Optional

from fastapi import APIRouter, Path, Query

from resight.catalogue import Decision
from resight.errors import BadFact, Conflict, NotFound, Outdated
from resight.masks import mask_told
from resight.service import models, views
from resight.service.asking import Cursor, Limit, TheAsker, TheDesk, outdated, versions
from resight.service.board import page_of, proposed_name
from resight.service.desk import Desk
from resight.service.gate import Asker
from resight.service.problems import Refused

router = APIRouter(tags=["decisions"])

Id = Annotated[int, Path(ge=1, lt=2**63)]
#: Somebody else may take a proposed name first.
_TRIES = 5


@router.post("/decisions", status_code=HTTPStatus.CREATED)
def decide(asked: models.NewDecision, desk: TheDesk, asker: TheAsker) -> models.Decision:
    """Say who is on annotations, or that you cannot.

    ``etags`` has the etag of every annotation as it was seen; one that is old is answered with
    412 and with what changed. ``new`` without a name gets one.
    """
    seen = versions(asked.etags, asked.annotations)
    try:
        made = _decided(asked, seen, desk, asker)
    except Outdated as error:
        raise outdated(desk, seen, str(error)) from error
    return views.decision(desk.catalogue, made)


@router.get("/decisions")
def decisions(
    desk: TheDesk,
    _: TheAsker,
    annotation: Annotated[Optional[str], Query(max_length=64)] = None,
    individual: Annotated[Optional[str], Query(max_length=220)] = None,
    limit: Limit = 50,
    cursor: Annotated[str, Query(pattern=r"^\d{0,15}$")] = "",
) -> models.Page[models.Decision]:
    """The log, newest first: all of it, or what touched an annotation or individual."""
    touching = None if annotation is None else [annotation]
    if individual is not None:
        group = desk.board.now().individual(individual)
        touching = [each.id for each in group.records if annotation in (None, each.id)]
    about: dict[str, Any] = {"touching": touching, "individual": individual or ""}
    found = desk.catalogue.decisions(**about, limit=limit, before=int(cursor) if cursor else None)
    following = str(found[-1].id) if len(found) == limit else None
    return models.Page(
        items=views.decisions(desk.catalogue, found),
        next=following,
        total=desk.catalogue.count_decisions(**about),
    )


@router.get("/disagreements")
def disagreements(
    desk: TheDesk, asker: TheAsker, limit: Limit = 50, cursor: Cursor = ""
) -> models.Page[models.Disagreement]:
    """Annotations of which people name different individuals, the newest first."""
    groups = desk.board.now()
    found = list(desk.board.disagreements().items())
    items, following = page_of(found, limit, cursor)
    told = [
        models.Disagreement(
            annotation=views.annotation(groups.annotation(id), asker),
            opinions=[models.Opinion(**vars(each)) for each in said],
        )
        for id, said in items
    ]
    return models.Page(items=told, next=following, total=len(found))


@router.get("/decisions/{id}/changes")
def changes(id: Id, desk: TheDesk, _: TheAsker) -> models.Page[models.Change]:
    """What a decision did, annotation by annotation."""
    desk.catalogue.decision(id)
    found = [
        models.Change(
            annotation=each.annotation or None,
            individual=each.individual or None,
            before=_told(each.before),
            after=_told(each.after),
        )
        for each in desk.catalogue.changes(id)
    ]
    return models.Page(items=found, total=len(found))


@router.post("/decisions/{id}/undo", status_code=HTTPStatus.CREATED)
def undo(
    id: Id, desk: TheDesk, asker: TheAsker, asked: Optional[models.Undo] = None
) -> models.Decision:
    """Take a decision back: one's own, or as a curator anybody's. Undo an undo to do it again."""
    decision = desk.catalogue.decision(id)
    if decision.actor != asker.name and not asker.may("curator"):
        raise Refused(
            HTTPStatus.FORBIDDEN, f"this was decided by {decision.actor}: ask them, or a curator"
        )
    made = desk.catalogue.undo(id, actor=asker.name, note=asked.note if asked else "")
    return views.decision(desk.catalogue, made)


def _decided(asked: models.NewDecision, seen: dict[str, int], desk: Desk, asker: Asker) -> Decision:
    about: dict[str, Any] = {
        "actor": asker.name,
        "note": asked.note,
        "identification": _basis(desk, asked.identification),
        "seen": seen,
    }
    named = asked.individual is not None
    if named and asked.answer not in ("individual", "new"):
        raise BadFact(f"the answer {asked.answer} has no individual")
    match asked.answer:
        case "individual":
            if asked.individual is None:
                raise BadFact("say which individual it is")
            desk.board.now().individual(asked.individual)
            return desk.catalogue.assign(asked.annotations, asked.individual, **about)
        case "new":
            return _new(asked, about, desk)
        case "unknown":
            return desk.catalogue.assign(asked.annotations, None, **about)
        case mark:
            return desk.catalogue.mark(asked.annotations, mark, **about)


def _new(asked: models.NewDecision, about: dict[str, Any], desk: Desk) -> Decision:
    if asked.individual is not None:
        return desk.catalogue.assign(asked.annotations, asked.individual, fresh=True, **about)
    for _ in range(_TRIES):
        name = proposed_name(desk.board.now().individuals)
        try:
            return desk.catalogue.assign(asked.annotations, name, fresh=True, **about)
        except Outdated:
            raise
        except Conflict:
            if name not in desk.board.now().individuals:
                raise
    raise Conflict("others take every name that is proposed: give one")


def _basis(desk: Desk, identification: int | None) -> str:
    """On which answer a decision rests, in words that outlive what the desk keeps."""
    if identification is None:
        return ""
    try:
        answer = desk.store.kept(identification).answer
    except NotFound as error:
        raise BadFact(str(error)) from error
    first = answer["candidates"][0] if answer["candidates"] else None
    chance = first["probability"] if first else None
    likeliest = f"{first['individual']} {chance:.3f}" if first and chance is not None else ""
    verdict = answer["verdict"] or "no probability"
    parts = (f"desk:{identification}", verdict, likeliest, answer["fingerprint"])
    return " ; ".join(part for part in parts if part)


def _told(fields: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Without coordinates, which viewers must not see exactly; a mask by what tells it apart."""
    if fields is None:
        return None
    shown = {name: fields[name] for name in fields if name not in ("latitude", "longitude")}
    return {**shown, **({"mask": mask_told(shown["mask"])} if shown.get("mask") else {})}
