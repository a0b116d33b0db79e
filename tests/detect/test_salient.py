from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from resight.detect.salient import SalientDetector
from resight.engine import open_engine
from resight.models.graphs import compiled_folder
from resight.segment.u2net import U2NetP
from resight.testing import drawn_animals, photograph
from resight.types import Box, Chip

Mask = NDArray[np.float32]


@pytest.fixture(scope="module")
def detector() -> SalientDetector:
    return SalientDetector(U2NetP(engine=open_engine(cache=compiled_folder())))


class Map:
    """A segmenter that says what a test wants."""

    fingerprint = "map.v1()"

    def __init__(self, found: Mask) -> None:
        self.found = found

    def masks(self, chips: Sequence[Chip]) -> list[Mask]:
        return [self.found for _ in chips]


def boxes(found: Mask, size: tuple[int, int] = (800, 400)) -> list[Box]:
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    return [each.box for each in SalientDetector(Map(found)).detect(pixels)]


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    w = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    h = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    shared = max(0.0, w) * max(0.0, h)
    return shared / (one.w * one.h + other.w * other.h - shared)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_boxes_a_drawn_antelope(detector: SalientDetector, seed: int) -> None:
    (animal,) = drawn_animals(1, seed=seed, kind="stripes")
    photo = photograph(animal, seed=seed, difficulty=0.3)
    rows, columns = np.nonzero(photo.mask)
    x, y = float(columns.min()), float(rows.min())
    truth = Box(x, y, columns.max() + 1 - x, rows.max() + 1 - y)
    found = detector.detect(photo.pixels)
    assert overlap(found[0].box, truth) > 0.7
    assert 0.5 <= found[0].score <= 1


def test_a_piece_is_boxed_in_photo_pixels_with_a_margin() -> None:
    found = np.zeros((100, 100), np.float32)
    found[20:60, 10:50] = 1  # of a photo of 800 x 400: x 80 to 400, y 80 to 240
    assert boxes(found) == [Box(64, 72, 352, 176)]


def test_another_large_piece_is_another_animal_the_largest_first() -> None:
    found = np.zeros((100, 100), np.float32)
    found[10:20, 10:40] = 1
    found[50:90, 20:70] = 1
    assert len(boxes(found)) == 1  # 300 of 2000: too small beside the other
    found[10:30, 10:40] = 1
    first, second = boxes(found)
    assert first.y > second.y


def test_specks_and_empty_photos_have_no_box() -> None:
    found = np.zeros((100, 100), np.float32)
    assert boxes(found) == []
    found[3:8, 3:10] = 1
    assert boxes(found) == []


def test_boxes_end_at_the_photo() -> None:
    (box,) = boxes(np.ones((100, 100), np.float32), size=(333, 77))
    assert box == Box(0, 0, 333, 77)
