import cv2
import numpy as np
import pytest

from resight.chips import make_chip
from resight.segment.grabcut import GrabCut
from resight.testing import drawn_animals, photograph
from resight.testing.conformance import chip_of
from resight.types import Box


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_finds_a_drawn_antelope_in_its_box(seed: int) -> None:
    (animal,) = drawn_animals(1, seed=seed, kind="stripes")
    photo = photograph(animal, seed=seed, difficulty=0.3)
    rows, columns = np.nonzero(photo.mask)
    box = Box(float(columns.min()), float(rows.min()), float(np.ptp(columns)), float(np.ptp(rows)))
    chip = make_chip(photo.pixels, box, margin=0.1)
    (found,) = GrabCut().masks([chip])
    truth = make_chip(
        np.repeat(photo.mask[..., None].astype(np.uint8) * 255, 3, 2), box, margin=0.1
    )
    there = cv2.resize(truth.pixels[..., 0], found.shape[::-1]) > 127
    on = found > 0.5
    assert (on & there).sum() / (on | there).sum() > 0.6


def test_the_same_chip_has_the_same_map_whatever_was_cut_before() -> None:
    random = np.random.default_rng(0)
    chips = [chip_of(random.integers(0, 256, (90, 120, 3)).astype(np.uint8)) for _ in range(2)]
    first = GrabCut().masks(chips)
    again = GrabCut().masks(chips[::-1])[::-1]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_plain_and_tiny_chips_have_a_map() -> None:
    for pixels in (np.zeros((40, 60, 3), np.uint8), np.full((1, 1, 3), 200, np.uint8)):
        (found,) = GrabCut().masks([chip_of(pixels)])
        assert max(found.shape) == 192
        assert set(np.unique(found)) <= {0, 1}
