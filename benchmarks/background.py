"""What the background does to an identification: the same one behind different drawn animals.

    python -m benchmarks.background [--animals 12] [--json OUT.json]

Each animal is cut out of two drawn photos and pasted, at half the width, on stony ground that is
all keypoints. The gallery has one photo of each animal; three of them share their ground. Every
query shows an animal again, where three *other* animals of the gallery were met: the same ground,
moved by some pixels. As control, no two photos share their ground. Printed with masks (``u2netp``)
and without (``none``): how often the right animal, and how often one met at the query's place, has
the highest score of all; and matches with the photos taken there, which are all false,
with how many of them lie on the ground in both.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from resight.chips import make_chip
from resight.method import Method
from resight.registry import build_method
from resight.settings import Settings
from resight.testing import DrawnAnimal, drawn_animals, photograph
from resight.testing.noise import generator, smooth_noise
from resight.types import Features

KINDS = ("scutes", "stripes")
SIZE, CUT = (640, 480), (320, 240)
TOGETHER = 3  # animals of one place
MOVED = 24  # pixels that the camera moves by at most, at the same place
DIFFICULTY = 0.3


@dataclass(frozen=True, eq=False)
class Pasted:
    """A photo (h, w, 3) uint8 and where on it the animal is, (h, w) bool."""

    pixels: NDArray[np.uint8]
    animal: NDArray[np.bool_]


@dataclass(frozen=True)
class Row:
    """Over all queries. ``matches`` and ``on_ground`` are means over pairs of one place."""

    kind: str
    ground: str
    segment: str
    queries: int
    right_first: int
    neighbour_first: int
    matches: float
    on_ground: float


def ground(place: object) -> NDArray[np.float32]:
    """(h, w, 3) stony ground in 0..255, larger than a photo; the same for the same place."""
    random = generator("ground", place)
    size = (SIZE[0] + 2 * MOVED, SIZE[1] + 2 * MOVED)
    light = smooth_noise(random, size, 60, octaves=6)
    stones = np.tanh(1.5 * smooth_noise(random, size, 12, octaves=3))
    grey = 120 + 28 * light + 26 * stones
    return np.asarray(grey[..., None] * np.array([1.05, 0.98, 0.85], np.float32), np.float32)


def pasted(animal: DrawnAnimal, visit: int, place: object) -> Pasted:
    """The animal as it was on a visit, on the ground of a place, the camera somewhere."""
    random = generator("pasted", animal.kind, animal.name, visit, place)
    photo = photograph(animal, seed=visit, size=CUT, difficulty=DIFFICULTY)
    left, top = (int(random.integers(2 * MOVED)) for _ in range(2))
    scene = ground(place)[top : top + SIZE[1], left : left + SIZE[0]].copy()
    x, y = (int(random.integers(whole - cut)) for whole, cut in zip(SIZE, CUT, strict=True))
    here = (slice(y, y + CUT[1]), slice(x, x + CUT[0]))
    cover = cv2.GaussianBlur(photo.mask.astype(np.float32), (0, 0), 1)[..., None]
    scene[here] = cover * photo.pixels + (1 - cover) * scene[here]
    scene += random.normal(scale=3, size=scene.shape)
    where = np.zeros(SIZE[::-1], bool)
    where[here] = photo.mask
    return Pasted(np.clip(scene, 0, 255).astype(np.uint8), where)


def places(count: int, shared: bool) -> tuple[list[object], list[object]]:
    """Of the gallery's photos and of the queries, by animal."""
    if not shared:
        return [f"gallery {each}" for each in range(count)], [
            f"query {each}" for each in range(count)
        ]
    groups = count // TOGETHER
    return (
        [each // TOGETHER for each in range(count)],
        [(each // TOGETHER + 1) % groups for each in range(count)],
    )


def measure(kind: str, count: int, segment: str, *, shared: bool) -> Row:
    """One row of the table."""
    method = build_method("aliked-n16+lightglue", Settings(segment=segment, max_keypoints=512))
    animals = drawn_animals(count, kind=kind, seed=5)
    met, asked = places(count, shared)
    gallery = [pasted(each, 1, place) for each, place in zip(animals, met, strict=True)]
    queries = [pasted(each, 2, place) for each, place in zip(animals, asked, strict=True)]
    described = features(method, gallery)
    right = neighbour = 0
    found, grounded = [], []
    # Neighbours are the same animals in the control, though nothing is shared there.
    homes, visited = places(count, True)
    for number, (query, own) in enumerate(zip(queries, features(method, queries), strict=True)):
        matches = method.matcher.match(own, described)
        first = int(np.argmax([float(each.scores.sum()) for each in matches]))
        right += first == number
        neighbour += homes[first] == visited[number]
        for other, each in enumerate(matches):
            if homes[other] == visited[number]:
                found.append(len(each))
                ends = on_ground(query, own, each.pairs[:, 0]) & on_ground(
                    gallery[other], described[other], each.pairs[:, 1]
                )
                grounded.append(int(ends.sum()))
    name = "shared" if shared else "each its own"
    return Row(
        kind,
        name,
        segment,
        count,
        right,
        neighbour,
        float(np.mean(found)),
        float(np.mean(grounded)),
    )


def features(method: Method, photos: Sequence[Pasted]) -> list[Features]:
    """Of whole photos, as a catalogue would describe them."""
    chips = [make_chip(each.pixels, long_edge=method.long_edge) for each in photos]
    return [found for chip in chips for found in method.extractor.extract([chip])]


def on_ground(photo: Pasted, described: Features, which: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which of these keypoints lie off the animal."""
    scale = photo.pixels.shape[1] / described.size[0]
    points = np.round((described.keypoints[which] + 0.5) * scale - 0.5).astype(int)
    x, y = np.clip(points, 0, np.array(SIZE) - 1).T
    off: NDArray[np.bool_] = ~photo.animal[y, x]
    return off


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--animals", type=int, default=12, help="of each kind, a multiple of three")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    if asked.animals < 2 * TOGETHER or asked.animals % TOGETHER:
        parser.error("--animals must be a multiple of three, six at least")
    rows = []
    for kind in KINDS:
        for shared in (False, True):
            for segment in ("none", "u2netp"):
                rows.append(measure(kind, asked.animals, segment, shared=shared))
                print(rows[-1], file=sys.stderr, flush=True)
    table = Table(
        "kind", "ground", "masks", "right first", "met there first", "matches", "on ground"
    )
    for row in rows:
        table.add_row(
            row.kind, row.ground, row.segment, f"{row.right_first} of {row.queries}",
            f"{row.neighbour_first}", f"{row.matches:.1f}", f"{row.on_ground:.1f}",
        )  # fmt: skip
    Console().print(table)
    if asked.json:
        asked.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
