"""Photos about to be added, with the boxes that a detector finds on them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from resight.catalogue import Catalogue, ImportPlan, PlannedPhoto
from resight.catalogue.originals import sha256_of
from resight.detect import Detection
from resight.formats import Boxing
from resight.masks import Mask
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
    boxing = Boxing(Two(), {})
    made = boxing(photo)
    assert [(each.box, each.encounter) for each in made] == [(ONE, "dive 1"), (TWO, "")]
    assert list(boxing.notes()) == ["boxes found on photos: 2 on 1; nobody has looked at them"]


def test_an_encounter_that_was_made_out_is_of_no_one_of_several(photo: PlannedPhoto) -> None:
    derived = replace(photo, derived=frozenset({"encounter"}))
    assert {each.encounter for each in Boxing(Two(), {})(derived)} == {""}
    (again,) = Boxing(Two(), {sha256_of(photo.path): 2})(derived)
    assert again.encounter == "", "nor when they are known"


def test_a_named_photo_has_one(photo: PlannedPhoto) -> None:
    boxing = Boxing(Two(), {})
    assert [each.box for each in boxing(replace(photo, identity="Crush"))] == [ONE]
    assert "further boxes on photos that name one animal, left out: 1" in boxing.notes()


def test_what_is_boxed_known_or_unreadable_stays(photo: PlannedPhoto, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no photo")
    boxing = Boxing(Two(), {sha256_of(photo.path): 1})
    of_one = Mask.of(np.ones((1, 1), bool), Box(3, 3, 9, 9))
    stay = (
        replace(photo, box=Box(3, 3, 9, 9)),
        replace(photo, mask=of_one),
        PlannedPhoto(bad, "bad", "bad.jpg"),
        photo,
    )
    for each in stay:
        assert boxing(each) == (each,)
    assert list(boxing.notes()) == []


def test_a_photo_without_a_box_is_taken_as_a_whole(photo: PlannedPhoto) -> None:
    boxing = Boxing(Nothing(), {})
    assert boxing(photo) == (photo,)
    assert list(boxing.notes()) == ["photos without a box that could be found, taken as wholes: 1"]


class Interrupted(Two):
    """Somebody stops it at the forty-first photo."""

    def __init__(self) -> None:
        self.looked = 0

    def detect(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        self.looked += 1
        if self.looked > 40:
            raise KeyboardInterrupt
        return super().detect(pixels)


def test_photos_are_added_as_their_boxes_are_found(tmp_path: Path) -> None:
    planned = []
    for number in range(45):
        path = tmp_path / f"{number:02}.png"
        Image.new("RGB", (40, 30), (number, 0, 0)).save(path)
        planned.append(PlannedPhoto(path, path.name, path.name))
    plan = ImportPlan("a test", tuple(planned))

    def boxed(catalogue: Catalogue) -> dict[str, set[Box | None]]:
        found: dict[str, set[Box | None]] = {}
        for each in catalogue.annotations():
            found.setdefault(each.name, set()).add(each.box)
        return found

    with Catalogue.init(tmp_path / "it") as catalogue:
        with pytest.raises(KeyboardInterrupt):
            list(catalogue.add(plan, actor="ann", boxing=Boxing(Interrupted(), {})))
        first = boxed(catalogue)
        assert len(first) >= 16, "a batch and more were added before"
        assert all(boxes == {ONE, TWO} for boxes in first.values())
        known = Counter(each.photo.sha256 for each in catalogue.annotations())
        again = Boxing(Two(), known)
        list(catalogue.add(plan, actor="ann", boxing=again))
        assert set(boxed(catalogue)) == {each.name for each in planned}
        assert len(again.made) - 45 == 45 - len(first), "only the others were looked at"
