from typing import Any

import numpy as np
import pytest

from resight.engine import Engine, open_engine
from resight.errors import SettingsError
from resight.extractors.disk import Disk
from resight.models.graphs import compiled_folder
from resight.testing.conformance import ExtractorCase, chip_of, drawn_chip


class TestDisk(ExtractorCase):
    flat_is_empty = False  # its borders differ from its middle
    offset = 1.1  # kornia's as well

    @pytest.fixture(autouse=True)
    def _engine(self) -> None:
        self.engine = open_engine("openvino", cache=compiled_folder())

    def make(self, **arguments: Any) -> Disk:
        return Disk(engine=self.engine, **arguments)


def test_engines_agree() -> None:
    """But for the order of keypoints whose scores differ by rounding only."""
    chip = drawn_chip(3, (200, 150))
    first, second = (
        Disk(engine=open_engine(name, precision="f32"), max_keypoints=200).extract([chip])[0]
        for name in ("openvino", "onnxruntime")
    )
    distance = np.linalg.norm(first.keypoints[:, None] - second.keypoints[None], axis=2)
    same = distance.min(1) < 0.01
    assert same.sum() >= 0.98 * len(first)
    np.testing.assert_allclose(
        first.descriptors[same], second.descriptors[distance.argmin(1)][same], atol=1e-3
    )


def test_fewer_keypoints_are_the_first_of_more(engine: Engine) -> None:
    chip = drawn_chip(5)
    few, more = (Disk(engine=engine, max_keypoints=n).extract([chip])[0] for n in (20, 200))
    np.testing.assert_array_equal(few.keypoints, more.keypoints[:20])
    np.testing.assert_allclose(few.descriptors, more.descriptors[:20], atol=1e-5)


def test_keypoints_follow_the_pattern_when_it_moves(engine: Engine) -> None:
    drawing = np.asarray(drawn_chip(4, (256, 192)).pixels)
    moved = np.roll(drawing, (0, 32), (0, 1))
    here, there = Disk(engine=engine, max_keypoints=100).extract(
        [chip_of(drawing.copy()), chip_of(moved)]
    )
    inside = here.keypoints[(here.keypoints[:, 0] > 48) & (here.keypoints[:, 0] < 160)]
    distance = np.linalg.norm(inside[:, None] + (32, 0) - there.keypoints[None], axis=2).min(1)
    assert np.median(distance) < 0.3


def test_wrong_arguments_are_named(engine: Engine) -> None:
    with pytest.raises(SettingsError, match="max_keypoints"):
        Disk(engine=engine, max_keypoints=0)
