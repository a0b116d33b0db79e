"""One suite for both engines, on small graphs made here."""

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from resight.engine import ENGINES, Engine, available_cores, open_engine
from resight.engine.compiled import CompiledFile
from resight.engine.onnxruntime import open_session
from resight.errors import EngineError

FREE = ["batch", "channels", "rows", "columns"]


@dataclass(frozen=True)
class Made:
    """A graph made by a test."""

    name: str
    onnx: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.onnx).hexdigest()

    def content(self) -> bytes:
        return self.onnx


def made(graph: onnx.GraphProto) -> Made:
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9, producer_name="test"
    )
    onnx.checker.check_model(model)
    return Made(graph.name, model.SerializeToString())


@pytest.fixture
def doubling() -> Made:
    """y = x · 2w for any number of rows, w = (1, 2)."""
    weight = numpy_helper.from_array(np.array([[2.0], [4.0]], np.float32), "w")
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1])
    return made(helper.make_graph([node], "doubling", [x], [y], [weight]))


def test_runs_a_graph_with_any_number_of_rows(engine: Engine, doubling: Made) -> None:
    graph = engine.load(doubling)
    for rows in (1, 3, 64):
        x = np.arange(2 * rows, dtype=np.float32).reshape(rows, 2)
        (y,) = graph.run({"x": x})
        np.testing.assert_array_equal(y[:, 0], 2 * x[:, 0] + 4 * x[:, 1])


def test_zero_rows_give_zero_rows(engine: Engine, doubling: Made) -> None:
    (y,) = engine.load(doubling).run({"x": np.zeros((0, 2), np.float32)})
    assert y.shape == (0, 1)


def test_outputs_are_not_overwritten_by_the_next_run(engine: Engine, doubling: Made) -> None:
    graph = engine.load(doubling)
    (first,) = graph.run({"x": np.ones((4, 2), np.float32)})
    graph.run({"x": np.zeros((4, 2), np.float32)})
    np.testing.assert_array_equal(first, np.full((4, 1), 6.0))


def test_threads_share_a_graph(engine: Engine, doubling: Made) -> None:
    graph = engine.load(doubling)

    def run(value: int) -> float:
        (y,) = graph.run({"x": np.full((200, 2), value, np.float32)})
        return float(y.sum())

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run, range(100))) == [200 * 6.0 * value for value in range(100)]


def test_deformable_convolution_equals_an_ordinary_one_on_the_shifted_picture(
    engine: Engine,
) -> None:
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((2, 1, 3, 3)).astype(np.float32)
    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, FREE) for n in ("x", "offset")]
    deformable = helper.make_node(
        "DeformConv", ["x", "w", "offset"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]
    )
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, FREE)
    graph = made(
        helper.make_graph(
            [deformable], "deform", info, [out], [numpy_helper.from_array(weight, "w")]
        )
    )
    x = rng.standard_normal((1, 1, 12, 16)).astype(np.float32)
    offset = np.zeros((1, 18, 12, 16), np.float32)
    offset[:, 0::2] = 1.0  # one row down
    offset[:, 1::2] = -2.0  # two columns to the left
    (y,) = engine.load(graph).run({"x": x, "offset": offset})
    shifted = np.zeros_like(x)
    shifted[:, :, :-1, 2:] = x[:, :, 1:, :-2]
    inner = (slice(2, -2), slice(4, -2))
    for channel in range(2):
        expected = sum(
            weight[channel, 0, i, j] * _moved(shifted[0, 0], i - 1, j - 1)
            for i in range(3)
            for j in range(3)
        )
        np.testing.assert_allclose(y[0, channel][inner], expected[inner], atol=1e-5)


