"""Photos in: dropped, reported one by one, boxed, grouped into encounters."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, Route, expect
from tests.desk.conftest import Held, draw, say

_DAY = datetime(2024, 7, 5, 10, 30)


@pytest.fixture
def desk(own_desk: str) -> str:
    """Photos that were put in cannot be taken out again, so each test has a desk of its own."""
    return own_desk


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two photos a minute apart, one of the next day, and a file that is no photo."""
    folder = tmp_path_factory.mktemp("new")
    after = (timedelta(), timedelta(minutes=1), timedelta(days=1))
    made = [draw(folder, 5, "left", 300 + n, _DAY + gap).path for n, gap in enumerate(after)]
    bad = folder / "broken.jpg"
    bad.write_bytes(made[0].read_bytes()[:500])
    return [*made, bad]


def drop(page: Page, paths: list[Path]) -> None:
    """Drop files on the page, as a file manager does."""
    given = [[path.name, base64.b64encode(path.read_bytes()).decode()] for path in paths]
    transfer = page.evaluate_handle(
        """given => {
          const transfer = new DataTransfer();
          for (const [name, text] of given) {
            const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            transfer.items.add(new File([bytes], name, {type: 'image/jpeg'}));
          }
          return transfer;
        }""",
        given,
    )
    page.dispatch_event(".drop-zone", "drop", {"dataTransfer": transfer})


def at(page: Page, desk: str) -> None:
    """Open the view."""
    page.goto(f"{desk}/#/photos")
    expect(page.locator(".drop-zone")).to_be_visible()


def test_each_dropped_file_is_reported_where_it_stands(
    page: Page, desk: str, files: list[Path]
) -> None:
    at(page, desk)
    drop(page, files)
    rows = page.locator(".upload")
    expect(rows.filter(has_text="put in")).to_have_count(3)
    expect(rows.filter(has_text="broken.jpg").locator(".upload-said")).to_contain_text("broken")
    expect(page.locator(".upload-total")).to_have_text("4 files sent · 3 put in · 1 not taken")
    drop(page, files[:1])
    expect(rows.last).to_contain_text("already there")
    assert say(desk, "/summary")["photos"] == 16


