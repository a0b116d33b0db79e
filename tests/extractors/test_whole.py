from typing import Any

import cv2
import numpy as np

from resight.engine import open_engine
from resight.extractors.efficientnet import EfficientNetLite0
from resight.extractors.thumbnail import SIDE, Thumbnail
from resight.models.graphs import compiled_folder
from resight.testing.conformance import WholeChipCase, chip_of, drawn_chip


class TestThumbnail(WholeChipCase):
    def make(self, **arguments: Any) -> Thumbnail:
        return Thumbnail()


class TestEfficientNetLite0(WholeChipCase):
    def make(self, **arguments: Any) -> EfficientNetLite0:
        return EfficientNetLite0(engine=open_engine(precision="auto", cache=compiled_folder()))


def test_a_thumbnail_is_the_mean_brightness_of_its_squares() -> None:
    pixels = np.zeros((2 * SIDE, 4 * SIDE, 3), np.uint8)
    pixels[:, : 2 * SIDE] = 200
    pixels[0, 4 * SIDE - 1] = 160  # one of the eight pixels of the upper right square
    (features,) = Thumbnail().extract([chip_of(pixels)])
    small = features.descriptors.reshape(SIDE, SIDE)
    assert np.unique(small[:, : SIDE // 2]).tolist() == [200]
    assert (small[0, -1], small[1, -1]) == (20, 0)


def test_embeddings_run_in_float32_whatever_the_engine_prefers() -> None:
    assert TestEfficientNetLite0().make().precision == "f32"


def test_an_embedding_knows_a_drawing_of_another_size_again() -> None:
    chip = drawn_chip(1)
    larger = chip_of(np.asarray(cv2.resize(chip.pixels, (512, 384)), np.uint8))
    one, again, *others = (
        TestEfficientNetLite0().make().extract([chip, larger, *map(drawn_chip, range(2, 6))])
    )
    likeness = [float(one.descriptors[0] @ other.descriptors[0]) for other in others]
    assert float(one.descriptors[0] @ again.descriptors[0]) > max(likeness)
