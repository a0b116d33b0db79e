"""Sides of photos: proposed once they were learned, never set."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from resight.catalogue import Catalogue, plan_pattern
from resight.service.desk import Desk
from resight.testing import drawn_animals, write_photos

from .conftest import Browser
from .test_jobs_of_desk import ended


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten animals of known sides, and one of which nobody said them."""
    with Catalogue.init(tmp_path / "it") as made:
        for name, animals, pattern in (
            ("known", drawn_animals(10), "{identity}/{date}-{side}"),
            ("new", drawn_animals(11)[10:], "{_}/{date}-{_}"),
        ):
            photos = tmp_path / name
            write_photos(photos, animals, days=[date(2021, 6, 1)], difficulty=0.2, size=(256, 192))
            assert all(
                each.status == "added"
                for each in made.add(plan_pattern(photos, pattern), actor="Ann")
            )
    return tmp_path / "it"


def test_sides_are_proposed_once_the_job_has_learned_them(ann: Browser, desk: Desk) -> None:
    photos = [each for each in ann.get("/annotations")["items"] if each["side"] == "unknown"]
    assert len(photos) == 2
    path = f"/annotations/{photos[0]['id']}"
    assert ann.post(f"{path}/side", {}) == {"side": None, "probability": None, "sure": False}
    desk.jobs.start()
    job = ended(ann, ann.post("/jobs", {"kind": "sides"}))
    assert (job["state"], job["result"]["photos"]) == ("done", 20), job["message"]
    for photo in photos:
        found = ann.post(f"/annotations/{photo['id']}/side", {})
        assert found["side"] in photo["name"]
        assert found["sure"]
        assert 0.9 <= found["probability"] < 1
        assert ann.get(f"/annotations/{photo['id']}") == photo, "nothing is set"


def test_a_job_with_too_few_sides_says_so(ann: Browser, desk: Desk) -> None:
    sided = [each.id for each in desk.catalogue.annotations() if each.side == "left"]
    desk.catalogue.describe(sided, side="", actor="ann")
    desk.jobs.start()
    job = ended(ann, ann.post("/jobs", {"kind": "sides"}))
    assert job["state"] == "failed"
    assert "10 photos of 10 animals whose side is known (right 10) are too few" in job["message"]
