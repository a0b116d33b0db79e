"""Where animals were met: the plan of the map, and the map in Review and on an animal's page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tests.desk.conftest import served

from resight.catalogue import Catalogue, ImportPlan, PlannedPhoto
from resight.types import Place

#: Where the encounters of Donatello, Leonardo (none) and the one to review were.
PLACES = {"dive 0": Place(12.16, -68.28), "first": Place(12.16, -68.37)}


@pytest.fixture
def evaluate(page: Page, shared_desk: str) -> Any:
    """Evaluates an expression in which `p` is places.js and `m` is map.js."""
    page.goto(f"{shared_desk}/icon.svg")

    def asked(expression: str) -> Any:
        return page.evaluate(
            f"""async () => {{
              const [p, m] = await Promise.all([import('/places.js'), import('/map.js')]);
              return {expression};
            }}"""
        )

    return asked


@pytest.fixture
def placed(herd: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a desk that knows where two encounters were."""
    folder = Path(shutil.copytree(herd, tmp_path / "catalogue"))
    with Catalogue.open(folder) as catalogue:
        planned = [
            replace(
                PlannedPhoto(herd.parent / "photos" / each.name, each.name, each.name),
                position=PLACES[each.encounter],
            )
            for each in catalogue.annotations()
            if each.encounter in PLACES
        ]
        for outcome in catalogue.add(ImportPlan("places", tuple(planned)), actor="import"):
            assert outcome.status == "updated", outcome
    with served(folder, tmp_path / "log") as address:
        yield address


def point(latitude: float, longitude: float, more: str = "") -> str:
    """A point as the page has it."""
    return f"{{latitude: {latitude}, longitude: {longitude}, precision_km: 0, title: 'x' {more}}}"


def test_distances_are_those_on_the_ground(evaluate: Any) -> None:
    """A degree of longitude is 111.2 km at the equator and half of it at 60 degrees."""
    equator = evaluate(f"p.kilometres({point(0, 0)}, {point(0, 1)})")
    north = evaluate(f"p.kilometres({point(60, 0)}, {point(60, 1)})")
    assert equator == pytest.approx(111.2, abs=0.1)
    assert north == pytest.approx(equator / 2, rel=1e-3)
    assert evaluate("[0.35, 2.345, 1234].map(p.distance)") == ["350 m", "2.3 km", "1,234 km"]


@pytest.mark.parametrize("latitude", [0, 52, -75])
def test_north_is_up_and_a_kilometre_is_as_long_in_all_directions(
    evaluate: Any, latitude: float
) -> None:
    a, east, north = point(latitude, 5), point(latitude, 5.01), point(latitude + 0.01, 5)
    (ax, ay), (ex, ey), (nx, ny) = evaluate(
        f"[{a}, {east}, {north}].map(p.layout([{a}, {east}, {north}], [600, 300]).at)"
    )
    scale = evaluate(f"p.layout([{a}, {east}, {north}], [600, 300]).km")
    assert (ey, nx) == (pytest.approx(ay), pytest.approx(ax))
    assert ex > ax
    assert ny < ay
    assert (ex - ax) / scale == pytest.approx(evaluate(f"p.kilometres({a}, {east})"), rel=1e-3)
    assert (ay - ny) / scale == pytest.approx(evaluate(f"p.kilometres({a}, {north})"), rel=1e-3)


def test_neighbours_across_the_date_line_stay_neighbours(evaluate: Any) -> None:
    points = f"[{point(-17, 179.99)}, {point(-17, -179.99)}]"
    (west, _), (east, _) = evaluate(f"{points}.map(p.layout({points}, [600, 300]).at)")
    assert 0 < east - west < 600
    labels = evaluate(f"p.layout({points}, [600, 300]).meridians.map(each => each.degrees)")
    assert all(-180 <= each <= 180 for each in labels)
    assert {each > 0 for each in labels} == {True, False}


def test_the_scale_bar_is_a_round_length(evaluate: Any) -> None:
    assert evaluate("p.scaleBar(100, 60)") == pytest.approx([0.5, 50])
    assert evaluate("p.scaleBar(0.013, 120)") == pytest.approx([5000, 65])


def test_rounded_positions_are_drawn_as_squares_and_said_to_be_rounded(evaluate: Any) -> None:
    rounded = "{latitude: 12.2, longitude: -68.3, precision_km: 11.1, title: 'x'}"
    assert evaluate(f"m.mapOf([{rounded}]).querySelectorAll('.map-square').length") == 1
    text = evaluate(f"m.mapOf([{rounded}]).textContent")
    assert "rounded to some 11 km" in text
    assert "12.2° N" in text
    assert evaluate("m.mapOf([])") is None


def test_review_shows_by_a_key_where_candidate_and_encounter_were_met(
    page: Page, placed: str
) -> None:
    page.goto(f"{placed}/#/review?ref=first")
    expect(page.get_by_role("button", name="Where and when")).to_be_visible()
    page.keyboard.press("w")
    told = page.get_by_role("dialog", name="Where Donatello was met")
    expect(told.get_by_role("img")).to_be_visible()
    expect(told.get_by_role("listitem")).to_have_count(2)
    # 0.09 degrees of longitude at 12 degrees north.
    expect(told.get_by_role("listitem").last).to_contain_text("dive 0 · Coral Cove")
    expect(told.get_by_role("listitem").last).to_contain_text("9.8 km away")
    assert Axe().run(page).response["violations"] == []


def test_an_animal_has_a_map_where_positions_are_known_and_none_where_not(
    page: Page, placed: str
) -> None:
    page.goto(f"{placed}/#/individual?name=Donatello")
    expect(page.get_by_role("region", name="Where it was met")).to_be_visible()
    page.get_by_text("1 position in words").click()
    expect(page.get_by_role("list", name="Positions")).to_contain_text("12.1600° N, 68.2800° W")
    assert Axe().run(page).response["violations"] == []
    page.goto(f"{placed}/#/individual?name=Leonardo")
    expect(page.get_by_role("heading", name="Leonardo", level=1)).to_be_visible()
    expect(page.get_by_role("region", name="Where it was met")).to_have_count(0)
