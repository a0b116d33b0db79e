"""What an answer's scores amount to, and what a calibration never learns from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from resight.calibration import Calibration, cross_validate
from resight.calibration.quality import Predicted, auroc
from resight.errors import CalibrationError

from .made import of_catalogue, trials

SCORES = (18.0, 14.0, 9.0)


def test_nothing_is_learned_from_the_querys_own_encounter() -> None:
    made = trials(separation=8.0)
    own = made[0].encounter
    without = tuple(trial for trial in made if not trial.concerns(own, ""))
    assert len(without) < len(made) - 1  # where it was the query, and where it was compared
    judged = Calibration(of_catalogue(made)).judge(SCORES, encounter=own)
    expected = Calibration(of_catalogue(without)).judge(SCORES)
    assert judged.candidates.tolist() == expected.candidates.tolist()
    assert judged.needed == expected.needed
    assert judged.new != Calibration(of_catalogue(made)).judge(SCORES).new


def test_an_encounter_that_is_in_every_trial_leaves_nothing_to_learn_from() -> None:
    day = tuple(replace(trial, compared=frozenset({"1 May"})) for trial in trials())
    learned = Calibration(of_catalogue(day))
    with pytest.raises(CalibrationError, match="'1 May' or its photo is in 120 of the 120 trials"):
        learned.check(encounter="1 May")
    learned.check(encounter="2 May")


def test_a_side_with_enough_animals_has_a_fit_of_its_own() -> None:
    both = Calibration(of_catalogue(trials(45) + trials(45, side="right", separation=3.0)))
    alone = Calibration(of_catalogue(trials(45)))
    judged = both.judge(SCORES, side="left")
    assert judged.new == alone.judge(SCORES, side="left").new
    assert "side left alone" in judged.basis
    assert "all sides together" in both.judge(SCORES, side="top").basis


def test_a_side_of_which_nobody_was_asked_as_new_is_judged_by_all() -> None:
    known = tuple(each for each in trials(45, side="top") if not each.novel)
    learned = Calibration(of_catalogue(trials(45) + known))
    assert "all sides together" in learned.judge(SCORES, side="top").basis


def test_a_catalogue_that_has_grown_is_told_to_calibrate_again() -> None:
    learned = Calibration(of_catalogue(trials(), photos=100))
    assert "calibrate" not in learned.judge(SCORES, photos=119).basis
    assert "it had 100 photos then and has 125 now" in learned.judge(SCORES, photos=125).basis


def test_drawn_animals_are_named_as_the_source() -> None:
    drawn = Calibration(of_catalogue(trials(), origin="drawn animals"))
    assert "drawn animals, not from your catalogue" in drawn.judge(SCORES).basis


def test_too_few_trials_are_refused() -> None:
    for number in (0, 4):
        with pytest.raises(CalibrationError, match="too few"):
            Calibration(of_catalogue(trials()[:number]))


@pytest.mark.parametrize(("prior", "error"), [(0.0, 0.05), (1.0, 0.05), (0.5, 0.0)])
def test_priors_and_errors_that_cannot_be_are_refused(prior: float, error: float) -> None:
    with pytest.raises(CalibrationError, match="between 0 and 1"):
        Calibration(of_catalogue(trials()), new_prior=prior, wanted_error=error)


def test_less_wanted_error_needs_more() -> None:
    predicted = cross_validate(trials(60, separation=12.0), new_prior=0.5)
    needed = [predicted.needed(error) for error in (0.3, 0.1, 0.03, 0.0001)]
    assert needed == sorted(needed)
    assert needed[-1] == 1.0


def test_verdicts_err_as_rarely_as_was_wanted() -> None:
    learned = Calibration(of_catalogue(trials(100)), wanted_error=0.1)
    right = []
    for trial in trials(100, seed=1):
        judged = learned.judge(trial.scores)
        first = judged.candidates[0]
        if max(first, judged.new) >= judged.needed:
            right.append(trial.right == 0 if first > judged.new else trial.novel)
    assert len(right) > 100
    assert np.mean(right) > 0.87


def test_probabilities_of_made_trials_come_true() -> None:
    predicted = cross_validate(trials(150), new_prior=0.5)
    assert predicted.ece < 0.06
    assert predicted.mean_brier < predicted.constant_brier / 2
    assert predicted.novelty_auroc > 0.85


def test_a_guess_is_made_among_the_animals_that_were_asked_about() -> None:
    predicted = cross_validate(trials(10), new_prior=0.2)
    known, new = 0.8 * (0.2**2 + (1 - 0.8 / 10) ** 2 + 9 * (0.8 / 10) ** 2), 0.2 * 0.8**2
    assert predicted.constant_brier == pytest.approx(known + new + 0.2 * 10 * (0.8 / 10) ** 2)


def test_auroc_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    score, positive = random.integers(0, 9, 50).astype(float), random.random(50) < 0.4
    weight = random.random(50)
    expected = roc_auc_score(positive, score, sample_weight=weight)
    found = auroc(score[positive], score[~positive], (weight[positive], weight[~positive]))
    assert found == pytest.approx(expected, abs=1e-12)


def test_the_calibration_error_is_the_mean_distance_of_said_and_true() -> None:
    said = np.repeat([0.6, 0.9], 50)
    right = np.tile([True, False], 50)  # half of either
    predicted = Predicted(said, right, said, said, right, np.ones(100), 0.5, 2)
    assert predicted.ece == pytest.approx((0.1 + 0.4) / 2)
