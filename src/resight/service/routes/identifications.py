"""Who is it? Asked, kept, and shown pair by pair."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

import cv2
from fastapi import APIRouter, Path, Query, Response

from resight.errors import BadFact, NotFound
from resight.pooling import Pooled, PooledCandidate
from resight.search import Pair
from resight.service import models, views
from resight.service.asking import TheAsker, TheDesk
from resight.service.board import Groups
from resight.service.desk import Desk
from resight.service.searching import Found
from resight.service.store import Kept

router = APIRouter(tags=["identifications"])

Id = Annotated[int, Path(ge=1, lt=2**63)]
AnnotationId = Annotated[str, Query(pattern=r"^[0-9a-f]{16}$")]


@router.post("/identifications", status_code=HTTPStatus.CREATED)
def identify(asked: models.Question, desk: TheDesk, asker: TheAsker) -> models.Answer:
    """Ask who it is. Each photo is asked on its own; ``combined`` says how one answer came of it.

    Takes seconds; the answer is kept.
    """
    groups = desk.board.now()
    annotations = _asked_about(asked, groups)
    kept = keep(desk, desk.searcher.identify(annotations), groups, asker.name)
    return views.answer(kept, groups, asker)


@router.get("/identifications/{id}")
def identification(id: Id, desk: TheDesk, asker: TheAsker) -> models.Answer:
    """An answer that was given before."""
    return views.answer(desk.store.kept(id), desk.board.now(), asker)


@router.get("/identifications/{id}/pair")
def pair(
    id: Id, query: AnnotationId, annotation: AnnotationId, desk: TheDesk, asker: TheAsker
) -> models.PairAnswer:
    """Where a photo asked about and one of the catalogue match.

    Those of the answer are kept with it; others are matched now.
    """
    groups = desk.board.now()
    found = _pair(desk, id, query, annotation)
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
def picture(
    id: Id, query: AnnotationId, annotation: AnnotationId, desk: TheDesk, _: TheAsker
) -> Response:
    """Both animals side by side with all matches between them, to be kept or printed."""
    _check_asked(desk, id, query)
    desk.board.now().annotation(annotation)
    drawn = desk.searcher.picture(query, annotation)
    data = cv2.imencode(".png", cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))[1].tobytes()
    return Response(data, media_type="image/png")


def keep(desk: Desk, found: Found, groups: Groups, actor: str) -> Kept:
    """Keep an answer."""
    first = found.pooled.candidates[0] if found.pooled.candidates else None
    summary = {
        "verdict": found.pooled.verdict,
        "first": first.individual if first else None,
        "probability": first.probability if first else None,
        "new_probability": found.pooled.answer.new_probability,
    }
    record = groups.annotation(found.annotations[0])
    ref = record.encounter or f"annotation:{record.id}"
    told = {**_told(found.pooled), "encounter": ref}
    return desk.store.keep(actor, found.annotations, told, summary, found.pairs)


def _asked_about(asked: models.Question, groups: Groups) -> list[str]:
    if (asked.encounter is None) == (asked.annotations is None):
        raise BadFact("say either encounter or annotations")
    if asked.encounter is not None:
        return [each.id for each in groups.encounter(asked.encounter).records]
    ids = list(dict.fromkeys(asked.annotations or ()))
    for id in ids:
        groups.annotation(id)
    return ids


def _pair(desk: Desk, id: int, query: str, annotation: str) -> Pair:
    _check_asked(desk, id, query)
    return desk.store.pair(id, query, annotation) or desk.searcher.compare(query, annotation)


def _check_asked(desk: Desk, id: int, query: str) -> None:
    if query not in desk.store.kept(id).annotations:
        raise NotFound(f"identification {id} did not ask about annotation {query}")


def _told(pooled: Pooled) -> dict[str, Any]:
    answer = pooled.answer

    def candidate(each: PooledCandidate) -> dict[str, Any]:
        return {
            "individual": each.individual,
            "probability": each.probability,
            "score": each.score,
            "photos": [
                {
                    "query": query,
                    "annotation": evidence.annotation,
                    "score": evidence.scores[answer.score] or 0.0,
                    "matches": len(evidence.matches),
                    "inliers": int(evidence.geometry.inliers.sum()),
                }
                for query, evidence in each.evidence
            ],
        }

    return {
        "method": answer.method,
        "fingerprint": answer.fingerprint,
        "effort": answer.effort,
        "verdict": pooled.verdict,
        "new_probability": answer.new_probability,
        "unlisted_probability": answer.unlisted_probability,
        "needed": answer.needed,
        "calibration": answer.calibration,
        "combined": pooled.combined,
        "searched": answer.searched,
        "shortlisted": answer.shortlisted,
        "matched": answer.matched,
        "left_out": dict(answer.left_out),
        "seconds": round(answer.seconds, 3),
        "candidates": [candidate(each) for each in pooled.candidates],
        "passed_over": [candidate(each) for each in pooled.passed_over],
    }
