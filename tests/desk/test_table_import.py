"""A table dropped with its photos: columns, what each row will do, done and undone."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tests.desk.conftest import draw, say

_DAY = datetime(2024, 7, 5, 10, 30)
#: A good row, one without its photo, one whose date is none, one that contradicts, one of a photo
#: that waits for review.
TABLE = """File;Turtle;Flank;Date;Site
C:\\photos\\IMG_300.jpg;Zoe;R;2024-07-05;North Reef
IMG_999.jpg;Zoe;L;2024-07-05;North Reef
IMG_301.jpg;Zoe;L;5/7/2024;North Reef
IMG_100.jpg;Leonardo;L;;
IMG_204.jpg;Donatello;L;;
"""


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A table and two photos."""
    folder = tmp_path_factory.mktemp("trip")
    made = [
        draw(folder, 5, side, 300 + number, _DAY + timedelta(minutes=number)).path
        for number, side in enumerate(("right", "left"))
    ]
    table = folder / "sightings.csv"
    table.write_text(TABLE)
    return [table, *made]


def dropped(page: Page, desk: str, files: list[Path]) -> None:
    """Open the view, drop files as a file manager does, and wait for what they will do."""
    page.goto(f"{desk}/#/photos")
    expect(page.locator(".drop-zone")).to_be_visible()
    given = [[path.name, base64.b64encode(path.read_bytes()).decode()] for path in files]
    transfer = page.evaluate_handle(
        """given => {
          const transfer = new DataTransfer();
          for (const [name, text] of given) {
            const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            transfer.items.add(new File([bytes], name));
          }
          return transfer;
        }""",
        given,
    )
    page.dispatch_event(".drop-zone", "drop", {"dataTransfer": transfer})
    photos = len(files) - 1
    expect(page.locator(".import-sending")).to_contain_text(f"{photos} photos sent")
    expect(page.locator(".import-table")).to_be_visible()


def counts(page: Page) -> list[str]:
    """What is said of the rows, in numbers."""
    return page.locator(".import-count").all_inner_texts()


def numbers(desk: str) -> dict[str, int]:
    """The catalogue in numbers, whatever jobs are at work."""
    return {**say(desk, "/summary"), "jobs": 0}


def test_a_table_is_previewed_put_in_and_taken_back(
    page: Page, own_desk: str, files: list[Path]
) -> None:
    before = numbers(own_desk)
    dropped(page, own_desk, files)
    expect(page.get_by_label("Animal", exact=True)).to_have_value("Turtle")  # guessed
    expect(page.locator(".import-count")).to_have_text([
        "2 cannot be used", "1 contradict what is known", "1 get new facts", "1 to put in",
    ])  # fmt: skip
    rows = page.locator(".import-table tbody tr")
    expect(rows.first).to_contain_text("cannot be used")
    expect(rows.first).to_contain_text("IMG_301.jpg")
    assert numbers(own_desk) == before
    page.get_by_role("button", name="Put in 2 rows").click()
    expect(page.locator(".import-do")).to_contain_text("2 rows put in.")
    assert counts(page) == [
        "2 left out", "1 left as they were", "1 got new facts", "1 put in",
    ]  # fmt: skip
    (zoe,) = say(own_desk, "/annotations?individual=Zoe")["items"]
    assert (zoe["side"], zoe["place"]) == ("right", "North Reef")
    page.get_by_role("button", name="Undo all of it").click()
    expect(page.get_by_role("status").filter(has_text="Undone")).to_be_visible()
    assert numbers(own_desk) == before


def test_what_dates_mean_is_asked_beside_their_column(
    page: Page, own_desk: str, files: list[Path]
) -> None:
    dropped(page, own_desk, files)
    order = page.get_by_label("5/7/2024 is")
    row = page.locator(".import-table tr", has_text="IMG_301.jpg")
    expect(row).to_contain_text("5/7/2024 may be 5 July 2024 or 7 May 2024")
    order.focus()
    order.select_option("7 May 2024")
    expect(row).to_contain_text("Date 7 May 2024")
    expect(order).to_be_focused()
    order.select_option("5 Jul 2024")
    expect(row).to_contain_text("Date 5 Jul 2024")
    page.reload()
    expect(order).to_have_value("day-first")
    expect(row).to_contain_text("Date 5 Jul 2024")
    page.get_by_label("Date", exact=True).select_option("")
    expect(order).to_be_hidden()
    page.get_by_label("Date", exact=True).select_option("Date")
    expect(order).to_have_value("")
    order.select_option("5 Jul 2024")
    page.get_by_label("Animal", exact=True).select_option("Turtle")
    page.get_by_role("button", name="Put in 3 rows").click()
    expect(page.locator(".import-do")).to_contain_text("3 rows put in.")
    found = say(own_desk, "/annotations?individual=Zoe")["items"]
    assert [each["date"] for each in found] == ["2024-07-05"] * 2


def test_rows_of_one_kind_are_shown_alone(page: Page, own_desk: str, files: list[Path]) -> None:
    dropped(page, own_desk, files)
    rows = page.locator(".import-table tbody tr")
    expect(rows).to_have_count(5)
    page.locator(".import-bad").press("Enter")
    expect(rows).to_have_count(2)
    page.locator(".import-bad").press("Enter")
    expect(rows).to_have_count(5)


def test_without_a_column_of_photos_it_says_what_is_lacking(
    page: Page, own_desk: str, files: list[Path]
) -> None:
    dropped(page, own_desk, files)
    page.get_by_label("Photo (file name)").select_option("")
    expect(page.locator(".import-result")).to_contain_text("say which column has the names")
    page.get_by_label("Photo (file name)").select_option("File")
    expect(page.locator(".import-table")).to_be_visible()


def test_what_was_sent_is_still_there_after_a_reload(
    page: Page, own_desk: str, files: list[Path]
) -> None:
    dropped(page, own_desk, files)
    page.reload()
    expect(page.get_by_role("heading", name="sightings.csv")).to_be_visible()
    expect(page.locator(".import-sending")).to_contain_text("2 photos sent with it")
    page.get_by_role("button", name="Throw away").click()
    page.get_by_role("dialog").get_by_role("button", name="Throw away").click()
    expect(page.locator(".import")).to_have_count(0)
    assert say(own_desk, "/imports")["total"] == 0


@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_no_violation_in_it(
    page: Page, own_desk: str, files: list[Path], width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    dropped(page, own_desk, files)
    assert Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="Put in").last.click()
    expect(page.locator(".import-do")).to_contain_text("put in.")
    assert Axe().run(page).response["violations"] == []
