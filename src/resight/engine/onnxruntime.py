"""ONNX Runtime on the CPU, or with CUDA on an NVIDIA GPU; these graphs in float32 only.

CUDA is untested: no GPU was there when this was written. What is tested is that it
is refused where ONNX Runtime would use the processor instead.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any
from weakref import WeakValueDictionary

import onnxruntime as ort
from numpy.typing import NDArray

from resight.engine import GraphSource
from resight.errors import EngineError

_CPU = "CPUExecutionProvider"
_CUDA = "CUDAExecutionProvider"
# https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html
_CUDA_OPTIONS = {
    # By default matrix products and convolutions would keep 10 bits of a float's 23 (TF32).
    "use_tf32": "0",
    # The default times the ways to convolve, so that two runs could take different ones.
    "cudnn_conv_algo_search": "HEURISTIC",
}
_QUIET = 3  # errors only: its warnings about unused initialisers mean nothing to a user


class OnnxRuntimeGraph:
    """A graph loaded by ONNX Runtime."""

    def __init__(self, session: ort.InferenceSession, name: str) -> None:
        self._session = session
        self._name = name
        floats = {i.type for i in session.get_inputs()} & {
            "tensor(float)",
            "tensor(bfloat16)",
            "tensor(float16)",
        }
        # Both providers compute in the type of the tensors they are given.
        self.precision = "f32" if floats == {"tensor(float)"} else "/".join(sorted(floats))

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        try:
            return tuple(self._session.run(None, dict(inputs)))
        except Exception as error:  # its exceptions share no base but Exception
            raise EngineError(f"ONNX Runtime failed to run {self._name}: {error}") from error

    @contextmanager
    def running(self, inputs: Mapping[str, NDArray[Any]]) -> Iterator[tuple[NDArray[Any], ...]]:
        yield self.run(inputs)


class OnnxRuntimeEngine:
    """ONNX Runtime on ``device``; ``threads`` are of the processor."""

    def __init__(self, *, precision: str, threads: int, device: str = "cpu") -> None:
        if precision == "bf16":
            raise EngineError(
                "ONNX Runtime computes these graphs in float32: use precision auto or f32, or "
                "engine openvino on device cpu for bf16"
            )
        if device == "cuda":
            _find_cuda()
        self.name = "onnxruntime" if device == "cpu" else f"onnxruntime-{device}"
        self.device = device
        self.precision = "f32"
        self.threads = threads
        self._loaded: WeakValueDictionary[str, OnnxRuntimeGraph] = WeakValueDictionary()

    def load(self, source: GraphSource, *, exact: bool = False) -> OnnxRuntimeGraph:  # noqa: ARG002
        graph = self._loaded.get(source.digest)
        if graph is None:
            graph = self._loaded[source.digest] = self._load(source)
        return graph

    def _load(self, source: GraphSource) -> OnnxRuntimeGraph:
        options = ort.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = _QUIET
        # Spinning threads would take the cores from everything between two graphs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        content = source.content()
        try:
            session = open_session(content, options, self.device)
        except EngineError:
            raise
        except Exception as error:  # its exceptions share no base but Exception
            raise EngineError(f"ONNX Runtime cannot load {source.name}: {error}") from error
        graph = OnnxRuntimeGraph(session, source.name)
        if graph.precision != "f32":
            raise EngineError(f"{source.name} is not a float32 graph but {graph.precision}")
        return graph


def open_session(content: bytes, options: ort.SessionOptions, device: str) -> ort.InferenceSession:
    """A session on that device; operators for which CUDA has no kernel run on the processor.

    Raises ``EngineError`` where ONNX Runtime did without the device, of which it tells in a log
    only, and its own exceptions for a graph it cannot load.
    """
    wanted = [(_CUDA, _CUDA_OPTIONS), _CPU] if device == "cuda" else [_CPU]
    # Without the last argument a CUDA error, now or in any run, prints and goes on with the CPU.
    session = ort.InferenceSession(content, options, providers=wanted, enable_fallback=0)
    if device == "cuda" and session.get_providers()[0] != _CUDA:
        raise EngineError(
            "ONNX Runtime cannot use CUDA here (it says why above): that takes an NVIDIA GPU, its "
            "driver, and CUDA and cuDNN of the versions ONNX Runtime was built for; "
            "--set device=cpu does without"
        )
    return session


def _find_cuda() -> None:
    """Raise ``EngineError`` unless a session on CUDA can be had."""
    if _CUDA not in ort.get_available_providers():
        raise EngineError(
            "the ONNX Runtime installed here has no CUDA: device cuda needs the extra "
            "resight[cuda] (README tells how to install it); --set device=cpu does without"
        )
    # CUDA of NVIDIA's Python packages is found only if loaded first; it prints what it lacks.
    with redirect_stdout(io.StringIO()):
        ort.preload_dlls()
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "any", ends[:1], ends[1:])
    opsets = [helper.make_opsetid("", 19)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    open_session(model.SerializeToString(), ort.SessionOptions(), "cuda")
