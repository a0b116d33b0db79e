"""Trials of drawn animals: only for the settings they were made with."""

from __future__ import annotations

from importlib.resources import files

import pytest

from resight.calibration import Calibration, Trials, prior_for
from resight.method import Method, effort_for
from resight.registry import build_method
from resight.settings import Settings


def prior(method: Method, effort: str) -> Trials | None:
    return prior_for(method, effort_for(method, effort))


def test_drawn_animals_serve_the_settings_they_were_asked_with_only() -> None:
    usual = build_method("sift+nearest", Settings())
    found = prior(usual, "normal")
    assert found is not None
    assert (found.method, found.effort, found.origin) == ("sift+nearest", "normal", "drawn animals")
    for other in (Settings(max_keypoints=256), Settings(segment="none"), Settings(contrast="none")):
        assert prior(build_method("sift+nearest", other), "normal") is None
    assert prior(usual, "thorough") is None


@pytest.mark.parametrize("effort", ["quick", "normal", "exhaustive"])
def test_there_are_drawn_animals_for_the_default_method(effort: str) -> None:
    settings = Settings()
    assert prior(build_method(settings.method, settings), effort) is not None


def test_every_shipped_file_is_whole_and_can_be_fitted() -> None:
    folder = files("resight.calibration") / "priors"
    shipped = [file for file in folder.iterdir() if file.name.endswith(".jsonl")]
    assert shipped
    for file in shipped:
        trials = Trials.parse(file.read_bytes(), file.name)
        assert trials.origin == "drawn animals"
        clear = 5 * max(max(trial.scores) for trial in trials.trials)
        judged = Calibration(trials).judge([clear])
        assert judged.candidates[0] > 0.9, file.name
