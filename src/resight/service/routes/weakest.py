"""Which animals lack a good photo, as far as photos were looked at."""

from __future__ import annotations

from typing import Optional

from fastapi import APIRouter
from pydantic import BaseModel

from resight.service.asking import Limit, TheAsker, TheDesk
from resight.weakest import measured, weakest

router = APIRouter(tags=["individuals"])


class WeakSide(BaseModel):
    """A side of an individual that it may not be known again by. ``best`` is its annotation with
    the most detail, which a share ``below`` of all photos have less than; null for no photo."""

    individual: str
    side: str
    best: Optional[str]
    below: float


class Weakest(BaseModel):
    """The weakest first, ``total`` of them. ``lacking`` photos were not looked at yet, and their
    animals are left out: ask for a job of kind weakest."""

    items: list[WeakSide]
    total: int
    lacking: int


@router.get("/weakest")
def listed(desk: TheDesk, _: TheAsker, limit: Limit = 100) -> Weakest:
    """Of which animals, and of which side, a better photo is wanted."""
    records = list(desk.board.now().state.annotations.values())
    details, lacking = measured(desk.catalogue, records)
    found = weakest(records, details)
    return Weakest(
        items=[
            WeakSide(individual=each.individual, side=each.side, best=each.best, below=each.below)
            for each in found[:limit]
        ],
        total=len(found),
        lacking=lacking,
    )
