"""Jobs over HTTP, by a real server: what is streamed does not end, which a test client needs."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

from resight.errors import JobError, NotFound
from resight.jobs import Jobs, Kind
from resight.service.jobs_api import jobs_router

from .test_worker import Steps, until


def served(jobs: Jobs) -> FastAPI:
    """An application around the router in which Vera may look and Ann may write."""
    app = FastAPI()

    def who(request: Request) -> str:
        return str(request.headers.get("x-who", ""))

    def writer(request: Request) -> None:
        if who(request) != "Ann":
            raise HTTPException(403)

    def refused(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse(str(error), 404 if isinstance(error, NotFound) else 422)

    app.include_router(jobs_router(jobs, actor=who, writing=[Depends(writer)]))
    app.add_exception_handler(JobError, refused)
    app.add_exception_handler(NotFound, refused)
    return app


class Desk:
    """A running server, and what is asked of it."""

    def __init__(self, jobs: Jobs, steps: Steps) -> None:
        self.jobs, self.steps = jobs, steps
        config = uvicorn.Config(served(jobs), port=0, log_level="error", lifespan="off")
        config.timeout_graceful_shutdown = 5
        self.server = uvicorn.Server(config)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.server.run, args=([self.socket],))

    def connection(self) -> HTTPConnection:
        host, port = self.socket.getsockname()
        return HTTPConnection(host, port, timeout=20)

    def ask(self, verb: str, path: str, body: Any = None, who: str = "Ann") -> tuple[int, Any]:
        headers = {"x-who": who, "content-type": "application/json"}
        with closing(self.connection()) as connection:
            connection.request(verb, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    steps = Steps()
    with Jobs(tmp_path, {"slow": Kind(steps.run, {"n": int})}) as jobs:
        made = Desk(jobs, steps)
        made.thread.start()
        until(lambda: made.server.started)
        yield made
        made.server.should_exit = True
        steps.let(1000)
    made.thread.join(20)
    made.socket.close()
    assert not made.thread.is_alive(), "listeners must not keep the server from ending"


@contextmanager
def listening(desk: Desk, **headers: str) -> Iterator[Iterator[dict[str, Any]]]:
    """The events of a connection that stays open meanwhile."""
    with closing(desk.connection()) as connection:
        connection.request("GET", "/jobs/events", headers=headers)
        with closing(connection.getresponse()) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield events(answer)


def events(answer: HTTPResponse) -> Iterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    while line := answer.readline().decode():
        name, _, value = line.strip().partition(": ")
        if name == "data":
            event["data"] = json.loads(value)
        elif name:
            event[name] = value
        elif "data" in event:
            yield event
            event = {}


def test_asking_looking_and_cancelling(desk: Desk) -> None:
    status, job = desk.ask("POST", "/jobs", {"kind": "slow", "arguments": {"n": 1}})
    assert status == 202
    assert (job["state"], job["actor"], job["arguments"]) == ("queued", "Ann", {"n": 1})
    assert (job["started_at"], job["result"]) == (None, None)
    assert "revision" not in job
    assert desk.ask("GET", f"/jobs/{job['id']}") == (200, job)
    assert desk.ask("GET", "/jobs", who="Vera") == (200, {"items": [job], "next": None, "total": 1})
    status, cancelled = desk.ask("DELETE", f"/jobs/{job['id']}")
    assert (status, cancelled["state"]) == (200, "cancelled")


def test_who_may_only_look_neither_asks_nor_cancels(desk: Desk) -> None:
    assert desk.ask("POST", "/jobs", {"kind": "slow"}, who="Vera")[0] == 403
    assert desk.ask("DELETE", "/jobs/1", who="Vera")[0] == 403


@pytest.mark.parametrize(
    ("verb", "path", "body", "status"),
    [
        ("POST", "/jobs", {"kind": "fast"}, 422),
        ("POST", "/jobs", {"kind": "slow", "arguments": {"n": "x"}}, 422),
        ("POST", "/jobs", {"kind": "slow", "urgent": True}, 422),
        ("GET", "/jobs/7", None, 404),
        ("DELETE", "/jobs/7", None, 404),
        ("GET", "/jobs/99999999999999999999", None, 422),
    ],
)
def test_what_is_refused(desk: Desk, verb: str, path: str, body: Any, status: int) -> None:
    assert desk.ask(verb, path, body)[0] == status


def test_every_change_is_heard_as_it_comes(desk: Desk) -> None:
    ended = desk.jobs.add("slow", {"n": 1}, actor="Ann")
    desk.jobs.cancel(ended.id)
    waits = desk.jobs.add("slow", {"n": 2}, actor="Ann")
    with listening(desk) as heard:
        first = next(heard)
        assert (first["event"], first["data"]["id"]) == ("job", waits.id), "ended ones are history"
        assert first["data"]["state"] == "queued"
        desk.jobs.start()
        assert next(heard)["data"]["state"] == "running"
        desk.steps.let(3)
        last = next(each for each in heard if each["data"]["state"] == "done")
    assert last["data"]["result"] == {"made": 3}


def test_who_was_cut_off_hears_what_was_missed(desk: Desk) -> None:
    waits = desk.jobs.add("slow", actor="Ann")
    desk.jobs.cancel(waits.id)
    with listening(desk, **{"Last-Event-ID": str(waits.revision)}) as heard:
        missed = next(heard)
    assert missed["data"]["state"] == "cancelled"
    assert int(missed["id"]) > waits.revision


def test_listeners_are_sent_away_when_the_program_is_about_to_end(desk: Desk) -> None:
    desk.jobs.add("slow", actor="Ann")
    with listening(desk) as heard:
        next(heard)
        desk.jobs.dismiss()
        assert list(heard) == []
