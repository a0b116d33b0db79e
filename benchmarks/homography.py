"""Share of matches that are right, on photos of a wall whose true homographies are known.

    python benchmarks/homography.py PHOTOS/pairs/graf [--json OUT.json]

The folder holds img1 … img6 and `HNtoM` files of the Oxford sequence (Mikolajczyk et al., IJCV
2005). A match is right within 3 px of the homography, in pixels of the second photo; all
matches count, before any geometric check.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from resight.chips import make_chip
from resight.method import Method
from resight.photos import find_photos, read_photo
from resight.registry import build_method
from resight.settings import load_settings
from resight.types import Chip

METHODS = (
    "sift+nearest",
    *(
        f"aliked-{model}+{matcher}"
        for model in ("t16", "n16", "n16rot", "n32")
        for matcher in ("nearest", "lightglue")
        if (model, matcher) != ("t16", "lightglue")  # no weights for 64-dimensional descriptors
    ),
)
PAIRS = ((1, 2), (1, 3), (1, 4))
TOLERANCE = 3.0


def load_chip(folder: Path, number: int) -> Chip:
    """The whole photo at its own size."""
    path = next(p for p in find_photos(folder) if re.fullmatch(rf"(img)?{number}", p.stem))
    pixels = read_photo(path).pixels
    return make_chip(pixels, long_edge=max(pixels.shape[:2]))


def load_homography(folder: Path, first: int, second: int) -> NDArray[np.float64]:
    path = next(p for p in folder.iterdir() if re.match(rf"H{first}to{second}(p|\.|$)", p.name))
    return np.loadtxt(path)


def share_right(
    method: Method, chips: tuple[Chip, Chip], homography: NDArray[np.float64]
) -> tuple[float, int]:
    query, gallery = method.extractor.extract(chips)
    (matches,) = method.matcher.match(query, [gallery])
    start = chips[0].points_to_photo(query.keypoints[matches.pairs[:, 0]])
    end = chips[1].points_to_photo(gallery.keypoints[matches.pairs[:, 1]])
    moved = np.hstack([start, np.ones((len(start), 1))]) @ homography.T
    error = np.linalg.norm(moved[:, :2] / moved[:, 2:] - end, axis=1)
    return float((error <= TOLERANCE).mean()) if len(error) else 0.0, len(matches)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--max-keypoints", type=int, default=1024)
    arguments = parser.parse_args()
    plain = ["segment=none", "contrast=none"]  # a wall has no animal
    settings = load_settings([f"max_keypoints={arguments.max_keypoints}", "precision=f32", *plain])
    chips = {
        number: load_chip(arguments.folder, number) for number in {n for p in PAIRS for n in p}
    }
    table = Table(title=f"matches within {TOLERANCE:g} px of the homography (of how many)")
    table.add_column("method")
    for first, second in PAIRS:
        table.add_column(f"{first} to {second}", justify="right")
    figures = {}
    for name in METHODS:
        method = build_method(name, settings)
        figures[name] = [
            share_right(
                method,
                (chips[first], chips[second]),
                load_homography(arguments.folder, first, second),
            )
            for first, second in PAIRS
        ]
        table.add_row(name, *(f"{share:.1%} ({count})" for share, count in figures[name]))
    Console(width=90).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
