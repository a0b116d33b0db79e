"""Where animals are, hidden as far as poachers should not know it.

Positions are rounded to a tenth of a degree, some 11 km: what Chapman (2020, "Current Best
Practices for Generalizing Sensitive Species Occurrence Data", doi.org/10.15468/doc-5jp4-5g10)
advises for species of high sensitivity. Rounding says what it hides, random noise would not.
Names of places stay as people wrote them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from resight.catalogue import AnnotationRecord
from resight.catalogue.names import coarse_degrees
from resight.types import Place

COARSE_DEGREES = 0.1
#: Metres from a rounded position within which the true one lies: half the diagonal of a cell
#: where cells are largest, at the equator.
COARSE_METRES = 7900


def coarse(place: Place | None) -> Place | None:
    """A position rounded to ``COARSE_DEGREES``.

    >>> coarse(Place(12.1547, -68.3012))
    Place(latitude=12.2, longitude=-68.3)
    """
    return None if place is None else Place(*map(coarse_degrees, place))


def coarsened(records: Iterable[AnnotationRecord]) -> list[AnnotationRecord]:
    """The same annotations with coarse positions, people's and cameras'."""
    return [
        replace(
            each,
            position=coarse(each.position),
            photo=replace(each.photo, place=coarse(each.photo.place)),
        )
        for each in records
    ]
