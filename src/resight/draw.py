"""Pictures that show why: matched keypoints of a query and gallery photos.

Nothing here knows the catalogue: the caller passes chips, keypoints and names.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from resight.errors import ResightError
from resight.files import write_whole
from resight.lines import UNVERIFIED, colours, draw_unverified, draw_verified, pen_for
from resight.types import Box, Chip, Evidence

_PAPER = (255, 255, 255)
_INK = (25, 25, 25)
_FAINT_INK = (105, 105, 105)
_BOX = (255, 214, 10)


@dataclass(frozen=True, eq=False)
class View:
    """A chip and its keypoints: (N, 2) xy in chip pixels, pixel centres at integers."""

    chip: Chip
    keypoints: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Row:
    """One gallery photo beside the query: what was matched, and the text above it."""

    gallery: View
    evidence: Evidence
    title: str


def draw_matches(
    query: View, gallery: View, evidence: Evidence, *, title: str = "", width: int = 1200
) -> NDArray[np.uint8]:
    """The query (left) and one gallery photo with the matches between them.

    Verified matches are lines coloured by score, the others thin grey ones
    behind them. ``title`` is written above at the left, the numbers of matches
    at the right. Photos compared as wholes have neither, only their likeness.
    Returns (h, ``width``, 3) uint8 RGB.
    """
    return draw_identification(query, [Row(gallery, evidence, title)], width=width)


def draw_identification(
    query: View, rows: Sequence[Row], *, title: str = "", subtitle: str = "", width: int = 1200
) -> NDArray[np.uint8]:
    """The query beside the best photo of each candidate, one row each, best first.

    ``title`` and, smaller, ``subtitle`` are written above. Without rows, the query alone.
    Returns (h, ``width``, 3) uint8 RGB.
    """
    if width < 200:
        raise ValueError(f"a picture of matches needs a width of 200 or more, got {width}")
    # All rows are drawn alike, or a poor candidate would catch the eye before a good one.
    most = max((int(row.evidence.geometry.inliers.sum()) for row in rows), default=0)
    style = _Style(width, most)
    parts = [_heading(style, title)] if title else []
    parts += [_subheading(style, subtitle)] if subtitle else []
    if rows:
        parts += [_row(style, query, row) for row in rows]
        confident = all(row.evidence.matches.confidences is not None for row in rows)
        if not any(row.evidence.matches.whole for row in rows):
            parts.append(_legend(style, "confidence" if confident else "score"))
    else:
        parts.append(_alone(style, query))
    return np.concatenate(parts)


def draw_boxes(
    pixels: NDArray[np.uint8], boxes: Sequence[tuple[Box, str]], *, long_edge: int = 1024
) -> NDArray[np.uint8]:
    """A photo reduced to ``long_edge``, with boxes (in its own pixels) and what each is called.

    ``pixels`` (h, w, 3) uint8 RGB, not changed; the result likewise.
    """
    scale = min(1.0, long_edge / max(pixels.shape[:2]))
    size = tuple(max(1, round(side * scale)) for side in pixels.shape[1::-1])
    picture = Image.fromarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    pen, line = ImageDraw.Draw(picture), max(2, round(max(size) / 300))
    font = _font(max(11, round(max(size) / 50)))
    for box, text in boxes:
        corners = [box.x * scale, box.y * scale, (box.x + box.w) * scale, (box.y + box.h) * scale]
        outside = [corners[0] - 1, corners[1] - 1, corners[2] + 1, corners[3] + 1]
        pen.rectangle(outside, outline=_INK, width=line + 2)  # so that it is seen on anything
        pen.rectangle(corners, outline=_BOX, width=line)
        at = (corners[0] + 2 * line, corners[1] + 2 * line)
        pen.text(at, text, _BOX, font, stroke_width=max(1, line // 2), stroke_fill=_INK)
    return np.asarray(picture)


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write (h, w, 3) uint8 RGB; the file appears whole or not at all.

    Raises ``ResightError`` if it cannot be written.
    """
    data = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1].tobytes()
    try:
        write_whole(path, data)
    except OSError as error:
        raise ResightError(
            f"cannot write {path}: {error.strerror or error}: check the folder, its permissions "
            "and the free space, or name another file"
        ) from error


#: Fonts of Linux, macOS and Windows with the letters of many languages, most of them first.
_FONTS = ("Arial Unicode.ttf", "DejaVuSans.ttf", "NotoSans-Regular.ttf", "segoeui.ttf", "arial.ttf")


@cache
def _font(size: int) -> Any:
    """A font of this computer, as names are in any language; Pillow's own has ASCII alone."""
    for name in _FONTS:
        with suppress(OSError):
            return ImageFont.truetype(name, size)
    return ImageFont.load_default(size)


class _Style:
    """Sizes that follow from the picture's width, and lines from how many there are."""

    def __init__(self, width: int, most: int) -> None:
        self.width = width
        self.text = max(11, round(width / 60))
        self.margin = max(6, round(width / 100))
        self.gap = 2 * self.margin
        self.cell = (width - 2 * self.margin - self.gap) // 2
        self.pen = pen_for(width, most)
        self.font = _font(self.text)
        self.small = _font(max(10, round(self.text * 0.8)))


def _paper(style: _Style, height: int) -> NDArray[np.uint8]:
    return np.full((height, style.width, 3), _PAPER, np.uint8)


