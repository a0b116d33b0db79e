"""From a photo nobody knows to a decision, over HTTP."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from resight.service.desk import Desk
from resight.types import Box

from .conftest import Browser


def unresolved(browser: Browser) -> Any:
    (found,) = browser.get("/encounters", state="unresolved")["items"]
    return found


def etags(encounter: Any) -> dict[str, str]:
    return {each["id"]: each["etag"] for each in encounter["annotations"]}


def decide(browser: Browser, encounter: Any, answer: str, **more: Any) -> Any:
    body = {"answer": answer, "annotations": list(etags(encounter)), "etags": etags(encounter)}
    return browser.post("/decisions", {**body, **more})


def test_this_machine_needs_no_login(ann: Browser) -> None:
    session = ann.get("/session")
    assert session["user"] == {"name": "ann", "role": "curator"}
    assert session["login_required"] is False


def test_an_encounter_is_asked_about_decided_and_taken_back(ann: Browser) -> None:
    encounter = unresolved(ann)
    assert encounter["ref"] == encounter["name"] == "meeting 1"
    answer = ann.post("/identifications", {"encounter": "meeting 1"})
    truth = sorted(each["name"] for each in ann.get("/individuals")["items"])[0]
    assert answer["candidates"][0]["individual"] == truth
    assert answer["annotations"] == [each["id"] for each in encounter["annotations"]]
    assert ann.get(f"/identifications/{answer['id']}") == answer

    best = answer["candidates"][0]["photos"][0]
    query, candidate = best["query"], best["annotation"]["id"]
    pair = ann.get(f"/identifications/{answer['id']}/pair", query=query, annotation=candidate)
    assert len(pair["lines"]) == best["matches"]
    assert sum(line[5] for line in pair["lines"]) == best["inliers"]
    moved = np.array(pair["transform"]) @ [*pair["lines"][0][:2], 1]
    assert np.linalg.norm(moved[:2] / moved[2] - pair["lines"][0][2:4]) < 20

    shown = {"query": query, "annotation": candidate}
    drawn = ann("GET", f"/identifications/{answer['id']}/picture", params=shown)
    assert Image.open(io.BytesIO(drawn.content)).size[0] == 1200

    made = decide(ann, encounter, "individual", individual=truth, identification=answer["id"])
    assert made["kind"] == "assign"
    assert made["actor"] == "ann"
    assert "sift" in made["identification"]
    assert ann.get("/summary")["unresolved"] == 0
    assert ann.get("/encounter", ref="meeting 1")["individual"] == truth

    undo = ann.post(f"/decisions/{made['id']}/undo", {})
    assert undo["undoes"] == made["id"]
    assert unresolved(ann)["answer"]["first"] == truth


def test_a_kept_answer_names_an_animal_as_it_is_named_now(ann: Browser, desk: Desk) -> None:
    kept = ann.post("/identifications", {"encounter": "meeting 1"})
    first, second = (each["individual"] for each in kept["candidates"][:2])
    desk.catalogue.individuals.rename(first, "in between", actor="ann")
    desk.catalogue.individuals.rename(second, first, actor="ann")
    desk.catalogue.individuals.rename("in between", second, actor="ann")
    read = ann.get(f"/identifications/{kept['id']}")
    assert [each["individual"] for each in read["candidates"][:2]] == [second, first]
    assert unresolved(ann)["answer"]["first"] == second

    desk.catalogue.individuals.merge(second, first, actor="ann")
    read = ann.get(f"/identifications/{kept['id']}")
    (one,) = (each for each in read["candidates"] if each["individual"] == first)
    both = kept["candidates"][:2]
    assert len(one["photos"]) == sum(len(each["photos"]) for each in both)
    unnamed = [each.id for each in desk.catalogue.annotations() if each.individual == first]
    desk.catalogue.assign(unnamed, None, actor="ann")
    read = ann.get(f"/identifications/{kept['id']}")
    assert first not in [each["individual"] for each in read["candidates"]]
    assert ann.get("/encounter", ref="meeting 1")["answer"] is None


def test_animals_merged_since_are_as_probable_as_they_were_together(
    ann: Browser, desk: Desk
) -> None:
    found = ann.post("/identifications", {"encounter": "meeting 1"})
    first, second = (each["individual"] for each in found["candidates"][:2])
    kept = desk.store.kept(found["id"])
    for said, probability in zip(kept.answer["candidates"], (0.5, 0.4), strict=False):
        said["probability"] = probability
    judged = desk.store.keep("ann", kept.annotations, kept.answer, {}, {})
    desk.catalogue.individuals.merge(second, first, actor="ann")
    (one, *_) = ann.get(f"/identifications/{judged.id}")["candidates"]
    assert (one["individual"], one["probability"]) == (first, pytest.approx(0.9))


def test_pictures_are_small_jpegs(ann: Browser) -> None:
    annotation = ann.get("/annotations")["items"][0]
    picture = ann("GET", f"/photos/{annotation['photo']}/picture", params={"width": 200})
    assert picture.headers["content-type"] == "image/jpeg"
    assert "immutable" in picture.headers["cache-control"]
    assert Image.open(io.BytesIO(picture.content)).size == (320, 240)
    chip = ann("GET", f"/annotations/{annotation['id']}/chip", params={"size": 100})
    assert max(Image.open(io.BytesIO(chip.content)).size) == 128


def test_a_new_animal_gets_a_name_of_its_own(ann: Browser) -> None:
    known = {each["name"] for each in ann.get("/individuals")["items"]}
    made = decide(ann, unresolved(ann), "new")
    assert made["individual"] not in known
    assert ann.get("/individual", name=made["individual"])["annotations"] == 2


def test_marks_of_a_review_move_an_encounter(ann: Browser, desk: Desk) -> None:
    decide(ann, unresolved(ann), "unsure", note="too blurred")
    assert ann.get("/summary")["unsure"] == 1
    (encounter,) = ann.get("/encounters", state="unsure")["items"]
    decide(ann, encounter, "second_opinion")
    (encounter,) = ann.get("/encounters", state="second_opinion")["items"]
    decide(ann, encounter, "unknown")
    assert unresolved(ann)["annotations"][0]["review"] is None
    assert not list(desk.catalogue.check())


def test_a_chip_that_is_known_is_not_sent_again(ann: Browser, desk: Desk) -> None:
    path = f"/annotations/{desk.catalogue.annotations()[0].id}/chip"
    first = ann("GET", path)
    again = ann("GET", path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    desk.catalogue.describe(
        [desk.catalogue.annotations()[0].id], box=Box(9, 9, 99, 99), actor="ann"
    )
    assert ann("GET", path, headers={"if-none-match": first.headers["etag"]}).status_code == 200
