"""The page: well-formed, alone, safe against names, and showing what the figures say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from resight.evaluate import Report, Unreadable
from resight.report.failures import Failure
from resight.report.page import page

from .made_up import (
    made_up_method,
    made_up_protocol,
    made_up_report,
    made_up_results,
    three_methods,
)

#: HTML elements that are never closed.
VOID = {"meta", "img"}
#: What every HTML page here is made of, besides SVG.
SVG = {"svg", "path", "text", "circle"}
HTML = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "main",
    "h1",
    "h2",
    "h3",
    "p",
    "b",
    "i",
    "small",
    "ul",
    "li",
    "dl",
    "dt",
    "dd",
    "figure",
    "figcaption",
    "div",
    "img",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}
NASTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;\x00\u202e"


class Reader(HTMLParser):
    """Reads a page as a browser would; every element must be closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SVG, f"<{tag}/> is not HTML"
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def nasty_report() -> tuple[Report, dict[str, Sequence[Failure]]]:
    """Everything that comes from a user's files says something else than it should."""
    protocol = replace(made_up_protocol(6, 12, 4, name=NASTY), name=f"{NASTY}.csv")
    results = made_up_results(protocol, 3, calibrated=False)
    bad = Unreadable(NASTY, "query", NASTY)
    method = made_up_method(NASTY, protocol, results, unreadable=[bad])
    method = replace(method, uncalibrated=NASTY, settings={NASTY: NASTY}, fingerprint=NASTY)
    report = replace(made_up_report(protocol, [method]), photos=NASTY, commit=NASTY)
    query = replace(protocol.queries[5], path=NASTY)
    failures = [
        Failure(query, novel, 2, answer, b"\xff\xd8")
        for novel in (True, False)
        for answer in (method.answers[5], replace(method.answers[5], right=None))
    ]
    return report, {NASTY: failures}


def test_every_element_is_known_and_closed() -> None:
    reader = read(page(three_methods(), {}))
    assert {tag for tag, _ in reader.elements} <= HTML | SVG


@pytest.mark.parametrize("nasty", [False, True])
def test_a_page_asks_nobody_for_anything(nasty: bool) -> None:
    text = page(*nasty_report()) if nasty else page(three_methods(), {})
    reader = read(text)
    for tag, attributes in reader.elements:
        assert tag not in {"script", "link", "iframe", "object", "base", "form"}
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in {"src", "href"}:
                assert (value or "").startswith("data:image/jpeg;base64,")
    style = text.partition("<style>")[2].partition("</style>")[0]
    assert not re.search(r"@import|url\(|https?:", style)
    if not nasty:
        assert "http" not in text


def test_names_are_text_and_nothing_else() -> None:
    reader = read(page(*nasty_report()))
    assert {tag for tag, _ in reader.elements} <= HTML | SVG
    assert "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;" in reader.text
    assert "\x00" not in reader.text
    assert "\u202e" not in reader.text, "no name turns the text after it around"


def test_the_scoreboard_has_a_row_for_each_method_and_the_best_in_bold() -> None:
    report = three_methods()
    text = page(report, {})
    board = text.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = board.split("</tr>")[:-1]
    for row, method in zip(rows, report.methods, strict=True):
        assert method.name in row
        assert method.top1 is not None
        assert f">{100 * method.top1:.1f}<small>" in row
    assert "class=best" in rows[0]
    assert rows[2].count("–</td>") == 1, "no probabilities, no novelty"


def test_every_kind_of_figure_is_numbered_in_turn() -> None:
    text = page(three_methods(), {})
    assert re.findall(r"<b>Figure (\d)\.", text) == list("12345")
    assert text.count("reliability.") == 2, "of the two calibrated methods"
    assert "No probabilities: too few animals." in text


def test_many_methods_are_told_once_and_not_shaded() -> None:
    protocol = made_up_protocol(novel=0)
    results = made_up_results(protocol, 3, calibrated=False)
    few, many = (
        page(made_up_report(protocol, [made_up_method(f"m{n}", protocol, results) for n in of]), {})
        for of in (range(4), range(9))
    )
    caption = many.partition("<figcaption>")[2].partition("</figcaption>")[0]
    assert caption.count("No probabilities") == 1
    assert ("Shaded:" in few, "Shaded:" in many) == (True, False)


def test_without_novel_queries_there_is_no_open_set() -> None:
    protocol = made_up_protocol(novel=0)
    results = made_up_results(protocol, 3, calibrated=False)
    text = page(made_up_report(protocol, [made_up_method("m", protocol, results)]), {})
    assert "Open set" not in text
    assert "all of them of animals that are in it" in text
    assert "false alarms %" not in text, "rows that say nothing are left out"


def test_without_known_queries_there_is_no_ranking() -> None:
    protocol = made_up_protocol(queries=10, novel=10)
    results = made_up_results(protocol, 3, calibrated=False)
    text = page(made_up_report(protocol, [made_up_method("m", protocol, results)]), {})
    assert "Cumulative match" not in text
    read(text)


def test_weights_are_named_with_their_licence_and_paper() -> None:
    text = read(page(three_methods(), {})).text
    assert "aliked-n16 (BSD-3-Clause; Zhao et al. 2023, ALIKED: " in text


def test_many_unreadable_photos_are_counted() -> None:
    protocol = made_up_protocol()
    results = made_up_results(protocol, 3, calibrated=False)
    bad = [Unreadable(f"{n}.jpg", "query", "truncated") for n in range(50)]
    method = made_up_method("m", protocol, results, unreadable=bad)
    text = page(made_up_report(protocol, [method]), {})
    assert "query 19.jpg: truncated" in text
    assert "query 20.jpg" not in text
    assert "and 30 more" in text
