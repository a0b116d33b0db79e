"""Which part of a photo shows the animal, as a person drew it or another program said.

A mask lies in the upright photo, not in a box: whoever corrects the box later does not move it,
nor cut it off. It is a grid over the part of the photo that the animal fills, at most 256 cells
on the longer side, fine enough for a chip of 512 pixels; beyond the grid is no animal. Its cells
are kept as COCO's run lengths, so a smooth outline takes less than a kilobyte; what would take
more than four is made coarser until it takes no more.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resight import rle
from resight.errors import PhotoError
from resight.types import Box, Chip

#: Cells of the longer side, and letters of their runs, at most.
MOST_CELLS, MOST_LETTERS = 256, 4096
#: Of the text or list that a stranger sends.
_MOST_SENT = 1_000_000
_FAR, _SMALLEST = 1e7, 1e-3  # pixels
_NOT = "the mask is no COCO segmentation (polygons, or an object with size and counts)"


@dataclass(frozen=True)
class Mask:
    """Cells of a grid that show the animal.

    ``box``: the part of the upright photo under the grid; ``rows`` and ``columns`` its equal
    parts; ``counts`` which of them show the animal, as COCO writes it. Some do. ``made_for``: the
    size of the photo it was made for, where that is said: checked, and not kept.
    """

    box: Box
    rows: int
    columns: int
    counts: str
    made_for: tuple[int, int] | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, cells: NDArray[np.bool_], box: Box) -> Mask:
        """The mask of cells (rows, columns) over a part of the photo, made coarser where needed.

        Raises ``ValueError`` where no cell is the animal's.
        """
        return _kept(rle.runs_of(cells), cells.shape[0], cells.shape[1], box)

    @classmethod
    def of_chip(cls, chip: Chip, animal: NDArray[np.bool_]) -> Mask:
        """The mask of the pixels (h, w) of a chip that show the animal; some do."""
        w, h = chip.size
        edges = np.array([[-0.5, -0.5], [w - 0.5, -0.5], [w - 0.5, h - 0.5], [-0.5, h - 0.5]])
        corners = chip.points_to_photo(edges) + 0.5
        box = Box(*map(float, corners.min(0)), *map(float, np.ptp(corners, axis=0)))
        columns, rows = _grid(Box(0, 0, *(np.array(box[2:]) / max(box[2:]) * MOST_CELLS)))
        x = box.x + (np.arange(columns) + 0.5) * (box.w / columns)
        y = box.y + (np.arange(rows) + 0.5) * (box.h / rows)
        centres = np.stack(np.meshgrid(x, y), 2).reshape(-1, 2) - 0.5
        at = np.rint(chip.points_from_photo(centres)).astype(np.int64)
        there = ((at >= 0) & (at < (w, h))).all(1)
        column, row = at.clip(0, (w - 1, h - 1)).T
        return cls.of((there & animal[row, column]).reshape(rows, columns), box)

    def cells(self) -> NDArray[np.bool_]:
        """(rows, columns): where the animal is."""
        return rle.cells_of(rle.of_text(self.counts), self.rows, self.columns)

    def on(self, size: tuple[int, int], to_photo: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(h, w): which pixels of a chip of this ``size`` show the animal; maybe none.

        ``to_photo`` as of ``Chip``.
        """
        x, y = np.arange(size[0])[None, :], np.arange(size[1])[:, None]
        x, y = (a * x + b * y + c + 0.5 for a, b, c in to_photo)  # + 0.5: edge coordinates
        column = np.floor((x - self.box.x) / self.box.w * self.columns).astype(np.int64)
        row = np.floor((y - self.box.y) / self.box.h * self.rows).astype(np.int64)
        there = (column >= 0) & (column < self.columns) & (row >= 0) & (row < self.rows)
        near = self.cells()[row.clip(0, self.rows - 1), column.clip(0, self.columns - 1)]
        shown: NDArray[np.bool_] = there & near
        return shown

    def as_json(self) -> dict[str, Any]:
        """COCO's object, with the part of the photo that it covers as ``box``."""
        return {
            "box": [*map(float, self.box)],
            "counts": self.counts,
            "size": [self.rows, self.columns],
        }


def masked(chip: Chip, mask: Mask | None) -> Chip:
    """The chip, with the pixels that show the animal where a mask says any of it."""
    animal = None if mask is None else mask.on(chip.size, chip.to_photo)
    return replace(chip, animal=animal) if animal is not None and animal.any() else chip


