"""Figures about "new" and probabilities of hand-made results, counted by hand."""

from __future__ import annotations

import pytest

from resight.evaluate.answers import Answer, Found, answer_of, by_kind, query_rows, score_samples
from resight.evaluate.calibrated import novelty_figures, probability_figures
from resight.evaluate.journal import QueryResult
from resight.evaluate.protocol import EvaluationProtocol, Row

GALLERY = tuple(Row(n, f"{name}.png", "gallery", name) for n, name in enumerate(["Ada", "Bo"], 2))


def protocol(*animals: str) -> EvaluationProtocol:
    rows = [Row(n, f"{n}.png", "query", animal) for n, animal in enumerate(animals, 10)]
    return EvaluationProtocol("p.csv", "0" * 64, GALLERY, tuple(rows))


def result(ada: float, bo: float, new: float | None = None, *, problem: str = "") -> QueryResult:
    """With ``new``, scores are also what is left of probability."""
    scores = {} if problem else {"Ada": ada, "Bo": bo}
    lines = {name: n for n, name in enumerate(scores, 2)}
    return QueryResult(scores, lines, 2, 1.0, 50.0, scores if new else None, new, problem)


ASKED = protocol("Ada", "Ada", "Bo", "Eve", "Eve")
RAW = [result(9, 1), result(3, 4), result(0, 5), result(2, 1), result(6, 3)]
CALIBRATED = [
    result(0.8, 0.1, 0.1),
    result(0.1, 0.3, 0.6),
    result(0.1, 0.6, 0.3),
    result(0.1, 0.1, 0.8),
    result(0.5, 0.1, 0.4),
]


def answers(asked: EvaluationProtocol, results: list[QueryResult]) -> list[Answer]:
    rows = zip(asked.queries, asked.known, results, strict=True)
    return [answer_of(*row) for row in rows]


def novelty(results: list[QueryResult], prior: float | None) -> dict[str, object]:
    ranks = [1, 2, 1, None, None]
    return novelty_figures(query_rows(ASKED), answers(ASKED, results), ranks, prior)


def test_without_a_calibration_the_best_score_tells_what_is_new() -> None:
    figures = novelty(RAW, None)
    assert figures["novelty_by"] == "score"
    assert figures["novelty_auroc"] == pytest.approx((2 + 1 + 1) / 6)  # 9, 4, 5 against 2, 6
    assert figures["dir_at_fpir_10"] == 1 / 3  # above 6 there is one, and right
    assert figures["novelty_accuracy"] is None


