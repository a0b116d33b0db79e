"""Figures of hand-made results, counted by hand."""

from __future__ import annotations

from collections.abc import Mapping

from resight.evaluate.figures import cost_figures, identification_figures
from resight.evaluate.journal import QueryResult
from resight.evaluate.protocol import EvaluationProtocol, Row


def result(scores: Mapping[str, float], **other: float) -> QueryResult:
    return QueryResult(
        scores,
        dict.fromkeys(scores, 2),
        int(other.get("pairs", 3)),
        other.get("seconds", 1.0),
        50.0,
    )


GALLERY = tuple(Row(n, f"{name}.png", "gallery", name) for n, name in enumerate(["Ada", "Bo"], 2))


def protocol(*queries: tuple[str, str]) -> EvaluationProtocol:
    rows = [
        Row(n, f"{n}.png", "query", animal, encounter=encounter)
        for n, (animal, encounter) in enumerate(queries, 10)
    ]
    return EvaluationProtocol("p.csv", "0" * 64, GALLERY, tuple(rows))


def test_shares_are_of_known_queries_and_animals_weigh_alike_in_macro() -> None:
    asked = protocol(("Ada", ""), ("Ada", ""), ("Ada", ""), ("Bo", ""), ("Eve", ""))
    wins, loses = {"Ada": 2.0, "Bo": 1.0}, {"Ada": 1.0, "Bo": 2.0}
    figures = identification_figures(
        asked, [result(wins), result(wins), result(loses), result(wins), result(wins)]
    )
    assert figures["ranks"] == (1, 1, 2, 2, None)
    assert figures["top1"] == 2 / 4
    assert figures["top3"] == 1.0
    assert figures["top1_macro"] == (2 / 3 + 0) / 2
    assert figures["mrr"] == (1 + 1 + 1 / 2 + 1 / 2) / 4


def test_an_encounter_scores_as_its_best_query() -> None:
    asked = protocol(("Ada", "e1"), ("Ada", "e1"), ("Bo", ""), ("Bo", ""))
    figures = identification_figures(
        asked,
        [
            result({"Ada": 1.0, "Bo": 3.0}),
            result({"Ada": 9.0, "Bo": 2.0}),
            result({"Ada": 5.0, "Bo": 1.0}),
            result({"Ada": 1.0, "Bo": 5.0}),
        ],
    )
    assert figures["top1"] == 2 / 4
    assert figures["top1_encounter"] == 2 / 3  # e1 right, then one wrong and one right alone


def test_a_photo_that_was_never_compared_with_its_animal_is_a_miss() -> None:
    figures = identification_figures(
        protocol(("Ada", ""), ("Bo", "")), [result({}), result({"Bo": 0.0})]
    )
    assert figures["ranks"] == (None, 1)
    assert figures["top20"] == 0.5


def test_costs_are_of_the_queries_that_were_answered() -> None:
    results = [
        result({}, pairs=10, seconds=1.0),
        result({}, pairs=20, seconds=3.0),
        QueryResult({}, {}, 0, 0.0, 70.0, problem="unreadable"),
    ]
    costs = cost_figures(results)
    assert costs["seconds_per_query_median"] == 2.0
    assert costs["seconds_per_query_p95"] == 2.9
    assert costs["pairs_matched_per_query"] == 15
    assert costs["peak_rss_mb"] == 70.0


def test_costs_of_nothing_are_none() -> None:
    costs = cost_figures([QueryResult({}, {}, 0, 0.1, 60.0, problem="unreadable")])
    assert costs["seconds_per_query_median"] is None
    assert costs["pairs_matched_per_query"] is None
