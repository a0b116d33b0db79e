"""Named animals: listed, looked at, named, noted about, merged and split."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Literal, Optional, Union

from fastapi import APIRouter, Query, Response

from resight.catalogue import AnnotationRecord
from resight.catalogue import Change as CatalogueChange
from resight.catalogue.names import clean_name
from resight.errors import BadFact
from resight.service import models, views
from resight.service.asking import (
    Curator,
    Cursor,
    IfMatch,
    Limit,
    TheAsker,
    TheDesk,
    check_curator,
    if_match,
    with_etag,
)
from resight.service.board import Groups, IndividualGroup, page_of
from resight.service.desk import Desk
from resight.service.gate import Asker

router = APIRouter(tags=["individuals"])

Name = Annotated[str, Query(max_length=220)]
Sort = Literal["name", "last_seen", "annotations"]


@router.get("/individuals")
def individuals(
    desk: TheDesk,
    _: TheAsker,
    q: Annotated[Optional[str], Query(max_length=220)] = None,
    side: Annotated[Optional[str], Query(max_length=220)] = None,
    sort: Sort = "name",
    limit: Limit = 100,
    cursor: Cursor = "",
) -> models.Page[models.Individual]:
    """All named animals; ``q`` is searched in names and notes, ``side`` must be seen of them."""
    wanted = (q or "").casefold()
    found = [
        views.individual(each)
        for each in desk.board.now().individuals.values()
        if wanted in f"{each.name}\n{each.notes}".casefold() and (not side or side in each.sides)
    ]
    if sort == "last_seen":
        found.sort(key=lambda each: each.last_seen or "", reverse=True)
    elif sort == "annotations":
        found.sort(key=lambda each: -each.annotations)
    items, following = page_of(found, limit, cursor)
    return models.Page(items=list(items), next=following, total=len(found))


@router.get("/individual")
def individual(
    desk: TheDesk, asker: TheAsker, response: Response, name: Name
) -> models.IndividualDetail:
    """All about a named animal, with its version as ETag."""
    return _detail(desk, asker, response, name)


def _detail(desk: Desk, asker: Asker, response: Response, name: str) -> models.IndividualDetail:
    groups = desk.board.now()
    group = groups.individual(name)
    with_etag(response, group.version)
    history = desk.catalogue.decisions(
        touching=[each.id for each in group.records], individual=name, limit=100
    )
    return models.IndividualDetail(
        **views.individual(group).model_dump(),
        best=group.best(),
        timeline=_timeline(group),
        shown=[views.annotation(each, asker) for each in sorted(group.visible, key=_day)],
        decisions=views.decisions(desk.catalogue, history),
    )


@router.patch("/individual")
def change(
    asked: models.IndividualPatch,
    desk: TheDesk,
    asker: TheAsker,
    response: Response,
    if_match_: IfMatch = "",
) -> models.IndividualDetail:
    """Give it another name (curators), or note something; If-Match as for annotations."""
    if (asked.new_name is None) == (asked.notes is None):
        raise BadFact("say either new_name or notes: each is a decision of its own")
    known, name = desk.catalogue.individuals, asked.name
    if asked.notes is not None:
        known.note(name, asked.notes, actor=asker.name, seen=if_match(if_match_))
    elif asked.new_name is not None:
        check_curator(asker)
        known.rename(name, asked.new_name, actor=asker.name, seen=if_match(if_match_))
        name = clean_name(asked.new_name)
    return _detail(desk, asker, response, name)


@router.post("/individuals/merge")
def merge(
    asked: models.Merge, desk: TheDesk, asker: Curator, response: Response, if_match_: IfMatch = ""
) -> Union[models.Previewed, models.Decision]:
    """Make two individuals one; If-Match is the etag of ``from``. A preview changes nothing."""
    known, groups = desk.catalogue.individuals, desk.board.now()
    if asked.preview:
        made = known.would_merge(asked.from_, asked.into)
        with_etag(response, groups.individual(asked.from_).version)
        return _previewed(groups, made, (asked.from_, asked.into))
    seen = if_match(if_match_)
    decided = known.merge(asked.from_, asked.into, actor=asker.name, note=asked.note, seen=seen)
    response.status_code = HTTPStatus.CREATED
    return views.decision(desk.catalogue, decided)


@router.post("/individuals/split")
def split(
    asked: models.Split, desk: TheDesk, asker: Curator, response: Response, if_match_: IfMatch = ""
) -> Union[models.Previewed, models.Decision]:
    """Make a new individual of some photos; If-Match is the etag of ``name``.

    Photos that leave others of their encounter behind get an encounter of their own.
    """
    known, groups = desk.catalogue.individuals, desk.board.now()
    if asked.preview:
        made = known.would_split(asked.name, asked.annotations, asked.new_name)
        with_etag(response, groups.individual(asked.name).version)
        return _previewed(groups, made, (asked.name, clean_name(asked.new_name)))
    seen = if_match(if_match_)
    decided = known.split(
        asked.name, asked.annotations, asked.new_name,
        actor=asker.name, note=asked.note, seen=seen,
    )  # fmt: skip
    response.status_code = HTTPStatus.CREATED
    return views.decision(desk.catalogue, decided)


def _previewed(
    groups: Groups, made: list[CatalogueChange], names: tuple[str, str]
) -> models.Previewed:
    """The individuals as they would be after these changes."""
    records = dict(groups.state.annotations)
    notes = dict(groups.state.notes)
    for change in made:
        after = dict(change.after or {})
        if change.individual:
            notes[change.individual] = after["notes"]
        else:
            records[change.annotation] = replace(records[change.annotation], **after)
    shown = []
    for name in names:
        own = tuple(each for each in records.values() if each.individual == name)
        if own:
            shown.append(views.individual(IndividualGroup(name, own, notes.get(name, ""))))
    moved = [change.annotation for change in made if change.annotation]
    encounters = {
        change.before["encounter"]: change.after["encounter"]
        for change in made
        if change.before and change.after and "encounter" in change.after
    }
    return models.Previewed(
        preview=models.Preview(annotations=moved, individuals=shown, encounters=encounters)
    )


def _timeline(group: IndividualGroup) -> list[models.IndividualEncounter]:
    together: dict[str, list[AnnotationRecord]] = defaultdict(list)
    for record in sorted(group.visible, key=_day):
        together[record.encounter_ref].append(record)
    return [
        models.IndividualEncounter(
            ref=ref,
            name=records[0].encounter or None,
            seen_on=records[0].seen_on or None,
            place=next((each.place for each in records if each.place), None),
            annotations=[each.id for each in records],
        )
        for ref, records in together.items()
    ]


def _day(record: AnnotationRecord) -> tuple[str, str]:
    return record.seen_on, record.id
