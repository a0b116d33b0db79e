"""Review by keyboard alone: look, compare, decide, take back."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.desk.conftest import Held, say

#: After a new encounter, a second press of the same key decides nothing for this long.
SETTLING = 400


def opened(page: Page, desk: str, encounter: str = "first") -> None:
    """Open an encounter in Review and wait for its candidates."""
    page.goto(f"{desk}/#/review?ref={encounter}")
    expect(page.locator(".card[aria-pressed=true]")).to_be_visible()
    expect(page.locator(".queue-item[aria-current]")).to_contain_text(encounter)
    page.wait_for_timeout(SETTLING)


def candidate(page: Page) -> str:
    """Who is shown beside the query."""
    return page.locator(".captions .caption:nth-child(2) .caption-name a").inner_text()


def owner(desk: str, encounter: str) -> str | None:
    """Whom the catalogue says an encounter is of."""
    found: str | None = say(desk, f"/encounter?ref={encounter}")["individual"]
    return found


def test_the_likeliest_animal_is_shown_beside_the_query_first(page: Page, desk: str) -> None:
    opened(page, desk)
    assert candidate(page) == "Donatello"
    expect(page.locator(".pane-query img")).to_have_js_property("complete", True)
    expect(page.locator(".pane-candidate img")).to_be_visible()


def test_one_key_decides_and_the_next_encounter_follows(page: Page, desk: str) -> None:
    opened(page, desk)
    page.keyboard.press("1")
    expect(page.get_by_role("status").filter(has_text="Donatello: 2 photos")).to_be_visible()
    expect(page.locator(".queue-item")).to_have_count(3)
    assert owner(desk, "first") == "Donatello"
    assert say(desk, "/decisions?limit=1")["items"][0]["identification"].startswith("desk:")


def test_another_candidate_is_looked_at_before_it_can_be_chosen(page: Page, desk: str) -> None:
    opened(page, desk)
    page.keyboard.press("2")
    expect(page.locator(".card[aria-pressed=true] kbd")).to_have_text("2")
    assert owner(desk, "first") is None
    second = candidate(page)
    page.keyboard.press("2")
    expect(page.locator(".queue-item")).to_have_count(3)
    assert owner(desk, "first") == second


def test_a_key_pressed_twice_by_haste_decides_once(page: Page, desk: str) -> None:
    opened(page, desk)
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator(".queue-item")).to_have_count(3)
    page.wait_for_timeout(SETTLING)
    expect(page.locator(".queue-item")).to_have_count(3)


def test_undo_takes_back_the_last_decision_and_shows_its_encounter(page: Page, desk: str) -> None:
    opened(page, desk)
    page.keyboard.press("Enter")
    expect(page.locator(".queue-item")).to_have_count(3)
    page.keyboard.press("z")
    expect(page.locator(".queue-item")).to_have_count(4)
    expect(page.locator(".queue-item[aria-current]")).to_contain_text("first")
    assert owner(desk, "first") is None


def test_a_new_animal_gets_the_name_that_was_typed(page: Page, desk: str) -> None:
    opened(page, desk, "third")
    page.locator(".card-new").click()
    page.get_by_label("Its name").fill("Galatea")
    page.get_by_role("button", name="New animal").last.click()
    expect(page.get_by_role("status").filter(has_text="New animal Galatea")).to_be_visible()
    assert owner(desk, "third") == "Galatea"


def test_n_makes_a_new_animal_of_a_proposed_name(page: Page, desk: str) -> None:
    opened(page, desk, "third")
    page.keyboard.press("n")
    expect(page.get_by_role("status").filter(has_text="New animal new-1")).to_be_visible()
    assert owner(desk, "third") == "new-1"


@pytest.mark.parametrize(
    ("key", "state"), [("u", "unsure"), ("e", "second_opinion"), ("s", "unresolved")]
)
def test_what_cannot_be_decided_is_kept_for_later(
    page: Page, desk: str, key: str, state: str
) -> None:
    opened(page, desk)
    page.keyboard.press(key)
    expect(page.locator(".queue-item[aria-current]")).not_to_contain_text("first")
    assert say(desk, "/encounter?ref=first")["state"] == state


def test_an_animal_that_is_not_listed_can_be_found_by_name(page: Page, desk: str) -> None:
    opened(page, desk)
    page.keyboard.press("/")
    page.keyboard.type("leon")
    expect(page.locator(".pick")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(".captions")).to_contain_text("Leonardo")
    page.wait_for_timeout(SETTLING)
    page.keyboard.press("Enter")
    expect(page.locator(".queue-item")).to_have_count(3)
    assert owner(desk, "first") == "Leonardo"


def test_photos_of_candidate_and_encounter_are_gone_through_by_keys(page: Page, desk: str) -> None:
    opened(page, desk)
    candidates = page.get_by_role("group", name="Photos of the candidate").get_by_role("button")
    expect(candidates).to_have_count(2)
    page.keyboard.press("ArrowRight")
    expect(candidates.nth(1)).to_have_attribute("aria-pressed", "true")
    own = page.get_by_role("group", name="Photos of this encounter").get_by_role("button")
    before = own.nth(0).get_attribute("aria-pressed")
    page.keyboard.press(".")
    expect(own.nth(0)).not_to_have_attribute("aria-pressed", str(before))


def matrices(page: Page) -> list[list[float]]:
    """How the two photos are placed: the matrices of their style."""
    page.wait_for_timeout(100)
    return [
        [float(each) for each in re.findall(r"-?[\d.]+(?:e-?\d+)?", text.partition("(")[2])]
        for text in page.locator(".pane-photo").evaluate_all(
            "all => all.map((each) => each.style.transform)"
        )
    ]


def test_both_photos_zoom_and_move_as_one(page: Page, desk: str) -> None:
    opened(page, desk)
    page.keyboard.press("0")
    before = matrices(page)
    page.locator(".pane-query").hover()
    page.mouse.wheel(0, -600)
    zoomed = matrices(page)
    grown = [after[0] / start[0] for after, start in zip(zoomed, before, strict=True)]
    assert grown[0] > 2
    assert grown[0] == pytest.approx(grown[1], rel=1e-4)
    page.keyboard.press("Shift+ArrowLeft")
    moved = matrices(page)
    steps = [after[12] - start[12] for after, start in zip(moved, zoomed, strict=True)]
    assert steps == pytest.approx([60, 60], abs=0.01)
    page.keyboard.press("0")
    assert matrices(page) == before


def test_shift_moves_one_photo_alone(page: Page, desk: str) -> None:
    opened(page, desk)
    before = matrices(page)
    page.locator(".pane-candidate").hover()
    page.keyboard.down("Shift")
    page.mouse.down()
    box = page.locator(".pane-candidate").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2 + 50, box["y"] + box["height"] / 2)
    page.mouse.up()
    page.keyboard.up("Shift")
    after = matrices(page)
    assert after[0] == before[0]
    assert after[1][12] - before[1][12] == pytest.approx(50, abs=1)


def inked(page: Page) -> int:
    """How many pixels of the overlay are drawn on."""
    page.wait_for_timeout(150)
    number: int = page.locator(".match-lines").evaluate(
        """canvas => {
          const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          let inked = 0;
          for (let at = 3; at < data.length; at += 4) inked += data[at] > 0;
          return inked;
        }"""
    )
    return number


def test_lines_are_thinned_and_switched_off(page: Page, desk: str) -> None:
    opened(page, desk)
    expect(page.get_by_role("button", name="Match lines: 20")).to_be_enabled()
    page.mouse.move(2, 2)  # the pointer's place is marked in the other photo too
    assert inked(page) > 500
    page.keyboard.press("l")
    expect(page.get_by_role("button", name="Match lines: All")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.keyboard.press("l")
    assert inked(page) == 0


def test_overlay_lays_the_matched_points_over_each_other(page: Page, desk: str) -> None:
    opened(page, desk)
    expect(page.get_by_role("button", name="Match lines: 20")).to_be_enabled()
    page.keyboard.press("o")
    query, laid = matrices(page)
    answer = say(desk, "/encounter?ref=first")["answer"]["id"]
    best = say(desk, f"/identifications/{answer}")["candidates"][0]["photos"][0]
    pair = say(
        desk,
        f"/identifications/{answer}/pair?query={best['query']}"
        f"&annotation={best['annotation']['id']}",
    )
    verified = [line for line in pair["lines"] if line[5]]
    assert len(verified) > 10

    def shown(matrix: list[float], x: float, y: float) -> tuple[float, float]:
        x, y = x + 0.5, y + 0.5
        w = matrix[3] * x + matrix[7] * y + matrix[15]
        return (
            (matrix[0] * x + matrix[4] * y + matrix[12]) / w,
            (matrix[1] * x + matrix[5] * y + matrix[13]) / w,
        )

    scale = query[0]
    for qx, qy, cx, cy, *_ in verified:
        assert shown(laid, cx, cy) == pytest.approx(shown(query, qx, qy), abs=8 * scale)


def test_a_reload_in_the_middle_loses_nothing(page: Page, desk: str) -> None:
    opened(page, desk)
    page.keyboard.press("Enter")
    expect(page.locator(".queue-item")).to_have_count(3)
    here = page.locator(".queue-item[aria-current] .queue-title").inner_text()
    page.reload()
    expect(page.locator(".queue-item")).to_have_count(3)
    expect(page.locator(".queue-item[aria-current] .queue-title")).to_have_text(here)
    assert owner(desk, "first") == "Donatello"


def test_the_next_encounter_is_asked_about_ahead(page: Page, own_desk: str) -> None:
    desk = own_desk
    opened(page, desk)
    following = page.locator(".queue-item").nth(1).locator(".queue-title").inner_text()
    for _ in range(60):
        if say(desk, f"/encounter?ref={following}")["answer"]:
            return
        page.wait_for_timeout(250)
    pytest.fail(f"nobody asked about {following} while the first was looked at")


def test_of_two_reviewers_the_slower_is_told_and_loses_nothing(
    visitor: Callable[..., Page], desk: str
) -> None:
    quick, slow = visitor(), visitor()
    for each in (quick, slow):
        opened(each, desk)
    quick.keyboard.press("Enter")
    expect(quick.locator(".queue-item")).to_have_count(3)
    slow.keyboard.press("2")
    slow.wait_for_timeout(SETTLING)
    slow.keyboard.press("2")
    told = slow.get_by_role("dialog", name="Somebody was faster")
    expect(told).to_contain_text("says it is Donatello")
    assert owner(desk, "first") == "Donatello"
    told.get_by_role("button", name="Show it as it is now").click()
    expect(slow.get_by_role("dialog")).to_have_count(0)
    expect(slow.locator(".queue-item[aria-current]")).to_contain_text("first")
    expect(slow.locator(".captions")).to_contain_text("Somebody says it is Donatello")


def test_everything_is_decided_by_tab_and_enter_alone(page: Page, desk: str) -> None:
    opened(page, desk)
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").startswith("Unsure"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Left as unsure")).to_be_visible()
    assert say(desk, "/encounter?ref=first")["state"] == "unsure"


def test_single_keys_can_be_switched_off(page: Page, desk: str) -> None:
    opened(page, desk)
    page.keyboard.press("?")
    page.get_by_role("checkbox", name="Single keys work").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    page.wait_for_timeout(SETTLING)
    assert say(desk, "/encounter?ref=first")["state"] == "unresolved"


def test_when_all_is_done_it_says_so(page: Page, desk: str) -> None:
    opened(page, desk)
    for left in (3, 2, 1):
        page.keyboard.press("u")
        expect(page.locator(".queue-item")).to_have_count(left)
        expect(page.locator(".card[aria-pressed=true]")).to_be_visible()
        page.wait_for_timeout(SETTLING)
    page.keyboard.press("u")
    expect(page.get_by_role("heading", name="Nothing to do")).to_be_visible()
    expect(page.locator(".empty")).to_contain_text("But for 4 encounters left as unsure")
    page.keyboard.press("z")
    expect(page.locator(".queue-item")).to_have_count(1)


def test_only_the_last_decision_offers_undo(page: Page, desk: str) -> None:
    opened(page, desk)
    for left in (3, 2):
        page.keyboard.press("u")
        expect(page.locator(".queue-item")).to_have_count(left)
        page.wait_for_timeout(SETTLING)
    expect(page.locator(".toast-action")).to_have_count(1)


def test_history_names_the_answer_and_its_method_only_when_it_is_unfolded(
    page: Page, desk: str
) -> None:
    opened(page, desk)
    page.keyboard.press("Enter")
    expect(page.locator(".queue-item")).to_have_count(3)
    page.goto(f"{desk}/#/history")
    first = page.locator(".decision").first
    expect(first.locator(".decision-note")).to_have_text(re.compile(r"^answer \d+ · [\w ]+$"))
    first.locator(".decision-what").click()
    expect(first.locator(".decision-method")).to_contain_text("sift")


def made_stale(desk: str) -> None:
    """A new animal is named, so that older answers are renewed; no answer about "second" names it,
    since it is of another side."""
    for path, facts in (
        ("/annotations/describe", {"side": "right"}),
        ("/decisions", {"answer": "new", "individual": "Zed"}),
    ):
        (photo,) = say(desk, "/encounter?ref=third")["annotations"]
        etags = {photo["id"]: photo["etag"]}
        say(desk, path, {"annotations": [photo["id"]], "etags": etags, **facts})


def test_an_animal_found_by_name_stays_when_the_answer_is_renewed(
    page: Page, own_desk: str
) -> None:
    opened(page, own_desk, "second")
    made_stale(own_desk)
    asked = Held(page, "**/api/v1/identifications", method="POST")
    page.reload()
    asked.wait()
    page.keyboard.press("/")
    page.keyboard.type("zed")
    expect(page.locator(".pick")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(".captions")).to_contain_text("Zed")
    asked.let_go()
    expect(page.locator(".captions")).to_contain_text("Zed")
    page.wait_for_timeout(SETTLING)
    page.keyboard.press("Enter")
    expect(page.locator(".queue-item[aria-current]")).not_to_contain_text("second")
    assert owner(own_desk, "second") == "Zed"


def test_who_is_looked_at_stays_though_the_renewed_answer_names_them_no_more(
    page: Page, own_desk: str
) -> None:
    opened(page, own_desk, "second")
    page.keyboard.press("2")
    expect(page.locator(".card[aria-pressed=true] kbd")).to_have_text("2")
    second = candidate(page)
    photos = say(own_desk, f"/individual?name={second}")["shown"]
    (left,) = (each for each in photos if each["side"] == "left")
    given = {"annotations": [left["id"]], "etags": {left["id"]: left["etag"]}, "side": "right"}
    say(own_desk, "/annotations/describe", given)
    made_stale(own_desk)
    asked = Held(page, "**/api/v1/identifications", method="POST")
    page.reload()
    asked.wait()
    page.keyboard.press("2")
    expect(page.locator(".captions")).to_contain_text(second)
    with page.expect_response("**/api/v1/identifications") as renewed:
        asked.let_go()
    named = [each["individual"] for each in renewed.value.json()["candidates"]]
    assert second not in named
    assert candidate(page) == second
