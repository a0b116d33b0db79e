"""Sides that are proposed beside the photo, and taken by a key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tests.desk.conftest import draw, say, served
from tests.desk.test_photos_in import at, drop

from resight.catalogue import Catalogue, ImportPlan
from resight.settings import Settings
from resight.siding import learned_sides
from resight.testing import drawn_animals

_DAY = datetime(2024, 7, 5, 10, 30)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A desk that has learned sides, from ten animals."""
    folder = tmp_path_factory.mktemp("sided")
    planned = [
        replace(draw(folder / side, number, side, 10 + number, _DAY), identity=animal.name)
        for number, animal in enumerate(drawn_animals(10))
        for side in ("left", "right")
    ]
    with Catalogue.init(folder / "it") as catalogue:
        list(catalogue.add(ImportPlan("a test", tuple(planned)), actor="import"))
        assert learned_sides(catalogue, Settings()).model.pictures == 20
    with served(folder / "it", folder / "log.txt") as address:
        yield address


def test_a_proposal_is_taken_by_a_key(page: Page, desk: str, tmp_path: Path) -> None:
    photos = [
        draw(tmp_path, 12, side, 50 + n, _DAY).path for n, side in enumerate(("left", "right"))
    ]
    at(page, desk)
    drop(page, photos)
    proposal = page.get_by_role("button", name=re.compile("^Take right for IMG_51.jpg"))
    expect(proposal).to_have_text(re.compile(r"^right\? (> )?9\d %$"))
    assert [each["side"] for each in say(desk, "/annotations?q=IMG_51")["items"]] == ["unknown"]
    assert Axe().run(page).response["violations"] == []
    proposal.press("Enter")
    expect(proposal).to_have_count(0)
    side = page.get_by_role("combobox", name="Side of IMG_51.jpg")
    expect(side).to_have_value("right")
    expect(side).to_be_focused()
    expect(page.get_by_role("button", name=re.compile("^Take left for IMG_50.jpg"))).to_be_visible()
    page.wait_for_function(
        "async () => (await (await fetch('/api/v1/annotations?q=IMG_51')).json())"
        ".items[0].side === 'right'"
    )

    page.get_by_role("button", name="Box, side and facts of IMG_50.jpg").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name=re.compile("^Take left for"))).to_be_visible()
    dialog.get_by_role("button", name=re.compile("^Take left for")).click()
    assert [each["side"] for each in say(desk, "/annotations?q=IMG_50")["items"]] == ["unknown"]
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    assert [each["side"] for each in say(desk, "/annotations?q=IMG_50")["items"]] == ["left"]
    expect(page.get_by_role("button", name=re.compile("^Take "))).to_have_count(0)
