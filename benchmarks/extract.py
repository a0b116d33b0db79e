"""Extraction beside kornia in torch, and a whole import, in one run.

    python -m benchmarks.extract [--photos N] [--json OUT.json]

Extraction: ALIKED n16 of one photo; rows take turns and the fastest of several rounds counts,
so that other programs on the machine disturb all rows alike. ``busy`` is the time of all
threads together, which other programs disturb least. Then eight photos of one size beside eight
of eight sizes, as boxes of all proportions have them.

Import: N drawn photos of 2 to 12 megapixels are added to a new catalogue and then prepared, in
photos per second by the clock; and what each step of one photo takes, one after the other.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from benchmarks.kornia_weights import link_weights
from rich.console import Console
from rich.table import Table

from resight.catalogue import Catalogue, plan_folders
from resight.catalogue.arrays import FeatureStore
from resight.chips import make_chip
from resight.engine import available_cores, open_engine
from resight.extractors.aliked import Aliked
from resight.models.graphs import compiled_folder
from resight.photos import read_photo
from resight.testing import drawn_animals, photograph
from resight.testing.conformance import drawn_chip

ROUNDS = 7
SIZE = (512, 416)
SIZES = tuple((512, height) for height in range(304, 529, 32))  # as large as SIZE on average
COUNTS = (512, 1024)
#: Widths and heights of photos, 2 to 12 megapixels; of each some are drawn.
CAMERAS = ((1632, 1224), (2592, 1728), (3000, 2000), (4000, 3000))
DRAWN = 6
STEPS_OF = 24


@dataclass
class Seconds:
    """The fastest by the clock, and the least of all threads together."""

    clock: float = float("inf")
    busy: float = float("inf")

    @contextmanager
    def measured(self) -> Iterator[None]:
        clock, busy = time.perf_counter(), time.process_time()
        yield
        self.clock = min(self.clock, time.perf_counter() - clock)
        self.busy = min(self.busy, time.process_time() - busy)


@dataclass
class Steps:
    """Busy seconds of the steps of one photo, summed."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def measured(self, step: str) -> Iterator[None]:
        began = time.process_time()
        yield
        self.seconds[step] = self.seconds.get(step, 0.0) + time.process_time() - began


def extraction_rows(count: int, kornia_home: Path) -> dict[str, Callable[[], object]]:
    """What extracts one photo, by name."""
    chip = drawn_chip(1, SIZE)
    rows = {"kornia, torch eager, f32": kornia(count, chip.pixels, kornia_home)}
    for name in ("onnxruntime", "openvino"):
        engine = open_engine(name, precision="f32", cache=compiled_folder())
        extractor = Aliked(engine=engine, max_keypoints=count)
        if len(extractor.extract([chip])[0]) < count:
            raise SystemExit(f"the drawing has fewer than {count} keypoints")
        rows[f"resight, {name}, f32"] = partial(extractor.extract, [chip])
    return rows


def kornia(count: int, pixels: Any, home: Path) -> Callable[[], object]:
    """kornia's ALIKED with the weights that resight fetched, on one photo."""
    link_weights(home, ("aliked-n16",))
    os.environ["TORCH_HOME"] = str(home)
    from kornia.feature import ALIKED

    torch.set_num_threads(available_cores())
    network = ALIKED.from_pretrained("aliked-n16", max_num_keypoints=count, detection_threshold=0.0)
    photo = torch.tensor(pixels.transpose(2, 0, 1)[None] / np.float32(255))

    def eager() -> None:
        with torch.inference_mode():
            network(photo)

    return eager


def size_rows(count: int) -> dict[str, Callable[[], object]]:
    """What extracts eight photos, by how many sizes they have."""
    engine = open_engine("openvino", precision="f32", cache=compiled_folder())
    extractor = Aliked(engine=engine, max_keypoints=count)
    chips = {
        "of one size": [drawn_chip(1, SIZE)] * len(SIZES),
        "of eight sizes": [drawn_chip(1, size) for size in SIZES],
    }
    return {name: partial(extractor.extract, some) for name, some in chips.items()}


def measure(rows: dict[str, Callable[[], object]]) -> dict[str, dict[str, float]]:
    best = {name: Seconds() for name in rows}
    for run in rows.values():
        run()
    for _ in range(ROUNDS):
        for name, run in rows.items():
            with best[name].measured():
                run()
    reference = next(iter(best.values()))
    return {
        name: {
            "ms": 1000 * each.clock,
            "busy ms": 1000 * each.busy,
            "times faster": reference.clock / each.clock,
            "times less busy": reference.busy / each.busy,
        }
        for name, each in best.items()
    }


