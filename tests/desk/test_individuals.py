"""The gallery, one animal's page, and mending: merge, split, names, and taking it back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect
from tests.desk.conftest import Held, say

from resight.catalogue import Catalogue
from resight.suspicions import Duplicate, Mixup, Pair, Suspicions


def names(desk: str) -> list[str]:
    """Everybody the catalogue knows."""
    return [each["name"] for each in say(desk, "/individuals")["items"]]


def photos(desk: str, name: str) -> int:
    """How many photos an animal has."""
    number: int = say(desk, f"/individual?name={name}")["photos"]
    return number


def at(page: Page, desk: str, name: str = "Donatello") -> None:
    """Open an animal's page."""
    page.goto(f"{desk}/#/individual?name={name}")
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def test_the_gallery_is_searched_by_name(page: Page, desk: str) -> None:
    page.goto(f"{desk}/#/individuals")
    expect(page.locator(".tile")).to_have_count(4)
    page.keyboard.press("/")
    page.keyboard.type("mich")
    expect(page.locator(".tile-name")).to_have_text(["Michelangelo"])
    page.locator(".tile").press("Enter")
    expect(page.get_by_role("heading", name="Michelangelo", level=1)).to_be_visible()


def test_the_catalogue_is_exported_as_a_table(page: Page, desk: str) -> None:
    page.goto(f"{desk}/#/individuals")
    page.get_by_text("Export", exact=True).click()
    assert Axe().run(page).response["violations"] == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Table (CSV)").click()
    assert "Donatello" in Path(download.value.path()).read_text()


def test_an_animal_shows_its_encounters_and_who_named_it(page: Page, desk: str) -> None:
    at(page, desk)
    expect(page.locator(".timeline > li")).to_have_count(1)
    expect(page.locator(".timeline")).to_contain_text("dive 0 · Coral Cove")
    expect(page.locator(".best .photo-side")).to_have_text(["left", "right"])
    expect(page.locator(".decision")).to_contain_text("import")


def test_merge_is_previewed_done_and_taken_back(page: Page, desk: str) -> None:
    at(page, desk)
    page.keyboard.press("m")
    page.get_by_role("dialog").get_by_label("Name").fill("Raph")
    expect(page.locator(".pick")).to_have_count(1)
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Are Donatello and Raphael one animal?")
    expect(dialog.get_by_role("status")).to_contain_text("Donatello has 4 photos of 2 encounters")
    assert "Raphael" in names(desk)
    dialog.get_by_role("button", name="Merge").click()
    expect(page.get_by_role("status").filter(has_text="Raphael is now Donatello")).to_be_visible()
    expect(page.locator(".timeline > li")).to_have_count(2)
    assert photos(desk, "Donatello") == 4
    assert "Raphael" not in names(desk)
    page.locator(".toast-action").click()
    expect(page.locator(".timeline > li")).to_have_count(1)
    assert photos(desk, "Raphael") == 2


def test_a_whole_encounter_is_split_off_and_taken_back_from_history(page: Page, desk: str) -> None:
    first = say(desk, "/encounter?ref=first")["annotations"]
    say(desk, "/decisions", {
        "answer": "individual", "individual": "Donatello",
        "annotations": [each["id"] for each in first],
        "etags": {each["id"]: each["etag"] for each in first},
    })  # fmt: skip
    at(page, desk)
    page.keyboard.press("t")
    page.keyboard.press("Space")  # the first photo, of the last encounter, has the focus
    page.locator(".photo-choice input").nth(1).check()
    page.get_by_role("button", name="Split these off").click()
    dialog = page.get_by_role("dialog", name="Split 2 photos off Donatello")
    dialog.get_by_label("Name of the other animal").fill("Galatea")
    dialog.get_by_label("Name of the other animal").blur()
    expect(dialog.get_by_role("status")).to_contain_text("Galatea has 2 photos of 1 encounter")
    assert "Galatea" not in names(desk)
    dialog.get_by_role("button", name="Split").click()
    expect(page.get_by_role("status").filter(has_text="split off as Galatea")).to_be_visible()
    assert photos(desk, "Galatea") == 2
    page.goto(f"{desk}/#/history")
    page.locator(".decision").first.get_by_role("button", name="Undo").click()
    undone = page.locator(".decision-undone").first
    expect(undone).to_contain_text("Split off as Galatea")
    number = undone.locator(".decision-when").inner_text().partition(" ")[0].removeprefix("#")
    expect(page.locator(".decision").first).to_contain_text(f"Took back decision {number}")
    assert photos(desk, "Donatello") == 4