def mask_text(mask: Mask | None) -> str:
    """A mask as the catalogue stores it; empty for none."""
    return "" if mask is None else json.dumps(mask.as_json(), separators=(",", ":"))


def mask_of(text: str) -> Mask | None:
    """The inverse of ``mask_text``."""
    if not text:
        return None
    said = json.loads(text)
    rows, columns = said["size"]
    return Mask(Box(*said["box"]), rows, columns, said["counts"])


def mask_told(text: str) -> str:
    """A stored mask as people tell it from another: they cannot read its runs."""
    return f"mask {hashlib.sha256(text.encode()).hexdigest()[:6]}" if text else "no mask"


def mask_named(text: str) -> Mask | None:
    """The mask in a table's cell: JSON as for ``mask_said``; empty for none."""
    if not text.strip():
        return None
    if len(text) > _MOST_SENT:
        raise ValueError("the mask is too long")
    try:
        return mask_said(json.loads(text))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{_NOT}: {error}") from error


def mask_said(said: object) -> Mask:
    """The mask in a JSON value.

    COCO's polygons ``[[x, y, x, y, …], …]`` in pixels of the upright photo, or COCO's runs
    ``{"size": [rows, columns], "counts": …}`` over all of it, or over the part of it that
    ``"box": [x, y, w, h]`` says.

    Raises ``ValueError`` for anything else, and for a mask that shows no animal.
    """
    if isinstance(said, list):
        return _of_polygons(said)
    if not isinstance(said, dict):
        raise ValueError(_NOT)
    return _of_runs(said)


def check_kept(mask: Mask) -> None:
    """Raise ``ValueError`` for a mask that was not made by ``of`` or read, and is none."""
    runs = rle.of_text(mask.counts)
    rle.check(runs, mask.rows, mask.columns)
    small = max(mask.rows, mask.columns) <= MOST_CELLS and len(mask.counts) <= MOST_LETTERS
    flat = not all(map(math.isfinite, mask.box)) or min(mask.box[2:]) < _SMALLEST
    if flat or not small or not any(runs[1::2]):
        raise ValueError("the mask is empty, too large or over no area: make it by Mask.of")


def check_mask(mask: Mask, photo_size: tuple[int, int]) -> None:
    """Raise ``PhotoError`` for a mask of another photo than one of this size, or off it."""
    box, (width, height) = mask.box, photo_size
    if mask.made_for is not None and mask.made_for != photo_size:
        made = " x ".join(map(str, mask.made_for))
        raise PhotoError(
            f"the mask is of a photo of {made} pixels, not of {width} x {height}: make it for the "
            "upright photo as it is"
        )
    if box.x >= width or box.y >= height or box.x + box.w <= 0 or box.y + box.h <= 0:
        raise PhotoError(
            f"the mask over x={box.x:g} y={box.y:g} w={box.w:g} h={box.h:g} lies off the "
            f"{width} x {height} photo; masks are in pixels of the upright photo"
        )


def _of_runs(said: Mapping[str, Any]) -> Mask:
    counts, box = said.get("counts"), said.get("box")
    rows, columns = map(int, _numbers(said.get("size"), 2, whole=True))
    if isinstance(counts, str) and len(counts) <= _MOST_SENT:
        runs = rle.of_text(counts)
    else:
        runs = list(map(int, _numbers(counts, whole=True)))
    rle.check(runs, rows, columns)
    if box is None:
        whole = Box(0, 0, columns, rows)
        mask = _sampled(runs, rows, columns, whole, _extent(runs, rows, columns, whole))
        return replace(mask, made_for=(columns, rows))
    part = Box(*(float(each) + 0.0 for each in _numbers(box, 4)))
    if min(part.w, part.h) < _SMALLEST:
        raise ValueError("the box of the mask has no area: w and h must be above 0")
    return _kept(runs, rows, columns, part)


def _of_polygons(said: Sequence[object]) -> Mask:
    polygons = []
    for each in said:
        corners = _numbers(each)
        if len(corners) < 6 or len(corners) % 2:
            raise ValueError(f"{_NOT}: a polygon is [x, y, x, y, x, y …]")
        polygons.append(np.array(corners, np.float64).reshape(-1, 2))
    if not polygons or sum(map(len, polygons)) > _MOST_SENT // 50:
        raise ValueError(f"{_NOT}: {'too many points' if polygons else 'it is empty'}")
    points = np.concatenate(polygons)
    (left, top), (right, bottom) = np.floor(points.min(0)), np.ceil(points.max(0))
    box = Box(*map(float, (left, top, max(1.0, right - left), max(1.0, bottom - top))))
    columns, rows = _grid(box)
    per = np.array([box.w / columns, box.h / rows])
    cells = np.zeros((rows, columns), bool)
    for polygon in polygons:
        cells |= _inside((polygon - (left, top)) / per, rows, columns)
    return Mask.of(cells, box)


