"""Matching and extraction: resight beside kornia in torch and OpenCV, in the same run.

    make bench        # = python -m benchmarks.pair [--json OUT.json] [--rounds 5]

Prints milliseconds, how many times faster than each table's first row, and for matching the
share of this machine's limit that the row reaches: its operations (``operations.py``) against
the best product of two large matrices in the same precision (``limit.py``). Adaptive depth
and width are off, so that every row does the same work, but for the WBIA plugin's way. Rows
take turns, and the fastest of several rounds counts; for figures to quote, nothing else should run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from benchmarks.kornia_weights import link_weights
from benchmarks.limit import OPERATIONS, products
from benchmarks.operations import pair_operations
from rich.console import Console
from rich.table import Table

from resight.engine import Engine, available_cores, open_engine
from resight.extractors.aliked import Aliked
from resight.matchers.lightglue import LightGlue
from resight.models.graphs import compiled_folder
from resight.testing.conformance import drawn_chip
from resight.types import Chip, Features

BATCH = 8
MANY = 100
OFF: Any = {"depth_confidence": -1, "width_confidence": -1}


@dataclass(frozen=True)
class Row:
    """What to time: so many pairs or photos, and the operations of each where counted."""

    run: Callable[[], object]
    items: int
    operations: float = 0.0


def kornia_networks(folder: Path) -> tuple[Any, Any]:
    """kornia's ALIKED, and what makes its LightGlue, with the weights that resight fetched."""
    link_weights(folder, ("aliked-n16", "aliked-lightglue"))
    os.environ["TORCH_HOME"] = str(folder)
    from kornia.feature import ALIKED
    from kornia.feature import LightGlue as KorniaLightGlue

    extractor = ALIKED.from_pretrained("aliked-n16", max_num_keypoints=512, detection_threshold=0.0)
    return extractor, lambda **arguments: KorniaLightGlue("aliked", **arguments).eval()


def as_torch(features: Features) -> dict[str, Any]:
    return {
        "keypoints": torch.tensor(features.keypoints)[None],
        "descriptors": torch.tensor(features.descriptors)[None],
        "image_size": torch.tensor([features.size]),
    }


def drawn_features(count: int, photos: int) -> list[Features]:
    engine = open_engine("openvino", precision="f32", cache=compiled_folder())
    extractor = Aliked(engine=engine, max_keypoints=count)
    found = extractor.extract([drawn_chip(seed, (512, 416)) for seed in range(1, photos + 1)])
    if min(map(len, found)) < count:
        raise SystemExit(f"the drawings have fewer than {count} keypoints")
    return found


def engines() -> list[Engine]:
    """Every engine and precision to be had here, the fastest last."""
    wanted = (("onnxruntime", "f32"), ("openvino", "f32"), ("openvino", "auto"))
    found = [open_engine(name, precision=p, cache=compiled_folder()) for name, p in wanted]
    return found if found[-1].precision != "f32" else found[:-1]


def matching_rows(kornia: Any, count: int) -> dict[str, Row]:
    query, other = drawn_features(count, 2)
    pair = {"image0": as_torch(query), "image1": as_torch(other)}
    alone = pair_operations(count, count)
    rows = {"kornia, torch eager, f32": Row(partial(in_torch, kornia(**OFF), [pair]), 1, alone)}
    compiled = kornia(**OFF)
    compiled.compile(static_lengths=(count,))
    try:
        in_torch(compiled, [pair])
    except Exception as error:  # torch raises whatever its compiler's parts raise
        print(f"kornia, torch.compile: does not work here: {type(error).__name__}")
    else:
        rows["kornia, torch.compile, f32"] = Row(partial(in_torch, compiled, [pair]), 1, alone)
    together = pair_operations(count, count, pairs=BATCH)
    for engine in engines():
        matcher = LightGlue(engine=engine, **OFF)
        label = f"resight, {engine.name}, {engine.precision}"
        rows[f"{label}, one by one"] = Row(partial(matcher.match, query, [other]), 1, alone)
        match = partial(matcher.match, query, [other] * BATCH)
        rows[f"{label}, {BATCH} at once"] = Row(match, BATCH, together)
    return rows


def plugin_rows(kornia: Any) -> dict[str, Row]:
    """The published WBIA plugin's way: pairs one by one, early exit and pruning, 2048 points."""
    query, *gallery = drawn_features(2048, 4)
    gallery.append(query)  # drawings differ; the photo itself stands for the same animal
    pairs = [{"image0": as_torch(query), "image1": as_torch(other)} for other in gallery]
    rows = {"kornia, torch eager, f32": Row(partial(in_torch, kornia(), pairs), len(pairs))}
    for engine in engines():
        matcher = LightGlue(engine=engine)
        label = f"resight, {engine.name}, {engine.precision}"
        rows[f"{label}, one by one"] = Row(partial(one_by_one, matcher, query, gallery), 4)
        rows[f"{label}, at once"] = Row(partial(matcher.match, query, gallery), 4)
    return rows


