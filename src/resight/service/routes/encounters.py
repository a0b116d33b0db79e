"""Encounters, in the order in which to look at them; the catalogue in numbers."""

from __future__ import annotations

from typing import Annotated, Optional

from fastapi import APIRouter, Query

from resight.service import models, views
from resight.service.asking import Cursor, Limit, TheAsker, TheDesk
from resight.service.board import in_order, page_of

router = APIRouter(tags=["encounters"])

Text = Annotated[Optional[str], Query(max_length=220)]


@router.get("/summary")
def summary(desk: TheDesk, _: TheAsker) -> models.Summary:
    """The catalogue in numbers."""
    groups = desk.board.now()
    visible = [each for each in groups.state.annotations.values() if not each.hidden]
    states = [each.state for each in groups.encounters.values()]
    return models.Summary(
        photos=len({each.photo.sha256 for each in visible}),
        annotations=len(visible),
        individuals=len(groups.individuals),
        encounters=len(states),
        unresolved=states.count("unresolved"),
        unsure=states.count("unsure"),
        second_opinion=states.count("second_opinion"),
        jobs=desk.jobs_at_work(),
    )


@router.get("/encounters")
def encounters(
    desk: TheDesk,
    asker: TheAsker,
    state: Optional[models.State] = None,
    individual: Text = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> models.Page[models.Encounter]:
    """Encounters, what helps most first; ``why`` of each says why it stands there."""
    groups, answers = desk.board.now(), desk.board.answers()
    chosen = [
        each
        for each in groups.encounters.values()
        if state in (None, each.state) and individual in (None, each.individual)
    ]
    last = {each.ref: groups.answer(each, answers) for each in chosen}
    items, following = page_of(in_order(chosen, last), limit, cursor)
    return models.Page(
        items=[views.encounter(each, why, last[each.ref], asker) for each, why in items],
        next=following,
        total=len(chosen),
    )


@router.get("/encounter")
def encounter(
    desk: TheDesk, asker: TheAsker, ref: Annotated[str, Query(max_length=220)]
) -> models.Encounter:
    """One encounter."""
    groups = desk.board.now()
    group = groups.encounter(ref)
    answer = groups.answer(group, desk.board.answers())
    ((_, why),) = in_order([group], {ref: answer})
    return views.encounter(group, why, answer, asker)
