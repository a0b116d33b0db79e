"""DeDoDe on small files of the authors' layout: no weights of theirs were to be had here."""

import hashlib
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from resight.engine import Engine, open_engine
from resight.errors import ModelError, SettingsError, WeightsMissing
from resight.extractors.dedode import DeDoDe, uncrowded
from resight.models import graphs, table
from resight.registry import build_method
from resight.settings import Settings
from resight.testing.conformance import ExtractorCase, drawn_chip

SMALL = Path(__file__).parent / "templates"
MODELS = ("dedode-detector", "dedode-descriptor")


def random_weights(template: Path, seed: int) -> dict[str, NDArray[np.float32]]:
    """For each empty weight of a template.

    Kernels are the same when turned half round, so that what the network finds turns with a chip.
    """
    rng = np.random.default_rng(seed)
    tensors = {}
    for slot in onnx.load(template).graph.initializer:
        if slot.HasField("raw_data"):
            continue
        shape = tuple(slot.dims)
        if len(shape) == 4:
            kernel = rng.standard_normal(shape) * (3 / np.prod(shape[1:])) ** 0.5
            values = (kernel + kernel[..., ::-1, ::-1]) / 2
        elif slot.name.endswith("running_var"):
            values = rng.uniform(0.5, 1.5, shape)
        else:
            values = 0.1 * rng.standard_normal(shape)
        tensors[slot.name] = values.astype(np.float32)
    return tensors


