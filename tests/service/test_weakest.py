"""Which animals lack a good photo: measured in the background, listed with what is lacking."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from resight.service.desk import Desk
from resight.testing import drawn_animals, photograph, write_jpeg

from .conftest import Browser
from .test_jobs_of_desk import ended


def looked_at(ann: Browser, desk: Desk) -> None:
    """Have all photos looked at."""
    desk.jobs.start()
    assert ended(ann, ann.post("/jobs", {"kind": "weakest"}))["state"] == "done"


def test_nothing_is_said_of_animals_whose_photos_were_not_looked_at(ann: Browser) -> None:
    named = sum(each["annotations"] for each in ann.get("/individuals")["items"])
    assert ann.get("/weakest") == {"items": [], "total": 0, "lacking": named}


def test_a_side_that_most_have_is_wanted_of_who_lacks_it(ann: Browser, desk: Desk) -> None:
    first = ann.get("/individuals")["items"][0]["name"]
    left = ann.get("/annotations", individual=first, side="left")["items"]
    desk.catalogue.hide([each["id"] for each in left], actor="ann")
    looked_at(ann, desk)
    assert ann.get("/weakest") == {
        "items": [{"individual": first, "side": "left", "best": None, "below": 0.0}],
        "total": 1,
        "lacking": 0,
    }


@pytest.fixture
def photo(tmp_path: Path) -> bytes:
    """A photo of an animal that no catalogue has."""
    path = tmp_path / "new.jpg"
    picture = photograph(drawn_animals(9)[8], seed=1, side="left", size=(160, 120))
    write_jpeg(path, picture, taken_at=datetime(2024, 7, 5, 10, 30))
    return path.read_bytes()


def test_photos_that_are_put_in_need_no_second_look(ann: Browser, desk: Desk, photo: bytes) -> None:
    looked_at(ann, desk)
    files = {"file": ("new.jpg", photo, "image/jpeg")}
    said = {"individual": "Zoe", "side": "left"}
    assert ann("POST", "/photos", files=files, data=said).status_code == 201
    assert ann.get("/weakest")["lacking"] == 0
