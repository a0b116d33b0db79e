"""A browser before a desk that runs as people run it: `resight serve` on a drawn catalogue."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from resight.catalogue import Catalogue, ImportPlan, PlannedPhoto
from resight.testing import drawn_animals, photograph, write_jpeg

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
#: No network, so no weights are needed and an answer takes a moment.
QUICK = ("method=sift+nearest", "segment=none", "contrast=none", "long_edge=320")
_START, _SIZE = datetime(2021, 6, 15, 9, 0), (400, 300)
#: Generous, since tests share the machine with others.
PATIENCE = 30_000
#: Milliseconds in which a page has used an answer that it got.
A_WHILE = 400


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium here: apt install chromium"))


def draw(folder: Path, animal: int, side: str, seed: int, taken_at: datetime) -> PlannedPhoto:
    """A photo of a drawn animal, as a file and as it may be added."""
    folder.mkdir(exist_ok=True)
    path = folder / f"IMG_{seed}.jpg"
    photo = photograph(
        drawn_animals(animal + 1)[animal], seed=seed, side=side, size=_SIZE, difficulty=0.15
    )
    write_jpeg(path, photo, taken_at=taken_at)
    return PlannedPhoto(path, str(path), path.name, box=photo.box, side=side)


@pytest.fixture(scope="session")
def herd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four named animals, and four encounters to review: "first" of two photos and "second" are of
    known ones, "third" is of an animal nobody knows, "fourth" of Donatello again."""
    folder = tmp_path_factory.mktemp("herd")
    planned: list[PlannedPhoto] = []
    for number, animal in enumerate(drawn_animals(4)):
        for side in ("left", "right"):
            taken_at = _START + timedelta(days=number, minutes=len(planned))
            photo = draw(folder / "photos", number, side, 100 + len(planned), taken_at)
            planned.append(
                replace(photo, identity=animal.name, encounter=f"dive {number}", place="Coral Cove")
            )
    waiting = [("first", 0, "left"), ("first", 0, "right"), ("second", 1, "left")]
    waiting += [("third", 6, "left"), ("fourth", 0, "left")]
    for number, (encounter, animal_number, side) in enumerate(waiting):
        taken_at = _START + timedelta(days=700 + number)
        photo = draw(folder / "photos", animal_number, side, 200 + number, taken_at)
        planned.append(replace(photo, encounter=encounter, place="North Reef"))
    with Catalogue.init(folder / "catalogue") as catalogue:
        for outcome in catalogue.add(ImportPlan("a test", tuple(planned)), actor="import"):
            assert outcome.status == "added", outcome
    return folder / "catalogue"


@contextmanager
def served(catalogue: Path, log: Path, *, host: str = "127.0.0.1") -> Iterator[str]:
    """The address of a desk in a process of its own."""
    settings = [word for each in QUICK for word in ("--set", each)]
    command = ["serve", "--catalogue", str(catalogue), "--host", host, *settings]
    with running(command, log) as address:
        yield address


@contextmanager
def running(command: list[str], log: Path) -> Iterator[str]:
    """The address that a command of resight serves on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "resight", *command, "--port", str(port)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "USER": "ann", "LOGNAME": "ann"},
        )
        address = f"http://127.0.0.1:{port}"
        try:
            _wait(address, process, log)
            yield address
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(f"{address}/api/v1/session", timeout=10).close()
            return
        except URLError:
            time.sleep(0.1)
    raise TimeoutError(log.read_text())


@pytest.fixture
def own_desk(herd: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a desk of the test's own."""
    catalogue = Path(shutil.copytree(herd, tmp_path / "catalogue"))
    with served(catalogue, tmp_path / "serve.log") as address:
        yield address


@pytest.fixture(scope="session")
def shared_desk(herd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a desk that all tests share."""
    folder = tmp_path_factory.mktemp("desk")
    with served(Path(shutil.copytree(herd, folder / "catalogue")), folder / "log") as address:
        yield address


@pytest.fixture
def desk(shared_desk: str) -> Iterator[str]:
    """The address of a desk on which all that the test decides is taken back after it."""
    first = say(shared_desk, "/decisions")["items"][0]["id"]
    yield shared_desk
    for decision in say(shared_desk, "/decisions")["items"]:
        if decision["id"] > first and not decision["undone"] and decision["kind"] != "undo":
            say(shared_desk, f"/decisions/{decision['id']}/undo", {})


def say(desk: str, path: str, body: Any = None) -> Any:
    """Ask the service beside the page; with a body, tell it something."""
    headers = {"Content-Type": "application/json"}
    if body is not None:
        headers["X-CSRF-Token"] = say(desk, "/session")["csrf"]
    request = urllib.request.Request(
        f"{desk}/api/v1{path}",
        headers=headers,
        data=None if body is None else json.dumps(body).encode(),
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


class Held:
    """Requests that get no answer until they are let go."""

    def __init__(self, page: Page, address: str, method: str = "GET") -> None:
        self.routes: list[Route] = []
        self.page, self.method = page, method
        page.route(address, self._hold)

    def _hold(self, route: Route) -> None:
        if route.request.method == self.method:
            self.routes.append(route)
        else:
            route.fallback()

    def wait(self) -> None:
        """Until there is one."""
        for _ in range(100):
            if self.routes:
                return
            self.page.wait_for_timeout(50)
        pytest.fail("nothing was asked for")

    def let_go(self) -> None:
        """Answer those that are held, and give the page the time to use the answers."""
        for route in self.routes:
            route.fallback()
        self.routes.clear()
        self.page.wait_for_timeout(A_WHILE)

    def fail(self) -> None:
        """Break the connection of those that are held."""
        for route in self.routes:
            route.abort()
        self.routes.clear()
        self.page.wait_for_timeout(A_WHILE)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser process for all tests."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


#: What a browser logs where the server refuses, which some tests want.
_REFUSED = "Failed to load resource"


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Makes a browser of somebody's own, with a page; any error of a script fails the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def made(width: int = 1440, height: int = 900, scheme: str = "light") -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda message: (
                errors.append(message.text)
                if message.type == "error" and _REFUSED not in message.text
                else None
            ),
        )
        return page

    yield made
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def page(visitor: Callable[..., Page]) -> Page:
    """A page of a browser on a desktop."""
    return visitor()
