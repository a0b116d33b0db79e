"""OpenVINO on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset8
from openvino.frontend.onnx import ConversionExtension

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

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        # A request of its own for each call: threads do not share buffers, and the
        # outputs live as long as the arrays that show them, without a copy.
        request = self._compiled.create_infer_request()
        try:
            request.infer(dict(inputs), share_inputs=True)
        except (RuntimeError, TypeError, ValueError) as error:
            raise EngineError(f"OpenVINO failed to run {self._name}: {error}") from error
        return tuple(request.get_output_tensor(i).data for i in range(len(self._compiled.outputs)))


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
        self._loaded: dict[tuple[Path, str], OpenVinoGraph] = {}

    def load(self, path: Path, *, exact: bool = False) -> OpenVinoGraph:
        wanted = "f32" if exact else self.precision
        if (path, wanted) not in self._loaded:
            self._loaded[path, wanted] = self._compile(path, wanted)
        return self._loaded[path, wanted]

    def _compile(self, path: Path, wanted: str) -> OpenVinoGraph:
        config: dict[str, object] = {
            "INFERENCE_PRECISION_HINT": wanted,
            "INFERENCE_NUM_THREADS": self.threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        if self._cache is not None:
            config["CACHE_DIR"] = str(self._cache)
        try:
            graph = OpenVinoGraph(self._core.compile_model(str(path), _DEVICE, config), path.name)
        except RuntimeError as error:
            raise EngineError(f"OpenVINO cannot load {path}: {error}") from error
        if graph.precision != wanted:
            raise EngineError(
                f"OpenVINO runs {path.name} in {graph.precision}, but {wanted} was asked for: "
                "set precision explicitly"
            )
        return graph


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
