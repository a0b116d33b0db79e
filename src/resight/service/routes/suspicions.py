"""What in the catalogue looks wrong, as the last job of kind suspicions found it; and that it is
not."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Optional

from fastapi import APIRouter, Path
from pydantic import BaseModel

from resight.service import models, views
from resight.service.asking import TheAsker, TheDesk
from resight.suspicions import dismiss as dismiss_suspicion
from resight.suspicions import kept_suspicions

router = APIRouter(tags=["individuals"])


class SuspectedPair(BaseModel):
    """A photo of one individual, and the one of the other that is like it."""

    query: str
    annotation: str


class SuspectedDuplicate(BaseModel):
    """Two individuals that may be one animal; ``score`` is how probable that is."""

    id: str
    a: str
    b: str
    score: float
    pairs: list[SuspectedPair]


class SuspectedMixup(BaseModel):
    """Photos that may be of another animal than their name says."""

    id: str
    individual: str
    annotations: list[str]
    score: float
    looks_like: Optional[str]
    reason: str


class Dismiss(models.Asked):
    """Why."""

    note: models.Note = ""


class SuspicionList(BaseModel):
    """The most probable first; ``computed_at`` is null where nobody has looked yet."""

    duplicates: list[SuspectedDuplicate]
    mixups: list[SuspectedMixup]
    computed_at: Optional[str]


@router.get("/suspicions")
def suspicions(desk: TheDesk, _: TheAsker) -> SuspicionList:
    """Individuals that may be one, and photos that may be of another: those that still stand."""
    found = kept_suspicions(desk.catalogue)
    if found is None:
        return SuspicionList(duplicates=[], mixups=[], computed_at=None)
    return SuspicionList(
        duplicates=[
            SuspectedDuplicate(
                id=each.id,
                a=each.a,
                b=each.b,
                score=each.probability,
                pairs=[
                    SuspectedPair(query=pair.query, annotation=pair.annotation)
                    for pair in each.pairs
                ],
            )
            for each in found.duplicates
        ],
        mixups=[
            SuspectedMixup(
                id=each.id,
                individual=each.individual,
                annotations=list(each.annotations),
                score=each.probability,
                looks_like=each.looks_like or None,
                reason=each.reason,
            )
            for each in found.mixups
        ],
        computed_at=found.computed_at,
    )


@router.post("/suspicions/{id}/dismiss", status_code=HTTPStatus.CREATED)
def dismiss(
    id: Annotated[str, Path(pattern=r"^[0-9a-f]{8}$")],
    desk: TheDesk,
    asker: TheAsker,
    asked: Optional[Dismiss] = None,
) -> models.Decision:
    """Say that two animals are two, or that photos are named right.

    The suspicion stays away until its photos or their names change, or the decision is undone.
    One that no longer stands is not found.
    """
    note = asked.note if asked else ""
    made = dismiss_suspicion(desk.catalogue, id, actor=asker.name, note=note)
    return views.decision(desk.catalogue, made)