def test_a_part_of_an_encounter_is_split_off_and_taken_back(page: Page, desk: str) -> None:
    at(page, desk)
    page.keyboard.press("t")
    page.keyboard.press("Space")
    page.get_by_role("button", name="Split these off").click()
    dialog = page.get_by_role("dialog", name="Split 1 photo off Donatello")
    expect(dialog.get_by_role("status")).to_contain_text("an encounter of their own")
    dialog.get_by_role("button", name="Split").click()
    expect(page.get_by_role("status").filter(has_text="split off as Donatello B")).to_be_visible()
    apart = say(desk, "/individual?name=Donatello+B")
    assert [each["name"] for each in apart["timeline"]] == ["dive 0 (Donatello B)"]
    page.locator(".toast-action").click()
    expect(page.get_by_role("status").filter(has_text="Undone")).to_be_visible()
    back = say(desk, "/individual?name=Donatello")
    assert [each["name"] for each in back["timeline"]] == ["dive 0"]
    assert back["photos"] == 2


def suspected(folder: Path, *found: Duplicate | Mixup) -> None:
    """Keep what a job might have found."""
    duplicates = tuple(each for each in found if isinstance(each, Duplicate))
    mixups = tuple(each for each in found if isinstance(each, Mixup))
    kept = {"format": "suspicions.v1", **asdict(Suspicions(duplicates, mixups))}
    (folder / "features").mkdir(exist_ok=True)
    (folder / "features" / "suspicions.json").write_text(json.dumps(kept))


def test_a_suspicion_is_dismissed_and_taken_back(page: Page, own_desk: str, tmp_path: Path) -> None:
    one, other = (
        say(own_desk, f"/individual?name={name}")["shown"][0]["id"]
        for name in ("Donatello", "Raphael")
    )
    suspected(
        tmp_path / "catalogue",
        Duplicate("Donatello", "Raphael", 0.93, (Pair(one, other, 0.93),)),
        Mixup("Raphael", (other,), 0.85, "Leonardo", 3),
    )
    page.goto(f"{own_desk}/#/individuals")
    listed = page.get_by_role("region", name="Suspicions").locator(".suspicion")
    expect(listed).to_have_count(2)
    assert Axe().run(page).response["violations"] == []
    listed.first.get_by_role("button", name="Two animals").press("Enter")
    expect(listed).to_have_count(1)
    expect(listed).to_contain_text("look like Leonardo")
    page.locator(".toast-action").click()
    expect(listed).to_have_count(2)
    listed.last.get_by_role("button", name="All the same animal").click()
    expect(listed).to_have_count(1)
    page.goto(f"{own_desk}/#/history")
    expect(page.locator(".decision").first).to_contain_text("Suspicion dismissed: 1 photo")
    expect(page.locator(".decision").first).to_contain_text("these photos are of Raphael")


def test_name_and_notes_are_changed(page: Page, desk: str) -> None:
    at(page, desk)
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog", name="Name and notes")
    dialog.get_by_label("Name").fill("Donato")
    dialog.get_by_label("Notes").fill("<b>scar</b> on the left flipper")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Donato", level=1)).to_be_visible()
    expect(page.locator(".notes")).to_have_text("<b>scar</b> on the left flipper")
    assert say(desk, "/individual?name=Donato")["notes"].startswith("<b>scar")


def test_of_two_who_edit_one_animal_the_slower_is_told(
    visitor: Callable[..., Page], desk: str
) -> None:
    quick, slow = visitor(), visitor()
    for each in (quick, slow):
        at(each, desk)
        each.keyboard.press("e")
        each.get_by_role("textbox", name="Notes").fill("quick" if each is quick else "slow")
    quick.get_by_role("button", name="Save").click()
    expect(quick.locator(".notes")).to_have_text("quick")
    slow.get_by_role("button", name="Save").click()
    expect(
        slow.get_by_role("status").filter(has_text="Somebody changed this animal")
    ).to_be_visible()
    expect(slow.locator(".notes")).to_have_text("quick")
    assert say(desk, "/individual?name=Donatello")["notes"] == "quick"