def test_what_was_dropped_is_taken_back_as_one_and_copies_are_named(
    page: Page, desk: str, files: list[Path], tmp_path: Path
) -> None:
    small = tmp_path / "IMG-WA0012.jpg"
    at(page, desk)
    drop(page, files[:3])
    total = page.locator(".upload-total")
    expect(total).to_have_text("3 files sent · 3 put in")
    page.reload()
    with Image.open(files[0]) as photo:
        photo.resize((photo.width // 2, photo.height // 2)).save(small, quality=60)
    drop(page, [small, files[3]])
    expect(total).to_contain_text("1 perhaps a copy of what was there")
    copy = page.locator(".upload").filter(has_text=small.name)
    expect(copy).to_contain_text("it looks like IMG_300.jpg, which was there")
    before = say(desk, "/summary")["photos"]
    page.get_by_role("button", name="Undo all of it").click()
    expect(page.get_by_role("status").filter(has_text="Undone")).to_be_visible()
    assert say(desk, "/summary")["photos"] == before - 1
    made = say(desk, "/decisions")["items"]
    assert [each["kind"] for each in made[:3]] == ["undo", "add", "add"]
    assert [each["annotations"] for each in made[1:3]] == [1, 3]


def test_photos_are_grouped_by_time_and_the_groups_edited(
    page: Page, desk: str, files: list[Path]
) -> None:
    at(page, desk)
    drop(page, files[:3])
    groups = page.locator(".group")
    expect(groups).to_have_count(2)
    assert Axe().run(page).response["violations"] == []
    assert [each.locator(".loose").count() for each in groups.all()] == [2, 1]
    page.get_by_label("Move IMG_301.jpg").check()
    page.get_by_label("Move to").select_option(label="2024-07-06 10:30")
    page.get_by_role("button", name="Move", exact=True).click()
    assert [each.locator(".loose").count() for each in groups.all()] == [1, 2]
    groups.nth(1).get_by_label("Name of the encounter").fill("evening dive")
    groups.nth(1).get_by_label("Place").fill("Seagrass Bay")
    page.get_by_role("button", name="Keep all 2 encounters").click()
    expect(page.get_by_role("status").filter(has_text="2 encounters kept")).to_be_visible()
    kept = say(desk, "/encounter?ref=evening+dive")
    assert sorted(each["name"] for each in kept["annotations"]) == ["IMG_301.jpg", "IMG_302.jpg"]
    assert kept["place"] == "Seagrass Bay"


def test_a_reload_in_the_middle_keeps_what_was_sent(
    page: Page, desk: str, files: list[Path]
) -> None:
    at(page, desk)
    drop(page, files[:2])
    expect(page.locator(".upload").filter(has_text="put in")).to_have_count(2)
    page.reload()
    expect(page.locator(".loose")).to_have_count(2)


def test_a_side_is_set_by_keyboard(page: Page, desk: str, files: list[Path]) -> None:
    """Each arrow is a choice of its own on the way: the last one counts, however fast they come."""
    at(page, desk)
    drop(page, files[:1])
    side = page.get_by_label("Side of IMG_300.jpg", exact=True)
    side.focus()
    with page.expect_response(lambda got: got.request.method == "PATCH"):
        page.keyboard.press("ArrowDown")
    expect(side).to_be_focused()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    expect(side).to_have_value("front")
    page.get_by_role("button", name="Keep this encounter").click()
    expect(page.get_by_role("status").filter(has_text="1 encounter kept")).to_be_visible()
    expect(page.locator(".toast-bad")).to_have_count(0)
    (kept,) = say(desk, "/annotations?q=IMG_300")["items"]
    assert kept["side"] == "front"


def boxed(page: Page, desk: str, name: str = "IMG_300.jpg") -> tuple[list[float], float]:
    """Save, and what the catalogue then says of the box."""
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    (found,) = say(desk, f"/annotations?q={name}")["items"]
    return found["box"], found["rotation"]


def test_a_box_is_drawn_by_mouse_and_turned(page: Page, desk: str, files: list[Path]) -> None:
    at(page, desk)
    drop(page, files[:1])
    page.get_by_role("button", name="Box and side of IMG_300.jpg").click()
    frame = page.locator(".box-frame")
    expect(frame.locator("img")).to_be_visible()
    area = frame.bounding_box()
    assert area is not None
    scale = area["width"] / 400  # of a photo 400 pixels wide

    def drag(start: tuple[float, float], end: tuple[float, float]) -> None:
        page.mouse.move(area["x"] + start[0] * scale, area["y"] + start[1] * scale)
        page.mouse.down()
        page.mouse.move(area["x"] + end[0] * scale, area["y"] + end[1] * scale, steps=4)
        page.mouse.up()

    drag((100, 80), (300, 230))
    drag((200, 150), (210, 160))  # moves it by 10, 10
    drag((310, 240), (330, 250))  # its lower right corner
    for _ in range(3):
        page.keyboard.press(",")
    box, rotation = boxed(page, desk)
    assert box == pytest.approx([110, 90, 220, 160], abs=2)
    assert rotation == 3


def test_a_box_is_made_and_moved_by_keys_alone(page: Page, desk: str, files: list[Path]) -> None:
    at(page, desk)
    drop(page, files[:1])
    page.get_by_role("button", name="Box and side of IMG_300.jpg").press("Enter")
    page.locator(".box-frame").focus()
    page.keyboard.press("ArrowRight")  # makes one
    page.keyboard.press("Shift+ArrowRight")  # moves it by a twentieth
    page.keyboard.press("Control+Shift+ArrowDown")
    box, _ = boxed(page, desk)
    assert box == pytest.approx([60, 30, 320, 260], abs=0.5)


def test_what_was_edited_stays_when_more_photos_come(
    page: Page, desk: str, files: list[Path]
) -> None:
    """Names, places and moves are kept; what nobody touched is proposed anew, with what came."""
    at(page, desk)
    drop(page, files[:2])
    groups = page.locator(".group")
    expect(groups).to_have_count(1)
    page.get_by_label("Move IMG_301.jpg").check()
    page.get_by_role("button", name="Move", exact=True).click()
    expect(groups).to_have_count(2)
    groups.nth(1).get_by_label("Name of the encounter").fill("evening dive")
    groups.nth(1).get_by_label("Place").fill("Seagrass Bay")
    drop(page, files[2:3])
    expect(groups).to_have_count(3)
    names = [each.input_value() for each in page.get_by_label("Name of the encounter").all()]
    assert names == ["2024-07-05 10:30", "evening dive", "2024-07-06 10:30"]
    assert [each.locator(".loose").count() for each in groups.all()] == [1, 1, 1]
    place = groups.nth(1).get_by_label("Place")
    expect(place).to_have_value("Seagrass Bay")
    expect(place).to_be_focused()
    page.get_by_role("button", name="Undo all of it").click()
    expect(groups).to_have_count(0)


def test_photos_that_come_later_join_those_of_their_time(
    page: Page, desk: str, files: list[Path]
) -> None:
    at(page, desk)
    drop(page, files[:1])
    expect(page.locator(".loose")).to_have_count(1)
    page.get_by_label("Move IMG_300.jpg").check()
    drop(page, files[1:2])
    expect(page.locator(".loose")).to_have_count(2)
    expect(page.locator(".group")).to_have_count(1)
    expect(page.get_by_label("Move IMG_300.jpg")).to_be_checked()


def test_a_file_that_is_sent_again_is_counted_once(
    page: Page, desk: str, files: list[Path]
) -> None:
    at(page, desk)
    sent = Held(page, "**/api/v1/photos*", method="POST")
    drop(page, files[:1])
    sent.wait()
    sent.fail()
    total = page.locator(".upload-total")
    expect(total).to_have_text("1 file sent · 1 not taken")
    page.unroute("**/api/v1/photos*")
    page.get_by_role("button", name="Try again").click()
    expect(total).to_have_text("1 file sent · 1 put in")


def test_a_name_that_was_typed_is_never_changed_and_a_place_can_be_taken_away(
    page: Page, desk: str, files: list[Path]
) -> None:
    at(page, desk)
    drop(page, files[:2])
    expect(page.locator(".group")).to_have_count(1)
    etags = {each["id"]: each["etag"] for each in say(desk, "/annotations?loose=true")["items"]}
    given = {"annotations": list(etags), "etags": etags, "place": "North Reef"}
    say(desk, "/annotations/describe", given)
    page.reload()
    name, place = page.get_by_label("Name of the encounter"), page.get_by_label("Place")
    expect(place).to_have_value("North Reef")
    place.fill("")
    name.fill("first")
    page.get_by_role("button", name="Keep this encounter").click()
    expect(page.get_by_text("There is an encounter “first” already")).to_be_visible()
    expect(name).to_have_value("first")
    name.fill("")
    name.blur()
    expect(name).to_have_value("first")
    name.fill("dusk")
    page.get_by_role("button", name="Keep this encounter").click()
    expect(page.get_by_role("status").filter(has_text="1 encounter kept")).to_be_visible()
    assert say(desk, "/encounter?ref=dusk")["place"] is None


def test_what_was_saved_before_the_rest_was_refused_is_shown(
    page: Page, desk: str, files: list[Path]
) -> None:
    at(page, desk)
    drop(page, files[:1])
    page.get_by_label("Box, side and facts of IMG_300.jpg").click()
    dialog = page.get_by_role("dialog")
    dialog.locator(".annotation-fields select").first.select_option("left")
    dialog.get_by_label("Leave this photo out of every search").check()
    sent: list[Route] = []

    def fail_second(route: Route) -> None:
        sent.append(route)
        route.abort() if len(sent) == 2 else route.fallback()

    page.route("**/api/v1/annotations/*", fail_second)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).not_to_be_empty()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Side of IMG_300.jpg", exact=True)).to_have_value("left")


def test_an_encounter_is_kept_after_a_box_was_set_beside_the_file(
    page: Page, desk: str, files: list[Path]
) -> None:
    at(page, desk)
    drop(page, files[:1])
    expect(page.locator(".group")).to_have_count(1)
    page.get_by_role("button", name="Box and side of IMG_300.jpg").press("Enter")
    page.locator(".box-frame").focus()
    page.keyboard.press("ArrowRight")
    boxed(page, desk)
    page.get_by_role("button", name="Keep this encounter").click()
    expect(page.get_by_role("status").filter(has_text="1 encounter kept")).to_be_visible()