def _moved(values: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    return np.roll(values, (-rows, -columns), (0, 1))


def test_precision_is_what_the_runtime_says(engine: Engine, doubling: Made) -> None:
    assert engine.precision == "f32"
    assert engine.load(doubling).precision == "f32"


def test_auto_takes_what_the_processor_computes_natively(doubling: Made) -> None:
    engine = open_engine("openvino", precision="auto")
    assert engine.load(doubling).precision == engine.precision
    assert engine.load(doubling, exact=True).precision == "f32"


def test_bfloat16_is_refused_where_it_would_not_be_used() -> None:
    with pytest.raises(EngineError, match="engine openvino"):
        open_engine("onnxruntime", precision="bf16")
    if open_engine("openvino").precision == "f32":
        with pytest.raises(EngineError, match="does not compute bfloat16"):
            open_engine("openvino", precision="bf16")


@pytest.mark.parametrize("name", ENGINES)
def test_threads_default_to_the_cores_there_are(name: str) -> None:
    assert open_engine(name).threads == available_cores()
    assert open_engine(name, threads=1).threads == 1


@pytest.mark.parametrize("wrong", [{"precision": "f8"}, {"threads": -1}])
def test_wrong_arguments_are_named(wrong: dict[str, object]) -> None:
    with pytest.raises(EngineError, match=next(iter(wrong))):
        open_engine("openvino", **wrong)  # type: ignore[arg-type]


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(EngineError, match="abacus"):
        open_engine("abacus")


class TestDevice:
    """What can be known of CUDA without a GPU; ``test_cuda_computes`` runs where there is one."""

    def test_an_engine_without_it_names_the_one_that_has_it(self) -> None:
        with pytest.raises(EngineError, match=r"openvino .*cuda: --set engine=onnxruntime"):
            open_engine("openvino", device="cuda")

    def test_a_device_nobody_knows_is_refused(self) -> None:
        with pytest.raises(EngineError, match="does not run on device abacus: there is cpu, cuda"):
            open_engine("onnxruntime", device="abacus")

    def test_an_onnx_runtime_without_it_names_the_extra(self) -> None:
        if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            pytest.skip("this ONNX Runtime has CUDA")
        with pytest.raises(EngineError, match=r"resight\[cuda\]"):
            open_engine("onnxruntime", device="cuda")

    @pytest.mark.filterwarnings("ignore:Specified provider")  # ONNX Runtime's own, without CUDA
    def test_a_session_that_fell_back_to_the_processor_is_refused(self, doubling: Made) -> None:
        if cuda_works():
            pytest.skip("here CUDA works")
        with pytest.raises(EngineError, match="cannot use CUDA here"):
            open_session(doubling.content(), onnxruntime.SessionOptions(), "cuda")

    def test_the_processor_is_not_in_the_name_that_fingerprints_hold(self) -> None:
        names = [open_engine(name).name for name in ENGINES]
        assert names == ["openvino", "onnxruntime"]

    def test_cuda_computes(self, doubling: Made) -> None:
        if not cuda_works():
            pytest.skip("no CUDA here")
        engine = open_engine("onnxruntime", device="cuda")
        assert engine.name == "onnxruntime-cuda"
        (y,) = engine.load(doubling).run({"x": np.ones((3, 2), np.float32)})
        np.testing.assert_array_equal(y, np.full((3, 1), 6.0))


def cuda_works() -> bool:
    try:
        open_engine("onnxruntime", device="cuda")
    except EngineError:
        return False
    return True


def test_what_is_no_graph_is_an_engine_error(engine: Engine) -> None:
    with pytest.raises(EngineError, match="cannot load broken"):
        engine.load(Made("broken", b"not a graph"))


def test_inputs_that_do_not_fit_are_an_engine_error(engine: Engine, doubling: Made) -> None:
    with pytest.raises(EngineError, match="failed to run doubling"):
        engine.load(doubling).run({"x": np.zeros((3, 5), np.float32)})


class Unreadable(Made):
    """One that is compiled already and must not be compiled again."""

    def content(self) -> bytes:
        raise AssertionError("the graph was asked for though it is compiled")


class TestCompiledGraphs:
    """What OpenVINO compiled is kept, and not trusted."""

    def load(self, cache: Path, graph: Made) -> NDArray[np.float32]:
        engine = open_engine("openvino", precision="f32", cache=cache)
        (y,) = engine.load(graph).run({"x": np.ones((1, 2), np.float32)})
        return y

    def test_a_kept_graph_is_not_made_again(self, tmp_path: Path, doubling: Made) -> None:
        self.load(tmp_path, doubling)
        (kept,) = tmp_path.iterdir()
        before = kept.stat().st_mtime_ns

        y = self.load(tmp_path, Unreadable(doubling.name, doubling.onnx))
        np.testing.assert_array_equal(y, [[6.0]])
        assert kept.stat().st_mtime_ns == before

    @pytest.mark.parametrize("damage", ["zeros", "cut", "empty"])
    def test_a_damaged_one_is_compiled_again(
        self, tmp_path: Path, doubling: Made, damage: str
    ) -> None:
        self.load(tmp_path, doubling)
        (kept,) = tmp_path.iterdir()
        sound = kept.read_bytes()
        half = len(sound) // 2
        kept.write_bytes(
            {"zeros": sound[:half] + bytes(64) + sound[half + 64 :], "cut": sound[:half]}.get(
                damage, b""
            )
        )
        np.testing.assert_array_equal(self.load(tmp_path, doubling), [[6.0]])
        y = self.load(tmp_path, Unreadable(doubling.name, doubling.onnx))
        np.testing.assert_array_equal(y, [[6.0]])
        assert list(tmp_path.iterdir()) == [kept]

    def test_those_that_nobody_uses_any_more_are_removed(self, tmp_path: Path) -> None:
        used, unused = CompiledFile(tmp_path / "a.compiled"), CompiledFile(tmp_path / "b.compiled")
        other = tmp_path / "somebody's"
        used.write(b"a graph")
        unused.write(b"a graph")
        other.touch()
        long_ago = time.time() - 100 * 24 * 3600
        for path in (used.path, unused.path, other):
            os.utime(path, (long_ago, long_ago))
        assert used.read() == b"a graph"
        CompiledFile(tmp_path / "c.compiled").write(b"another")
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "a.compiled", "c.compiled", "somebody's",
        ]  # fmt: skip

    def test_one_that_only_somebody_else_may_write_is_used(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept = CompiledFile(tmp_path / "a.compiled")
        kept.write(b"a graph")
        long_ago = time.time() - 3 * 24 * 3600
        os.utime(kept.path, (long_ago, long_ago))

        def refuse(path: Path) -> None:
            raise PermissionError(f"{path} is root's")

        monkeypatch.setattr(Path, "touch", refuse)  # the tests may be root's, who may do anything
        assert kept.read() == b"a graph"

    def test_a_folder_that_cannot_be_used_is_done_without(
        self, tmp_path: Path, doubling: Made
    ) -> None:
        blocked = tmp_path / "file"
        blocked.write_text("not a folder")
        np.testing.assert_array_equal(self.load(blocked / "cache", doubling), [[6.0]])
        assert [path.name for path in tmp_path.iterdir()] == ["file"]
