"""What in the catalogue looks wrong, as the last job of kind suspicions found it."""

from __future__ import annotations

from typing import Optional

from fastapi import APIRouter
from pydantic import BaseModel

from resight.service.asking import TheAsker, TheDesk
from resight.suspicions import kept_suspicions

router = APIRouter(tags=["individuals"])


class SuspectedPair(BaseModel):
    """A photo of one individual, and the one of the other that is like it."""

    query: str
    annotation: str


class SuspectedDuplicate(BaseModel):
    """Two individuals that may be one animal; ``score`` is how probable that is."""

    a: str
    b: str
    score: float
    pairs: list[SuspectedPair]


class SuspectedMixup(BaseModel):
    """Photos that may be of another animal than their name says."""

    individual: str
    annotations: list[str]
    score: float
    looks_like: Optional[str]
    reason: str


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
