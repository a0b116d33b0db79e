from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from resight.engine import Engine, Graph, GraphSource, open_engine
from resight.errors import SettingsError, UnknownMethod
from resight.extractors.aliked import Aliked, find_peaks, refine_peaks
from resight.models.graphs import compiled_folder
from resight.testing.conformance import ExtractorCase, chip_of, drawn_chip


class TestAliked(ExtractorCase):
    variants: ClassVar = {
        "max_keypoints": 64,
        "detection_threshold": 0.3,
        "strict": True,
        "model": "aliked-n32",
    }
    flat_is_empty = False  # without a threshold the highest peaks are kept, however low

    @pytest.fixture(autouse=True)
    def _engine(self) -> None:
        self.engine = open_engine("openvino", cache=compiled_folder())

    def make(self, **arguments: Any) -> Aliked:
        return Aliked(engine=self.engine, **arguments)


@pytest.mark.parametrize(
    ("model", "length"),
    [("aliked-t16", 64), ("aliked-n16", 128), ("aliked-n16rot", 128), ("aliked-n32", 128)],
)
def test_every_model_gives_unit_descriptors(engine: Engine, model: str, length: int) -> None:
    (features,) = Aliked(engine=engine, model=model, max_keypoints=50).extract([drawn_chip(1)])
    assert features.descriptors.shape == (50, length)
    np.testing.assert_allclose(np.linalg.norm(features.descriptors, axis=1), 1, atol=1e-4)


def test_engines_agree() -> None:
    chip = drawn_chip(3, (200, 150))
    first, second = (
        Aliked(engine=open_engine(name, precision="f32"), max_keypoints=200).extract([chip])[0]
        for name in ("openvino", "onnxruntime")
    )
    np.testing.assert_allclose(first.keypoints, second.keypoints, atol=0.01)
    np.testing.assert_allclose(first.descriptors, second.descriptors, atol=1e-3)


def test_photos_of_any_size_take_the_same_graphs(engine: Engine) -> None:
    """To make graphs for each size takes longer than to use them, and memory for each."""
    loaded: list[str] = []

    class Watched:
        name, precision, threads = engine.name, engine.precision, engine.threads

        def load(self, source: GraphSource, *, exact: bool = False) -> Graph:
            loaded.append(source.name)
            return engine.load(source, exact=exact)

    extractor = Aliked(engine=Watched(), max_keypoints=10)
    sizes = [(33 * i, 40) for i in range(1, 8)]
    found = extractor.extract([drawn_chip(1, size) for size in sizes])
    assert [each.size for each in found] == sizes
    assert len(loaded) == 2


def test_keypoints_follow_the_pattern_when_it_moves(engine: Engine) -> None:
    drawing = np.asarray(drawn_chip(4, (256, 192)).pixels)
    moved = np.roll(drawing, (0, 32), (0, 1))  # a whole stride of the network, to the right
    here, there = Aliked(engine=engine, max_keypoints=100).extract(
        [chip_of(drawing.copy()), chip_of(moved)]
    )
    inside = here.keypoints[(here.keypoints[:, 0] > 48) & (here.keypoints[:, 0] < 160)]
    distance = np.linalg.norm(
        inside[:, None] + (32, 0) - there.keypoints[None],
        axis=2,
    ).min(1)
    assert np.median(distance) < 0.3


def test_a_threshold_no_peak_reaches_gives_no_keypoints(engine: Engine) -> None:
    extractor = Aliked(engine=engine, detection_threshold=0.999)
    (features,) = extractor.extract([drawn_chip(1)])
    assert features.keypoints.shape == (0, 2)
    assert features.descriptors.shape == (0, 128)


def score_map(peaks: dict[tuple[int, int], float], size: tuple[int, int] = (24, 16)) -> Any:
    values: NDArray[np.float32] = np.zeros(size[::-1], np.float32)
    for (x, y), value in peaks.items():
        values[y, x] = value
    return values


def test_peaks_come_best_first_and_stop_at_the_count() -> None:
    values = score_map({(4, 4): 0.5, (12, 4): 0.9, (12, 12): 0.7})
    peaks = find_peaks(values, count=2, threshold=0.0, strict=True)
    assert peaks.tolist() == [[12, 4], [12, 12]]


def test_the_border_has_no_peaks() -> None:
    values = score_map({(1, 8): 0.9, (22, 8): 0.9, (8, 1): 0.9, (8, 14): 0.9, (8, 8): 0.5})
    assert find_peaks(values, count=9, threshold=0.0, strict=False).tolist() == [[8, 8]]


def test_the_authors_suppression_keeps_a_shoulder_that_strict_drops() -> None:
    # A ridge falling from (6, 8): (9, 8) is highest of what the first peak does not cover.
    values = score_map({(6, 8): 0.9, (8, 8): 0.8, (9, 8): 0.7, (10, 8): 0.6})
    strict = find_peaks(values, count=9, threshold=0.0, strict=True)
    authors = find_peaks(values, count=9, threshold=0.0, strict=False)
    assert strict.tolist() == [[6, 8]]
    assert authors.tolist() == [[6, 8], [9, 8]]


def test_refinement_finds_the_top_of_a_smooth_bump() -> None:
    rows, columns = np.mgrid[:16, :24]
    values = (0.9 * np.exp(-((columns - 11.3) ** 2 + (rows - 7.8) ** 2) / 4)).astype(np.float32)
    peaks = find_peaks(values, count=1, threshold=0.0, strict=True)
    keypoints = refine_peaks(values, peaks)
    assert peaks.tolist() == [[11, 8]]
    np.testing.assert_allclose(keypoints[0], (11.3, 7.8), atol=0.1)


@pytest.mark.parametrize("wrong", [{"max_keypoints": 0}, {"detection_threshold": 1.0}])
def test_wrong_arguments_are_named(engine: Engine, wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        Aliked(engine=engine, **wrong)


def test_an_unknown_model_is_named(engine: Engine) -> None:
    with pytest.raises(UnknownMethod, match="aliked-x99"):
        Aliked(engine=engine, model="aliked-x99")
