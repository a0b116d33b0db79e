"""What is kept of an answer: for the page, as JSON, and with it how each pair of photos matches."""

from __future__ import annotations

from typing import Any

from resight.pooling import Pooled, PooledCandidate
from resight.service.board import Groups
from resight.service.searching import Found
from resight.service.store import DeskStore, Kept


def keep(store: DeskStore, found: Found, groups: Groups, actor: str) -> Kept:
    """Keep an answer about annotations, by whoever asked."""
    first = found.pooled.candidates[0] if found.pooled.candidates else None
    summary = {
        "verdict": found.pooled.verdict,
        "first": first.individual if first else None,
        "probability": first.probability if first else None,
        "new_probability": found.pooled.answer.new_probability,
    }
    record = groups.annotation(found.annotations[0])
    told = {**_told(found.pooled), "encounter": record.encounter_ref}
    return store.keep(actor, found.annotations, told, summary, found.pairs)


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
        "turned": answer.turned,
        "left_out": dict(answer.left_out),
        "seconds": round(answer.seconds, 3),
        "candidates": [candidate(each) for each in pooled.candidates],
        "passed_over": [candidate(each) for each in pooled.passed_over],
    }
