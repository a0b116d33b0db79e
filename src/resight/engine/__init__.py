"""Engines: run an ONNX graph on this machine. Precision, threads and device live here.

Two engines with one protocol: ``openvino`` (default; fastest on CPUs, knows
bfloat16) and ``onnxruntime`` (which can use CUDA). Types of either library never
leave this folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from numpy.typing import NDArray

from resight.errors import EngineError

#: What each engine can run on. CUDA is untested: no GPU was there.
DEVICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"openvino": ("cpu",), "onnxruntime": ("cpu", "cuda")}
)
ENGINES = tuple(DEVICES)
PRECISIONS = ("auto", "f32", "bf16")


class GraphSource(Protocol):
    """An ONNX graph to load. Equal ``digest``, equal ``content``."""

    @property
    def name(self) -> str:
        """What error messages call it."""
        ...

    @property
    def digest(self) -> str:
        """Hex sha256 of whatever makes the content."""
        ...

    def content(self) -> bytes:
        """The ONNX model; called only when it is needed."""
        ...


class Graph(Protocol):
    """A loaded graph. ``precision`` is what the runtime says is in effect: f32 or bf16."""

    precision: str

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        """Outputs in the graph's order; floats are float32. Safe to call from several threads.

        Raises ``EngineError`` if the runtime refuses the inputs.
        """
        ...

    def running(
        self, inputs: Mapping[str, NDArray[Any]]
    ) -> AbstractContextManager[tuple[NDArray[Any], ...]]:
        """As ``run``, for large outputs: they are the runtime's own, valid in the ``with`` only."""
        ...


class Engine(Protocol):
    """Loads each graph once, whoever asks, as long as somebody holds it.

    ``name`` tells the device too where that is not the processor (``onnxruntime-cuda``): results
    of another device are other results. ``precision``: what ``load`` gives unless exact.
    """

    name: str
    precision: str
    threads: int

    def load(self, source: GraphSource, *, exact: bool = False) -> Graph:
        """Load a graph; ``exact`` asks for float32 whatever the engine's precision.

        Raises ``EngineError`` if the graph cannot be loaded or the runtime would use
        another precision or device than the one asked for.
        """
        ...


def open_engine(
    name: str = "openvino",
    *,
    device: str = "cpu",
    precision: str = "auto",
    threads: int = 0,
    cache: Path | None = None,
) -> Engine:
    """The engine of that name.

    ``device``: one of the engine's ``DEVICES``; one that cannot be used here raises
    ``EngineError``, nothing falls back to another. ``precision``: ``auto`` takes bf16 where
    processor and engine compute it natively, else f32; asking for one that is not to be had
    raises ``EngineError``. ``threads``: 0 uses the cores this process may run on. ``cache``:
    folder for compiled graphs (OpenVINO only), which may be deleted at any time.
    """
    if name not in DEVICES:
        raise EngineError(f"engine {name!r} is not one of {', '.join(ENGINES)}")
    if device not in DEVICES[name]:
        able = [each for each in ENGINES if device in DEVICES[each]]
        cure = f"--set engine={able[0]} does" if able else f"there is {', '.join(DEVICES[name])}"
        raise EngineError(f"engine {name} does not run on device {device}: {cure}")
    if precision not in PRECISIONS:
        raise EngineError(f"precision {precision!r} is not one of {', '.join(PRECISIONS)}")
    if threads < 0:
        raise EngineError(f"threads must be 0 (all cores) or more, got {threads}")
    threads = threads or available_cores()
    if name == "openvino":
        from resight.engine.openvino import OpenVinoEngine

        return OpenVinoEngine(precision=precision, threads=threads, cache=cache)
    from resight.engine.onnxruntime import OnnxRuntimeEngine

    return OnnxRuntimeEngine(precision=precision, threads=threads, device=device)


def available_cores() -> int:
    """Cores this process may use (its affinity mask, not the machine's total)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
