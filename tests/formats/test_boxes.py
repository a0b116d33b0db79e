"""Photos about to be added, with the boxes that a detector finds on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from resight.catalogue import ImportPlan, PlannedPhoto
from resight.catalogue.originals import sha256_of
from resight.detect import Detection
from resight.formats import with_boxes
from resight.types import Box

ONE, TWO, DOUBTFUL = Box(1, 2, 10, 10), Box(20, 5, 8, 9), Box(0, 0, 5, 5)


class Two:
    """Finds the same on every photo."""

    fingerprint = "two"

    def detect(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        return [Detection(ONE, 0.9), Detection(TWO, 0.7), Detection(DOUBTFUL, 0.1)]


class Nothing(Two):
    def detect(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        return []


@pytest.fixture
def photo(tmp_path: Path) -> PlannedPhoto:
    path = tmp_path / "1.png"
    Image.new("RGB", (40, 30), "grey").save(path)
    return PlannedPhoto(path, str(path), path.name, encounter="dive 1")


def test_each_box_of_an_unknown_photo_is_an_animal(photo: PlannedPhoto) -> None:
    plan = with_boxes(ImportPlan("a test", (photo,)), Two())
    assert [(each.box, each.encounter) for each in plan.photos] == [(ONE, "dive 1"), (TWO, "")]
    assert plan.notes == ("boxes found on photos: 2 on 1; nobody has looked at them",)


def test_a_named_photo_has_one(photo: PlannedPhoto) -> None:
    plan = with_boxes(ImportPlan("a test", (replace(photo, identity="Crush"),)), Two())
    assert [each.box for each in plan.photos] == [ONE]
    assert "further boxes on photos that name one animal, left out: 1" in plan.notes


def test_what_is_boxed_known_or_unreadable_stays(photo: PlannedPhoto, tmp_path: Path) -> None:
    boxed = replace(photo, box=Box(3, 3, 9, 9))
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no photo")
    plan = ImportPlan("a test", (boxed, PlannedPhoto(bad, "bad", "bad.jpg")))
    assert with_boxes(plan, Two()) == plan
    known = ImportPlan("a test", (photo,))
    assert with_boxes(known, Two(), known={sha256_of(photo.path)}) == known


def test_a_photo_without_a_box_is_taken_as_a_whole(photo: PlannedPhoto) -> None:
    told: list[tuple[int, int]] = []
    plan = with_boxes(
        ImportPlan("a test", (photo,)), Nothing(), progress=lambda *done: told.append(done)
    )
    assert plan.photos == (photo,)
    assert plan.notes == ("photos without a box that could be found, taken as wholes: 1",)
    assert told == [(1, 1)]
