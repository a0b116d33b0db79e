"""Many questions at once, at a server of its own thread."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
import uvicorn

from resight.errors import NotFound
from resight.service.app import create_app
from resight.service.desk import Desk

from .conftest import API

#: More than a server has threads for (40, by default).
MANY = 50


@pytest.fixture
def port(desk: Desk) -> Iterator[int]:
    server = uvicorn.Server(uvicorn.Config(create_app(desk), port=0, log_level="critical"))
    running = threading.Thread(target=server.run)
    running.start()
    while not server.started:
        assert running.is_alive()
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    running.join()


Ask = Callable[[], http.client.HTTPConnection]


@pytest.fixture
def ask(desk: Desk, port: int) -> Iterator[Ask]:
    """Sends a question, and leaves its answer."""
    headers = {"Content-Type": "application/json", "X-CSRF-Token": desk.local_csrf}
    body = json.dumps({"encounter": "meeting 1"})
    with ExitStack() as all_:

        def send() -> http.client.HTTPConnection:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            all_.callback(connection.close)
            connection.request("POST", f"{API}/identifications", body, headers)
            return connection

        yield send


def look(port: int) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", f"{API}/summary")
        return connection.getresponse().status


def test_questions_that_wait_keep_nobody_from_looking(desk: Desk, port: int, ask: Ask) -> None:
    with desk.searcher.searching():  # whoever asks waits
        waiting = [ask() for _ in range(MANY)]
        assert look(port) == 200
        for each in waiting[:-1]:
            each.close()
    assert waiting[-1].getresponse().status == 201


def test_nothing_is_asked_for_those_who_have_gone(desk: Desk, port: int, ask: Ask) -> None:
    with desk.searcher.searching():
        first, *others = (ask() for _ in range(5))
        look(port)
        for each in others[:-1]:
            each.close()
        look(port)
    assert first.getresponse().status == 201
    assert others[-1].getresponse().status == 201
    desk.store.kept(2)
    with pytest.raises(NotFound):
        desk.store.kept(3)
