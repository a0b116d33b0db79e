"""A server that is killed loses nothing that it acknowledged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resight.catalogue import Catalogue

HERE = Path(__file__).parent


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_to_kills(tmp_path: Path) -> None:
    for seed in range(12):
        pixels = np.random.default_rng(seed).integers(0, 256, (32, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{seed}.png")
    Catalogue.init(tmp_path / "catalogue").close()
    done = subprocess.run(
        [sys.executable, HERE / "random_kills.py", tmp_path / "catalogue", tmp_path, "6"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src")},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    decisions, photos = map(int, done.stdout.split())
    assert decisions > 3
    assert photos > 0
