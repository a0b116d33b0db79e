"""Line charts as SVG text, coloured by the style sheet of the page they stand in.

Vector graphics that follow the reader's light or dark theme, scale with the page and print
sharply; text stays text. Classes ``s0`` to ``s6`` are the colours of series: what they look like
is in ``chart.css``, which colours they are in ``page.css``.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

import numpy as np
from numpy.typing import ArrayLike

#: Sizes of charts, two and three in a row of a page: text is as large in both.
HALF, THIRD = (420, 280), (300, 230)
#: Margins of a chart.
_LEFT, _TOP, _RIGHT, _BOTTOM = 46, 10, 12, 40
#: Room above a chart in a file of its own.
_HEAD = 44
#: Colours there are in the style sheet; further series have them again, dashed.
COLOURS = 7

Ticks = Sequence[tuple[float, str]]


def escaped(text: object) -> str:
    """Text that can be nothing but text in HTML and SVG, wherever it came from.

    >>> escaped('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return html.escape("".join(c if c.isprintable() else "�" for c in str(text)), quote=True)


def _same(value: float) -> float:
    return value


@dataclass(frozen=True)
class Axis:
    """One direction of a chart: ``low`` to ``high``, after ``scale``, with ``ticks``."""

    label: str
    low: float
    high: float
    ticks: Ticks
    scale: Callable[[float], float] = _same

    def at(self, value: float) -> float:
        """Where a value lies, from 0 to 1; values outside are put at the end."""
        low, high = self.scale(self.low), self.scale(self.high)
        place = (self.scale(value) - low) / (high - low) if high > low else 0.5
        return min(max(place, 0.0), 1.0)


def linear(label: str, low: float, high: float) -> Axis:
    """An axis with some five round ticks.

    >>> [text for _, text in linear("x", 0, 1).ticks]
    ['0', '0.2', '0.4', '0.6', '0.8', '1']
    """
    step = _round_step((high - low) / 5)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    values = [n * step for n in range(first, last + 1)]
    return Axis(label, low, high, [(value, f"{value:.6g}") for value in values])


def percent(label: str, low: float = 0.0) -> Axis:
    """An axis of shares from ``low`` to 1, told in percent."""
    return Axis(
        label, low, 1.0, [(value, text(100 * value)) for value, _ in linear("", low, 1).ticks]
    )


def stretched(label: str, high: float) -> Axis:
    """An axis from 0 that is linear below 1 and logarithmic far above it.

    >>> [text for _, text in stretched("x", 300).ticks]
    ['0', '1', '3', '10', '30', '100', '300']
    """
    values = [0.0]
    for exponent in range(math.ceil(math.log10(max(high, 1))) + 1):
        values += [10.0**exponent, 3 * 10.0**exponent]
    return Axis(label, 0.0, high, [(v, text(v)) for v in values if v <= high], math.asinh)


def text(value: float) -> str:
    """A number as short as it can be told.

    >>> text(80.0), text(0.25)
    ('80', '0.25')
    """
    return f"{value:.6g}"


@dataclass
class Chart:
    """Series drawn over a frame; ``svg()`` is the finished picture."""

    x: Axis
    y: Axis
    size: tuple[int, int] = HALF
    _parts: list[str] = field(default_factory=list)

    def line(self, xs: ArrayLike, ys: ArrayLike, series: int, *, steps: bool = False) -> None:
        """A line through the points; as ``steps``, level up to each next point."""
        points = self._points(xs, ys)
        if steps:
            points = [
                (x, y)
                for index, (x, now) in enumerate(points)
                for y in (points[max(index - 1, 0)][1], now)
            ]
        self._parts.append(f'<path class="line {_class(series)}" d="{_path(points)}"/>')

    def band(self, xs: ArrayLike, low: ArrayLike, high: ArrayLike, series: int) -> None:
        """The area between two lines."""
        points = self._points(xs, low) + self._points(xs, high)[::-1]
        self._parts.append(f'<path class="band {_class(series)}" d="{_path(points)}Z"/>')

    def bars(self, edges: ArrayLike, heights: ArrayLike, series: int) -> None:
        """A histogram: one height between each two edges."""
        xs, ys = np.repeat(np.asarray(edges, float), 2), np.repeat(np.asarray(heights, float), 2)
        points = self._points(xs, np.concatenate([[0.0], ys, [0.0]]))
        self._parts.append(f'<path class="band {_class(series)}" d="{_path(points)}Z"/>')
        self._parts.append(f'<path class="line {_class(series)}" d="{_path(points)}"/>')

    def dots(self, xs: ArrayLike, ys: ArrayLike, series: int) -> None:
        """A dot at each point."""
        for x, y in self._points(xs, ys):
            self._parts.append(
                f'<circle class="dot {_class(series)}" cx="{x:.1f}" cy="{y:.1f}" r="3.2"/>'
            )

    def guide(self, xs: ArrayLike, ys: ArrayLike) -> None:
        """A faint line to compare with."""
        self._parts.append(f'<path class="guide" d="{_path(self._points(xs, ys))}"/>')

    def svg(self, title: str) -> str:
        """The picture; ``title`` is what a screen reader says."""
        w, h = self.size
        return (
            f'<svg viewBox="0 0 {w} {h}" role="img" aria-label="{escaped(title)}">'
            f"{self._drawn()}</svg>"
        )

    def file(self, title: str, about: str) -> str:
        """The picture as a file of its own, on white, under two lines of text."""
        w, h = self.size[0], self.size[1] + _HEAD
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 {-_HEAD} {w} {h}" '
            f'width="{1.5 * w:g}" height="{1.5 * h:g}"><style>{_light_style()}</style>'
            f'<rect y="{-_HEAD}" width="{w}" height="{h}" fill="white"/>'
            f'<text class="label" x="{_LEFT}" y="-26">{escaped(title)}</text>'
            f'<text class="tick" x="{_LEFT}" y="-9">{escaped(about)}</text>'
            f"{self._drawn()}</svg>\n"
        )

    def _drawn(self) -> str:
        return self._frame() + "".join(self._parts)

    def _points(self, xs: ArrayLike, ys: ArrayLike) -> list[tuple[float, float]]:
        pairs = zip(np.asarray(xs, float).tolist(), np.asarray(ys, float).tolist(), strict=True)
        return [(self._across(x), self._up(y)) for x, y in pairs]

    def _across(self, value: float) -> float:
        return _LEFT + self.x.at(value) * (self.size[0] - _LEFT - _RIGHT)

    def _up(self, value: float) -> float:
        room = self.size[1] - _TOP - _BOTTOM
        return _TOP + room * (1 - self.y.at(value))

    def _frame(self) -> str:
        bottom, right = self.size[1] - _BOTTOM, self.size[0] - _RIGHT
        parts = []
        for value, label in self.y.ticks:
            y = self._up(value)
            parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{right}"/>')
            parts.append(
                f'<text class="tick" x="{_LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">'
                f"{escaped(label)}</text>"
            )
        for value, label in self.x.ticks:
            x = self._across(value)
            parts.append(f'<path class="axis" d="M{x:.1f} {bottom}v4"/>')
            parts.append(
                f'<text class="tick" x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">'
                f"{escaped(label)}</text>"
            )
        middle = (_TOP + bottom) / 2
        return "".join(
            [
                *parts,
                f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{right}"/>',
                f'<text class="label" x="{(_LEFT + right) / 2}" y="{bottom + 34}" '
                f'text-anchor="middle">{escaped(self.x.label)}</text>',
                f'<text class="label" transform="translate(12 {middle}) rotate(-90)" '
                f'text-anchor="middle">{escaped(self.y.label)}</text>',
            ]
        )


def style_sheet(name: str) -> str:
    """The text of ``page`` or ``chart``."""
    return (files("resight.report") / f"{name}.css").read_text(encoding="utf-8")


def _light_style() -> str:
    """How charts look by day, without variables: most that draws SVG files knows none."""
    day, _, _ = style_sheet("page").partition("@media")
    colours = dict(re.findall(r"--(\w+): (#\w+);", day))
    return re.sub(r"var\(--(\w+)\)", lambda found: colours[found[1]], style_sheet("chart"))


def swatch(series: int) -> str:
    """A short piece of a series' line, for a legend."""
    return (
        '<svg class="swatch" viewBox="0 0 24 10" aria-hidden="true">'
        f'<path class="line {_class(series)}" d="M1 5H23"/></svg>'
    )


def _class(series: int) -> str:
    return f"s{series % COLOURS}" + (" again" if series >= COLOURS else "")


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) if points else ""


def _round_step(least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is not below ``least``."""
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * 0.999)