def screening_rows(engine: Engine) -> dict[str, Row]:
    """A query against many photos: the first layers on few keypoints."""
    rows = {}
    for count in (128, 256, 512):
        query, *gallery = drawn_features(count, 5)
        for layers in (1, 2, 3):
            matcher = LightGlue(engine=engine, layers=layers, **OFF)
            match = partial(matcher.match, query, gallery * (MANY // 4))
            operations = pair_operations(count, count, layers=layers, pairs=MANY)
            name = f"{count} keypoints, {layers} layers, {engine.precision}"
            rows[name] = Row(match, MANY, operations)
    return rows


def gallery_rows() -> dict[str, Row]:
    """A query against a gallery, from features: the classical way and ours."""
    sift = cv2.SIFT.create(nfeatures=1024)
    chips = [drawn_chip(seed, (512, 416)) for seed in range(1, 34)]
    found = [sift.detectAndCompute(cv2.cvtColor(c.pixels, cv2.COLOR_RGB2GRAY), None) for c in chips]
    query, *gallery = [descriptors for _, descriptors in found]

    def flann() -> None:
        for other in gallery:
            matcher = cv2.FlannBasedMatcher({"algorithm": 1, "trees": 5}, {"checks": 50})
            pairs = matcher.knnMatch(query, other, k=2)
            sum(first.distance < 0.75 * second.distance for first, second in pairs)

    rows = {"OpenCV SIFT 1024, FLANN, ratio": Row(flann, len(gallery))}
    for count, layers in ((256, 3), (512, 9), (1024, 9)):
        features = drawn_features(count, 5)
        matcher = LightGlue(engine=engines()[-1], layers=layers, **OFF)
        match = partial(matcher.match, features[0], features[1:] * (len(gallery) // 4))
        name = f"resight, {matcher.precision}, {count} keypoints, {layers} layers"
        rows[name] = Row(match, len(gallery))
    return rows


def one_by_one(matcher: LightGlue, query: Features, gallery: list[Features]) -> None:
    for other in gallery:
        matcher.match(query, [other])


def in_torch(network: Any, inputs: list[Any]) -> None:
    with torch.inference_mode():
        for given in inputs:
            network(given)


def extraction_rows(kornia: Any) -> dict[str, Row]:
    chip: Chip = drawn_chip(1, (512, 416))
    tensor = torch.tensor(chip.pixels.transpose(2, 0, 1)[None] / np.float32(255))
    rows = {"kornia, torch eager, f32": Row(partial(in_torch, kornia, [tensor]), 1)}
    for name in ("onnxruntime", "openvino"):
        engine = open_engine(name, precision="f32", cache=compiled_folder())
        extractor = Aliked(engine=engine, max_keypoints=512)
        rows[f"resight, {name}, f32"] = Row(partial(extractor.extract, [chip] * BATCH), BATCH)
    return rows


def measure(rows: dict[str, Row], rounds: int) -> dict[str, float]:
    """Milliseconds of one pair or photo: the fastest of several rounds, rows taking turns."""
    for row in rows.values():
        row.run()
    best = dict.fromkeys(rows, float("inf"))
    for _ in range(rounds):
        for name, row in rows.items():
            started = time.perf_counter()
            row.run()
            best[name] = min(best[name], 1000 * (time.perf_counter() - started) / row.items)
    return best


def show(title: str, rows: dict[str, Row], rounds: int) -> dict[str, dict[str, float]]:
    """Measure and print; the figures by row. Where operations are counted, beside the limit."""
    if any(row.operations for row in rows.values()):
        rows = rows | {name: Row(run, 1, OPERATIONS) for name, run in products().items()}
    best = measure(rows, rounds)
    speed = {name: rows[name].operations / (1e6 * value) for name, value in best.items()}
    limit = {
        precision: max((speed[n] for n in rows if "product" in n and precision in n), default=0.0)
        for precision in ("f32", "bf16")
    }
    table = Table(title=title)
    for column in ("", "ms", "times faster", "GFLOP/s", "share of limit"):
        table.add_column(column, justify="right" if column else "left")
    figures = {}
    reference = next(iter(best.values()))
    for name, value in best.items():
        figures[name] = {"ms": value, "times_faster": reference / value}
        shown = [f"{value:.2f}", f"{reference / value:.2f}"]
        if rows[name].operations:
            share = speed[name] / limit["bf16" if "bf16" in name else "f32"]
            figures[name] |= {"gflops": speed[name], "share_of_limit": share}
            shown += [f"{speed[name]:.0f}", f"{share:.0%}"]
        table.add_row(name, *shown)
    Console(width=100).print(table)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(available_cores())
    figures: dict[str, Any] = {
        "machine": {"cpu": platform.processor(), "cores": available_cores()},
        "torch": torch.__version__,
    }
    with tempfile.TemporaryDirectory() as folder:
        extractor, matcher = kornia_networks(Path(folder))
        tables: dict[str, Callable[[], dict[str, Row]]] = {
            f"LightGlue, one pair, {count} + {count} keypoints": partial(
                matching_rows, matcher, count
            )
            for count in (512, 1024)
        }
        tables["LightGlue the WBIA plugin's way: adaptive, 2048 keypoints, one pair"] = partial(
            plugin_rows, matcher
        )
        for engine in engines()[1:]:
            title = f"LightGlue's first layers, {engine.precision}, one of {MANY} pairs"
            tables[title] = partial(screening_rows, engine)
        tables["one photo of a gallery of 32, from features"] = gallery_rows
        tables["ALIKED n16, one photo of 512 x 416, 512 keypoints"] = partial(
            extraction_rows, extractor
        )
        for title, rows in tables.items():
            figures[title] = show(title, rows(), arguments.rounds)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
