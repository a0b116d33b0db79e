"""Which verdict the probabilities of an answer come to."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

import pytest

from resight.types import Candidate, Identification
from resight.verdicts import verdict as told


def answer(first: Optional[float], new: Optional[float], needed: Optional[float]) -> Identification:
    return Identification(
        candidates=() if first is None else (Candidate("Ada", 9.0, (), first),),
        method="",
        fingerprint="",
        score="sum",
        side="left",
        side_policy="same",
        effort="normal",
        searched=1,
        shortlisted=1,
        half_matched=0,
        matched=1,
        new_probability=new,
        needed=needed,
    )


@pytest.mark.parametrize(
    ("first", "new", "needed", "verdict"),
    [
        (0.95, 0.05, 0.9, "known"),
        (0.05, 0.95, 0.9, "new"),
        (0.6, 0.4, 0.9, "undecided"),
        (None, 1.0, 0.9, "new"),
        (0.9, None, None, None),
    ],
)
def test_the_outcome_that_is_probable_enough_is_the_verdict(
    first: Optional[float], new: Optional[float], needed: Optional[float], verdict: Optional[str]
) -> None:
    assert answer(first, new, needed).verdict == verdict


def test_a_photo_that_cannot_be_judged_says_why() -> None:
    unjudged = answer(0.0, None, None)
    assert told(unjudged) == ""
    said = told(replace(unjudged, calibration="its encounter is in every trial"))
    assert said == "No probabilities for this photo: its encounter is in every trial."


def test_what_is_rounded_to_what_is_needed_does_not_quite_reach_it() -> None:
    said = told(answer(0.03, 0.917, 0.9212))
    assert said.startswith("Undecided: nothing quite reaches the 92 % that is needed. Ada 3 %, a ")
    assert told(answer(0.03, 0.80, 0.92)).startswith("Undecided: nothing reaches the 92 % that")
