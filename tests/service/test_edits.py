"""Two people at once, requests sent twice, corrections, merges and splits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from resight.service.desk import Desk

from .conftest import Browser
from .test_attacks import jpeg, upload
from .test_review import decide, etags, unresolved


def names(browser: Browser) -> list[str]:
    return [each["name"] for each in browser.get("/individuals")["items"]]


def test_a_decision_on_what_has_changed_is_refused_and_says_what_did(
    ann: Browser, desk: Desk
) -> None:
    seen = unresolved(ann)
    bob, first = names(ann)[:2]
    made = decide(ann, seen, "individual", individual=bob)
    body = {"answer": "individual", "individual": first, "annotations": list(etags(seen))}
    refused = ann("POST", "/decisions", json={**body, "etags": etags(seen)})
    assert refused.status_code == 412
    told = refused.json()["errors"]
    assert [each["annotation"] for each in told] == list(etags(seen))
    assert {each["decision"] for each in told} == {made["id"]}
    assert {each["individual"] for each in told} == {bob}
    assert ann.get("/encounter", ref=seen["ref"])["individual"] == bob


def test_a_decision_that_does_not_say_what_was_seen_is_refused(ann: Browser) -> None:
    body = {"answer": "unsure", "annotations": list(etags(unresolved(ann)))}
    assert ann("POST", "/decisions", json=body).status_code == 428


def test_of_two_who_edit_at_once_one_is_told(ann: Browser) -> None:
    annotation = ann.get("/annotations")["items"][0]
    path = f"/annotations/{annotation['id']}"
    assert ann("PATCH", path, json={"side": "left"}).status_code == 428
    headers = {"If-Match": f'"{annotation["etag"]}"'}
    first = ann("PATCH", path, json={"place": "reef"}, headers=headers)
    assert first.status_code == 200
    assert first.json()["place"] == "reef"
    assert ann("PATCH", path, json={"place": "bay"}, headers=headers).status_code == 412
    again = {"If-Match": first.headers["etag"]}
    assert ann("PATCH", path, json={"place": None}, headers=again).json()["place"] is None


def test_loose_ones_are_of_no_animal_and_in_no_encounter(ann: Browser) -> None:
    before = ann.get("/annotations", loose=True)["total"]
    upload(ann, jpeg(), name="loose.jpg")
    upload(ann, jpeg(2), name="kept.jpg", encounter="kept apart")
    found = ann.get("/annotations", loose=True)
    assert found["total"] == before + 1
    assert "loose.jpg" in [each["name"] for each in found["items"]]
    rest = ann.get("/annotations", loose=False)["total"]
    assert rest + found["total"] == ann.get("/annotations")["total"]


def test_a_box_is_corrected_and_taken_back(ann: Browser, desk: Desk) -> None:
    annotation = ann.get("/annotations")["items"][0]
    path = f"/annotations/{annotation['id']}"
    headers = {"If-Match": annotation["etag"]}
    before = ann("GET", f"{path}/chip").content
    drawn = {"box": [10, 20, 100, 80], "rotation": 30}
    changed = ann("PATCH", path, json=drawn, headers=headers).json()
    assert (changed["box"], changed["rotation"]) == ([10, 20, 100, 80], 30)
    assert ann("GET", f"{path}/chip").content != before
    off = {"box": [5000, 20, 100, 80]}
    assert ann("PATCH", path, json=off, headers={"If-Match": changed["etag"]}).status_code == 422
    (last,) = desk.catalogue.decisions(limit=1)
    ann.post(f"/decisions/{last.id}/undo", {})
    assert ann.get(path)["box"] == annotation["box"]
    assert ann("GET", f"{path}/chip").content == before
    assert not list(desk.catalogue.check())


def test_several_photos_become_an_encounter_as_they_were_seen(ann: Browser) -> None:
    some = ann.get("/annotations", unresolved=False)["items"][:2]
    seen = {each["id"]: each["etag"] for each in some}
    body = {"annotations": list(seen), "place": "reef"}
    assert ann("POST", "/annotations/describe", json=body).status_code == 428
    made = ann.post("/annotations/describe", {**body, "etags": seen})
    assert (made["kind"], made["annotations"]) == ("describe", 2)
    again = ann("POST", "/annotations/describe", json={**body, "etags": seen})
    assert again.status_code == 412


def test_a_request_sent_twice_is_done_once(ann: Browser) -> None:
    encounter = unresolved(ann)
    body = {"answer": "new", "annotations": list(etags(encounter)), "etags": etags(encounter)}
    headers = {"Idempotency-Key": "one"}
    first = ann("POST", "/decisions", json=body, headers=headers)
    again = ann("POST", "/decisions", json=body, headers=headers)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    other = {**body, "note": "another"}
    assert ann("POST", "/decisions", json=other, headers=headers).status_code == 422


def test_a_refused_request_may_be_sent_again_with_its_key(ann: Browser) -> None:
    encounter = unresolved(ann)
    body = {"answer": "unsure", "annotations": list(etags(encounter)), "etags": {}}
    headers = {"Idempotency-Key": "one"}
    assert ann("POST", "/decisions", json=body, headers=headers).status_code == 428
    body["etags"] = etags(encounter)
    assert ann("POST", "/decisions", json=body, headers=headers).status_code == 201


def test_of_many_at_once_with_one_key_one_decides(ann: Browser, desk: Desk) -> None:
    encounter = unresolved(ann)
    body = {"answer": "new", "annotations": list(etags(encounter)), "etags": etags(encounter)}
    before = desk.catalogue.count_decisions()

    def send(_: int) -> int:
        answer = ann("POST", "/decisions", json=body, headers={"Idempotency-Key": "one"})
        status: int = answer.status_code
        return status

    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(send, range(6)))
    assert found <= {201, 409}
    assert desk.catalogue.count_decisions() == before + 1


def test_the_same_photo_again_changes_nothing(ann: Browser) -> None:
    first = upload(ann, jpeg(5), individual="Crush")
    assert (first.status_code, first.json()["status"]) == (201, "added")
    again = upload(ann, jpeg(5), individual="Crush")
    assert (again.status_code, again.json()["status"]) == (200, "already")
    other = upload(ann, jpeg(5), individual="Squirt")
    assert (other.status_code, other.json()["status"]) == (200, "conflict")
    assert other.json()["annotation"] is None
    filled = upload(ann, jpeg(5), box="1,2,30,20", place="reef").json()
    assert filled["status"] == "updated"
    assert ann.get(f"/annotations/{filled['annotation']}")["box"] == [1, 2, 30, 20]


def test_a_merge_is_shown_first_done_and_taken_back_much_later(ann: Browser, desk: Desk) -> None:
    one, two = names(ann)[1:3]
    note = ann.get("/individual", name=one)["etag"]
    ann("PATCH", "/individual", json={"name": one, "notes": "a scar"}, headers={"If-Match": note})
    shown = ann("POST", "/individuals/merge", json={"from": one, "into": two, "preview": True})
    (would,) = shown.json()["preview"]["individuals"]
    assert (would["name"], would["annotations"], would["notes"]) == (two, 8, "a scar")
    assert names(ann)[1:3] == [one, two]

    body = {"from": one, "into": two}
    assert ann("POST", "/individuals/merge", json=body).status_code == 428
    headers = {"If-Match": shown.headers["etag"]}
    made = ann("POST", "/individuals/merge", json=body, headers=headers)
    assert made.status_code == 201
    assert one not in names(ann)
    decide(ann, unresolved(ann), "individual", individual=two)  # something else meanwhile
    ann.post(f"/decisions/{made.json()['id']}/undo", {})
    told = ann.get("/individual", name=one)
    assert (told["annotations"], told["notes"]) == (4, "a scar")
    assert ann.get("/individual", name=two)["annotations"] == 6
    assert [each["kind"] for each in told["decisions"]][:3] == ["undo", "merge", "note"]
    assert not list(desk.catalogue.check())


def test_a_part_of_an_encounter_that_is_split_off_gets_its_own(ann: Browser, desk: Desk) -> None:
    name = names(ann)[1]
    group = ann.get("/individual", name=name)
    ids = [each["id"] for each in group["shown"]]
    desk.catalogue.describe(ids[:2], encounter="dive 1", actor="ann")
    body = {"name": name, "annotations": ids[:1], "new_name": "Other", "preview": True}
    part = ann.post("/individuals/split", body)["preview"]
    assert part["encounters"] == {"dive 1": "dive 1 (Other)"}
    body["annotations"] = ids[:2]
    shown = ann("POST", "/individuals/split", json=body)
    counts = {each["name"]: each["annotations"] for each in shown.json()["preview"]["individuals"]}
    assert counts == {name: 2, "Other": 2}
    assert shown.json()["preview"]["encounters"] == {}
    headers = {"If-Match": shown.headers["etag"]}
    made = ann("POST", "/individuals/split", json={**body, "preview": False}, headers=headers)
    assert made.json()["kind"] == "split"
    assert ann.get("/individual", name="Other")["timeline"][0]["name"] == "dive 1"


def test_a_name_that_somebody_has_is_no_new_one(ann: Browser) -> None:
    one, two = names(ann)[1:3]
    headers = {"If-Match": ann.get("/individual", name=one)["etag"]}
    body = {"name": one, "new_name": two}
    assert ann("PATCH", "/individual", json=body, headers=headers).status_code == 409
    renamed = ann("PATCH", "/individual", json={**body, "new_name": "Crush"}, headers=headers)
    assert renamed.json()["name"] == "Crush"
    assert one not in names(ann)
    encounter = unresolved(ann)
    new = {"answer": "new", "individual": "Crush", "annotations": list(etags(encounter))}
    answer = ann("POST", "/decisions", json={**new, "etags": etags(encounter)})
    assert answer.status_code == 409


def test_lists_come_in_pages(ann: Browser) -> None:
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = ann.get("/annotations", limit=5, cursor=cursor)
        found += page["items"]
        cursor = page["next"]
    assert len(found) == page["total"] == 12
    assert len({each["id"] for each in found}) == 12
    first = ann.get("/decisions", limit=2)
    rest = ann.get("/decisions", limit=2, cursor=first["next"])
    ids = [each["id"] for each in (*first["items"], *rest["items"])]
    assert ids == sorted(ids, reverse=True)
    assert first["total"] == len(ids) == 3


def test_a_reviewer_says_who_it_is(as_role: Callable[[str], Browser]) -> None:
    reviewer = as_role("reviewer")
    made = decide(reviewer, unresolved(reviewer), "unsure")
    assert made["actor"] == "reviewer"


def test_two_who_say_different_things_are_listed_until_they_agree(
    as_role: Callable[[str], Browser],
) -> None:
    reviewer, curator = as_role("reviewer"), as_role("curator")
    one, two = names(curator)[:2]
    decide(reviewer, unresolved(reviewer), "individual", individual=one)

    def meeting() -> Any:
        return curator.get("/encounter", ref="meeting 1")

    assert curator.get("/disagreements")["total"] == 0
    decide(curator, meeting(), "individual", individual=two)
    found = reviewer.get("/disagreements")["items"]
    assert {each["annotation"]["id"] for each in found} == set(etags(meeting()))
    said = {each["actor"]: each["individual"] for each in found[0]["opinions"]}
    assert said == {"reviewer": one, "curator": two}

    etag = curator.get("/individual", name=one)["etag"]
    body = {"from": one, "into": two}
    merged = curator.post("/individuals/merge", body, headers={"If-Match": etag})
    assert curator.get("/disagreements")["total"] == 0  # both meant one animal
    curator.post(f"/decisions/{merged['id']}/undo", {})
    assert curator.get("/disagreements")["total"] == 2
    decide(reviewer, meeting(), "individual", individual=two)
    assert curator.get("/disagreements")["total"] == 0
