"""What counts as the animal: shown as a tint, corrected with a brush, kept and given back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect
from tests.desk.conftest import QUICK, running, say


@pytest.fixture
def desk(herd: Path, tmp_path: Path) -> Iterator[str]:
    """A desk of the test's own that finds the animal, with no weights."""
    catalogue = Path(shutil.copytree(herd, tmp_path / "catalogue"))
    settings = [each for each in QUICK if not each.startswith("segment")]
    words = [word for each in (*settings, "segment=grabcut") for word in ("--set", each)]
    with running(["serve", "--catalogue", str(catalogue), *words], tmp_path / "log") as address:
        yield address


def photo(desk: str) -> Any:
    """One on which GrabCut tells the animal from the rest; of the other it takes all."""
    items = say(desk, "/annotations?individual=Donatello")["items"]
    return next(each for each in items if each["side"] == "right")


def opened(page: Page, desk: str) -> Locator:
    """The dialog of the photo, with the tint shown."""
    page.goto(f"{desk}/#/individual?name=Donatello")
    page.get_by_title(photo(desk)["name"]).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="What counts as the animal").press("Enter")
    expect(dialog.get_by_role("button", name="Erase")).to_be_visible()
    return dialog


def tinted(dialog: Locator) -> int:
    """How many cells of the grid are tinted."""
    found = dialog.locator("canvas").evaluate(
        """canvas => {
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          return data.filter((value, index) => index % 4 === 3 && value > 0).length;
        }"""
    )
    return int(found)


def across(page: Page, dialog: Locator, end: float) -> None:
    """Drag over the photo, at half of its height, from its left edge."""
    frame = dialog.locator(".box-frame").bounding_box()
    assert frame is not None
    y = frame["y"] + frame["height"] / 2
    page.mouse.move(frame["x"] + 2, y)
    page.mouse.down()
    page.mouse.move(frame["x"] + frame["width"] * end, y, steps=4)
    page.mouse.up()


def test_a_hand_is_erased_and_the_programs_own_comes_back(page: Page, desk: str) -> None:
    dialog = opened(page, desk)
    expect(dialog.get_by_text("As the program found it.")).to_be_visible()
    whole = tinted(dialog)
    assert whole > 0
    assert Axe().run(page).response["violations"] == []
    expect(dialog.get_by_role("button", name="Undo stroke")).to_be_disabled()
    dialog.get_by_role("button", name="Erase").click()
    across(page, dialog, 0.9)
    less = tinted(dialog)
    assert 0 < less < whole
    across(page, dialog, 0.4)
    dialog.get_by_role("button", name="Undo stroke").click()
    assert tinted(dialog) == less
    assert say(desk, f"/annotations/{photo(desk)['id']}/mask")["mask"] is None, "not saved yet"
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    kept = say(desk, f"/annotations/{photo(desk)['id']}/mask")["mask"]
    assert max(kept["size"]) <= 256

    dialog = opened(page, desk)
    expect(dialog.get_by_text("As somebody drew it.")).to_be_visible()
    assert tinted(dialog) == pytest.approx(less, rel=0.02)
    dialog.get_by_role("button", name="Back to the program's own").click()
    expect(dialog.get_by_text("As the program found it.")).to_be_visible()
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert say(desk, f"/annotations/{photo(desk)['id']}/mask")["mask"] is None


def test_the_brush_works_by_keys_alone_and_leaves_the_box(page: Page, desk: str) -> None:
    before = photo(desk)
    dialog = opened(page, desk)
    whole = tinted(dialog)
    frame = dialog.get_by_role("group", name="What counts as the animal. Arrow keys")
    frame.press("e")
    expect(dialog.get_by_role("button", name="Erase")).to_have_attribute("aria-pressed", "true")
    frame.press("Space")
    first = tinted(dialog)
    assert first < whole
    frame.press("Shift+ArrowRight")
    frame.press("Space")
    assert tinted(dialog) < first
    frame.press("Control+z")
    assert tinted(dialog) == first
    frame.press("Control+z")
    assert tinted(dialog) == whole
    frame.press("Space")
    dialog.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    after = photo(desk)
    assert (after["box"], after["rotation"]) == (before["box"], before["rotation"])
    assert say(desk, f"/annotations/{after['id']}/mask")["mask"] is not None


def test_runs_are_those_of_the_server(page: Page, desk: str) -> None:
    """The texts are what pycocotools made of a disc, a full mask and an empty one."""
    disc = "`:5P16K4M2N2N2O0O2O000O2O00000001N10001N101N2N2N3L5Jkd0"
    page.goto(f"{desk}/icon.svg")
    for text in (disc, "04", "<", "=33000:N"):
        there = "r.toText(r.runsOf(r.cellsOf(r.ofText(text))))"
        again = page.evaluate(
            f"async (text) => {{ const r = await import('/runs.js'); return {there}; }}", text
        )
        assert again == text
