"""A server that is killed loses nothing that it acknowledged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resight.catalogue import Catalogue

HERE = Path(__file__).parent


def killed(script: str, folder: Path, photos: int, times: int) -> str:
    """What a script prints that kills desks over a new catalogue, with so many small photos."""
    for seed in range(photos):
        pixels = np.random.default_rng(seed).integers(0, 256, (32, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{seed}.png")
    Catalogue.init(folder / "catalogue").close()
    done = subprocess.run(
        [sys.executable, HERE / script, folder / "catalogue", folder, str(times)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src")},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_to_kills(tmp_path: Path) -> None:
    decisions, photos = map(int, killed("random_kills.py", tmp_path, 12, 6).split())
    assert decisions > 3
    assert photos > 0


@pytest.mark.slow
def test_a_table_that_is_being_put_in_goes_on_after_each_kill(tmp_path: Path) -> None:
    """No row is lost, none is put in twice, and all that was done can be taken back."""
    told = json.loads(killed("killed_table.py", tmp_path, 60, 3))
    assert all(0 < each < 60 for each in told["killed_at"]), "killed in the middle of it"
    assert told["state"] == "done"
    assert told["counts"]["added"] + told["counts"]["already"] == 60
    assert told["counts"]["already"] >= told["killed_at"][-1]
    assert told["names"] == sorted(f"{number}.png" for number in range(60))
    assert told["dates"] == ["2024-07-05"]
    assert told["decisions"] > 1
    assert told["left"] == 0
