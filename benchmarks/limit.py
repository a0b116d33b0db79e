"""What this machine can do at best: products of two large matrices, by precision and library."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import openvino as ov
import torch
from numpy.typing import NDArray
from openvino import opset13 as ops

from resight.engine import available_cores

SIDE = 2048
OPERATIONS = 2.0 * SIDE**3


def products() -> dict[str, Callable[[], object]]:
    """A product of two 2048 x 2048 matrices in every way there is here, named for precision."""
    matrix = np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32)
    found: dict[str, Callable[[], object]] = {
        "2048³ product, numpy, f32": partial(np.matmul, matrix, matrix, out=np.empty_like(matrix))
    }
    native = "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    for precision, kind in (("f32", torch.float32), ("bf16", torch.bfloat16)):
        if precision == "bf16" and not native:
            continue
        tensor = torch.tensor(matrix).to(kind)
        name = f"2048³ product, torch, {precision}"
        found[name] = partial(torch.mm, tensor, tensor, out=torch.empty_like(tensor))
        found[f"2048³ product, openvino, {precision}"] = _in_openvino(matrix, precision)
    return found


def _in_openvino(matrix: NDArray[np.float32], precision: str) -> Callable[[], object]:
    left = ops.parameter([SIDE, SIDE], np.float32)
    model = ov.Model([ops.matmul(left, ops.constant(matrix), False, True)], [left])
    config: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": available_cores(),
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,
    }
    request = ov.Core().compile_model(model, "CPU", config).create_infer_request()
    return partial(request.infer, [matrix], share_inputs=True)
