"""ONNX Runtime on the CPU. Its CPU kernels compute these graphs in float32 only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

import onnxruntime as ort
from numpy.typing import NDArray

from resight.engine import GraphSource
from resight.errors import EngineError

_PROVIDER = "CPUExecutionProvider"
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
        # The CPU provider computes in the type of the tensors it is given.
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
    """ONNX Runtime's CPU provider with ``threads`` threads."""

    name = "onnxruntime"

    def __init__(self, *, precision: str, threads: int) -> None:
        if precision == "bf16":
            raise EngineError(
                "ONNX Runtime computes float32 on CPUs: use precision auto or f32, or "
                "engine openvino for bf16"
            )
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
            session = ort.InferenceSession(content, options, providers=[_PROVIDER])
        except Exception as error:  # its exceptions share no base but Exception
            raise EngineError(f"ONNX Runtime cannot load {source.name}: {error}") from error
        graph = OnnxRuntimeGraph(session, source.name)
        if graph.precision != "f32":
            raise EngineError(f"{source.name} is not a float32 graph but {graph.precision}")
        return graph
