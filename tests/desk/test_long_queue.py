"""A queue longer than a page of it: more is fetched as one goes, and the numbers are right."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.desk.conftest import say, served

from resight.catalogue import Catalogue, ImportPlan, PlannedPhoto
from resight.types import Box

#: Encounters of which nobody has said who it is: these, and the four of the herd.
MANY = 220


@pytest.fixture
def busy_desk(herd: Path, tmp_path: Path) -> Iterator[str]:
    """A desk with many encounters, all of them boxes in one photo, which are soon added."""
    folder = Path(shutil.copytree(herd, tmp_path / "catalogue"))
    photo = next((herd.parent / "photos").glob("*.jpg"))
    boxes = [Box(number % 20 * 10, number // 20 * 15, 60, 50) for number in range(MANY)]
    planned = [
        PlannedPhoto(photo, photo.name, photo.name, box=box, encounter=f"many {number}")
        for number, box in enumerate(boxes)
    ]
    with Catalogue.open(folder) as catalogue:
        added = list(catalogue.add(ImportPlan("many", tuple(planned)), actor="import"))
    assert {each.status for each in added} == {"added"}
    with served(folder, tmp_path / "log") as address:
        yield address


def test_more_is_fetched_as_one_goes_and_all_are_counted(page: Page, busy_desk: str) -> None:
    total = say(busy_desk, "/summary")["unresolved"]
    page.goto(f"{busy_desk}/#/review")
    items, size = page.locator(".queue-item"), page.locator(".queue-size")
    expect(items).to_have_count(100)
    expect(size).to_have_text(str(total))
    expect(page.locator(".queue-rest")).to_have_text(f"{total - 100} more")
    items.last.click()
    expect(items).to_have_count(200)
    page.locator(".queue-rest").click()
    expect(items).to_have_count(total)
    expect(page.locator(".queue-rest")).to_have_count(0)
    titles = page.locator(".queue-title").all_inner_texts()
    assert len(set(titles)) == total
    page.wait_for_timeout(400)
    page.keyboard.press("u")
    expect(items).to_have_count(total - 1)
    expect(size).to_have_text(str(total - 1))
    page.keyboard.press("z")
    expect(size).to_have_text(str(total))


def test_none_is_missed_where_others_decide_meanwhile(page: Page, busy_desk: str) -> None:
    """Those that were decided are listed no longer, so the server's pages begin elsewhere."""
    total = say(busy_desk, "/summary")["unresolved"]
    page.goto(f"{busy_desk}/#/review")
    items = page.locator(".queue-item")
    expect(items).to_have_count(100)
    for each in say(busy_desk, "/encounters?state=unresolved&limit=3&cursor=50")["items"]:
        (seen,) = each["annotations"]
        said = {
            "answer": "unsure",
            "annotations": [seen["id"]],
            "etags": {seen["id"]: seen["etag"]},
        }
        say(busy_desk, "/decisions", said)
    page.locator(".queue-rest").click()
    expect(items).to_have_count(200)
    page.locator(".queue-rest").click()
    expect(items).to_have_count(total)  # three of them are shown until they are opened
    expect(page.locator(".queue-rest")).to_have_count(0)


def test_a_skipped_one_comes_again_behind_all_others(page: Page, busy_desk: str) -> None:
    total = say(busy_desk, "/summary")["unresolved"]
    page.goto(f"{busy_desk}/#/review")
    items = page.locator(".queue-item")
    expect(items).to_have_count(100)
    first = items.first.locator(".queue-title").inner_text()
    page.wait_for_timeout(400)
    page.keyboard.press("s")
    expect(items).to_have_count(99)
    page.locator(".queue-rest").click()
    expect(items).to_have_count(199)
    page.locator(".queue-rest").click()
    expect(items).to_have_count(total)
    expect(items.last.locator(".queue-title")).to_have_text(first)
