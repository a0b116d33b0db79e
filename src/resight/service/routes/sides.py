"""Sides of photos: proposed from those whose side is known."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Optional

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Request
from pydantic import BaseModel

from resight.detect.sides import SURE
from resight.service.asking import TheAsker, TheDesk, in_turn

router = APIRouter(tags=["annotations"])


class SideProposal(BaseModel):
    """The likeliest side; null, and no probability, where the job ``sides`` has learned nothing
    yet. ``sure``: probable enough to be shown to people."""

    side: Optional[str]
    probability: Optional[float]
    sure: bool


@router.post("/annotations/{id}/side")
async def side(
    id: Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")],
    request: Request,
    desk: TheDesk,
    _: TheAsker,
) -> SideProposal:
    """Look which side an annotation shows; nothing is changed. In turn with people's questions."""
    record = (await run_sync(desk.board.now)).annotation(id)
    found = await in_turn(desk, request, partial(desk.sides.propose, record))
    if found is None:
        return SideProposal(side=None, probability=None, sure=False)
    return SideProposal(
        side=found.side, probability=found.probability, sure=found.probability >= SURE
    )
