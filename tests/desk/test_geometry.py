"""The plane geometry of the viewer and of boxes, asked of the page's own modules."""

from __future__ import annotations

import math
from typing import Any

import pytest
from playwright.sync_api import Page


@pytest.fixture
def asked(page: Page, desk: str) -> Any:
    """Evaluates an expression in which `g` is geometry.js and `b` is boxes.js."""
    page.goto(f"{desk}/icon.svg")

    def evaluate(expression: str) -> Any:
        return page.evaluate(
            f"""async () => {{
              const [g, b] = await Promise.all([import('/geometry.js'), import('/boxes.js')]);
              return {expression};
            }}"""
        )

    return evaluate


def test_a_similarity_and_its_inverse_undo_each_other(asked: Any) -> None:
    there = "g.compose(g.about([30, 40], 2, 25), g.move(7, -3))"
    assert asked(f"g.compose(g.invert({there}), {there})") == pytest.approx([1, 0, 0, 0], abs=1e-9)


def test_a_box_is_shown_upright_and_whole(asked: Any) -> None:
    """An animal turned counter-clockwise by 90 degrees is turned clockwise to be looked at."""
    animal = "{box: [100, 50, 80, 40], rotation: 90, width: 400, height: 300}"
    view = f"g.fit({animal}, [800, 600], 0)"
    assert asked(f"g.scaleOf({view})") == pytest.approx(10)
    assert asked(f"g.apply({view}, [140, 70])") == pytest.approx([400, 300])
    assert asked(f"g.apply({view}, [140, 60])") == pytest.approx([500, 300])  # up goes right


def test_the_similarity_of_a_projective_map_is_exact_where_that_is_one(asked: Any) -> None:
    cos, sin = math.cos(0.3) * 1.7, math.sin(0.3) * 1.7
    matrix = [cos, -sin, 12, sin, cos, -5, 0, 0, 1]
    assert asked(f"g.similarityAt({matrix}, [50, 60])") == pytest.approx([cos, sin, 12, -5])
    assert asked("g.similarityAt([-1, 0, 0, 0, 1, 0, 0, 0, 1], [5, 5])") is None  # a mirror


def test_a_map_between_pixel_centres_becomes_one_between_edges(asked: Any) -> None:
    """Doubled about the centre of the first pixel, its edge goes half a pixel further out."""
    assert asked("g.apply3(g.edgeMap([[2, 0, 0], [0, 2, 0], [0, 0, 1]]), [0, 0])") == [-0.5, -0.5]


@pytest.mark.parametrize("rotation", [0, 30, -75])
def test_resizing_keeps_the_opposite_corner_in_place(asked: Any, rotation: float) -> None:
    box = "[100, 50, 80, 40]"
    before = asked(f"b.corners({box}, {rotation})")
    after = asked(f"b.corners(b.resized({box}, {rotation}, [1, 1], [13, 9]), {rotation})")
    assert after[0] == pytest.approx(before[0])
    assert after[2] == pytest.approx([before[2][0] + 13, before[2][1] + 9])


def test_the_round_handle_turns_the_box_to_where_it_is_dragged(asked: Any) -> None:
    points = ("[140, 0]", "[40, 70]", "[240, 70]", "[140, 200]")
    assert [asked(f"b.turnedTo([100, 50, 80, 40], {point})") for point in points] == [
        0, 90, -90, 180,
    ]  # fmt: skip
