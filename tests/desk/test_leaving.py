"""A view that was left does nothing any more, however late its answers come."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.desk.conftest import Held, say
from tests.desk.test_review import SETTLING, opened, owner


def go(page: Page, address: str) -> None:
    page.evaluate("to => { location.hash = to; }", address)


def test_keys_of_a_view_that_was_left_decide_nothing(page: Page, desk: str) -> None:
    opened(page, desk)
    go(page, "#/individual?name=Gone")
    expect(page.get_by_role("heading", name="This did not work")).to_be_visible()
    for key in ("n", "Enter", "1"):
        page.keyboard.press(key)
    page.wait_for_timeout(SETTLING)
    assert owner(desk, "first") is None


def test_a_view_left_while_it_loads_takes_over_nothing(page: Page, desk: str) -> None:
    page.goto(f"{desk}/#/jobs")
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    for slow, address in (
        ("**/api/v1/individual?*", "#/individual?name=Donatello"),
        ("**/api/v1/individuals?*", "#/individuals"),
        ("**/api/v1/encounters?*", "#/review"),
    ):
        held = Held(page, slow)
        go(page, address)
        held.wait()
        go(page, "#/history")
        expect(page.get_by_role("heading", name="History")).to_be_visible()
        held.let_go()
        page.unroute(slow)
        expect(page.get_by_role("heading", level=1)).to_have_text("History")
        assert page.url.endswith("#/history"), slow


def test_undo_does_not_take_back_another_decision_than_the_one_on_its_way(
    page: Page, desk: str
) -> None:
    opened(page, desk)
    page.keyboard.press("1")
    expect(page.locator(".queue-item")).to_have_count(3)
    page.wait_for_timeout(SETTLING)
    held = Held(page, "**/api/v1/decisions", method="POST")
    page.keyboard.press("u")
    held.wait()
    page.keyboard.press("z")
    page.wait_for_timeout(SETTLING)
    held.let_go()
    assert owner(desk, "first") == "Donatello"
    assert [each["kind"] for each in say(desk, "/decisions?limit=2")["items"]].count("undo") == 0
