from typing import Any

import cv2
import numpy as np
import pytest

from resight.engine import Engine, open_engine
from resight.errors import SettingsError
from resight.extractors.xfeat import XFeat
from resight.models.graphs import compiled_folder
from resight.testing.conformance import ExtractorCase, chip_of, drawn_chip


class TestXFeat(ExtractorCase):
    @pytest.fixture(autouse=True)
    def _engine(self) -> None:
        self.engine = open_engine("openvino", cache=compiled_folder())

    def make(self, **arguments: Any) -> XFeat:
        return XFeat(engine=self.engine, **arguments)


def test_descriptors_are_sixty_four_numbers(engine: Engine) -> None:
    (features,) = XFeat(engine=engine).extract([drawn_chip(1)])
    assert features.descriptors.shape == (len(features), 64)


def test_engines_agree() -> None:
    """But for the order of keypoints whose scores differ by rounding only."""
    chip = drawn_chip(3, (200, 150))
    first, second = (
        XFeat(engine=open_engine(name, precision="f32"), max_keypoints=100).extract([chip])[0]
        for name in ("openvino", "onnxruntime")
    )
    distance = np.linalg.norm(first.keypoints[:, None] - second.keypoints[None], axis=2)
    same = distance.min(1) < 0.01
    assert same.sum() >= 98
    np.testing.assert_allclose(
        first.descriptors[same], second.descriptors[distance.argmin(1)][same], atol=1e-3
    )


def test_fewer_keypoints_are_the_first_of_more(engine: Engine) -> None:
    chip = drawn_chip(5)
    few, more = (XFeat(engine=engine, max_keypoints=n).extract([chip])[0] for n in (20, 60))
    np.testing.assert_array_equal(few.keypoints, more.keypoints[:20])
    np.testing.assert_array_equal(few.descriptors, more.descriptors[:20])


def test_brightness_and_contrast_change_little(engine: Engine) -> None:
    chip = drawn_chip(6)
    dim = chip_of(np.round(chip.pixels * 0.5 + 20).astype(np.uint8))
    bright, dark = XFeat(engine=engine, max_keypoints=100).extract([chip, dim])
    distance = np.linalg.norm(bright.keypoints[:, None] - dark.keypoints[None], axis=2).min(1)
    assert (distance < 0.01).mean() > 0.85


def test_keypoints_of_any_size_lie_where_the_pattern_is(engine: Engine) -> None:
    """A size that is no multiple of 32 is resized; keypoints must come back to where they were."""
    chip = drawn_chip(7, (256, 192))
    wide = chip_of(cv2.resize(np.asarray(chip.pixels), (287, 192), interpolation=cv2.INTER_LINEAR))
    here, there = XFeat(engine=engine, max_keypoints=150).extract([chip, wide])
    expected = (here.keypoints + 0.5) * (287 / 256, 1) - 0.5
    offset = there.keypoints[None] - expected[:, None]
    nearest = offset[np.arange(len(here)), np.linalg.norm(offset, axis=2).argmin(1)]
    close = nearest[np.linalg.norm(nearest, axis=1) < 1]
    assert len(close) > 0.8 * len(here)
    np.testing.assert_allclose(np.median(close, axis=0), 0, atol=0.06)


def test_wrong_arguments_are_named(engine: Engine) -> None:
    with pytest.raises(SettingsError, match="max_keypoints"):
        XFeat(engine=engine, max_keypoints=0)
