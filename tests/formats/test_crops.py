"""Chips and masks written for other tools."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from resight.catalogue import Catalogue, ImportPlan, PlannedPhoto
from resight.errors import ExportError
from resight.formats.crops import crop
from resight.masks import Mask
from resight.types import Box, Chip

WHITE = Box(30, 10, 20, 40)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    """One photo, black but for a white box, which is Crush; and one whole photo of nobody."""
    pixels = np.zeros((60, 80, 3), np.uint8)
    pixels[10:50, 30:50] = 255
    Image.fromarray(pixels).save(tmp_path / "1.png")
    Image.fromarray(255 - pixels).save(tmp_path / "2.png")
    plan = ImportPlan(
        "test",
        (
            PlannedPhoto(tmp_path / "1.png", "1", "=1.png", "Crush", WHITE, side="left"),
            PlannedPhoto(tmp_path / "2.png", "2", "2.png"),
        ),
    )
    with Catalogue.init(tmp_path / "it") as made:
        list(made.add(plan, actor="ann"))
        yield made


class UpperHalf:
    """Finds the upper half of every chip; of one that is not all white, nothing."""

    fingerprint = "upper"

    def masks(self, chips: Sequence[Chip]) -> list[NDArray[np.float32]]:
        return [
            np.array([[1.0 if chip.pixels.min() > 250 else 0.0], [0.0]], np.float32)
            for chip in chips
        ]


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "chips.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_chips_masks_and_the_way_back(catalogue: Catalogue, tmp_path: Path) -> None:
    records = catalogue.annotations()
    report = crop(catalogue, records, tmp_path / "out", long_edge=80, segmenter=UpperHalf())
    assert (report.chips, report.masks, report.missed, report.bad) == (2, 1, 1, {})
    whole, boxed = table(tmp_path / "out")
    assert (boxed["identity"], boxed["side"], boxed["photo"]) == ("Crush", "left", "'=1.png")
    assert whole["mask"] == ""
    chip = np.asarray(Image.open(tmp_path / "out" / boxed["chip"]))
    assert chip.shape == (80, 40, 3)
    assert chip.min() == 255
    a, b, c, d, e, f = (float(boxed[name]) for name in "abcdef")
    # The middles of the chip's corner pixels lie half a chip pixel within the box.
    assert (a * 0 + b * 0 + c, d * 0 + e * 0 + f) == (29.75, 9.75)
    assert (a * 39 + b * 79 + c, d * 39 + e * 79 + f) == (49.25, 49.25)
    mask = np.asarray(Image.open(tmp_path / "out" / boxed["mask"]))
    assert mask.shape == (80, 40)
    assert set(np.unique(mask)) == {0, 255}
    assert mask[:20].min() == 255
    assert mask[-20:].max() == 0


def test_a_persons_mask_is_written_instead(catalogue: Catalogue, tmp_path: Path) -> None:
    (crush,) = catalogue.find("Crush")
    lower = Mask.of(np.array([[False], [True]]), WHITE)
    catalogue.describe([crush], mask=lower, actor="ann")
    records = catalogue.annotations([crush])
    crop(catalogue, records, tmp_path / "out", long_edge=80, segmenter=UpperHalf())
    (row,) = table(tmp_path / "out")
    mask = np.asarray(Image.open(tmp_path / "out" / row["mask"]))
    assert mask[:40].max() == 0
    assert mask[40:].min() == 255


def test_a_lost_photo_is_told_and_the_rest_written(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.original("2.png").unlink()
    report = crop(catalogue, catalogue.annotations(), tmp_path / "out", long_edge=40)
    assert (report.chips, list(report.bad)) == (1, ["2.png"])
    assert not (tmp_path / "out" / "masks").exists()


def test_nothing_is_overwritten_or_left_half(catalogue: Catalogue, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ExportError, match="exists already"):
        crop(catalogue, catalogue.annotations(), tmp_path / "it", long_edge=40)
    with pytest.raises(ExportError, match="nothing to crop"):
        crop(catalogue, [], tmp_path / "out", long_edge=40)
    for name in ("=1.png", "2.png"):
        catalogue.original(name).unlink()
    with pytest.raises(ExportError, match="no photo could be cropped"):
        crop(catalogue, catalogue.annotations(), tmp_path / "out", long_edge=40)
    assert sorted(tmp_path.iterdir()) == before
