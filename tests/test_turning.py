"""A query turned, by segmenters and patterns that a reader can see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from resight.extractors.foreground import Foreground
from resight.extractors.sift import Sift
from resight.testing.conformance import drawn_chip
from resight.turning import TURNS, Turning
from resight.types import Chip


@dataclass
class Finds:
    """Finds the same share of each chip, from the left; remembers how many it was asked about."""

    share: float
    asked: list[Chip] = field(default_factory=list)
    fingerprint = "finds"

    def masks(self, chips: Sequence[Chip]) -> list[NDArray[np.float32]]:
        self.asked += chips
        return [np.repeat(np.arange(100)[None] < 100 * self.share, 9, 0) * 1.0 for _ in chips]


def with_flat_half(animal: NDArray[np.bool_]) -> Chip:
    """Nothing to be seen where the animal is."""
    chip = drawn_chip(1)
    return Chip(np.where(animal[..., None], np.uint8(128), chip.pixels), chip.to_photo, animal)


def left(chip: Chip, share: float) -> NDArray[np.bool_]:
    w, h = chip.size
    return np.tile(np.arange(w) < share * w, (h, 1))


@pytest.mark.parametrize("degrees", TURNS)
def test_keypoints_lie_on_the_animal_of_the_chip_as_it_is(degrees: int) -> None:
    chip = replace(drawn_chip(1), animal=left(drawn_chip(1), 0.5))
    view = Turning(Sift(), lambda: chip)(degrees)
    assert view is not None
    x, y = view.upright.keypoints.T
    assert len(x) > 20
    assert -1 < x.min() <= x.max() < chip.size[0] / 2 + 1
    assert -1 < y.min() <= y.max() < chip.size[1]
    np.testing.assert_array_equal(view.features.descriptors, view.upright.descriptors)


@pytest.mark.parametrize("segmented", [False, True])
@pytest.mark.parametrize("degrees", TURNS)
def test_an_animal_without_keypoints_is_not_asked_turned(degrees: int, segmented: bool) -> None:
    """Else its surroundings would be compared, and the streaks off the chip."""
    chip = with_flat_half(left(drawn_chip(1), 0.5))
    extractor = Foreground(Sift(), Finds(0.5)) if segmented else Sift()
    view = Turning(extractor, lambda: replace(chip, animal=None if segmented else chip.animal))(
        degrees
    )
    if view is not None:  # at the edge of the flat part
        assert len(view.features) < 30
        assert view.upright.keypoints[:, 0].max() < chip.size[0] / 2 + 1


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_the_animal_is_looked_for_once(share: float) -> None:
    segmenter, chip = Finds(share), drawn_chip(1)
    turning = Turning(Foreground(Sift(), segmenter), lambda: chip)
    views = [turning(degrees) for degrees in TURNS]
    assert len(segmenter.asked) == 1
    for view in views:
        assert view is not None
        far = view.upright.keypoints[:, 0].max() / chip.size[0]
        assert far < 0.52 if share else far > 0.8


def test_a_chip_that_is_not_to_be_had_is_asked_for_once() -> None:
    asked = []
    turning = Turning(Sift(), lambda: asked.append(1))
    assert [turning(degrees) for degrees in TURNS] == [None] * 7
    assert asked == [1]
