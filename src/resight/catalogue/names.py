"""Names, sides, dates, boxes and degrees as people write them, in one canonical form each.

All functions raise ``ValueError`` with a message fit for a person; callers add
which item it was about.
"""

from __future__ import annotations

import math
import os
import re
import string
import unicodedata
from datetime import date, datetime

from resight.masks import mask_told
from resight.types import SIDES, UNKNOWN_SIDE, Box

#: Written where nobody knows who it is, by people and by spreadsheets; compared without regard to
#: case. So is whatever has nothing but punctuation.
UNKNOWN_NAMES = frozenset(
    {"unknown", "_unknown", "unidentified", "not identified", "unnamed", "no id", "unk"}
    | {"unsorted", "_unsorted", "unassigned"}
    | {"na", "n/a", "#n/a", "nan", "none", "null"}
)
_PUNCTUATION = frozenset(string.punctuation + string.whitespace)
_LONGEST_NAME = 200
_SIDE_SHORTHAND = {"l": "left", "r": "right", "t": "top", "tl": "topleft", "tr": "topright"}
#: How ``side_named`` may find a side written, longest first (for name patterns).
SIDE_WORDS = tuple(
    sorted(
        {
            *_SIDE_SHORTHAND,
            *SIDES,
            *(re.sub(r"^(top|front|back)(left|right)$", r"\1-\2", side) for side in SIDES),
        },
        key=lambda word: (-len(word), word),
    )
)
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:[T ](.+))?)?)?")
_COMPACT_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")


def clean_name(text: str) -> str:
    """A name in Unicode NFC, trimmed; empty where it means "not known".

    >>> clean_name("  Crush "), clean_name("Unknown"), clean_name("n/a"), clean_name("???")
    ('Crush', '', '', '')
    """
    name = unicodedata.normalize("NFC", text).strip()
    if name.casefold() in UNKNOWN_NAMES or set(name) <= _PUNCTUATION:
        return ""
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"the name {name[:30]!r}… is longer than {_LONGEST_NAME} characters")
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name):
        raise ValueError(f"the name {name!r} holds control or undecodable characters")
    return name


def name_key(name: str) -> str:
    """Equal for names a person could take for the same one.

    Two animals whose names differ only in case, width or spacing are nearly
    always one animal typed twice, so the catalogue refuses the second spelling.
    Turkish capitals do not tell an i without a dot from one with, so nor does this.

    >>> name_key("Big  Crush") == name_key("big crush"), name_key("Işık") == name_key("IŞIK")
    (True, True)
    """
    folded = unicodedata.normalize("NFKC", name).upper().casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def writable(file_name: str) -> str:
    """A file's name as it can be written down: what in it is no UTF-8 is replaced.

    >>> writable("caf\\udce9")
    'caf\ufffd'
    """
    return os.fsencode(file_name).decode(errors="replace")


def side_named(text: str) -> str:
    """The side somebody wrote: ``L``, ``Left``, ``top-left`` …; empty is unknown.

    >>> side_named("L"), side_named("Top left"), side_named("")
    ('left', 'topleft', 'unknown')
    """
    word = re.sub(r"[\s_-]", "", text.casefold()).removesuffix("side")
    if word in ("", "?"):
        return UNKNOWN_SIDE
    side = _SIDE_SHORTHAND.get(word, word)
    if side not in SIDES:
        raise ValueError(f"the side {text!r} is not one of {', '.join(SIDES)}, L, R or T")
    return side


def date_named(text: str) -> str:
    """An ISO 8601 date, as far as it is known: year, month, day or time of day.

    >>> date_named("2019-05"), date_named("20190503"), date_named("2019-05-03 10:11")
    ('2019-05', '2019-05-03', '2019-05-03T10:11:00')
    """
    text = text.strip()
    if not text:
        return ""
    compact = _COMPACT_DATE.fullmatch(text)
    if compact:
        text = "-".join(compact.groups())
    found = _DATE.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        year, month, day, time = found.groups()
        date(int(year), int(month or 1), int(day or 1))
        return datetime.fromisoformat(text).isoformat() if time else text
    except ValueError:
        raise ValueError(
            f"the date {text!r} is not ISO 8601 (2019, 2019-05, 2019-05-03 or 2019-05-03T10:11)"
        ) from None


def box_text(box: Box | None) -> str:
    """A box as the catalogue stores it; empty for the whole photo.

    >>> box_text(Box(1, 2.5, 30, 40))
    '1.0,2.5,30.0,40.0'
    """
    if box is None:
        return ""
    values = [float(value) + 0.0 for value in box]  # + 0.0 turns -0.0 into 0.0
    if not all(map(math.isfinite, values)) or values[2] <= 0 or values[3] <= 0:
        raise ValueError(f"the box {tuple(values)} has no area: w and h must be above 0")
    return ",".join(map(repr, values))


def told(field: str, value: object) -> str:
    """The value of a field as messages have it."""
    return mask_told(str(value)) if field == "mask" else repr(value)


def box_of(text: str) -> Box | None:
    """The inverse of ``box_text``."""
    return Box(*map(float, text.split(","))) if text else None


def coarse_degrees(value: float) -> float:
    """A latitude or longitude as exports hide it, to a tenth of a degree.

    >>> coarse_degrees(-68.3012)
    -68.3
    """
    return round(value, 1)
