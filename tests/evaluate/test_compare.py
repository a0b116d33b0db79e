"""Paired comparisons against scipy, hand counts, and what must hold of any two runs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from resight.errors import ProtocolError
from resight.evaluate.compare import Asked, Run, compare, holm, mcnemar, read_runs, sign_test


def run(label: str, ranks: Sequence[int | None], animals: Sequence[str] = ()) -> Run:
    """Queries of known animals, each animal asked once if ``animals`` are not given."""
    whose = animals or [f"animal {n}" for n in range(len(ranks))]
    queries = {
        f"q{n}": Asked(animal, True, rank, 1.0, True)
        for n, (rank, animal) in enumerate(zip(ranks, whose, strict=True))
    }
    return Run(label, queries, 1.0)


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_agrees_with_scipy(one: int, other: int) -> None:
    expected = stats.binomtest(one, one + other).pvalue if one + other else 1.0
    assert mcnemar(one, other) == pytest.approx(expected)


@given(st.lists(st.integers(-2, 2).map(float), min_size=2, max_size=9))
def test_the_sign_test_agrees_with_scipy(differences: list[float]) -> None:
    expected = stats.permutation_test(
        (differences,), np.sum, permutation_type="samples", alternative="two-sided"
    )
    assert sign_test(differences, range(len(differences))) == pytest.approx(expected.pvalue)


def test_many_animals_are_turned_around_at_random() -> None:
    differences = [1.0] * 30 + [-1.0] * 10
    exact = stats.binomtest(10, 40).pvalue
    assert sign_test(differences, range(40)) == pytest.approx(exact, rel=0.2)
    assert sign_test(differences, range(40)) == sign_test(differences, range(40))


def test_photos_of_one_animal_are_one_piece_of_evidence() -> None:
    differences = [1.0] * 10
    assert sign_test(differences, range(10)) == pytest.approx(2 / 2**10)
    assert sign_test(differences, ["Ada"] * 10) == 1.0


@given(st.lists(st.floats(0, 1), max_size=6))
def test_holm_keeps_the_order_and_never_helps(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(before <= after <= 1 for before, after in zip(p_values, adjusted, strict=True))
    assert sorted(adjusted) == [adjusted[i] for i in np.argsort(p_values, kind="stable")]


def test_differences_are_of_the_common_queries_in_their_order() -> None:
    reference = run("a", [1, 1, 2, None, 1, 1])
    other = run("b", [1, 2, 1, 1])
    (found,) = compare(reference, [other])
    assert (found.queries, found.known) == (4, 4)
    assert (found.only_reference, found.only_other) == (1, 2)
    assert (found.kept, found.mcnemar) == (0.5, 1.0)
    top1 = next(each for each in found.differences if each.figure == "top1")
    assert (top1.reference, top1.other, top1.difference) == (0.5, 0.75, 0.25)
    mrr = next(each for each in found.differences if each.figure == "mrr")
    assert mrr.difference == pytest.approx((1 + 0.5 + 1 + 1 - (1 + 1 + 0.5 + 0)) / 4)


def test_a_clear_gain_is_significant_and_noise_is_not() -> None:
    reference = run("a", [2] * 20 + [1] * 40)
    better, other = run("b", [1] * 60), run("c", [1, 2] * 10 + [1] * 38 + [2] * 2)
    gained, alike = compare(reference, [better, run("d", [2] * 19 + [1] * 41)])
    assert gained.differences[0].significant
    assert gained.differences[0].ci95 is not None
    assert gained.differences[0].ci95[0] > 0
    assert not alike.differences[0].significant
    assert compare(reference, [other])[0].differences[0].difference == pytest.approx(8 / 60)


def test_p_values_are_adjusted_for_the_number_of_methods() -> None:
    reference, better = run("a", [2] * 6 + [1] * 9), run("b", [1] * 15)
    (alone,) = compare(reference, [better])
    several = compare(reference, [better, reference, reference])
    assert alone.differences[0].p == several[0].differences[0].p == 2 / 2**6
    assert alone.differences[0].significant
    assert several[0].differences[0].p_adjusted == pytest.approx(3 * 2 / 2**6)
    assert not several[0].differences[0].significant


def test_novelty_is_compared_where_there_are_novel_queries() -> None:
    random = np.random.default_rng(0)

    def asked(known: bool, shift: float) -> dict[str, Asked]:
        acceptances = random.normal(shift if known else 0, 1, 60).tolist()
        return {
            f"{known} {n}": Asked(f"{known} {n}", known, 1 if known else None, value, True)
            for n, value in enumerate(acceptances)
        }

    poor, good = (
        Run(f"{shift}", asked(True, shift) | asked(False, 0), 1.0) for shift in (0.2, 3.0)
    )
    (found,) = compare(poor, [good])
    novelty = found.differences[-1]
    assert novelty.figure == "novelty_auroc"
    assert novelty.significant
    assert novelty.ci95 is not None
    assert novelty.ci95[0] > 0.2
    (same,) = compare(poor, [poor])
    assert (same.differences[-1].difference, same.differences[-1].significant) == (0, False)


def test_runs_of_other_photos_are_refused() -> None:
    with pytest.raises(ProtocolError, match="a and b have no query in common"):
        compare(run("a", [1]), [Run("b", {"other": Asked("x", True, 1, 1.0, True)}, 1.0)])


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"methods": [], "queries": 3}', "\x00"])
def test_a_file_that_is_no_report_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(ProtocolError, match=r"a\.json is not what .* run the evaluation again"):
        read_runs(path)
    with pytest.raises(ProtocolError, match=r"cannot read .*nowhere"):
        read_runs(tmp_path / "nowhere")


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    answer: dict[str, object] = {
        "candidates": [{"score": 7.0}],
        "new_probability": None,
        "problem": "",
    }
    nothing: dict[str, object] = {"candidates": [], "new_probability": None, "problem": "truncated"}
    sure: dict[str, object] = {
        "candidates": [{"score": 7.0}],
        "new_probability": 0.25,
        "problem": "",
    }
    report = {
        "query_rows": [
            {"path": "q.jpg", "box": box, "identity": "Ada", "known": known}
            for box, known in ((None, True), ([0, 0, 5, 5], True), ([1, 1, 5, 5], False))
        ],
        "methods": [
            {
                "name": "m",
                "effort": "quick",
                "side_policy": "any",
                "seconds_per_query_median": 0.5,
                "ranks": [1, None, None],
                "answers": [answer, nothing, sure],
            }
        ],
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps(report))
    (found,) = read_runs(path)
    assert found.label == f"{path}: m, quick, any"
    assert list(found.queries.values()) == [
        Asked("Ada", True, 1, 7.0, True),
        Asked("Ada", True, None, -math.inf, False),
        Asked("Ada", False, None, 0.75, True),
    ]
