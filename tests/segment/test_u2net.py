import cv2
import numpy as np
import pytest

from resight.chips import make_chip
from resight.engine import Engine, open_engine
from resight.models.graphs import compiled_folder
from resight.segment.u2net import U2NetP
from resight.testing import drawn_animals, photograph
from resight.testing.conformance import chip_of


@pytest.fixture(scope="module")
def u2net() -> U2NetP:
    return U2NetP(engine=open_engine(precision="auto", cache=compiled_folder()))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_map_shows_where_a_drawn_antelope_stands(u2net: U2NetP, seed: int) -> None:
    (animal,) = drawn_animals(1, seed=seed, kind="stripes")
    photo = photograph(animal, seed=seed, difficulty=0.3)
    (found,) = u2net.masks([make_chip(photo.pixels)])
    truth = cv2.resize(photo.mask.astype(np.float32), found.shape[::-1], None, 0, 0, cv2.INTER_AREA)
    on, there = found >= 0.3, truth >= 0.5
    assert (on & there).sum() / (on | there).sum() > 0.6


def test_maps_lie_between_0_and_1_whatever_the_chip(u2net: U2NetP) -> None:
    black = np.zeros((40, 60, 3), np.uint8)
    pixel = np.full((1, 1, 3), 200, np.uint8)
    narrow = np.random.default_rng(1).integers(0, 256, (700, 5, 3)).astype(np.uint8)
    for found in u2net.masks([chip_of(black), chip_of(pixel), chip_of(narrow)]):
        assert found.shape == (192, 192)
        assert found.dtype == np.float32
        assert 0 <= found.min() <= found.max() <= 1


def test_engines_agree(engine: Engine, u2net: U2NetP) -> None:
    chip = make_chip(photograph(drawn_animals(1)[0], seed=1).pixels)
    (one,), (other,) = U2NetP(engine=engine).masks([chip]), u2net.masks([chip])
    np.testing.assert_allclose(one, other, atol=2e-3)


def test_it_runs_in_float32_whatever_the_engine_prefers(u2net: U2NetP) -> None:
    assert "precision=f32" in u2net.fingerprint
