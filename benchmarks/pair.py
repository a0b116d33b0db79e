"""One pair and one photo: resight beside kornia in torch, in the same run.

    make bench        # = python benchmarks/pair.py [--json OUT.json]

Prints milliseconds and how many times faster than kornia. Adaptive depth and width are off,
so that every row does the same work. Rows take turns, and the fastest of several rounds
counts, so that other programs on the machine disturb all rows alike.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from resight.engine import available_cores, open_engine
from resight.extractors.aliked import Aliked
from resight.matchers.lightglue import LightGlue
from resight.models import weights_path
from resight.models.graphs import compiled_folder
from resight.testing.conformance import drawn_chip
from resight.types import Chip, Features

ROUNDS = 5
BATCH = 8
OFF: Any = {"depth_confidence": -1, "width_confidence": -1}


def kornia_networks(folder: Path) -> tuple[Any, Any]:
    """kornia's ALIKED and LightGlue with the weights that resight fetched."""
    checkpoints = folder / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / "aliked-n16.pth").symlink_to(weights_path("aliked-n16").resolve())
    (checkpoints / "aliked_lightglue_v0-1_arxiv-pth").symlink_to(
        weights_path("aliked-lightglue").resolve()
    )
    os.environ["TORCH_HOME"] = str(folder)
    from kornia.feature import ALIKED
    from kornia.feature import LightGlue as KorniaLightGlue

    extractor = ALIKED.from_pretrained("aliked-n16", max_num_keypoints=512, detection_threshold=0.0)
    return extractor, KorniaLightGlue("aliked", **OFF).eval()


def as_torch(features: Features) -> dict[str, Any]:
    return {
        "keypoints": torch.tensor(features.keypoints)[None],
        "descriptors": torch.tensor(features.descriptors)[None],
        "image_size": torch.tensor([features.size]),
    }


def matching_rows(kornia: Any, count: int) -> dict[str, Callable[[], object]]:
    """Work of ``BATCH`` pairs each, by name."""
    engine = open_engine("openvino", precision="f32", cache=compiled_folder())
    extractor = Aliked(engine=engine, max_keypoints=count)
    query, other = extractor.extract([drawn_chip(1, (512, 416)), drawn_chip(2, (512, 416))])
    if min(len(query), len(other)) < count:
        raise SystemExit(f"the drawings have fewer than {count} keypoints")
    pair = {"image0": as_torch(query), "image1": as_torch(other)}

    def eager() -> None:
        with torch.inference_mode():
            for _ in range(BATCH):
                kornia(pair)

    rows: dict[str, Callable[[], object]] = {"kornia, torch eager, f32": eager}
    for name, precision in (("onnxruntime", "f32"), ("openvino", "f32"), ("openvino", "auto")):
        engine = open_engine(name, precision=precision, cache=compiled_folder())
        if precision == "auto" and engine.precision == "f32":
            continue
        matcher = LightGlue(engine=engine, **OFF)
        label = f"resight, {name}, {engine.precision}"
        rows[f"{label}, one by one"] = partial(one_by_one, matcher, query, other)
        rows[f"{label}, {BATCH} at once"] = partial(matcher.match, query, [other] * BATCH)
    return rows


def one_by_one(matcher: LightGlue, query: Features, other: Features) -> None:
    for _ in range(BATCH):
        matcher.match(query, [other])


def extraction_rows(kornia: Any) -> dict[str, Callable[[], object]]:
    chip: Chip = drawn_chip(1, (512, 416))
    tensor = torch.tensor(chip.pixels.transpose(2, 0, 1)[None] / np.float32(255))

    def eager() -> None:
        with torch.inference_mode():
            for _ in range(BATCH):
                kornia(tensor)

    rows: dict[str, Callable[[], object]] = {"kornia, torch eager, f32": eager}
    for name in ("onnxruntime", "openvino"):
        engine = open_engine(name, precision="f32", cache=compiled_folder())
        extractor = Aliked(engine=engine, max_keypoints=512)
        rows[f"resight, {name}, f32"] = partial(extractor.extract, [chip] * BATCH)
    return rows


def measure(rows: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Milliseconds of one pair or photo: the fastest of several rounds, rows taking turns."""
    for run in rows.values():
        run()
    best = dict.fromkeys(rows, float("inf"))
    for _ in range(ROUNDS):
        for name, run in rows.items():
            started = time.perf_counter()
            run()
            best[name] = min(best[name], 1000 * (time.perf_counter() - started) / BATCH)
    return best


def show(title: str, milliseconds: dict[str, float]) -> None:
    table = Table(title=title)
    table.add_column("")
    table.add_column("ms", justify="right")
    table.add_column("times faster", justify="right")
    reference = next(iter(milliseconds.values()))
    for name, value in milliseconds.items():
        table.add_row(name, f"{value:.1f}", f"{reference / value:.2f}")
    Console(width=90).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(available_cores())
    figures: dict[str, Any] = {
        "machine": {"cpu": platform.processor(), "cores": available_cores()},
        "torch": torch.__version__,
    }
    with tempfile.TemporaryDirectory() as folder:
        extractor, matcher = kornia_networks(Path(folder))
        for count in (512, 1024):
            title = f"LightGlue, one pair, {count} + {count} keypoints"
            figures[title] = measure(matching_rows(matcher, count))
            show(title, figures[title])
        title = "ALIKED n16, one photo of 512 x 416, 512 keypoints"
        figures[title] = measure(extraction_rows(extractor))
        show(title, figures[title])
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