def write_checkpoint(path: Path, tensors: Mapping[str, NDArray[np.float32]]) -> None:
    """As PyTorch writes a state dict."""

    def text(value: str) -> bytes:
        return b"X" + struct.pack("<I", len(value)) + value.encode()

    def numbers(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(b"J" + struct.pack("<i", each) for each in values) + b"t"

    pickled = b"\x80\x02}("
    with zipfile.ZipFile(path, "w") as archive:
        for key, (name, values) in enumerate(tensors.items()):
            archive.writestr(f"net/data/{key}", values.tobytes())
            steps = tuple(step // 4 for step in values.strides)
            pickled += text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n(("
            pickled += text("storage") + b"ctorch\nFloatStorage\n" + text(str(key)) + text("cpu")
            pickled += b"J" + struct.pack("<i", values.size) + b"tQK\0"
            pickled += numbers(values.shape) + numbers(steps) + b"\x89}tR"
        archive.writestr("net/data.pkl", pickled + b"u.")


@pytest.fixture(scope="module", autouse=True)
def small_networks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The shipped templates give way to small ones, the authors' files to files that fit these."""
    folder = tmp_path_factory.mktemp("models")
    rows = dict(table.WEIGHTS)
    for seed, model in enumerate(MODELS):
        row = rows[model]
        tensors = random_weights(SMALL / f"{model}.onnx", seed)
        write_checkpoint(folder / row.file, tensors)
        content = (folder / row.file).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        rows[model] = replace(row, bytes=len(content), sha256=digest, slack=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graphs, "_template", lambda name: (SMALL / f"{name}.onnx").read_bytes())
        patch.setattr(table, "WEIGHTS", rows)
        patch.setenv("RESIGHT_MODELS", str(folder))
        yield folder


class TestDeDoDe(ExtractorCase):
    flat_is_empty = False  # there is no threshold

    @pytest.fixture(autouse=True)
    def _engine(self) -> None:
        self.engine = open_engine("openvino", precision="f32")

    def make(self, **arguments: Any) -> DeDoDe:
        return DeDoDe(engine=self.engine, **arguments)


def test_a_photo_matches_itself_by_nearest_neighbours() -> None:
    method = build_method("dedode+nearest", Settings(segment="none", contrast="none"))
    (features,) = method.extractor.extract([drawn_chip(1)])
    (matches,) = method.matcher.match(features, [features])
    assert len(matches) > 100
    assert (matches.pairs[:, 0] == matches.pairs[:, 1]).mean() > 0.9


def test_engines_agree() -> None:
    """But for the order of keypoints whose scores differ by rounding only."""
    chip = drawn_chip(3, (200, 150))
    first, second = (
        DeDoDe(engine=open_engine(name, precision="f32"), max_keypoints=200).extract([chip])[0]
        for name in ("openvino", "onnxruntime")
    )
    distance = np.linalg.norm(first.keypoints[:, None] - second.keypoints[None], axis=2)
    same = distance.min(1) < 0.01
    assert same.sum() >= 0.98 * len(first)
    np.testing.assert_allclose(
        first.descriptors[same], second.descriptors[distance.argmin(1)][same], atol=1e-3
    )


def test_it_spends_its_keypoints_on_the_animal() -> None:
    extractor = DeDoDe(engine=open_engine("openvino", precision="f32"), max_keypoints=50)
    chip = drawn_chip(4, (96, 64))
    animal = np.zeros((64, 96), bool)
    animal[20:40, 30:70] = True
    (found,) = extractor.extract([replace(chip, animal=animal)])
    x, y = found.keypoints.astype(int).T
    assert len(found) == 50
    assert animal[y, x].all()
    animal = np.zeros((64, 96), bool)
    animal[5, 7:10] = True
    (few,) = extractor.extract([replace(chip, animal=animal)])
    assert sorted(few.keypoints.tolist()) == [[7, 5], [8, 5], [9, 5]]


def test_crowded_places_count_for_less() -> None:
    rng = np.random.default_rng(1)
    logits = rng.standard_normal((40, 70)).astype(np.float32)
    likely = np.exp(logits.astype(np.float64))
    likely /= likely.sum()
    y, x = np.indices(likely.shape)
    near = np.empty_like(likely)
    for i, j in np.ndindex(*likely.shape):
        dy, dx = np.abs(y - i), np.abs(x - j)
        weight = np.exp(-((dy / 12.5) ** 2) - (dx / 12.5) ** 2) * (dy <= 25) * (dx <= 25)
        near[i, j] = (weight * (likely + 1e-6) * 1e4).sum()
    np.testing.assert_allclose(uncrowded(logits), likely / np.sqrt(near), rtol=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_weights_that_are_missing_are_named(
    model: str, small_networks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in MODELS:
        if each != model:
            file = table.weights(each).file
            (tmp_path / file).write_bytes((small_networks / file).read_bytes())
    monkeypatch.setenv("RESIGHT_MODELS", str(tmp_path))
    with pytest.raises(WeightsMissing, match=f"run `resight models fetch {model}`"):
        DeDoDe(engine=open_engine("openvino"))


def test_weights_of_another_layout_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the descriptor, taken for the detector's."""
    other = replace(table.weights("dedode-descriptor"), name="dedode-detector")
    monkeypatch.setattr(table, "WEIGHTS", {**table.WEIGHTS, "dedode-detector": other})
    extractor = DeDoDe(engine=open_engine("openvino"))
    with pytest.raises(ModelError, match="does not fit dedode-detector: tensor decoder"):
        extractor.extract([drawn_chip(1, (32, 32))])


@pytest.mark.parametrize("model", MODELS)
def test_the_small_templates_are_made_as_the_shipped_ones(model: str) -> None:
    shipped = Path(graphs.__file__).parent / "templates"
    small, large = (onnx.load(folder / f"{model}.onnx") for folder in (SMALL, shipped))
    for part in ("input", "output"):
        names = [[each.name for each in getattr(net.graph, part)] for net in (small, large)]
        assert names[0] == names[1]
    kinds = [{node.op_type for node in net.graph.node} for net in (small, large)]
    assert kinds[0] == kinds[1]
    few, many = (
        {i.name for i in net.graph.initializer if i.name.startswith("decoder.")}
        for net in (small, large)
    )
    assert few < many


def test_wrong_arguments_are_named(engine: Engine) -> None:
    with pytest.raises(SettingsError, match="max_keypoints"):
        DeDoDe(engine=engine, max_keypoints=0)
