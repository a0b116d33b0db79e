"""`resight demo --serve`: a desk to try, on animals that never lived."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.desk.conftest import running, say


@pytest.mark.slow
def test_the_demo_has_encounters_to_review_and_keeps_what_was_decided(
    page: Page, tmp_path: Path
) -> None:
    command = ["demo", "--dir", str(tmp_path / "demo"), "--serve"]
    with running(command, tmp_path / "log") as desk:
        waiting = say(desk, "/encounters?state=unresolved")["items"]
        assert len(waiting) == 8
        assert sorted(len(each["annotations"]) for each in waiting) == [1, 1, 1, 1, 1, 1, 2, 2]
        assert len(say(desk, "/individuals")["items"]) == 8
        page.goto(f"{desk}/#/review?ref=Dive+31")
        expect(page.locator(".card[aria-pressed=true]")).to_contain_text("Donatello", timeout=9e4)
        page.wait_for_timeout(400)
        page.keyboard.press("1")
        expect(page.locator(".queue-item")).to_have_count(7)
    with running(command, tmp_path / "log") as desk:
        assert say(desk, "/encounter?ref=Dive+31")["individual"] == "Donatello"
