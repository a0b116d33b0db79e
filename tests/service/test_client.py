"""The typed client, with desks in this process and with none at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from resight.client import Client
from resight.errors import DeskError
from resight.service.app import create_app
from resight.service.desk import Desk
from resight.service.tables import Choices
from resight.testing import drawn_animals, photograph
from resight.testing.folders import write_jpeg

from .conftest import BASE, PASSWORD


def client(desk: Desk, **more: Any) -> Client:
    http = TestClient(create_app(desk), base_url=BASE, raise_server_exceptions=False)
    return Client(BASE, http=http, **more)


@pytest.fixture
def ann(desk: Desk) -> Iterator[Client]:
    with client(desk) as made:
        yield made


def test_an_encounter_is_asked_about_decided_and_taken_back(ann: Client) -> None:
    (encounter,) = ann.encounters(state="unresolved")
    answer = ann.identify(encounter=encounter.ref)
    first = answer.candidates[0].individual
    made = ann.decide(encounter, "individual", first, identification=answer.id, note="sure")
    assert (made.kind, made.individual, made.note) == ("assign", first, "sure")
    assert ann.encounter(encounter.ref).individual == first
    assert ann.summary().unresolved == 0
    with pytest.raises(DeskError) as stale:
        ann.decide(encounter, "new")
    assert stale.value.status == 412
    assert stale.value.errors, "it says what has changed"
    assert ann.undo(made.id).undoes == made.id
    about = ann.decisions(annotation=encounter.annotations[0].id)
    assert [each.id for each in about][:2] == [made.id + 1, made.id]


def test_lists_come_whole_however_long_a_page_is(
    ann: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [each.name for each in ann.individuals()]
    monkeypatch.setattr("resight.client._PAGE", 1)
    assert [each.name for each in ann.individuals()] == whole
    assert len(whole) == 3


def test_a_photo_is_uploaded_once(ann: Client, tmp_path: Path) -> None:
    path = tmp_path / "new.jpg"
    photo = photograph(drawn_animals(5)[4], seed=1, size=(320, 240), difficulty=0.1)

    write_jpeg(path, photo, taken_at=datetime(2024, 7, 5))
    added = ann.add_photo(path, side="left", encounter="meeting 2")
    assert (added.status, added.encounter) == ("added", "meeting 2")
    assert added.annotation
    assert ann.annotation(added.annotation).side == "left"
    assert ann.add_photo(path).status == "already"


def test_a_job_is_followed_to_its_end(ann: Client, desk: Desk) -> None:
    desk.jobs.start()
    asked = ann.ask_job("prepare")
    *_, last = ann.follow_job(asked.id, every=0.05)
    assert last.state == "done"
    assert last.result
    assert ann.cancel_job(asked.id) == last
    with pytest.raises(DeskError, match="no jobs 'nothing'") as refused:
        ann.ask_job("nothing")
    assert refused.value.status == 422


def test_others_log_in_or_have_a_token(shared: Desk) -> None:
    with client(shared) as vera, pytest.raises(DeskError, match="log in") as refused:
        vera.summary()
    assert refused.value.status == 401
    with client(shared) as carl:
        with pytest.raises(DeskError, match="wrong"):
            carl.login("curator", "no")
        session = carl.login("curator", PASSWORD)
        assert session.user
        assert session.user.role == "curator"
        assert carl.ask_job("prepare").actor == "curator"
    made = shared.store.add_token("reviewer", "a program", "reviewer")
    assert made.token
    with client(shared, token=made.token) as program:
        assert program.ask_job("prepare").state == "queued"


def test_a_write_is_sent_again_with_the_same_key_when_the_network_fails() -> None:
    keys = []

    def flaky(request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            keys.append(request.headers["idempotency-key"])
            if len(keys) < 3:
                raise httpx2.ReadError("cut off")
        body: dict[str, Any] = {"user": None, "csrf": "x", "login_required": False, "version": "1"}
        return httpx2.Response(422 if request.method == "POST" else 200, json=body)

    http = httpx2.Client(base_url=BASE, transport=httpx2.MockTransport(flaky))
    with Client(BASE, http=http) as desk, pytest.raises(DeskError, match="422"):
        desk.ask_job("prepare")
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_a_table_and_its_photos_are_sent_read_put_in_and_taken_back(
    ann: Client, desk: Desk, tmp_path: Path
) -> None:
    photo, table = tmp_path / "IMG_1.jpg", tmp_path / "sightings.csv"
    drawn = photograph(drawn_animals(5)[4], seed=1, size=(160, 120), difficulty=0.1)
    write_jpeg(photo, drawn, taken_at=datetime(2024, 7, 5))
    table.write_text("File,Turtle,Date\ndive/IMG_1.jpg,Zoe,5/7/2024\ngone.jpg,Zoe,5/7/2024\n")
    sent = ann.send_table(table)
    assert ann.send_table_photo(sent.id, photo, "dive/IMG_1.jpg").width == 160
    assert [each.id for each in ann.waiting_tables()] == [sent.id]
    columns = {**sent.columns, "identity": "Turtle"}
    report = ann.preview_table(sent.id, Choices(columns=columns))
    assert report.dates
    assert report.dates.choices["month-first"] == "2024-05-07"
    choices = Choices(columns=columns, dates="month-first")
    assert ann.preview_table(sent.id, choices).counts["added"] == 1
    desk.jobs.start()
    *_, job = ann.follow_job(ann.put_in_table(sent.id, choices).id, every=0.05)
    assert job.state == "done"
    done = ann.table(sent.id)
    assert done.report
    assert [(row.status, row.said.get("date")) for row in done.report.rows] == [
        ("bad", None),
        ("added", "2024-05-07"),
    ]
    assert [each.undoes for each in ann.undo_table(sent.id, note="trial")] == done.decisions
    assert ann.undo_table(sent.id) == []
    assert "Zoe" not in {each.name for each in ann.individuals()}
    again = ann.send_table(table)
    ann.discard_table(again.id)
    assert ann.waiting_tables() == []


def test_a_file_that_is_sent_again_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    """Or the desk would take it for another request with the key of the first."""
    bodies = []

    def flaky(request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            bodies.append((request.headers["content-type"], request.read()))
            if len(bodies) == 1:
                raise httpx2.ReadError("cut off")
        body: dict[str, Any] = {"user": None, "csrf": "x", "login_required": False, "version": "1"}
        return httpx2.Response(422 if request.method == "POST" else 200, json=body)

    (tmp_path / "t.csv").write_text("path\n1.jpg\n")
    http = httpx2.Client(base_url=BASE, transport=httpx2.MockTransport(flaky))
    with Client(BASE, http=http) as desk, pytest.raises(DeskError, match="422"):
        desk.send_table(tmp_path / "t.csv")
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
    assert b"1.jpg" in bodies[0][1]


def test_a_desk_that_is_not_there_says_so() -> None:
    with (
        Client("http://127.0.0.1:9") as nowhere,
        pytest.raises(DeskError, match="cannot be reached") as failed,
    ):
        nowhere.summary()
    assert failed.value.status == 0


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (RedirectResponse("https://elsewhere.example/", 301), "sends one to https://elsewhere"),
        (HTMLResponse("<h1>Welcome</h1>"), "is no desk of resight"),
        (JSONResponse({"items": 3}), "not understood"),
    ],
)
def test_what_is_no_desk_is_told_and_nothing_of_it_is_kept(answer: Response, told: str) -> None:
    async def page(_: Request) -> Response:
        return answer

    elsewhere = Starlette(routes=[Route("/{path:path}", page)])
    http = TestClient(elsewhere, base_url=BASE, follow_redirects=False)
    with Client(BASE, http=http) as made:
        for ask in (made.summary, lambda: list(made.individuals())):
            with pytest.raises(DeskError, match=told):
                ask()
        if answer.status_code != 200:
            with pytest.raises(DeskError, match=told):
                made.export("csv")
