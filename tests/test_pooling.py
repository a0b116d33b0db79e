"""One answer about several photos."""

from __future__ import annotations

import numpy as np
import pytest

from resight.pooling import pool
from resight.types import Candidate, Evidence, Geometry, Identification, Matches


def evidence(annotation: str, score: float) -> Evidence:
    none = Matches(np.zeros((0, 2), np.int32), np.zeros(0, np.float32))
    return Evidence(annotation, {"sum": score}, none, Geometry(np.zeros(0, bool)))


def answer(
    named: dict[str, tuple[float, float | None]],
    new: float | None,
    unlisted: float | None = 0.0,
    needed: float = 0.8,
) -> Identification:
    """``named``: score and probability of each candidate, best first."""
    return Identification(
        candidates=tuple(
            Candidate(name, score, (evidence(f"{name} 1", score),), chance)
            for name, (score, chance) in named.items()
        ),
        method="m",
        fingerprint="f",
        score="sum",
        side="left",
        side_policy="compatible",
        effort="normal",
        searched=10,
        shortlisted=5,
        half_matched=5,
        matched=2,
        new_probability=new,
        unlisted_probability=unlisted if new is not None else None,
        needed=needed if new is not None else None,
        calibration="learned" if new is not None else "",
    )


def test_one_photo_says_what_it_says() -> None:
    found = pool({"q": answer({"A": (50, 0.9), "B": (5, 0.06)}, 0.04)})
    assert [(each.individual, each.score) for each in found.candidates] == [("A", 50), ("B", 5)]
    assert [each.probability for each in found.candidates] == pytest.approx([0.9, 0.06])
    assert found.answer.new_probability == pytest.approx(0.04)
    assert found.verdict == "known"
    assert found.combined == "one photo was asked about"


def test_one_lucky_photo_is_not_believed_more_than_it_says() -> None:
    lucky = answer({"A": (90, 0.97)}, 0.03)
    doubt = answer({"B": (6, 0.2)}, 0.8)
    found = pool({"1": lucky, "2": doubt, "3": doubt})
    chances = {each.individual: each.probability for each in found.candidates}
    assert chances == {"A": pytest.approx(0.97 / 3), "B": pytest.approx(0.4 / 3)}
    assert found.answer.new_probability == pytest.approx((0.03 + 1.6) / 3)
    assert found.verdict == "undecided"
    assert "3 photos" in found.combined


def test_photos_that_agree_are_no_surer_than_the_surest() -> None:
    found = pool({str(n): answer({"A": (50, 0.9 + n / 100)}, 0.0, 0.1 - n / 100) for n in range(5)})
    assert found.candidates[0].probability == pytest.approx(0.92)
    total = found.candidates[0].probability or 0.0
    total += (found.answer.new_probability or 0.0) + (found.answer.unlisted_probability or 0.0)
    assert total == pytest.approx(1)


def test_a_photo_that_met_nothing_has_no_say() -> None:
    silent = answer({}, None)
    found = pool({"1": answer({"A": (50, 0.9)}, 0.1), "2": silent})
    assert found.candidates[0].probability == pytest.approx(0.9)
    assert found.combined.endswith("1 met no photo to be compared with")
    assert found.answer.searched == 20
    nothing = pool({"1": silent, "2": silent})
    assert (nothing.candidates, nothing.verdict) == ((), None)


def test_without_probabilities_the_mean_score_ranks() -> None:
    found = pool({"1": answer({"A": (50, None)}, None), "2": answer({"B": (60, None)}, None)})
    assert [(each.individual, each.score) for each in found.candidates] == [("B", 30), ("A", 25)]
    assert [each.probability for each in found.candidates] == [None, None]
    assert found.answer.new_probability is None


def test_the_strictest_photo_says_how_sure_one_must_be() -> None:
    found = pool(
        {
            "1": answer({"A": (50, 0.9)}, 0.1, needed=0.8),
            "2": answer({"A": (50, 0.9)}, 0.1, needed=0.95),
        }
    )
    assert (found.answer.needed, found.verdict) == (0.95, "undecided")


def test_evidence_says_which_photo_it_is_of_best_first() -> None:
    found = pool({"1": answer({"A": (5, 0.5)}, 0.5), "2": answer({"A": (50, 0.9)}, 0.1)})
    assert [query for query, _ in found.candidates[0].evidence] == ["2", "1"]


def test_nothing_asked_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no answer"):
        pool({})


def test_where_scores_are_negative_not_to_be_named_counts_for_nobody() -> None:
    both: dict[str, tuple[float, float | None]] = {"A": (-1.0, None), "B": (-2.0, None)}
    lone = answer({"B": (-2.0, None)}, None)
    found = pool({"1": answer(both, None), "2": answer(both, None), "3": lone})
    assert [(each.individual, each.score) for each in found.candidates] == [
        ("A", pytest.approx(-4 / 3)),
        ("B", -2.0),
    ]
