"""Commands that are advised can be pasted as they are."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from resight.cli.hints import command

from .commands import run


@pytest.fixture(autouse=True)
def _on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")


def test_what_a_shell_would_take_apart_is_quoted() -> None:
    advised = command("add", "my photos/IMG 1.jpg", catalogue=Path("big turtles"))
    assert shlex.split(advised) == ["resight", "add", "my photos/IMG 1.jpg", "-c", "big turtles"]


def test_the_catalogue_is_named_unless_folder_or_variable_mean_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command("list", catalogue=tmp_path) == "resight list"
    assert command("list", catalogue=Path("it")) == "resight list -c it"
    monkeypatch.setenv("RESIGHT_CATALOGUE", "it")
    assert command("list", catalogue=tmp_path / "it") == "resight list"
    assert command("list", catalogue=tmp_path) == f"resight list -c {tmp_path}"


@pytest.mark.parametrize(
    ("running", "advised"),
    [
        (".venv/bin/resight", "./.venv/bin/resight list"),
        ("/elsewhere/bin/resight", "/elsewhere/bin/resight list"),
    ],
)
def test_a_program_that_is_not_on_the_path_is_named_by_its_file(
    running: str, advised: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr("sys.argv", [running, "demo"])
    assert command("list") == advised


def test_no_line_is_broken_inside_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    folder = tmp_path / "a rather long name for a catalogue of turtles"
    (line,) = run("init", folder).err.splitlines()
    assert line.endswith(f": resight add PHOTOS -c '{folder}'")
