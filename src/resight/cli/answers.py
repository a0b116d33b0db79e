"""How `resight identify` tells an answer: to people, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, Optional

from resight.cli.output import Column, Output, count
from resight.verdicts import percent, verdict

if TYPE_CHECKING:
    from resight.catalogue import AnnotationRecord
    from resight.pooling import Pooled
    from resight.queries import PhotoQuery
    from resight.types import Candidate, Evidence, Identification

NO_PROBABILITY = "not a probability"
HOW_TO_LEARN = (
    "There are no probabilities: nothing was learned about this method with these settings at "
    "this effort. `resight calibrate` learns, once 20 animals were seen in two encounters."
)


def has_matched(candidate: Candidate) -> bool:
    """Whether anything of this individual's best photo matched: others are in no order."""
    return candidate.score != 0 and len(candidate.evidence[0].matches) > 0


def _counts(best: Evidence, *, none: Optional[str]) -> Sequence[int | str | None]:
    """Matches and inliers of the best photo; ``none`` where photos are compared as wholes."""
    if best.matches.whole:
        return [none, none]
    return [len(best.matches), int(best.geometry.inliers.sum())]


def score_note(score: str, *, confidences: bool, whole: bool) -> str:
    """What the number behind a candidate is, and what it is not."""
    meaning = f"the raw number {score!r}"
    if whole:
        meaning = "how alike the photos are as wholes, from 0 to 1"
    elif score == "sum":
        meaning = f"the sum of match {'confidences' if confidences else 'scores'}"
    return f"The score is {meaning}, {NO_PROBABILITY}."


def probability_note(calibration: str) -> str:
    """From what the probabilities were learned, or how to get any."""
    return f"Probabilities are {calibration}." if calibration else HOW_TO_LEARN


def _decimals(best: float) -> int:
    """How many decimals scores are told with, by the best one."""
    return 1 if abs(best) >= 10 else 3


def _counted(best: Evidence) -> dict[str, Any]:
    return dict(zip(("matches", "inliers"), _counts(best, none=None), strict=True))


def method_note(method: str, *, matching: Optional[str], extraction: Optional[str]) -> str:
    """The method and the precision of its networks; ``None`` where a part is none."""
    precisions = {"matching": matching, "extraction": extraction}
    ran = ", ".join(f"{part} {precision}" for part, precision in precisions.items() if precision)
    return f"Method {method}" + (f": {ran}" if ran else "")


def print_answer(
    out: Output,
    query: PhotoQuery,
    answer: Identification,
    records: Sequence[AnnotationRecord],
) -> None:
    """The candidates that matched, and what was searched.

    ``records`` are those of the best photo of as many candidates as are wanted.
    """
    out.say()
    seen = f"in a mirror, as side {query.side}" if query.mirrored else f"side {query.side}"
    out.say(f"{query.path}   {seen}")
    if query.records:
        out.say("This photo is in the catalogue: itself and its encounter are left out.")
    matched = sum(map(has_matched, answer.candidates))
    if not matched:
        out.say(searched(answer))
        if answer.searched:
            if said := verdict(answer):
                out.say(said)
            new = "" if query.mirrored else "it may be a new animal, or "
            out.say(f"Nothing matched: {new}the photo shows too little of it.")
        return
    decimals = _decimals(answer.candidates[0].score)
    candidate_table(
        out,
        answer.score,
        [
            (
                rank,
                candidate.individual,
                "–" if candidate.probability is None else percent(candidate.probability),
                f"{candidate.score:.{decimals}f}" if rank <= len(answer.candidates) else "–",
                *_counts(candidate.evidence[0], none="–"),
                record.name,
                record.side,
            )
            for rank, (candidate, record) in enumerate(
                zip(answer.named, records, strict=False), start=1
            )
            if has_matched(candidate)
        ],
    )
    if matched < len(answer.candidates):
        rest = len(answer.candidates) - matched
        out.say(f"{count(rest, 'other individual')}: nothing matched")
    if len(records) > len(answer.candidates):
        out.say(f"Without a {answer.score}: only looked at, see --effort thorough")
    if said := verdict(answer):
        out.say(said)
    out.say(searched(answer))


