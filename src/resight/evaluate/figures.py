"""From what became of each query to the figures of a report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Optional

import numpy as np

from resight.evaluate import metrics
from resight.evaluate.journal import QueryResult
from resight.evaluate.protocol import EvaluationProtocol, Row


def identification_figures(
    protocol: EvaluationProtocol, results: Sequence[QueryResult]
) -> dict[str, Any]:
    """Ranks, shares and intervals, by the names of ``MethodReport``'s fields.

    ``results`` follow the protocol's queries.
    """
    ranks = [
        result.rank_of(row.identity) if known else None
        for row, result, known in zip(protocol.queries, results, protocol.known, strict=True)
    ]
    asked = [rank for rank, known in zip(ranks, protocol.known, strict=True) if known]
    animals = [
        row.identity for row, known in zip(protocol.queries, protocol.known, strict=True) if known
    ]
    first, fifth = metrics.reached(asked, 1), metrics.reached(asked, 5)
    encounter_ranks, encounter_animals = _encounters(protocol, results)
    encounter_first = metrics.reached(encounter_ranks, 1)
    return {
        **{f"top{k}": metrics.top_k(asked, k) for k in (1, 3, 5, 10, 20)},
        "top1_macro": metrics.macro_mean(first, animals),
        "top1_encounter": metrics.top_k(encounter_ranks, 1),
        "mrr": metrics.mean_reciprocal_rank(asked),
        "top1_ci95": metrics.bootstrap_interval(first, animals),
        "top5_ci95": metrics.bootstrap_interval(fifth, animals),
        "top1_macro_ci95": metrics.bootstrap_interval(first, animals, macro=True),
        "top1_encounter_ci95": metrics.bootstrap_interval(encounter_first, encounter_animals),
        "ranks": tuple(ranks),
    }


def cost_figures(results: Sequence[QueryResult]) -> dict[str, Any]:
    """Time, comparisons and memory, by the names of ``MethodReport``'s fields.

    Queries that could not be read cost next to nothing and are not averaged in.
    """
    answered = [result for result in results if not result.problem]
    seconds = [result.seconds for result in answered]
    pairs = [result.pairs for result in answered]
    return {
        "seconds_per_query_median": _over(seconds, np.median),
        "seconds_per_query_p95": _over(seconds, lambda values: np.percentile(values, 95)),
        "pairs_matched_per_query": _over(pairs, np.mean),
        "peak_rss_mb": max((result.peak_rss_mb for result in results), default=0.0),
    }


def _encounters(
    protocol: EvaluationProtocol, results: Sequence[QueryResult]
) -> tuple[list[Optional[int]], list[str]]:
    """For each encounter of known queries: the pooled rank, and whose it is."""
    together: dict[Hashable, list[tuple[Row, QueryResult]]] = defaultdict(list)
    for row, result, known in zip(protocol.queries, results, protocol.known, strict=True):
        if known:
            together[row.encounter or row.line].append((row, result))
    ranks, animals = [], []
    for queries in together.values():
        animal = queries[0][0].identity
        pooled = metrics.pool_encounter(result.scores for _, result in queries)
        ranks.append(metrics.rank_of(animal, pooled))
        animals.append(animal)
    return ranks, animals


def _over(
    values: Sequence[float], figure: Callable[[Sequence[float]], np.floating[Any]]
) -> Optional[float]:
    return float(figure(values)) if values else None
