"""Drawn animals' trials in units of what strangers score in a catalogue."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from resight.calibration import Calibration, Trial, Trials
from resight.calibration.chance import scaled
from resight.calibration.trials import DRAWN, SCALED
from resight.errors import CalibrationError


def trials_of(strangers: float, count: int = 40) -> Trials:
    """Animals that score five times what strangers do."""
    random = np.random.default_rng(0)

    def trial(number: int, novel: bool) -> Trial:
        chance = sorted(strangers * random.uniform(0.5, 1.5, 3), reverse=True)
        scores = chance if novel else [5 * strangers * random.uniform(0.5, 1.5), *chance]
        right = None if novel else 0
        return Trial(f"animal {number}", "", "", "left", novel, tuple(scores), right)

    made = tuple(trial(number, novel) for number in range(count) for novel in (False, True))
    return Trials("drawn", "", "normal", "compatible", DRAWN, 2 * count, made)


def novel(trials: Trials) -> list[Trial]:
    return [trial for trial in trials.trials if trial.novel]


@pytest.mark.parametrize(("strangers", "factor"), [(4.0, 0.4), (10.0, 1.0), (25.0, 1.0)])
def test_the_same_is_as_probable_in_the_units_of_another_catalogue(
    strangers: float, factor: float
) -> None:
    """Where strangers score more than drawn ones, drawings stay as they are."""
    drawn, own = trials_of(10.0), trials_of(strangers)
    there = scaled(drawn, novel(own), photos=33)
    assert (there.origin, there.photos, len(there.trials)) == (SCALED, 33, len(drawn.trials))
    for scores in ([60.0, 12.0, 9.0], [14.0, 12.0], [11.0]):
        before = Calibration(drawn).judge(scores)
        after = Calibration(there).judge([factor * score for score in scores])
        assert after.new == pytest.approx(before.new, abs=1e-6)
        assert after.candidates == pytest.approx(before.candidates, abs=1e-6)


def test_strangers_whom_hardly_anybody_resembles_shrink_scores_by_ten_at_most() -> None:
    drawn = trials_of(10.0)
    nobody = [replace(trial, scores=(0.1,)) for trial in novel(drawn)]
    there = scaled(drawn, nobody, photos=1)
    assert there.trials[0].scores == pytest.approx([s / 10 for s in drawn.trials[0].scores])


def test_too_few_strangers_say_nothing() -> None:
    drawn = trials_of(10.0)
    nine = [*novel(drawn)[:9], *novel(drawn)[:9]]
    with pytest.raises(CalibrationError, match="photos of 9 animals could be compared"):
        scaled(drawn, nine, photos=18)


def test_what_it_was_learned_from_is_said_and_when_that_is_old() -> None:
    drawn = trials_of(10.0)
    learned = Calibration(scaled(drawn, novel(drawn), photos=50))
    assert "in units of what strangers score in this catalogue" in learned.basis(50)
    assert "run `resight calibrate` again" not in learned.basis(50)
    assert "it had 50 photos then and has 80 now: run `resight calibrate`" in learned.basis(80)
