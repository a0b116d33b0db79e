"""What became of each query, in a form that pictures and comparisons are made from later."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np

from resight.evaluate.journal import QueryResult
from resight.evaluate.openset import OpenSet
from resight.evaluate.protocol import EvaluationProtocol, Row
from resight.types import Box

#: Candidates kept of each query, besides its own individual.
CANDIDATES = 5
#: Scores kept of each kind of pair.
_SCORES = 1000


@dataclass(frozen=True)
class Query:
    """A query of the protocol; ``known`` as in ``EvaluationProtocol.known``."""

    path: str
    box: Optional[Box]
    identity: str
    encounter: str
    known: bool


@dataclass(frozen=True)
class Found:
    """An individual found for a query; ``line`` of the protocol has its best photo."""

    individual: str
    score: float
    line: int
    probability: Optional[float]


@dataclass(frozen=True)
class Answer:
    """The first candidates of a query, best first, and its own individual wherever it is.

    ``right`` is ``None`` for novel queries and where the individual was never compared;
    ``compared`` counts the individuals that were; ``problem`` why the photo could not be
    used, empty if it could.
    """

    candidates: tuple[Found, ...]
    right: Optional[Found]
    new_probability: Optional[float]
    compared: int
    problem: str

    @property
    def acceptance(self) -> float:
        """How surely the animal is known: 1 − P(new), else the best score; see ``openset``."""
        if self.new_probability is not None:
            return 1 - self.new_probability
        return self.candidates[0].score if self.candidates else -math.inf

    @property
    def wrong(self) -> Optional[Found]:
        """The best candidate that is another animal."""
        others = (each for each in self.candidates if each != self.right)
        return next(others, None)


def query_rows(protocol: EvaluationProtocol) -> tuple[Query, ...]:
    """The queries of a protocol, in its order."""
    return tuple(
        Query(row.path, row.box, row.identity, row.encounter, known)
        for row, known in zip(protocol.queries, protocol.known, strict=True)
    )


def by_kind(
    queries: Sequence[Query], answers: Sequence[Answer], ranks: Sequence[Optional[int]]
) -> tuple[OpenSet, list[str]]:
    """Acceptances of known and novel queries, and whose they are: first known, then novel.

    Novel queries that could not be read are left out: nobody is told that they are new.
    """
    asked = list(zip(queries, answers, ranks, strict=True))
    known = [each for each in asked if each[0].known]
    novel = [each for each in asked if not each[0].known and not each[1].problem]
    outcome = OpenSet(
        known=tuple(answer.acceptance for _, answer, _ in known),
        novel=tuple(answer.acceptance for _, answer, _ in novel),
        right=tuple(rank == 1 for *_, rank in known),
    )
    return outcome, [query.identity for query, *_ in (*known, *novel)]


def answer_of(row: Row, known: bool, result: QueryResult) -> Answer:
    """What is kept of a query's result."""
    order = sorted(result.scores, key=lambda name: (-result.scores[name], name))
    right = _found(row.identity, result) if known and row.identity in result.scores else None
    return Answer(
        candidates=tuple(_found(name, result) for name in order[:CANDIDATES]),
        right=right,
        new_probability=result.new_probability,
        compared=len(result.scores),
        problem=result.problem,
    )


def score_samples(
    protocol: EvaluationProtocol, results: Sequence[QueryResult]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Scores of queries with their own animal, and with all others; each in rising order.

    Of an individual counts the best photo, as in the ranking. All of them, or as many
    evenly spaced quantiles as a file can hold.
    """
    own: list[float] = []
    others: list[float] = []
    for row, known, result in zip(protocol.queries, protocol.known, results, strict=True):
        for name, score in result.scores.items():
            (own if known and name == row.identity else others).append(score)
    return _sample(own), _sample(others)


def _found(name: str, result: QueryResult) -> Found:
    return Found(
        individual=name,
        score=result.scores[name],
        line=result.lines[name],
        probability=result.probabilities.get(name) if result.probabilities else None,
    )


def _sample(values: Sequence[float]) -> tuple[float, ...]:
    if len(values) <= _SCORES:
        return tuple(sorted(values))
    at = np.linspace(0, 1, _SCORES)
    return tuple(np.quantile(values, at, method="nearest").tolist())