def test_with_a_calibration_the_probability_of_new_tells() -> None:
    figures = novelty(CALIBRATED, 0.5)
    assert figures["novelty_by"] == "probability"
    assert figures["novelty_auroc"] == pytest.approx((2 + 1 + 2) / 6)  # .1, .6, .3 against .8, .4
    assert figures["novelty_accuracy"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert figures["dir_at_fpir_10"] == 2 / 3


def test_the_threshold_is_even_whatever_prior_probabilities_were_made_under() -> None:
    # At a prior of 0.25, 0.3 is more than one expects of a query as likely new as known.
    figures = novelty(CALIBRATED, 0.25)
    assert figures["novelty_accuracy"] == pytest.approx((1 / 3 + 1) / 2)


def test_probabilities_at_the_protocols_own_prior() -> None:
    figures = probability_figures(ASKED, CALIBRATED, prior=0.4)  # 2 of 5 queries are novel
    # First outcomes .5 (wrong), .6 twice (wrong, right), .8 twice (right): a bin for each value.
    assert figures["ece"] == pytest.approx((0.5 + 2 * 0.1 + 2 * 0.2) / 5)
    assert [each.queries for each in figures["reliability"]] == [1, 2, 2]
    losses = [
        0.2**2 + 0.1**2 + 0.1**2,
        0.9**2 + 0.3**2 + 0.6**2,
        0.1**2 + 0.4**2 + 0.3**2,
        0.1**2 + 0.1**2 + 0.2**2,
        0.5**2 + 0.1**2 + 0.6**2,
    ]
    assert figures["brier"] == pytest.approx(sum(losses) / 5)
    # Guessing .4 for new, .3 for each animal: 2 × (.6² + 2 × .3²) + 3 × (.7² + .3² + .4²)
    assert figures["brier_constant"] == pytest.approx((2 * 0.54 + 3 * 0.74) / 5)
    # Made under an even prior they would say something else.
    assert probability_figures(ASKED, CALIBRATED, prior=0.5)["ece"] != pytest.approx(figures["ece"])


def test_a_missed_animal_is_neither_new_nor_a_candidate() -> None:
    listed = QueryResult({"Bo": 1.0}, {"Bo": 3}, 1, 1.0, 50.0, {"Bo": 0.1}, 0.2)  # 0.7 for others
    figures = probability_figures(protocol("Ada", "Eve"), [listed, CALIBRATED[3]], prior=0.5)
    assert figures["ece"] == pytest.approx((0.3 + 0.2) / 2), "both first outcomes are true"
    losses = [0.3**2 + 0.1**2 + 0.2**2, 0.1**2 + 0.1**2 + 0.2**2]
    assert figures["brier"] == pytest.approx(sum(losses) / 2)


def test_without_novel_queries_new_is_impossible() -> None:
    asked = protocol("Ada", "Bo")
    figures = probability_figures(asked, CALIBRATED[:1] + CALIBRATED[2:3], prior=0.5)
    assert figures["ece"] == pytest.approx((1 - 8 / 9 + 1 - 6 / 7) / 2)
    assert figures["ece_prior_half"] is None


def test_without_a_calibration_there_are_no_probabilities() -> None:
    figures = probability_figures(ASKED, RAW, prior=None)
    assert figures.pop("reliability") == ()
    assert set(figures.values()) == {None}


def test_queries_that_could_not_be_read_are_misses_but_not_new() -> None:
    bad = result(0, 0, problem="truncated")
    asked = [RAW[0], bad, RAW[2], RAW[3], bad]
    outcome, animals = by_kind(query_rows(ASKED), answers(ASKED, asked), [1, None, 1, None, None])
    assert [*outcome.known] == [9, float("-inf"), 5]
    assert [*outcome.novel] == [2]
    assert [*outcome.right] == [True, False, True]
    assert animals == ["Ada", "Ada", "Bo", "Eve"]
    probabilities = [CALIBRATED[0], bad, CALIBRATED[2], CALIBRATED[3], bad]
    assert probability_figures(ASKED, probabilities, prior=0.4)["ece"] is not None


def test_an_answer_holds_its_own_animal_wherever_that_ranks() -> None:
    many = {f"animal {n}": float(-n) for n in range(20)}
    asked = EvaluationProtocol(
        "p", "", (Row(2, "g.png", "gallery", "animal 17"),), (Row(9, "q", "query", "animal 17"),)
    )
    found = QueryResult(many, {name: n for n, name in enumerate(many)}, 20, 1.0, 50.0)
    answer = answer_of(asked.queries[0], asked.known[0], found)
    assert [each.individual for each in answer.candidates] == [f"animal {n}" for n in range(5)]
    assert answer.right == Found("animal 17", -17, 17, None)
    assert answer.wrong == answer.candidates[0]
    assert answer.compared == 20


def test_scores_of_many_pairs_are_kept_as_quantiles() -> None:
    asked = protocol(*["Ada"] * 3000)
    results = [result(float(n), float(n % 7)) for n in range(3000)]
    right, wrong = score_samples(asked, results)
    assert len(right) == len(wrong) == 1000
    assert (right[0], right[-1]) == (0, 2999)
    assert sorted(right) == list(right)
    assert abs(sum(wrong) / 1000 - 3) < 0.01
    assert score_samples(ASKED, RAW) == ((3, 5, 9), (0, 1, 1, 2, 3, 4, 6))
