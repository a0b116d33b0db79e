"""A desk over a small catalogue of drawn animals, and those who use it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from resight.catalogue import Catalogue, plan_pattern
from resight.service.app import create_app
from resight.service.desk import Desk, open_desk
from resight.service.passwords import Passwords
from resight.settings import Settings
from resight.testing import drawn_animals
from resight.testing.folders import write_photos

BASE = "http://127.0.0.1:8000"
API = "/api/v1"
#: No network: fast, and no weights are needed.
QUICK = Settings(
    method="sift+nearest", segment="none", contrast="none", max_keypoints=256, long_edge=256
)


@pytest.fixture(scope="session")
def herd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue of three named animals in one encounter each, and of one nobody knows,
    which is the first of them in another year."""
    folder = tmp_path_factory.mktemp("herd")
    animals = drawn_animals(3)
    write_photos(folder / "photos", animals, difficulty=0.2, size=(320, 240))
    with Catalogue.init(folder / "catalogue") as catalogue:
        plan = plan_pattern(folder / "photos", "{identity}/{date}-{side}")
        for outcome in catalogue.add(plan, actor="import"):
            assert outcome.status == "added"
        first = sorted(catalogue.annotations(), key=lambda each: (each.individual, each.date))
        unknown = [each.id for each in first if each.individual == first[0].individual][2:]
        catalogue.assign(unknown, None, actor="import")
        catalogue.describe(unknown, encounter="meeting 1", actor="import")
    return folder / "catalogue"


@pytest.fixture
def folder(herd: Path, tmp_path: Path) -> Path:
    """A catalogue of one's own."""
    return Path(shutil.copytree(herd, tmp_path / "catalogue"))


@pytest.fixture
def desk(folder: Path) -> Iterator[Desk]:
    """A desk for this machine alone."""
    opened = open_desk(folder, local_user="ann", login_required=False, settings=QUICK)
    yield opened
    opened.close()


class Browser:
    """Somebody's browser: it keeps cookies and shows what writes must show."""

    def __init__(self, desk: Desk) -> None:
        self.client = TestClient(create_app(desk), base_url=BASE, raise_server_exceptions=False)
        self.csrf = ""
        self.refresh()

    def refresh(self) -> Any:
        session = self.client.get(f"{API}/session").json()
        self.csrf = session["csrf"] or ""
        return session

    def __call__(self, method: str, path: str, **more: Any) -> Any:
        headers = {"X-CSRF-Token": self.csrf, **more.pop("headers", {})}
        return self.client.request(method, API + path, headers=headers, **more)

    def get(self, path: str, **params: Any) -> Any:
        answer = self("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any, **more: Any) -> Any:
        answer = self("POST", path, json=body, **more)
        assert answer.status_code in (200, 201, 202), answer.text
        return answer.json()

    def login(self, name: str, password: str) -> Any:
        answer = self("POST", "/session", json={"name": name, "password": password})
        if answer.status_code == 200:
            self.csrf = answer.json()["csrf"]
        return answer


@pytest.fixture
def ann(desk: Desk) -> Browser:
    return Browser(desk)


PASSWORD = "a long enough password"


@pytest.fixture
def shared(folder: Path) -> Iterator[Desk]:
    """A desk that others reach, with a user of each role."""
    opened = open_desk(folder, local_user="ann", login_required=True, settings=QUICK)
    opened.passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    kept = opened.passwords.hash(PASSWORD)
    for role in ("viewer", "reviewer", "curator"):
        opened.store.add_account(role, kept, role)
    yield opened
    opened.close()


@pytest.fixture
def as_role(shared: Desk) -> Callable[[str], Browser]:
    def make(role: str) -> Browser:
        browser = Browser(shared)
        assert browser.login(role, PASSWORD).status_code == 200
        return browser

    return make
