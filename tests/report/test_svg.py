"""Charts: axes with round ticks, and series where their values say."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resight.report import svg
from resight.report.svg import Axis, Chart, linear, percent, stretched

ends = st.tuples(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))


@given(ends)
def test_an_axis_has_a_few_ticks_within_its_ends(low_and_length: tuple[float, float]) -> None:
    low, length = low_and_length
    axis = linear("x", low, low + length)
    assert 2 <= len(axis.ticks) <= 7
    slack = 1e-6 * (abs(low) + length)
    assert all(low - slack <= value <= low + length + slack for value, _ in axis.ticks)


@given(st.floats(10, 1e5))
def test_a_stretched_axis_rises_and_has_its_ends(high: float) -> None:
    axis = stretched("x", high)
    places = [axis.at(value) for value, _ in axis.ticks]
    assert places == sorted(places)
    assert (axis.at(0), axis.at(high)) == (0, 1)
    assert len(places) <= 14


def test_a_file_of_its_own_needs_no_page() -> None:
    """And no variables, which few programs but browsers know."""
    chart = Chart(linear("x", 0, 1), linear("y", 0, 1))
    chart.line([0, 1], [0, 1], 0)
    text = chart.file("a <b>", "of c")
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")][:2] == [
        "a <b>",
        "of c",
    ]
    assert "var(" not in text
    assert ".s0 { color: #0067a8; }" in text


def test_values_outside_are_put_at_the_end() -> None:
    axis = linear("x", 0, 10)
    assert (axis.at(-5), axis.at(15)) == (0, 1)


def test_percent_is_of_shares() -> None:
    axis = percent("share", 0.5)
    assert axis.ticks[0] == (0.5, "50")
    assert axis.ticks[-1] == (1.0, "100")


def test_a_line_goes_through_its_points() -> None:
    chart = Chart(linear("x", 0, 10), linear("y", 0, 1), (400, 300))
    chart.line([0, 10], [0, 1], 2)
    (path,) = re.findall(r'class="line s2" d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"', chart.svg(""))
    x0, y0, x1, y1 = map(float, path)
    assert x0 < x1, "to the right"
    assert y1 < y0, "and up"
    assert (x0, y1) == (46, 10), "from corner to corner of the frame"


def test_steps_hold_the_value_up_to_the_next_point() -> None:
    chart = Chart(linear("x", 0, 2), linear("y", 0, 1))
    chart.line([0, 1, 2], [0, 1, 1], 0, steps=True)
    (path,) = re.findall(r'class="line s0" d="M([^"]*)"', chart.svg(""))
    points = [tuple(map(float, point.split())) for point in path.split("L")]
    assert points[2][0] == points[3][0], "it rises at once"
    assert points[1][1] == points[2][1], "having been level"


def test_a_chart_is_xml_whatever_its_labels_say() -> None:
    chart = Chart(Axis('<"&', 0, 1, [(0, "<0>")]), linear("<y>", 0, 1))
    chart.band([0, 1], [0, 0], [1, 1], 0)
    chart.bars([0, 0.5, 1], [0.2, 0.8], 1)
    chart.dots([0.5], [0.5], 8)
    chart.guide([0, 1], [0, 1])
    root = ElementTree.fromstring(chart.svg('a "title" <'))
    assert root.attrib["aria-label"] == 'a "title" <'
    assert "<0>" in [each.text for each in root.iter("text")]
    assert root.find("circle") is not None
    assert root.find("circle").attrib["class"] == "dot s1 again"  # type: ignore[union-attr]


@pytest.mark.parametrize("series", [0, 6, 7])
def test_every_colour_is_in_the_style_sheet(series: int) -> None:
    (name,) = re.findall(r'class="line (s\d)', svg.swatch(series))
    assert f".{name} " in svg.style_sheet("chart")
    style = svg.style_sheet("page")
    assert style.count(f"--{name}: #") == 3, "light, dark and print"
