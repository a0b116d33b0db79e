"""The count of operations behind the benchmark's share of the machine's limit."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from resight.models.graphs import ModelGraph

QUERY, GALLERY, DIM = 48, 80, 256


def pair_operations(**arguments: int) -> float:
    path = Path(__file__).parents[1] / "benchmarks" / "operations.py"
    spec = importlib.util.spec_from_file_location("operations", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    count: float = module.pair_operations(query=QUERY, gallery=GALLERY, **arguments)
    return count


def executed(part: str, folder: Path, *points: int) -> int:
    """Operations of the matrix products that ONNX Runtime says it executed."""
    options = ort.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / part)
    options.log_severity_level = 3
    graph = ModelGraph("aliked-lightglue", f"lightglue-{part}", None if part == "input" else 0)
    session = ort.InferenceSession(graph.content(), options, providers=["CPUExecutionProvider"])
    session.run(None, {i.name: _input(i.name, points) for i in session.get_inputs()})
    events = json.loads(Path(session.end_profiling()).read_text())
    return sum(_operations(event["args"]) for event in events if "args" in event)


def _input(name: str, points: tuple[int, ...]) -> Any:
    n = points[1] if name.endswith("1") else points[0]
    shapes = {
        "tokens": (1, n, DIM),
        "cosines": (1, 1, n, 64),
        "sines": (1, 1, n, 64),
        "bias": (1, 1, 1, n),
        "descriptors": (1, n, 128),
        "keypoints": (1, n, 2),
    }
    return np.zeros(shapes[name.rstrip("01")], np.float32)


def _operations(event: dict[str, Any]) -> int:
    if event.get("op_name") not in ("MatMul", "FusedMatMul", "Gemm"):
        return 0
    shapes = [next(iter(shape.values())) for shape in event["input_type_shape"]]
    (out,) = (next(iter(shape.values())) for shape in event["output_type_shape"])
    # The inner dimension is the one the output has not: both inputs' sizes give it.
    inner = np.prod(shapes[0][-2:]) // out[-2]
    return int(2 * np.prod(out) * inner)


@pytest.mark.parametrize("layers", [1, 9])
def test_operations_are_those_that_an_engine_executes(layers: int, tmp_path: Path) -> None:
    begin = sum(executed(part, tmp_path, QUERY) for part in ("input", "self"))
    own = executed("input", tmp_path, GALLERY) + layers * executed("self", tmp_path, GALLERY)
    own += (layers - 1) * executed("self", tmp_path, QUERY)
    own += layers * executed("cross", tmp_path, QUERY, GALLERY)
    own += executed("assignment", tmp_path, QUERY, GALLERY)
    assert pair_operations(layers=layers) == begin + own
    assert pair_operations(layers=layers, pairs=4) == begin / 4 + own
