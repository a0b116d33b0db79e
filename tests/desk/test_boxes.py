"""Boxes that a detector proposes: shown, taken or left, for one photo and for many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect
from tests.desk.conftest import say
from tests.desk.test_photos_in import at, drop

from resight.testing import drawn_animals, photograph

#: Where two animals are pasted, in pixels.
LEFT, RIGHT = (60, 80, 260, 190), (580, 90, 260, 190)


@pytest.fixture
def desk(own_desk: str) -> str:
    """A desk of the test's own, since photos are put in."""
    return own_desk


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One photo of two animals, and one of a single animal."""
    folder = tmp_path_factory.mktemp("boxes")
    animals = drawn_animals(7)[5:]
    taken = [photograph(each, seed=300, side="left", size=(400, 300)) for each in animals]
    sea = np.full((360, 900, 3), (70, 110, 130), np.uint8)
    for (x, y, w, h), photo in zip((LEFT, RIGHT), taken, strict=True):
        left, top, width, height = map(int, photo.box)
        animal = Image.fromarray(photo.pixels[top : top + height, left : left + width])
        sea[y : y + h, x : x + w] = np.asarray(animal.resize((w, h)))
    Image.fromarray(sea).save(folder / "two.png")
    Image.fromarray(taken[0].pixels).save(folder / "one.png")
    return [folder / "two.png", folder / "one.png"]


def of(desk: str, name: str) -> list[Any]:
    """The annotations of a photo, from left to right."""
    found: list[Any] = say(desk, f"/annotations?q={name}")["items"]
    return sorted(found, key=lambda each: each["box"] or [0])


def near(box: list[float], there: tuple[int, int, int, int]) -> bool:
    return bool(np.abs(np.subtract(box, there)).max() < 40)


def test_boxes_are_found_and_taken_by_keys_alone(page: Page, desk: str, photos: list[Path]) -> None:
    at(page, desk)
    drop(page, photos[:1])
    page.get_by_role("button", name="Box and side of two.png").press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Find the animal").press("Enter")
    choices = page.get_by_role("group", name="Boxes found")
    expect(choices.get_by_role("button")).to_have_count(2)
    assert Axe().run(page).response["violations"] == []
    (before,) = of(desk, "two")
    assert before["box"] is None, "a proposal is no box yet"
    page.keyboard.press("Enter")  # the first has the focus
    expect(choices.get_by_role("button").first).to_have_attribute("aria-pressed", "true")
    choices.get_by_label("The others are animals too").press("Space")
    page.get_by_role("dialog").get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("status").filter(has_text="1 more animal put in")).to_be_visible()
    expect(page.locator(".loose")).to_have_count(2)
    left, right = of(desk, "two")
    assert near(left["box"], LEFT)
    assert near(right["box"], RIGHT)
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.locator(".loose")).to_have_count(1)
    assert len(of(desk, "two")) == 1


def test_boxes_of_many_photos_are_looked_at_before_they_are_taken(
    page: Page, desk: str, photos: list[Path]
) -> None:
    at(page, desk)
    drop(page, photos)
    expect(page.locator(".loose")).to_have_count(2)
    page.get_by_role("button", name="Find the animals").click()
    dialog = page.get_by_role("dialog", name="Find the animals")
    expect(dialog.get_by_role("status")).to_have_text("2 photos looked at.")
    assert Axe().run(page).response["violations"] == []
    dialog.get_by_role("button", name="Cancel").click()
    assert [each["box"] for each in (*of(desk, "one"), *of(desk, "two"))] == [None, None]

    page.get_by_role("button", name="Find the animals").click()
    expect(dialog.get_by_role("status")).to_have_text("2 photos looked at.")
    dialog.get_by_label("Box 2 on two.png").check()
    dialog.get_by_label("Box 1 on one.png").uncheck()
    dialog.get_by_role("button", name="Take 2 boxes").click()
    expect(page.get_by_role("status").filter(has_text="1 more animal put in")).to_be_visible()
    expect(page.locator(".loose")).to_have_count(3)
    assert len(of(desk, "two")) == 2
    assert [each["box"] for each in of(desk, "one")] == [None]
