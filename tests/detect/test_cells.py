"""What a network sees of each square of a picture, and of its mirror image."""

from __future__ import annotations

import numpy as np
import pytest

from resight.detect.cells import CellNetwork
from resight.registry import build_engine
from resight.settings import Settings


@pytest.fixture(scope="module")
def network() -> CellNetwork:
    return CellNetwork(engine=build_engine(Settings()), side=128)


def test_cells_cover_the_picture_and_no_more(network: CellNetwork) -> None:
    cells = network.cells(np.zeros((70, 128, 3), np.uint8))
    assert cells.points.shape == (5, 8, 2)
    np.testing.assert_array_equal(cells.points[4, 7], (7 * 16 + 7.5, 4 * 16 + 7.5))
    assert cells.known.shape == (2, 5, 8, 439)


def test_a_mirrored_picture_is_known_as_the_mirror_image_of_the_picture(
    network: CellNetwork,
) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (128, 128, 3), np.uint8)
    cells, turned = network.cells(pixels), network.cells(pixels[:, ::-1].copy())
    seen = slice(432)  # what follows is where in the picture a cell is
    np.testing.assert_allclose(cells.known[1][..., seen], turned.known[0][:, ::-1, seen], atol=1e-4)
    assert np.abs(cells.known[1] - cells.known[0]).max() > 0.1
