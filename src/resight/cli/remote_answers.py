"""Answers of a desk elsewhere, printed as `resight identify` prints its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional

from resight.cli.answers import candidate_table, probability_note
from resight.cli.output import Output, count, error
from resight.verdicts import percent, verdict

if TYPE_CHECKING:
    from resight.service import models


@dataclass
class Answers:
    """Prints answers, and keeps what is printed as JSON."""

    out: Output
    top: int

    def __post_init__(self) -> None:
        self.answers: list[dict[str, object]] = []
        self.failed: list[dict[str, str]] = []

    def fail(self, what: str, why: str) -> None:
        """Name what could not be asked about."""
        error(f"{what}: {why}")
        self.failed.append({"what": what, "error": why})

    def tell(self, what: str, answer: models.Answer) -> None:
        """Print an answer as `resight identify` does."""
        self.answers.append({"what": what, **answer.model_dump()})
        self.out.say()
        self.out.say(f"{what}   {count(len(answer.annotations), 'photo')}")
        named = [*answer.candidates, *answer.passed_over][: self.top]
        best: Sequence[Optional[models.MatchedPhoto]] = [
            each.photos[0] if each.photos else None for each in named
        ]
        candidate_table(
            self.out,
            "Score",
            [
                (
                    rank,
                    each.individual,
                    "–" if each.probability is None else percent(each.probability),
                    f"{each.score:.2f}" if rank <= len(answer.candidates) else "–",
                    photo.matches if photo else "–",
                    photo.inliers if photo else "–",
                    photo.annotation.name if photo else "–",
                    photo.annotation.side if photo else "–",
                )
                for rank, (each, photo) in enumerate(zip(named, best, strict=True), start=1)
            ],
        )
        if said := verdict(answer):
            self.out.say(said)
        self.out.say(
            f"Searched {count(answer.searched, 'photo')} in {answer.seconds:.1f} s "
            f"with {answer.method} at effort {answer.effort}"
        )
        if answer.calibration:
            self.out.say(probability_note(answer.calibration))
        else:
            self.out.say("There are no probabilities: the desk's job calibrate learns them.")
