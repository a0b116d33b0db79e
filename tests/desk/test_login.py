"""Where others can connect: the login, and what each role is offered."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tests.desk.conftest import served

from resight.service.desk import open_desk

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def open_to_others(herd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A desk that a viewer and a curator may use."""
    folder = tmp_path_factory.mktemp("others")
    catalogue = Path(shutil.copytree(herd, folder / "catalogue"))
    desk = open_desk(catalogue, local_user="", login_required=True)
    desk.store.add_account("vera", desk.passwords.hash(PASSWORD), "viewer")
    desk.store.add_account("cleo", desk.passwords.hash(PASSWORD), "curator")
    desk.close()
    with served(catalogue, folder / "log", host="0.0.0.0") as address:
        yield address


def log_in(page: Page, address: str, name: str, password: str = PASSWORD) -> None:
    """Fill in the form by keyboard."""
    page.goto(address)
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


def test_a_wrong_password_is_said_and_a_right_one_lets_in(page: Page, open_to_others: str) -> None:
    log_in(page, open_to_others, "vera", "wrong horse battery")
    expect(page.get_by_role("alert")).not_to_be_empty()
    assert Axe().run(page).response["violations"] == []
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Log out vera")).to_be_visible()


def test_a_viewer_looks_but_is_offered_no_decision(page: Page, open_to_others: str) -> None:
    log_in(page, open_to_others, "vera")
    expect(page.locator(".queue-item")).to_have_count(4)
    expect(page.get_by_role("button", name="Unsure")).to_be_disabled()
    page.goto(f"{open_to_others}/#/individual?name=Donatello")
    expect(page.locator(".timeline")).to_be_visible()
    expect(page.get_by_role("button", name="Merge…")).to_have_count(0)


def test_a_curator_may_mend_and_logs_out(page: Page, open_to_others: str) -> None:
    log_in(page, open_to_others, "cleo")
    expect(page.locator(".queue-item")).to_have_count(4)
    page.goto(f"{open_to_others}/#/individual?name=Donatello")
    expect(page.get_by_role("button", name="Merge…")).to_be_visible()
    page.get_by_role("button", name="Log out cleo").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