def draw_photos(folder: Path, count: int) -> None:
    """JPEG files with the detail of photographs; the same drawing in many has other bytes."""
    random = np.random.default_rng(7)
    files: list[tuple[str, bytes]] = []
    for index, animal in enumerate(drawn_animals(DRAWN)):
        drawn = photograph(animal, seed=index, difficulty=0.3, size=(1024, 768)).pixels
        for size in CAMERAS:
            large = cv2.resize(drawn, size, interpolation=cv2.INTER_CUBIC)
            noise = random.integers(0, 12, large.shape, dtype=np.uint8)
            _, jpeg = cv2.imencode(".jpg", cv2.add(large, noise), [cv2.IMWRITE_JPEG_QUALITY, 88])
            files.append((animal.name, jpeg.tobytes()))
    for number in range(count):
        name, data = files[number % len(files)]
        comment = b"\xff\xfe\x00\x0a" + f"{number:08}".encode()
        path = folder / name / f"{number:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data[:2] + comment + data[2:])


def import_figures(folder: Path, count: int) -> dict[str, dict[str, float]]:
    """Photos per second of the two halves of an import and of both, and busy time of one."""
    extractor = Aliked(engine=open_engine("openvino", precision="f32", cache=compiled_folder()))
    halves = {"add": Seconds(), "prepare": Seconds()}
    with Catalogue.init(folder / "catalogue") as catalogue:
        with halves["add"].measured():
            outcomes = list(catalogue.add(plan_folders(folder / "photos"), actor="benchmark"))
        with halves["prepare"].measured():
            report = catalogue.prepare(extractor, long_edge=512)
    if len(outcomes) != count or report.made != count:
        raise SystemExit(f"{len(outcomes)} of {count} photos were added, {report.made} prepared")
    halves["both"] = Seconds(
        sum(each.clock for each in halves.values()), sum(each.busy for each in halves.values())
    )
    return {
        name: {"photos/s": count / each.clock, "busy ms": 1000 * each.busy / count}
        for name, each in halves.items()
    }


def step_figures(folder: Path) -> dict[str, float]:
    """Busy milliseconds of each step of preparing one photo."""
    extractor = Aliked(engine=open_engine("openvino", precision="f32", cache=compiled_folder()))
    store, steps = FeatureStore(folder / "steps", "benchmark"), Steps()
    paths = sorted((folder / "photos").rglob("*.jpg"), key=lambda path: path.name)[:STEPS_OF]
    for path in paths:
        extractor.extract([make_chip(read_photo(path).pixels)])  # ready for its size
        with steps.measured("decode"):
            photo, pixels = read_photo(path)
        with steps.measured("chip"):
            chip = make_chip(pixels)
        with steps.measured("extract"):
            (features,) = extractor.extract([chip])
        with steps.measured("store"):
            store.save(photo.sha256, "", features)
    return {step: 1000 * seconds / len(paths) for step, seconds in steps.seconds.items()}


def show(title: str, rows: dict[str, dict[str, float]]) -> None:
    table = Table(title=title)
    table.add_column("")
    for column in next(iter(rows.values())):
        table.add_column(column, justify="right")
    for name, row in rows.items():
        table.add_row(
            name, *(f"{value:.2f}" if value < 10 else f"{value:.0f}" for value in row.values())
        )
    Console(width=100).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--photos", type=int, default=100, help="photos to import")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    figures: dict[str, Any] = {
        "machine": {"cpu": platform.processor(), "cores": available_cores()},
        "photos": arguments.photos,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count in COUNTS:
            title = f"ALIKED n16, one photo of {SIZE[0]} x {SIZE[1]}, {count} keypoints"
            figures[title] = measure(extraction_rows(count, folder / "torch"))
            show(title, figures[title])
        title = "ALIKED n16, eight photos, 1024 keypoints, openvino"
        figures[title] = measure(size_rows(1024))
        show(title, figures[title])
        draw_photos(folder / "photos", arguments.photos)
        figures["one photo, busy ms"] = step_figures(folder)
        show(
            "Preparing one photo of 2 to 12 megapixels, 1024 keypoints: busy ms",
            {"": figures["one photo, busy ms"]},
        )
        figures["import"] = import_figures(folder, arguments.photos)
        show(f"Import of {arguments.photos} such photos", figures["import"])
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
