"""Small drawn photos and an empty catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resight.catalogue import Catalogue

Draw = Callable[..., Path]


@pytest.fixture(scope="session")
def draw() -> Draw:
    """``draw(path, seed, size=(w, h))``: a photo of noise, equal for equal seeds."""

    def make(path: Path, seed: int, size: tuple[int, int] = (48, 32)) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        return path

    return make


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with Catalogue.init(tmp_path / "catalogue") as made:
        yield made


@pytest.fixture
def herd(tmp_path: Path, draw: Draw) -> Path:
    """Photos of two animals and of an unknown one, a folder for each."""
    folder = tmp_path / "herd"
    draw(folder / "Crush" / "1.png", 1)
    draw(folder / "Crush" / "2.png", 2)
    draw(folder / "Squirt" / "3.png", 3)
    draw(folder / "unknown" / "4.png", 4)
    return folder