def _inside(polygon: NDArray[np.float64], rows: int, columns: int) -> NDArray[np.bool_]:
    """Cells whose centre a ray from the left reaches after an odd number of edges."""
    crossed = np.zeros((rows, columns + 1), np.int64)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, 0), strict=True):
        low, high = min(y0, y1), max(y0, y1)
        first, last = max(0, math.ceil(low - 0.5)), min(rows, math.ceil(high - 0.5))
        row = np.arange(first, last)
        x = x0 + (row + 0.5 - y0) * ((x1 - x0) / (y1 - y0)) if len(row) else np.empty(0)
        crossed[row, np.ceil(x - 0.5).clip(0, columns).astype(np.int64)] += 1
    odd: NDArray[np.bool_] = crossed.cumsum(1)[:, :columns] % 2 == 1
    return odd


def _kept(runs: Sequence[int], rows: int, columns: int, box: Box) -> Mask:
    """As it is where it is small enough, else as a coarser grid over what shows the animal."""
    if max(rows, columns) > MOST_CELLS:
        return _sampled(runs, rows, columns, box, _extent(runs, rows, columns, box))
    cells = rle.cells_of(runs, rows, columns)
    if not cells.any():
        raise ValueError("the mask shows no animal; leave it out to have none")
    counts = rle.to_text(rle.runs_of(cells))
    if len(counts) > MOST_LETTERS:
        return _sampled(runs, rows, columns, box, box, most=max(rows, columns) // 2)
    return Mask(box, rows, columns, counts)


def _sampled(
    runs: Sequence[int], rows: int, columns: int, box: Box, part: Box, most: int = MOST_CELLS
) -> Mask:
    """A mask over ``part`` of the box of runs: what is at the centre of each of its cells."""
    across, down = _grid(Box(0, 0, part.w / box.w * columns, part.h / box.h * rows), most)
    x = part.x + (np.arange(across) + 0.5) * (part.w / across)
    y = part.y + (np.arange(down) + 0.5) * (part.h / down)
    column = np.floor((x - box.x) / box.w * columns).clip(0, columns - 1).astype(np.int64)
    row = np.floor((y - box.y) / box.h * rows).clip(0, rows - 1).astype(np.int64)
    at = column[None, :] * rows + row[:, None]
    cells = np.searchsorted(np.cumsum(runs), at, side="right") % 2 == 1
    return Mask.of(cells, part)


def _extent(runs: Sequence[int], rows: int, columns: int, box: Box) -> Box:
    """The part of the box of runs that holds the animal."""
    ends = np.cumsum(runs, dtype=np.int64)
    first, last = ends[:-1:2], ends[1::2] - 1  # each run of cells that show it
    first, last = first[last >= first], last[last >= first]
    if not len(first):
        raise ValueError("the mask shows no animal; leave it out to have none")
    whole = (first // rows != last // rows).any()  # a run that goes on in the next column
    top = 0 if whole else int((first % rows).min())
    bottom = rows if whole else int((last % rows).max()) + 1
    left, right = int(first[0] // rows), int(last[-1] // rows) + 1
    w, h = box.w / columns, box.h / rows
    return Box(box.x + left * w, box.y + top * h, (right - left) * w, (bottom - top) * h)


def _grid(box: Box, most: int = MOST_CELLS) -> tuple[int, int]:
    """Columns and rows for a part of this size: one for each pixel, or as many as are allowed."""
    scale = min(1.0, most / max(box.w, box.h))
    return max(1, round(box.w * scale)), max(1, round(box.h * scale))


def _numbers(values: object, count: int | None = None, *, whole: bool = False) -> Sequence[float]:
    """These, if they are so many numbers that a photo could have (true and false are none)."""
    types, most = ((int,), 2**40) if whole else ((int, float), _FAR)
    if (
        isinstance(values, list)
        and (len(values) == count if count else 0 < len(values) <= _MOST_SENT)
        and all(type(each) in types and abs(each) < most for each in values)
    ):
        return values
    raise ValueError(_NOT)
