"""Chips and masks as pictures, with a table that says which is which: food for other tools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from resight.catalogue import AnnotationRecord, Catalogue
from resight.chips import make_chip
from resight.errors import ExportError, PhotoError
from resight.extractors.foreground import animal_of
from resight.files import write_whole
from resight.formats.table import csv_bytes, taken_at
from resight.masks import masked
from resight.photos import read_photo
from resight.segment import Segmenter
from resight.types import Chip

_COLUMNS = (
    "chip", "mask", "annotation", "identity", "side", "encounter", "species", "date", "taken_at",
    "photo", "sha256", "width", "height", "a", "b", "c", "d", "e", "f",
)  # fmt: skip


@dataclass(frozen=True)
class Cropped:
    """What was written. ``missed``: chips in which no animal was found, so without a mask;
    ``bad`` says by photo why there is no chip."""

    path: Path
    chips: int
    masks: int
    missed: int
    bad: dict[str, str]


def crop(
    catalogue: Catalogue,
    records: Sequence[AnnotationRecord],
    target: Path,
    *,
    long_edge: int,
    margin: float = 0.0,
    segmenter: Segmenter | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Cropped:
    """Write chips (PNG) and ``chips.csv`` into the new folder ``target``.

    With a ``segmenter`` also masks: PNG of the chip's size, 255 on the animal and 0 beside it;
    where a person said which part that is, theirs.
    Chips are upright, their longer side ``long_edge`` pixels. In the table ``a`` to ``f`` lead
    back: a pixel (x, y) of the chip is (a x + b y + c, d x + e y + f) of the upright photo,
    pixel centres at integers. Chips hold no EXIF, so they tell no place. A photo that is lost
    or damaged is told, and the rest goes on.

    Raises ``ExportError`` where ``target`` exists or there is nothing to crop.
    """
    if target.exists() or target.is_symlink():
        raise ExportError(f"{target} exists already: name another folder")
    if not records:
        raise ExportError("there is nothing to crop: no visible photo was named")
    target.parent.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = []
    bad: dict[str, str] = {}
    with TemporaryDirectory(dir=target.parent, prefix=f"{target.name}-unfinished-") as made_in:
        folder = Path(made_in) / target.name
        for name in ("chips", *(["masks"] if segmenter else [])):
            (folder / name).mkdir(parents=True)
        for number, record in enumerate(records, start=1):
            try:
                photo = read_photo(catalogue.original(record.photo.sha256))
                chip = make_chip(
                    photo.pixels,
                    record.box,
                    rotation=record.rotation,
                    margin=margin,
                    long_edge=long_edge,
                )
            except PhotoError as error:
                name = record.name if record.name not in bad else f"{record.name} ({record.id})"
                bad[name] = str(error)
            else:
                rows.append(_written(folder, record, masked(chip, record.mask), segmenter))
            if progress is not None:
                progress(number, len(records))
        if not rows:
            raise ExportError(f"no photo could be cropped: {next(iter(bad.values()))}")
        write_whole(folder / "chips.csv", csv_bytes(_COLUMNS, rows, bom=True))
        folder.rename(target)
    masks = sum(row["mask"] is not None for row in rows)
    return Cropped(target, len(rows), masks, len(rows) - masks if segmenter else 0, bad)


def _written(
    folder: Path, record: AnnotationRecord, chip: Chip, segmenter: Segmenter | None
) -> dict[str, object]:
    """Write a chip and its mask; its row of the table."""
    path = f"chips/{record.id}.png"
    Image.fromarray(chip.pixels).save(folder / path)
    mask = _mask(chip, segmenter)
    if mask is not None:
        Image.fromarray(mask).save(folder / f"masks/{record.id}.png")
    return {
        "chip": path,
        "mask": f"masks/{record.id}.png" if mask is not None else None,
        "annotation": record.id,
        "identity": record.individual,
        "side": "" if record.side == "unknown" else record.side,
        "encounter": record.encounter,
        "species": record.species,
        "date": record.date,
        "taken_at": taken_at(record),
        "photo": record.name,
        "sha256": record.photo.sha256,
        "width": chip.size[0],
        "height": chip.size[1],
        **dict(zip("abcdef", map(float, chip.to_photo.ravel()), strict=True)),
    }


def _mask(chip: Chip, segmenter: Segmenter | None) -> NDArray[np.uint8] | None:
    if segmenter is None:
        return None
    animal = chip.animal
    if animal is None:
        (found,) = segmenter.masks([chip])
        animal = animal_of(found, chip.size)
    return None if animal is None else np.where(animal, 255, 0).astype(np.uint8)
