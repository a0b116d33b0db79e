"""Trials: leaks are refused, files come back as they were or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from resight.calibration import Trial, Trials
from resight.errors import CalibrationError

from .made import of_catalogue, trials

TRIAL = trials()[0]


@pytest.mark.parametrize("own", [TRIAL.encounter, TRIAL.photo])
def test_a_trial_that_met_its_own_encounter_or_photo_is_refused(own: str) -> None:
    with pytest.raises(CalibrationError, match="own"):
        replace(TRIAL, compared=frozenset({own}))


def test_a_novel_trial_that_found_its_animal_is_refused() -> None:
    with pytest.raises(CalibrationError, match="left out"):
        replace(TRIAL, novel=True)


def test_trials_come_back_from_a_file(tmp_path: Path) -> None:
    made = of_catalogue(tuple(rounded(trial) for trial in trials()))
    made.write(tmp_path / "t.jsonl")
    read = Trials.read(tmp_path / "t.jsonl")
    assert read == made
    assert [each.compared for each in read.trials] == [each.compared for each in made.trials]
    assert read.digest == made.digest


def test_a_damaged_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    of_catalogue(trials()).write(path)
    content = path.read_bytes()
    for damaged in (b"", content[:-40], content.replace(b'"novel": true', b'"novel": false', 1)):
        path.write_bytes(damaged)
        with pytest.raises(CalibrationError, match="damaged"):
            Trials.read(path)


def rounded(trial: Trial) -> Trial:
    return replace(trial, scores=tuple(float(f"{score:.5g}") for score in trial.scores))