def print_together(out: Output, pooled: Pooled, records: Sequence[AnnotationRecord]) -> None:
    """The answer about all photos, as if of one animal; ``records`` as in ``print_answer``."""
    out.say()
    if not pooled.candidates:
        out.say("All photos together: nothing was compared.")
        return
    out.say(f"All photos together, if they show one animal: {pooled.combined}")
    decimals = _decimals(pooled.candidates[0].score)
    candidate_table(
        out,
        pooled.answer.score,
        [
            (
                rank,
                candidate.individual,
                "–" if candidate.probability is None else percent(candidate.probability),
                f"{candidate.score:.{decimals}f}",
                *_counts(candidate.evidence[0][1], none="–"),
                record.name,
                record.side,
            )
            for rank, (candidate, record) in enumerate(
                zip(pooled.candidates, records, strict=False), start=1
            )
        ],
    )
    if said := verdict(pooled.answer):
        out.say(said)


def candidate_table(out: Output, score: str, rows: Sequence[Sequence[object]]) -> None:
    """Candidates, best first: rank, name, probability, ``score``, matches, inliers, photo, side."""
    out.table(
        [
            Column("#", right=True),
            Column("Individual", fold=True),
            Column("Probability", right=True),
            Column(score, right=True),
            Column("Matches", right=True),
            Column("Inliers", right=True),
            Column("Best photo", fold=True),
            Column("Side"),
        ],
        rows,
    )


def searched(answer: Identification) -> str:
    """What was compared and what was not, in a sentence or two."""
    from resight.method import EFFORTS  # loads NumPy

    text = f"Searched {count(answer.searched, 'photo')}"
    if answer.matched == answer.searched:
        text += f" of {count(len(answer.candidates), 'individual')}"
    text += f" in {answer.seconds:.1f} s"
    if answer.matched < answer.searched:
        closer = f"{answer.shortlisted} by the network, " if answer.half_matched else ""
        text += f" at effort {answer.effort}: {closer}{answer.matched} matched in full"
    if answer.left_out:
        reasons = ", ".join(f"{number} ({reason})" for reason, number in answer.left_out.items())
        text += f"; left out {reasons}"
    effort = EFFORTS[answer.effort]
    further = ""
    if answer.turned:
        further = "the photo was tried turned as well"
    elif effort.further and answer.half_matched > (effort.look.shortlisted or 0):
        further = "more photos were looked at"
    if further and isfinite(effort.certain):
        further = f"no animal stood out at first, so {further}"
    if further:
        text += f". {further[0].upper()}{further[1:]}"
    return text + ("" if answer.candidates else ". No candidates: there was nothing to compare")


def as_json(
    query: PhotoQuery, answer: Identification, records: Sequence[AnnotationRecord]
) -> dict[str, Any]:
    """An answer for programs; ``records`` as in ``print_answer``."""
    return {
        "path": str(query.path),
        "photo": query.photo.sha256,
        "in_catalogue": [record.id for record in query.records],
        "side": answer.side,
        "encounter": query.encounter,
        "side_policy": answer.side_policy,
        "effort": answer.effort,
        "searched": answer.searched,
        "shortlisted": answer.shortlisted,
        "half_matched": answer.half_matched,
        "matched": answer.matched,
        "turned": answer.turned,
        "individuals": len(answer.candidates),
        "left_out": dict(answer.left_out),
        "seconds": answer.seconds,
        "verdict": answer.verdict,
        "new_probability": answer.new_probability,
        "unlisted_probability": answer.unlisted_probability,
        "needed": answer.needed,
        "calibration": answer.calibration,
        "candidates": [
            {
                "rank": rank,
                "in_full": rank <= len(answer.candidates),
                "individual": candidate.individual,
                "probability": candidate.probability,
                "score": candidate.score,
                "annotation": record.id,
                "photo": record.photo.sha256,
                "name": record.name,
                "side": record.side,
                **_counted(candidate.evidence[0]),
                "scores": dict(candidate.evidence[0].scores),
            }
            for rank, (candidate, record) in enumerate(
                zip(answer.named, records, strict=False), start=1
            )
        ],
    }


def together_as_json(pooled: Pooled, records: Sequence[AnnotationRecord]) -> dict[str, Any]:
    """The answer about all photos for programs; ``records`` as in ``print_answer``."""
    answer = pooled.answer
    return {
        "combined": pooled.combined,
        "verdict": pooled.verdict,
        "new_probability": answer.new_probability,
        "unlisted_probability": answer.unlisted_probability,
        "needed": answer.needed,
        "calibration": answer.calibration,
        "candidates": [
            {
                "rank": rank,
                "individual": candidate.individual,
                "probability": candidate.probability,
                "score": candidate.score,
                "query": candidate.evidence[0][0],
                "annotation": record.id,
                "photo": record.photo.sha256,
                "name": record.name,
                "side": record.side,
                **_counted(candidate.evidence[0][1]),
            }
            for rank, (candidate, record) in enumerate(
                zip(pooled.candidates, records, strict=False), start=1
            )
        ],
    }
