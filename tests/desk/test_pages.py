"""What holds for every page: no accessibility violation, no overflow; and the jobs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from filelock import FileLock
from playwright.sync_api import Page, expect
from tests.desk.conftest import served

VIEWS = {
    "review": ("#/review?ref=first", ".card[aria-pressed=true]"),
    "individuals": ("#/individuals", ".tile"),
    "individual": ("#/individual?name=Donatello", ".timeline"),
    "photos": ("#/photos", ".drop-zone"),
    "jobs": ("#/jobs", ".offers"),
    "history": ("#/history", ".decision"),
}
SIZES = {"desktop": (1440, 900), "tablet": (1024, 768), "phone": (390, 844)}


def opened(page: Page, desk: str, view: str) -> None:
    """Open a view and wait for what it is about."""
    address, settled = VIEWS[view]
    page.goto(f"{desk}/{address}")
    expect(page.locator(settled).first).to_be_visible()
    page.wait_for_timeout(300)


def violations(page: Page) -> list[str]:
    """What axe finds, rule by rule."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['help']}: {[node['html'][:160] for node in each['nodes'][:3]]}"
        for each in found
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_violation(
    visitor: Callable[..., Page], desk: str, view: str, scheme: str
) -> None:
    page = visitor(scheme=scheme)
    opened(page, desk, view)
    assert violations(page) == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("view", VIEWS)
def test_nothing_hangs_over_the_side(
    visitor: Callable[..., Page], desk: str, view: str, size: str
) -> None:
    width, height = SIZES[size]
    page = visitor(width, height)
    opened(page, desk, view)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_axe_finds_no_violation_in_dialogs(page: Page, desk: str) -> None:
    opened(page, desk, "individual")
    for key, name in (("?", "Keys"), ("e", "Name and notes"), ("m", "Merge Donatello with")):
        page.keyboard.press(key)
        expect(page.get_by_role("dialog", name=name)).to_be_visible()
        page.wait_for_timeout(300)
        assert violations(page) == [], name
        page.keyboard.press("Escape")
    page.locator(".photo").first.click()
    expect(page.locator(".box-frame")).to_be_visible()
    assert violations(page) == []


def test_a_job_is_started_seen_and_reported(page: Page, own_desk: str) -> None:
    opened(page, own_desk, "jobs")
    page.get_by_role("button", name="Describe photos", exact=True).click()
    expect(page.locator(".job").first).to_contain_text("Describe photos")
    expect(page.locator(".job").first).to_have_attribute("data-state", "done")


def test_a_job_is_stopped(page: Page, herd: Path, tmp_path: Path) -> None:
    catalogue = Path(shutil.copytree(herd, tmp_path / "catalogue"))
    # Another program works on the jobs: here they wait, however fast the machine is.
    with FileLock(catalogue / "jobs.lock"), served(catalogue, tmp_path / "log") as own_desk:
        opened(page, own_desk, "jobs")
        page.get_by_role("button", name="Identify photos").click()
        page.get_by_role("button", name="Stop Identify photos").click()
        page.get_by_role("dialog").get_by_role("button", name="Stop it").click()
        expect(page.locator(".job").first).to_have_attribute("data-state", "cancelled")


def test_axe_finds_no_violation_while_comparing(page: Page, desk: str) -> None:
    opened(page, desk, "review")
    page.keyboard.press("o")
    assert violations(page) == [], "overlay"
    page.keyboard.press("o")
    page.get_by_text("More", exact=True).click()
    assert violations(page) == [], "menu"
    page.keyboard.press("Escape")
    page.locator(".card-new").click()
    assert violations(page) == [], "new animal"
    page.keyboard.press("u")
    expect(page.locator(".toast-action")).to_be_visible()
    expect(page.locator(".card[aria-pressed=true]")).to_be_visible()
    assert violations(page) == [], "message"


def test_axe_finds_no_violation_while_mending(page: Page, desk: str) -> None:
    opened(page, desk, "individual")
    page.keyboard.press("t")
    page.keyboard.press("Space")
    assert violations(page) == [], "choosing"
    page.get_by_role("button", name="Split these off").click()
    expect(page.get_by_role("dialog").get_by_role("status")).not_to_be_empty()
    assert violations(page) == [], "splitting"
    page.goto(f"{desk}/#/individual?name=Donatello&merge=Raphael")
    expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("Afterwards")
    assert violations(page) == [], "merging"
