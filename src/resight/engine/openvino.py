"""OpenVINO on the CPU."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset8
from openvino.frontend.onnx import ConversionExtension

from resight.engine import GraphSource
from resight.engine.compiled import CompiledFile
from resight.errors import EngineError

_DEVICE = "CPU"
_PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}


class OpenVinoGraph:
    """A graph compiled by OpenVINO."""

    def __init__(self, compiled: ov.CompiledModel, name: str) -> None:
        self._compiled = compiled
        self._name = name
        hint = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        self.precision = _PRECISIONS.get(hint, hint)

        # Requests that no thread is using. A request keeps its buffers: making them anew for
        # each call costs as much as small graphs take, and several times that on some machines.
        self._idle: list[ov.InferRequest] = []

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        with self.running(inputs) as outputs:
            return tuple(np.array(output) for output in outputs)

    @contextmanager
    def running(self, inputs: Mapping[str, NDArray[Any]]) -> Iterator[tuple[NDArray[Any], ...]]:
        try:
            request = self._idle.pop()  # atomic, as is append: threads need no lock
        except IndexError:
            request = self._compiled.create_infer_request()
        try:
            request.infer(dict(inputs), share_inputs=True)
        except (RuntimeError, TypeError, ValueError) as error:
            raise EngineError(f"OpenVINO failed to run {self._name}: {error}") from error
        try:
            yield tuple(
                request.get_output_tensor(i).data for i in range(len(self._compiled.outputs))
            )
        finally:
            self._idle.append(request)


class OpenVinoEngine:
    """OpenVINO with one latency-bound stream over ``threads`` threads."""

    name = "openvino"

    def __init__(self, *, precision: str, threads: int, cache: Path | None) -> None:
        self._core = ov.Core()
        self._core.add_extension(ConversionExtension("DeformConv", _deform_conv))
        native = "BF16" in self._core.get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES")
        if precision == "bf16" and not native:
            raise EngineError(
                "precision bf16 was asked for, but this processor does not compute bfloat16 "
                "natively: use precision auto or f32"
            )
        self.precision = "bf16" if native and precision != "f32" else "f32"
        self.threads = threads
        self._cache = cache
        # A graph lives as long as somebody uses it: its buffers take far more than its weights.
        self._loaded: WeakValueDictionary[tuple[str, str], OpenVinoGraph] = WeakValueDictionary()

    def load(self, source: GraphSource, *, exact: bool = False) -> OpenVinoGraph:
        wanted = "f32" if exact else self.precision
        key = source.digest, wanted
        graph = self._loaded.get(key)
        if graph is None:
            graph = self._loaded[key] = self._load(source, wanted)
        return graph

    def _load(self, source: GraphSource, wanted: str) -> OpenVinoGraph:
        config: dict[str, object] = {
            "INFERENCE_PRECISION_HINT": wanted,
            "INFERENCE_NUM_THREADS": self.threads,
            "PERFORMANCE_HINT": "LATENCY",
            # Pinned threads of two processes share one core and leave the others idle.
            "ENABLE_CPU_PINNING": False,
        }
        kept = self._cache and CompiledFile(self._cache / f"{self._key(source, config)}.compiled")
        compiled = kept and self._import(kept.read(), config)
        if not compiled:
            try:
                compiled = self._core.compile_model(
                    self._core.read_model(source.content()), _DEVICE, config
                )
            except RuntimeError as error:
                raise EngineError(f"OpenVINO cannot load {source.name}: {error}") from error
            if kept:
                kept.write(compiled.export_model().getvalue())
        graph = OpenVinoGraph(compiled, source.name)
        if graph.precision != wanted:
            raise EngineError(
                f"OpenVINO runs {source.name} in {graph.precision}, but {wanted} was asked for: "
                "set precision explicitly"
            )
        return graph

    def _import(self, blob: bytes | None, config: dict[str, object]) -> ov.CompiledModel | None:
        try:
            return blob and self._core.import_model(blob, _DEVICE, config)
        except RuntimeError:  # of another build of OpenVINO: compiled again
            return None

    def _key(self, source: GraphSource, config: dict[str, object]) -> str:
        """Digest of all that the compiled graph depends on, this processor included."""
        device = [
            self._core.get_property(_DEVICE, name)
            for name in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")
        ]
        parts = [source.digest, ov.get_version(), *map(str, device), *map(str, config.items())]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _deform_conv(node: Any) -> Any:
    """ONNX DeformConv, which OpenVINO's ONNX reader lacks though its runtime has the operator."""
    if node.get_input_size() != 3:
        raise EngineError("DeformConv with a bias or a mask is not supported")
    x, weight, offset = (node.get_input(i) for i in range(3))
    pads = np.asarray(node.get_attribute("pads", [0, 0, 0, 0]))
    strides = node.get_attribute("strides", [1, 1])
    return opset8.deformable_convolution(
        x,
        offset,
        weight,
        strides,
        pads[:2].tolist(),
        pads[2:].tolist(),
        node.get_attribute("dilations", [1, 1]),
        group=node.get_attribute("group", 1),
        deformable_group=node.get_attribute("offset_group", 1),
        bilinear_interpolation_pad=True,
    ).outputs()
