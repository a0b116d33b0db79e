"""Masks over HTTP: what people draw, and what the program takes for the animal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from resight.masks import Mask
from resight.service.desk import Desk, open_desk
from resight.types import Box

from .conftest import QUICK, Browser

SQUARE = {"box": [40.0, 60.0, 100.0, 80.0], "size": [2, 2], "counts": "13"}


@pytest.fixture
def photo(ann: Browser) -> Any:
    return ann.get("/annotations")["items"][0]


def put(browser: Browser, photo: Any, mask: Any, etag: str = "") -> Any:
    return browser(
        "PUT",
        f"/annotations/{photo['id']}/mask",
        json={"mask": mask, "note": "a hand"},
        headers={"If-Match": etag or photo["etag"]},
    )


def test_a_mask_is_given_and_taken_back(ann: Browser, desk: Desk, photo: Any) -> None:
    path = f"/annotations/{photo['id']}/mask"
    assert ann.get(path) == {"mask": None, "etag": photo["etag"]}
    made = put(ann, photo, SQUARE)
    assert made.status_code == 200
    assert made.json()["mask"] == SQUARE
    assert made.headers["etag"] == f'"{made.json()["etag"]}"'
    assert ann.get(path) == made.json()
    (record,) = desk.catalogue.annotations([photo["id"]])
    assert record.mask == Mask(Box(40, 60, 100, 80), 2, 2, "13")
    decision = ann.get("/decisions", annotation=photo["id"])["items"][0]
    assert (decision["actor"], decision["note"]) == ("ann", "a hand")
    (change,) = ann.get(f"/decisions/{decision['id']}/changes")["items"]
    assert change["before"] == {"mask": ""}
    assert len(change["after"]["mask"]) < 20
    back = put(ann, photo, None, made.json()["etag"])
    assert back.json()["mask"] is None
    ann.post(f"/decisions/{decision['id'] + 1}/undo", {})
    assert ann.get(path)["mask"] == SQUARE
    assert not [each for each in desk.catalogue.check() if each.severity != "info"]


def test_polygons_and_runs_over_the_whole_photo_are_masks(ann: Browser, photo: Any) -> None:
    width, height = photo["width"], photo["height"]
    polygon = put(ann, photo, [[0, 0, 60, 0, 60, 240, 0, 240]]).json()
    counts = [0, 60 * height, (width - 60) * height]
    runs = put(ann, photo, {"size": [height, width], "counts": counts}, polygon["etag"]).json()
    assert polygon["mask"] == runs["mask"]
    assert polygon["mask"]["box"] == [0, 0, 60, 240]


def test_nobodys_change_is_lost(ann: Browser, photo: Any) -> None:
    assert put(ann, photo, SQUARE).status_code == 200
    answer = put(ann, photo, None)
    assert answer.status_code == 412
    assert answer.json()["errors"][0]["actor"] == "ann"
    lacking = ann("PUT", f"/annotations/{photo['id']}/mask", json={"mask": None})
    assert lacking.status_code == 428


@pytest.mark.parametrize(
    "mask",
    [
        {"size": [2, 2], "counts": "14"},
        {"size": [2, 2], "counts": [4]},
        {"size": [2, 2], "counts": "13"},  # of another size than the photo
        {"size": [2, 2], "counts": "13", "box": [9000, 0, 5, 5]},
        {"size": [2, 2], "counts": "13", "box": [0, 0, 0, 5]},
        {"size": [2, 2], "counts": "13", "more": 1},
        [[1, 2, 3, 4]],
        [],
        "13",
    ],
)
def test_what_is_no_mask_is_refused(ann: Browser, photo: Any, mask: Any) -> None:
    assert put(ann, photo, mask).status_code == 422
    assert ann.get(f"/annotations/{photo['id']}") == photo


def test_where_nothing_is_looked_for_all_is_the_animal(ann: Browser, photo: Any) -> None:
    assert ann.post(f"/annotations/{photo['id']}/mask", {}) == {"mask": None}


def test_the_programs_own_is_told_and_nothing_changed(folder: Path) -> None:
    settings = QUICK.model_copy(update={"segment": "grabcut"})
    desk = open_desk(folder, local_user="ann", login_required=False, settings=settings)
    try:
        ann = Browser(desk)
        photos = ann.get("/annotations")["items"]
        told = ((each, ann.post(f"/annotations/{each['id']}/mask", {})["mask"]) for each in photos)
        photo, found = next((each, mask) for each, mask in told if mask)  # of some it takes all
        x, y, w, h = found["box"]
        assert 0 <= x < x + w <= photo["width"]
        assert 0 <= y < y + h <= photo["height"]
        assert max(found["size"]) <= 256
        assert ann.get(f"/annotations/{photo['id']}") == photo
        assert put(ann, photo, found).json()["mask"] == found
    finally:
        desk.close()
