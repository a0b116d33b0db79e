"""Drawn photos, a small catalogue of them, and surroundings without the user's settings."""

from __future__ import annotations

import os
import shutil
from datetime import date
from pathlib import Path

import pytest

from resight.testing import drawn_animals, write_photos

from .commands import PATTERN, Drawn, run

_MODELS = os.environ.get("RESIGHT_MODELS")


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("RESIGHT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RESIGHT_METHOD", "sift+nearest")
    monkeypatch.setenv("RESIGHT_SEGMENT", "none")  # no weights are there
    monkeypatch.setenv("RESIGHT_CONTRAST", "none")
    monkeypatch.setenv("RESIGHT_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def usual_features(_own_surroundings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chips are segmented and equalised as by default: drawn animals' scores are of such."""
    monkeypatch.delenv("RESIGHT_SEGMENT")
    monkeypatch.delenv("RESIGHT_CONTRAST")
    if _MODELS is None:
        monkeypatch.delenv("RESIGHT_MODELS")
    else:
        monkeypatch.setenv("RESIGHT_MODELS", _MODELS)


@pytest.fixture(scope="session")
def _drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    folder = tmp_path_factory.mktemp("drawn")
    animals = drawn_animals(3)
    known, size = folder / "known", (384, 288)
    write_photos(known, animals[:2], days=[date(2021, 6, 15)], difficulty=0, size=size)
    queries = write_photos(
        folder / "new", animals, days=[date(2024, 7, 1)], difficulty=0.1, size=size
    )
    for command in (("init", folder / "it"), ("add", known, "--pattern", PATTERN)):
        made = run(*command, "-c", folder / "it")
        assert made.code == 0, made.err
    return Drawn(known, tuple(queries), folder / "it")


@pytest.fixture
def drawn(_drawn: Drawn, tmp_path: Path) -> Drawn:
    """The drawn photos, with a catalogue of the test's own."""
    own = tmp_path / "catalogue"
    shutil.copytree(_drawn.catalogue, own)
    return Drawn(_drawn.known, _drawn.queries, own)
