"""Boxes of animals: proposed, and of further animals on a photo."""

from __future__ import annotations

from typing import Any

from resight.service.desk import Desk

from .conftest import Browser
from .test_jobs_of_desk import ended


def loose(browser: Browser) -> Any:
    """A photo of an animal that nobody knows."""
    return browser.get("/annotations", unresolved=True)["items"][0]


def test_boxes_are_proposed_and_nothing_is_changed(ann: Browser, desk: Desk) -> None:
    photo = loose(ann)
    found = ann.post(f"/annotations/{photo['id']}/boxes", {})
    assert found["detector"] == "salient"
    first = found["boxes"][0]
    assert 0.2 <= first["score"] <= 1
    x, y, w, h = first["box"]
    assert 0 <= x < x + w <= photo["width"]
    assert 0 <= y < y + h <= photo["height"]
    assert ann.get(f"/annotations/{photo['id']}") == photo
    assert ann.post(f"/annotations/{photo['id']}/boxes", {"detector": "salient"}) == found


def test_a_detector_that_nobody_taught_is_said(ann: Browser, desk: Desk) -> None:
    answer = ann("POST", f"/annotations/{loose(ann)['id']}/boxes", json={"detector": "catalogue"})
    assert answer.status_code == 409
    assert "begin the job boxes first" in answer.json()["detail"]
    desk.jobs.start()
    job = ended(ann, ann.post("/jobs", {"kind": "boxes"}))
    assert job["state"] == "failed"
    assert "too few to learn from" in job["message"]


def test_further_animals_of_a_photo_are_one_decision(ann: Browser, desk: Desk) -> None:
    photo = loose(ann)
    path = f"/annotations/{photo['id']}"
    boxes = [[10, 10, 60, 50], [200, 20, 80, 90]]
    refused = ann("POST", f"{path}/others", json={"boxes": boxes})
    assert refused.status_code == 409
    assert "no box yet" in refused.json()["detail"]
    headers = {"If-Match": photo["etag"]}
    ann("PATCH", path, json={"box": [90, 60, 100, 120], "place": "Reef"}, headers=headers)
    made = ann.post(f"{path}/others", {"boxes": boxes})
    assert [each["box"] for each in made["annotations"]] == boxes
    assert {(each["photo"], each["place"], each["date"]) for each in made["annotations"]} == {
        (photo["photo"], "Reef", photo["date"])
    }
    assert {(each["individual"], each["encounter"]) for each in made["annotations"]} == {
        (None, None)
    }
    assert made["decision"]["annotations"] == 2
    again = ann.post(f"{path}/others", {"boxes": boxes})
    assert ([each["id"] for each in again["annotations"]], again["decision"]) == (
        [each["id"] for each in made["annotations"]],
        None,
    )
    ann.post(f"/decisions/{made['decision']['id']}/undo", {})
    assert len(ann.get(f"/photos/{photo['photo']}")["annotations"]) == 1
    assert not [each for each in desk.catalogue.check() if each.severity != "info"]


def test_a_box_beside_the_photo_is_refused_with_all_others(ann: Browser, desk: Desk) -> None:
    photo = loose(ann)
    path = f"/annotations/{photo['id']}"
    ann("PATCH", path, json={"box": [90, 60, 100, 120]}, headers={"If-Match": photo["etag"]})
    boxes = [[10, 10, 60, 50], [5000, 0, 10, 10]]
    assert ann("POST", f"{path}/others", json={"boxes": boxes}).status_code == 422
    assert len(ann.get(f"/photos/{photo['photo']}")["annotations"]) == 1
