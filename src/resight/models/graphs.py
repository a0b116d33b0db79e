"""Graphs of networks: a template and the weights that fill it.

Templates (package data, made by ``tools/export_templates.py``) are ONNX graphs whose weights
have names and shapes but no data. Joining happens in memory, when an engine has to.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resight.errors import ModelError
from resight.models.checkpoint import read_checkpoint
from resight.models.folder import models_folder, weights_path
from resight.models.table import weights


@dataclass(frozen=True)
class ModelGraph:
    """One graph of a network: ``template`` filled with the weights file ``weights``.

    ``layer``: which one, where the template stands for several equal layers. ``shapes``: inputs
    that shall always have this shape, with which engines make a faster graph. ``names``: how
    names of the template's weights begin and how the file's do, where they differ; the
    first that fits. ``outputs``: tensors within the template that are wanted, not its own outputs.
    """

    weights: str
    template: str
    layer: int | None = None
    shapes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    outputs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What error messages call it."""
        layer = "" if self.layer is None else f" layer {self.layer}"
        return f"{self.template}{layer} of {self.weights}"

    @cached_property
    def digest(self) -> str:
        """Hex sha256 of all that makes the graph: template, weights, layer, shapes, names."""
        parts: tuple[object, ...] = (
            _template(self.template),
            weights(self.weights).sha256,
            self.layer,
        )
        if self.shapes:
            parts = (*parts, self.shapes)
        if self.names:
            parts = (*parts, "names", self.names)
        if self.outputs:
            parts = (*parts, "outputs", self.outputs)
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def content(self) -> bytes:
        """The joined ONNX model.

        Raises ``WeightsMissing``, ``WeightsCorrupt``, and ``ModelError`` where the weights do
        not fit the template.
        """
        import onnx

        source = weights_path(self.weights)
        tensors = _tensors(source)
        model = onnx.load_from_string(_template(self.template))
        for slot in model.graph.initializer:
            if slot.HasField("raw_data"):
                continue
            name = self._name_in_file(slot.name)
            if name not in tensors or tensors[name].shape != tuple(slot.dims):
                found = tensors[name].shape if name in tensors else "none"
                raise ModelError(
                    f"{source} does not fit {self.template}: tensor {name} should have shape "
                    f"{tuple(slot.dims)}, found {found}"
                )
            slot.raw_data = np.ascontiguousarray(tensors[name], np.float32).tobytes()
        shapes = dict(self.shapes)
        for each in model.graph.input:
            for side, length in zip(
                each.type.tensor_type.shape.dim, shapes.get(each.name, ()), strict=False
            ):
                side.dim_value = length
        if self.outputs:
            inside = onnx.TensorProto.FLOAT
            del model.graph.output[:], model.graph.value_info[:]  # of the template's own shape
            model.graph.output.extend(
                onnx.helper.make_tensor_value_info(name, inside, None) for name in self.outputs
            )
        content: bytes = model.SerializeToString()
        return content

    def _name_in_file(self, name: str) -> str:
        for ours, theirs in self.names:
            if name.startswith(ours):
                name = theirs + name.removeprefix(ours)
                break
        if self.layer is not None:
            # Templates of layers are exported from layer 0 and carry its names.
            name = re.sub(r"\.0\.", f".{self.layer}.", name, count=1)
        return name


@dataclass(frozen=True)
class OnnxFile:
    """The graph that is published as the ONNX file ``weights``, with one input and output.

    ``shape`` of its input, for a file made for another one; of several outputs the first is
    kept, as others (of training) cost time.
    """

    weights: str
    shape: tuple[int, ...]

    @property
    def name(self) -> str:
        """What error messages call it."""
        return self.weights

    @cached_property
    def digest(self) -> str:
        """Hex sha256 of all that makes the graph: the file and the shape."""
        parts = ("onnx file", weights(self.weights).sha256, self.shape)
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def content(self) -> bytes:
        """The ONNX model. Raises ``WeightsMissing`` and ``WeightsCorrupt``."""
        import onnx

        model = onnx.load_from_string(weights_path(self.weights).read_bytes())
        graph = model.graph
        for side, length in zip(graph.input[0].type.tensor_type.shape.dim, self.shape, strict=True):
            side.dim_value = length
        del graph.output[1:]
        graph.output[0].type.tensor_type.ClearField("shape")  # that of the file's own shape
        content: bytes = model.SerializeToString()
        return content


def compiled_folder() -> Path:
    """Where an engine may keep what it compiled from graphs."""
    return models_folder() / "compiled"


def _template(name: str) -> bytes:
    return (resources.files("resight.models") / "templates" / f"{name}.onnx").read_bytes()


@lru_cache(maxsize=1)  # the graphs of a network are joined one after the other
def _tensors(source: Path) -> dict[str, NDArray[np.generic]]:
    return read_checkpoint(source)
