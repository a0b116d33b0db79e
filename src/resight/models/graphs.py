"""Join a graph template with a checkpoint into an ONNX file that an engine can load.

Templates (package data, made by ``tools/export_templates.py``) are graphs whose weights
have names and shapes but no data. A joined file is named by a digest of template and
weights, so one that is out of date is never used; it can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from resight.errors import ModelError
from resight.models.checkpoint import read_checkpoint
from resight.models.folder import models_folder, weights_path
from resight.models.table import weights

LIGHTGLUE_LAYERS = 9


class GraphName(NamedTuple):
    """A template and, where it stands for one of several equal layers, which one."""

    template: str
    layer: int | None = None


def _aliked(dense: str, descriptors: str) -> tuple[GraphName, ...]:
    return GraphName(f"{dense}-dense"), GraphName(f"{descriptors}-descriptors")


def _lightglue() -> tuple[GraphName, ...]:
    layers = range(LIGHTGLUE_LAYERS)
    return (
        GraphName("lightglue-input"),
        *(GraphName("lightglue-layer", i) for i in layers),
        *(GraphName("lightglue-confidence", i) for i in layers[:-1]),
        *(GraphName("lightglue-assignment", i) for i in layers),
    )


#: Which graphs each weights file fills. Networks that differ in weights only share templates.
GRAPHS = {
    "aliked-t16": _aliked("aliked-t16", "aliked-t16"),
    "aliked-n16": _aliked("aliked-n16", "aliked-n16"),
    "aliked-n16rot": _aliked("aliked-n16", "aliked-n16"),
    "aliked-n32": _aliked("aliked-n16", "aliked-n32"),
    "aliked-lightglue": _lightglue(),
}


def graph_path(weights_name: str, graph: GraphName) -> Path:
    """The joined file, made now if it is not there.

    Raises ``WeightsMissing`` if the weights have not been fetched and ``ModelError`` if
    they do not fit the template.
    """
    path = _joined_path(weights_name, graph)
    if not path.exists():
        build_graphs(weights_name)
    return path


def build_graphs(weights_name: str) -> list[Path]:
    """Join every graph of one weights file, reading its checkpoint once."""
    source = weights_path(weights_name)
    tensors = read_checkpoint(source)
    paths = []
    for graph in GRAPHS[weights_name]:
        path = _joined_path(weights_name, graph)
        if not path.exists():
            _write(path, _join(graph, tensors, source))
        paths.append(path)
    return paths


def compiled_folder() -> Path:
    """Where an engine may keep what it compiled from joined files."""
    return models_folder() / "compiled"


def _template(name: str) -> bytes:
    return (resources.files("resight.models") / "templates" / f"{name}.onnx").read_bytes()


def _joined_path(weights_name: str, graph: GraphName) -> Path:
    digest = hashlib.sha256(_template(graph.template) + weights(weights_name).sha256.encode())
    layer = "" if graph.layer is None else f"-{graph.layer}"
    name = f"{weights_name}.{graph.template}{layer}.{digest.hexdigest()[:12]}.onnx"
    return models_folder() / "graphs" / name


def _join(graph: GraphName, tensors: dict[str, NDArray[np.generic]], source: Path) -> bytes:
    import onnx

    model = onnx.load_from_string(_template(graph.template))
    for slot in model.graph.initializer:
        if slot.HasField("raw_data"):
            continue
        name = slot.name
        if graph.layer is not None:
            # Templates of layers are exported from layer 0 and carry its names.
            name = re.sub(r"\.0\.", f".{graph.layer}.", name, count=1)
        if name not in tensors or tensors[name].shape != tuple(slot.dims):
            found = tensors[name].shape if name in tensors else "none"
            raise ModelError(
                f"{source} does not fit {graph.template}: tensor {name} should have shape "
                f"{tuple(slot.dims)}, found {found}; fetch the weights again"
            )
        slot.raw_data = np.ascontiguousarray(tensors[name], np.float32).tobytes()
    content: bytes = model.SerializeToString()
    return content


def _write(path: Path, content: bytes) -> None:
    """All or nothing: processes that join the same graph at once do no harm."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".joining-")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(name).replace(path)