def test_a_decision_tells_what_it_changed(page: Page, own_desk: str) -> None:
    page.goto(f"{own_desk}/#/history")
    page.locator(".decision-what").click()  # the import
    expect(page.locator(".decision-changes tbody tr")).to_have_count(13)


def test_a_disagreement_is_listed_and_looked_at_again(
    page: Page, own_desk: str, tmp_path: Path
) -> None:
    (second,) = say(own_desk, "/encounter?ref=second")["annotations"]
    with Catalogue.open(tmp_path / "catalogue") as catalogue:
        for actor, name in (("bob", "Leonardo"), ("cleo", "Raphael")):
            catalogue.assign([second["id"]], name, actor=actor)
    page.goto(f"{own_desk}/#/history")
    listed = page.get_by_role("region", name="Disagreements")
    expect(listed).to_contain_text("bob: Leonardo · cleo: Raphael")
    listed.get_by_role("link", name="Look again").click()
    expect(page.locator(".captions")).to_contain_text("Somebody says it is Raphael")


def test_photos_are_looked_at_and_those_that_are_wanted_are_told(
    page: Page, own_desk: str, tmp_path: Path
) -> None:
    (left,) = say(own_desk, "/annotations?individual=Donatello&side=left")["items"]
    with Catalogue.open(tmp_path / "catalogue") as catalogue:
        catalogue.hide([left["id"]], actor="ann")
    page.goto(f"{own_desk}/#/individuals")
    page.get_by_text("Which animals lack a good photo?").click()
    page.get_by_role("button", name="Look at them").click()
    wanted = page.get_by_role("region", name="Photos wanted")
    expect(wanted).to_contain_text("1 photo would help to know animals again")
    expect(wanted.get_by_role("listitem")).to_contain_text("Take a new left photo of Donatello")
    assert Axe().run(page).response["violations"] == []


def faked(page: Page) -> None:
    """A gallery of 90 animals for every search, each named by what was searched for."""

    def answer(route: Route) -> None:
        asked = parse_qs(urlsplit(route.request.url).query)
        start = int(asked.get("cursor", ["0"])[0])
        stop = min(90, start + int(asked["limit"][0]))
        named = asked.get("q", ["any"])[0]
        items = [
            {"name": f"{named} {n}", "cover": None, "photos": 1, "encounters": 1}
            for n in range(start, stop)
        ]
        following = str(stop) if stop < 90 else None
        route.fulfill(json={"items": items, "total": 90, "next": following})

    page.route("**/api/v1/individuals?*", answer)


def test_more_of_an_older_search_is_not_shown(page: Page, desk: str) -> None:
    faked(page)
    page.goto(f"{desk}/#/individuals")
    expect(page.locator(".tile")).to_have_count(60)
    held = Held(page, "**/api/v1/individuals?*cursor=60*")
    page.get_by_role("button", name="Show more").click()
    held.wait()
    page.get_by_role("searchbox").fill("mich")
    expect(page.locator(".tile-name").first).to_have_text("mich 0")
    held.let_go()
    expect(page.locator(".tile")).to_have_count(60)
    page.get_by_role("button", name="Show more").click()
    held.wait()
    held.let_go()
    expect(page.locator(".tile")).to_have_count(90)
    expect(page.locator(".tile-name").last).to_have_text("mich 89")


def test_more_is_shown_once_and_asked_for_again_where_it_fails(page: Page, desk: str) -> None:
    faked(page)
    page.goto(f"{desk}/#/individuals")
    expect(page.locator(".tile")).to_have_count(60)
    held = Held(page, "**/api/v1/individuals?*cursor=60*")
    more = page.get_by_role("button", name="Show more")
    more.click()
    held.wait()
    held.fail()
    expect(page.locator(".toast-bad")).to_be_visible()
    more.dblclick(force=True)
    held.wait()
    held.let_go()
    expect(more).to_be_hidden()
    expect(page.locator(".tile")).to_have_count(90)
