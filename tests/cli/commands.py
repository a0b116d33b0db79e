"""`resight` as a function and as a process, and what the tests of it work on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from resight.cli import app
from resight.testing import WrittenPhoto

PATTERN = "{identity}/{date}-{side}"


@dataclass(frozen=True)
class Drawn:
    """Drawn photos on the disk, and a catalogue of those in ``known``.

    The catalogue holds Donatello and Raphael, left and right each. ``queries`` are
    new photos: Donatello left and right, Raphael, and Michelangelo, who is not in it.
    """

    known: Path
    queries: tuple[WrittenPhoto, ...]
    catalogue: Path


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document."""
        return json.loads(self.out)


def run(*arguments: object) -> Ran:
    """A command in this process, without a terminal."""
    result = CliRunner().invoke(app, [str(each) for each in arguments], prog_name="resight")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def environment() -> dict[str, str]:
    """Variables for a real process, which runs the tree under test."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}


def process(*arguments: object) -> Ran:
    """`resight` as a process of its own."""
    command = [sys.executable, "-m", "resight", *map(str, arguments)]
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, check=False, timeout=60
    )
    return Ran(done.returncode, done.stdout, done.stderr)
