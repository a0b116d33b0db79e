"""Long work at the desk: asked for over HTTP, done in the background, seen by people."""

from __future__ import annotations

import time
from typing import Any

import pytest

from resight.service.desk import Desk

from .conftest import Browser


def ended(browser: Browser, job: Any) -> Any:
    end = time.monotonic() + 60
    while job["state"] in ("queued", "running") and time.monotonic() < end:
        time.sleep(0.05)
        job = browser.get(f"/jobs/{job['id']}")
    return job


def test_all_unresolved_encounters_are_identified_in_the_background(
    ann: Browser, desk: Desk
) -> None:
    answer = ann.post("/jobs", {"kind": "identify"})
    assert (answer["state"], answer["actor"]) == ("queued", "ann")
    assert ann.get("/summary")["jobs"] == 1
    desk.jobs.start()
    assert ended(ann, answer)["result"] == {"identified": 1, "failed": []}
    (encounter,) = ann.get("/encounters", state="unresolved")["items"]
    truth = sorted(each["name"] for each in ann.get("/individuals")["items"])[0]
    assert encounter["answer"]["first"] == truth
    assert ann.get("/summary")["jobs"] == 0


def test_a_job_without_probabilities_fails_and_suspects_nothing(ann: Browser, desk: Desk) -> None:
    nothing: dict[str, Any] = {"duplicates": [], "mixups": [], "computed_at": None}
    assert ann.get("/suspicions") == nothing
    desk.jobs.start()
    job = ended(ann, ann.post("/jobs", {"kind": "suspicions"}))
    assert job["state"] == "failed", "with these settings no probabilities are known"
    assert "calibrate first" in job["message"]
    assert ann.get("/suspicions") == nothing


@pytest.mark.parametrize("body", [{"kind": "nothing"}, {"kind": "prepare", "arguments": {"x": 1}}])
def test_a_job_that_there_is_not_is_a_problem(ann: Browser, body: Any) -> None:
    answer = ann("POST", "/jobs", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
