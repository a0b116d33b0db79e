"""Annotations: listed, looked at, corrected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Optional

from fastapi import APIRouter, Path, Query, Response

from resight.catalogue import AnnotationRecord
from resight.errors import BadFact, Outdated
from resight.service import models, views
from resight.service.asking import (
    Cursor,
    IfMatch,
    Limit,
    TheAsker,
    TheDesk,
    if_match,
    outdated,
    versions,
    with_etag,
)
from resight.service.board import page_of
from resight.types import Box

router = APIRouter(tags=["annotations"])

Id = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
Text = Annotated[Optional[str], Query(max_length=220)]


@router.get("/annotations")
def listed(
    desk: TheDesk,
    asker: TheAsker,
    individual: Text = None,
    encounter: Text = None,
    side: Text = None,
    unresolved: Optional[bool] = None,
    loose: Optional[bool] = None,
    hidden: bool = False,
    q: Text = None,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> models.Page[models.Annotation]:
    """Annotations by id. ``encounter`` is a reference; ``loose`` ones are of no named animal and in
    no encounter yet; ``q`` is searched in names and places."""
    records = desk.board.now().state.annotations.values()
    tests: list[Callable[[AnnotationRecord], bool]] = [lambda each: each.hidden == hidden]
    if individual is not None:
        tests.append(lambda each: each.individual == individual)
    if encounter is not None:
        tests.append(lambda each: encounter in (each.encounter, each.encounter_ref))
    if side is not None:
        tests.append(lambda each: each.side == side)
    if unresolved is not None:
        tests.append(lambda each: unresolved != bool(each.individual))
    if loose is not None:
        tests.append(lambda each: loose != bool(each.individual or each.encounter))
    if q:
        wanted = q.casefold()
        tests.append(lambda each: wanted in _searched(each))
    passing = (each for each in records if all(test(each) for test in tests))
    found = sorted(passing, key=lambda each: each.id)
    items, following = page_of(found, limit, cursor)
    return models.Page(
        items=[views.annotation(each, asker) for each in items], next=following, total=len(found)
    )


@router.get("/annotations/{id}")
def annotation(id: Id, desk: TheDesk, asker: TheAsker, response: Response) -> models.Annotation:
    """One annotation, with its version as ETag."""
    record = desk.board.now().annotation(id)
    with_etag(response, views.etag_of(record))
    return views.annotation(record, asker)


@router.patch("/annotations/{id}")
def correct(
    id: Id,
    asked: models.AnnotationPatch,
    desk: TheDesk,
    asker: TheAsker,
    response: Response,
    if_match_: IfMatch = "",
) -> models.Annotation:
    """Correct facts of an annotation; If-Match must be the version that was seen."""
    seen = versions({id: if_match(if_match_)}, [id])
    facts = _facts(asked)
    try:
        if asked.hidden is None:
            desk.catalogue.describe([id], **facts, actor=asker.name, note=asked.note, seen=seen)
        elif facts:
            raise BadFact("hidden is a decision of its own: send it alone")
        else:
            desk.catalogue.hide(
                [id], actor=asker.name, note=asked.note, hidden=asked.hidden, seen=seen
            )
    except Outdated as error:
        raise outdated(desk, seen, str(error)) from error
    record = desk.board.now().annotation(id)
    with_etag(response, views.etag_of(record))
    return views.annotation(record, asker)


@router.post("/annotations/describe")
def describe(asked: models.Described, desk: TheDesk, asker: TheAsker) -> models.Decision:
    """Correct facts that several annotations share: one decision.

    ``etags`` has the etag of every annotation as it was seen, as for decisions.
    """
    seen = versions(asked.etags, asked.annotations)
    try:
        made = desk.catalogue.describe(
            asked.annotations, **_facts(asked), actor=asker.name, note=asked.note, seen=seen
        )
    except Outdated as error:
        raise outdated(desk, seen, str(error)) from error
    return views.decision(desk.catalogue, made)


def _facts(asked: models.AnnotationFacts) -> dict[str, Any]:
    """Those that were sent, null as what is not known."""
    sent = asked.model_fields_set - {"note", "hidden", "annotations", "etags"}
    facts: dict[str, Any] = {name: getattr(asked, name) for name in sent}
    if "box" in facts:
        facts["box"] = Box(*facts["box"]) if facts["box"] is not None else ""
    if "rotation" in facts:
        facts["rotation"] = facts["rotation"] or 0.0
    return {name: "" if value is None else value for name, value in facts.items()}


def _searched(record: AnnotationRecord) -> str:
    parts = (record.name, record.individual, record.encounter, record.place, record.date)
    return "\n".join(parts).casefold()