def _heading(style: _Style, title: str) -> NDArray[np.uint8]:
    canvas = Image.fromarray(_paper(style, round(style.text * 2.2)))
    font = _font(round(style.text * 1.25))
    text = _shortened(title, font, style.width - 2 * style.margin)
    ImageDraw.Draw(canvas).text((style.margin, style.margin), text, _INK, font)
    return np.asarray(canvas)


def _subheading(style: _Style, text: str) -> NDArray[np.uint8]:
    lines = _wrapped(text, style.font, style.width - 2 * style.margin)
    line_height = round(style.text * 1.4)
    canvas = Image.fromarray(_paper(style, len(lines) * line_height + round(style.text * 0.4)))
    pen = ImageDraw.Draw(canvas)
    for number, line in enumerate(lines):
        at = (style.margin, number * line_height + round(style.text * 0.2))
        pen.text(at, line, _INK, style.font)
    return np.asarray(canvas)


def _row(style: _Style, query: View, row: Row) -> NDArray[np.uint8]:
    top = round(style.text * 1.9)
    left, right = _fitted(query.chip, style.cell), _fitted(row.gallery.chip, style.cell)
    height = max(left.shape[0], right.shape[0])
    canvas = _paper(style, top + height + style.margin)
    left_at = (style.margin + (style.cell - left.shape[1]) // 2, top)
    right_at = (style.width - style.margin - style.cell + (style.cell - right.shape[1]) // 2, top)
    for pixels, (x, y) in ((left, left_at), (right, right_at)):
        canvas[y : y + pixels.shape[0], x : x + pixels.shape[1]] = pixels

    matches, inliers = row.evidence.matches, row.evidence.geometry.inliers
    if matches.whole:
        alike = f"compared as a whole: {float(matches.scores.sum()):.3f} of 1"
        return _captioned(canvas, style, row.title, alike)
    asked = View(query.chip, row.evidence.of_query(query.keypoints))
    from_ = _placed(asked, matches.pairs[:, 0], left, left_at)
    to = _placed(row.gallery, matches.pairs[:, 1], right, right_at)
    draw_unverified(canvas, from_[~inliers], to[~inliers])
    draw_verified(canvas, style.pen, from_[inliers], to[inliers], matches.scores[inliers])
    counts = f"{np.count_nonzero(inliers)} of {len(matches)} matches verified"
    return _captioned(canvas, style, row.title, counts)


def _alone(style: _Style, query: View) -> NDArray[np.uint8]:
    pixels = _fitted(query.chip, style.cell)
    top = round(style.text * 1.9)
    canvas = _paper(style, top + pixels.shape[0] + style.margin)
    canvas[top : top + pixels.shape[0], style.margin : style.margin + pixels.shape[1]] = pixels
    return _captioned(canvas, style, "no candidates", "")


def _fitted(chip: Chip, cell: int) -> NDArray[np.uint8]:
    """The chip scaled to fit ``cell`` wide and three quarters of it high."""
    w, h = chip.size
    scale = min(cell / w, 0.75 * cell / h)
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(chip.pixels, size, interpolation=how), np.uint8)


def _placed(
    view: View, index: NDArray[np.int32], pixels: NDArray[np.uint8], at: tuple[int, int]
) -> NDArray[np.float64]:
    """Keypoints ``index`` on the canvas, (K, 2)."""
    scale = np.array(pixels.shape[1::-1]) / view.chip.size
    placed: NDArray[np.float64] = (view.keypoints[index] + 0.5) * scale - 0.5 + at
    return placed


def _captioned(
    canvas: NDArray[np.uint8], style: _Style, title: str, counts: str
) -> NDArray[np.uint8]:
    picture = Image.fromarray(canvas)
    pen = ImageDraw.Draw(picture)
    base = round(style.text * 1.4)
    pen.text((style.width - style.margin, base), counts, _FAINT_INK, style.small, anchor="rs")
    room = style.width - 3 * style.margin - style.small.getlength(counts)
    pen.text((style.margin, base), _shortened(title, style.font, room), _INK, style.font, "ls")
    return np.asarray(picture)


def _legend(style: _Style, colour: str) -> NDArray[np.uint8]:
    """Colour bar of what ``colour`` names of a match, and the meaning of grey lines."""
    height, bar = 2 * style.text, style.width // 6
    thick = max(6, style.text // 2)
    middle = height // 2
    canvas = _paper(style, height)
    label = f"match {colour}   0 "
    x = style.margin + round(style.small.getlength(label)) + style.margin // 2
    ramp = colours(np.linspace(0, 1, bar, dtype=np.float32))
    canvas[middle - thick // 2 : middle - thick // 2 + thick, x : x + bar] = ramp
    grey = x + bar + 6 * style.margin
    picture = Image.fromarray(canvas)
    pen = ImageDraw.Draw(picture)
    pen.text((style.margin, middle), label, _FAINT_INK, style.small, "lm")
    pen.text((x + bar + style.margin // 2, middle), "1", _FAINT_INK, style.small, "lm")
    pen.line((grey, middle, grey + 3 * style.margin, middle), UNVERIFIED, 1)
    text = "match that does not agree with the others' geometry"
    pen.text((grey + 4 * style.margin, middle), text, _FAINT_INK, style.small, "lm")
    return np.asarray(picture)


def _wrapped(text: str, font: Any, room: float) -> list[str]:
    """``text`` in lines of ``room`` pixels at most, if no word is wider."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return [_shortened(line, font, room) for line in lines if line]


def _shortened(text: str, font: Any, room: float) -> str:
    """``text``, cut with an ellipsis if it is wider than ``room`` pixels."""
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(text + "…") > room:
        text = text[:-1]
    return text + "…"
