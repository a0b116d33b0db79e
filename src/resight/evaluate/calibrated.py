"""Figures about "new" and about probabilities, by the names of ``MethodReport``'s fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from resight.calibration.quality import auroc, constant_brier
from resight.calibration.reliability import ReliabilityBin, calibration_error, reliability
from resight.evaluate import openset
from resight.evaluate.answers import Answer, Query, by_kind
from resight.evaluate.journal import QueryResult
from resight.evaluate.probability import (
    NEW,
    UNLISTED,
    Prediction,
    brier,
    first_outcome,
    with_prior,
)
from resight.evaluate.protocol import EvaluationProtocol


def novelty_figures(
    queries: Sequence[Query],
    answers: Sequence[Answer],
    ranks: Sequence[Optional[int]],
    prior: Optional[float],
) -> dict[str, Any]:
    """How well new animals are told from known ones.

    ``prior`` of "new" that the probabilities were made under; ``None`` without them. Then
    the best score decides; there is no threshold for it that was chosen without looking at
    the queries, so no accuracy either. With them a query is called known where that is
    likelier than new if both are equally common, which is where 1 − P(new) exceeds 1 − prior.
    """
    outcome, animals = by_kind(queries, answers, ranks)
    both = outcome.known and outcome.novel
    accuracy = None
    if prior is not None:
        accuracy = openset.balanced_accuracy(outcome.known, outcome.novel, 1 - prior)
    return {
        "novelty_by": "score" if prior is None else "probability",
        "novelty_auroc": auroc(outcome.known, outcome.novel) if both else None,
        "novelty_auroc_ci95": openset.auroc_interval(outcome.known, outcome.novel, animals),
        "novelty_accuracy": accuracy,
        "dir_at_fpir_10": openset.identified_at(outcome, 0.1),
    }


def probability_figures(
    protocol: EvaluationProtocol, results: Sequence[QueryResult], prior: Optional[float]
) -> dict[str, Any]:
    """How true the probabilities are, at the protocol's share of novel queries and at ½.

    At ½ queries are weighted so that both kinds weigh the same. Queries without any candidate
    have no probabilities and are left out.
    """
    rows = zip(protocol.queries, protocol.known, results, strict=True)
    asked = [(row, known, result) for row, known, result in rows if result.scores]
    share = sum(not known for _, known, _ in asked) / len(asked) if asked else 1.0
    if prior is None or share == 1:
        none = dict.fromkeys(("ece", "ece_prior_half", "brier", "brier_constant"))
        return {**none, "reliability": ()}
    truths = [_truth(row.identity, known, result) for row, known, result in asked]
    own = [with_prior(_prediction(result), prior, share) for _, _, result in asked]
    bins = _reliability(own, truths)
    even = [with_prior(_prediction(result), prior, 0.5) for _, _, result in asked]
    weights = [1 / (share if truth == NEW else 1 - share) for truth in truths]
    individuals = len({row.identity for row in protocol.gallery})
    return {
        "ece": calibration_error(bins),
        "ece_prior_half": calibration_error(_reliability(even, truths, weights)) if share else None,
        "brier": brier(own, truths),
        "brier_constant": constant_brier(share, individuals),
        "reliability": tuple(bins),
    }


def _prediction(result: QueryResult) -> Prediction:
    if result.probabilities is None or result.new_probability is None:
        raise ValueError("a query has no probabilities although its method is calibrated")
    listed = sum(result.probabilities.values()) + result.new_probability
    unlisted = {UNLISTED: max(0.0, 1 - listed)}
    return {**result.probabilities, **unlisted, NEW: result.new_probability}


def _truth(identity: str, known: bool, result: QueryResult) -> str:
    if not known:
        return NEW
    return identity if identity in result.scores else UNLISTED


def _reliability(
    predictions: Sequence[Prediction],
    truths: Sequence[str],
    weights: Optional[Sequence[float]] = None,
) -> list[ReliabilityBin]:
    first = [first_outcome(prediction) for prediction in predictions]
    held = [name == truth for (name, _), truth in zip(first, truths, strict=True)]
    return reliability([probability for _, probability in first], held, weights)
