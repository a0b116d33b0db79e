"""Who was seen on which occasion: capture histories for MARK and RMark.

A history is a row of 1 (seen) and 0 (not seen), one digit for each occasion; see chapter 2 of
"Program MARK: A Gentle Introduction" (phidot.org/software/mark/docs/book) and ``convert.inp`` of
RMark. An occasion is a day, month or year in which any photo of the catalogue was taken, of a
named animal or not: in others nobody looked, which is not the same as having seen none. How
many photos there are of an animal on one occasion makes no difference, so a burst counts once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from resight.catalogue import AnnotationRecord
from resight.formats.table import csv_bytes

#: How much of an ISO date names an occasion.
OCCASIONS = {"year": 4, "month": 7, "day": 10}


@dataclass(frozen=True)
class Histories:
    """Capture histories: ``seen[name]`` has one bool for each of ``occasions``, in time order.

    ``undated`` counts the named photos left out because their date is not known well enough.
    """

    occasions: tuple[str, ...]
    photos: tuple[int, ...]
    seen: dict[str, tuple[bool, ...]]
    undated: int


def histories_of(records: Sequence[AnnotationRecord], occasions: str) -> Histories:
    """The histories of all named individuals seen at a known time.

    ``occasions``: ``year``, ``month`` or ``day``. Raises ``ValueError`` for another.
    """
    if occasions not in OCCASIONS:
        raise ValueError(f"occasions {occasions!r} are not one of {', '.join(OCCASIONS)}")
    length = OCCASIONS[occasions]
    when = [each.seen_on[:length] if len(each.seen_on) >= length else "" for each in records]
    dated = [(each, at) for each, at in zip(records, when, strict=True) if at]
    photos = Counter(at for _, at in dated)
    known = sorted(photos)
    sightings: dict[str, set[str]] = {}
    for each, at in dated:
        if each.individual:
            sightings.setdefault(each.individual, set()).add(at)
    return Histories(
        tuple(known),
        tuple(photos[occasion] for occasion in known),
        {
            name: tuple(occasion in sightings[name] for occasion in known)
            for name in sorted(sightings)
        },
        sum(bool(each.individual) and not at for each, at in zip(records, when, strict=True)),
    )


def to_inp(histories: Histories) -> bytes:
    """The encounter history file: a line for each animal, its name as a comment.

    RMark's ``convert.inp(use.comments=TRUE)`` takes the comments for the animals' names. There is
    no other comment in the file, because it would be taken for one too.
    """
    lines = [
        f"/* {name.replace('*/', '* /')} */ {''.join('01'[seen] for seen in row)} 1;\n"
        for name, row in histories.seen.items()
    ]
    return "".join(lines).encode("utf-8", "replace")


def occasions_csv(histories: Histories) -> bytes:
    """Which digit is which occasion, so that unequal intervals can be told to MARK."""
    rows = [
        {
            "occasion": number + 1,
            "when": when,
            "photos": histories.photos[number],
            "individuals": sum(row[number] for row in histories.seen.values()),
        }
        for number, when in enumerate(histories.occasions)
    ]
    return csv_bytes(("occasion", "when", "photos", "individuals"), rows)
