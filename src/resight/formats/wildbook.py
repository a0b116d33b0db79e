"""Wildbook's bulk import: a row for each encounter, columns named as its documentation names them.

The columns are those of "Bulk Import" in the documentation of Wildbook (wildbook.docs.wildme.org,
read in 2026). It has none for boxes, rotations and sides: boxes and rotations are left out, a side
is written as a keyword of its photo, and our name of the encounter goes into
``Encounter.otherCatalogNumbers``. Wildbook removes special characters from file names, so photos
get plain ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import PurePosixPath

from resight.catalogue import AnnotationRecord
from resight.formats.sheets import sheet_bytes
from resight.formats.table import original_path

_SCIENTIFIC = re.compile(r"([A-Z][a-z-]+) ([a-z-]+(?: [a-z-]+)*)")
_TIME = re.compile(r"T([0-9]{2}):([0-9]{2})")
_FIRST = (
    "MarkedIndividual.individualID", "Encounter.year", "Encounter.month", "Encounter.day",
    "Encounter.hour", "Encounter.minutes", "Encounter.genus", "Encounter.specificEpithet",
    "Encounter.verbatimLocality", "Encounter.decimalLatitude", "Encounter.decimalLongitude",
    "Encounter.otherCatalogNumbers",
)  # fmt: skip


def photo_name(record: AnnotationRecord) -> str:
    """A plain, unique file name of a photo that people still recognise."""
    stem = re.sub(r"[^A-Za-z0-9]+", " ", PurePosixPath(record.name).stem).strip()[:40]
    suffix = PurePosixPath(original_path(record)).suffix
    return f"{stem} {record.photo.sha256[:12]}{suffix}".strip()


def to_sheet(records: Sequence[AnnotationRecord]) -> bytes:
    """An xlsx workbook with one sheet. Columns that nobody has data for are left out."""
    encounters = encounters_of(records)
    rows = [_row(encounter) for encounter in encounters]
    photos = max(map(len, encounters), default=0)
    media = [f"Encounter.mediaAsset{number}" for number in range(photos)]
    columns = [*_FIRST, *(name for each in media for name in (each, f"{each}.keywords"))]
    filled = [column for column in columns if any(column in row for row in rows)]
    return sheet_bytes(filled or list(_FIRST), rows)


def encounters_of(records: Sequence[AnnotationRecord]) -> list[list[AnnotationRecord]]:
    """Annotations by encounter and animal; those of no encounter are one each."""
    found: dict[tuple[str, str], list[AnnotationRecord]] = {}
    alone = count()
    for each in records:
        key = (each.individual, each.encounter) if each.encounter else ("", f"\0{next(alone)}")
        found.setdefault(key, []).append(each)
    return list(found.values())


def _row(encounter: Sequence[AnnotationRecord]) -> dict[str, object]:
    first = encounter[0]
    position = next(
        (w for w in (each.position or each.photo.place for each in encounter) if w), None
    )
    row: dict[str, object] = {
        "MarkedIndividual.individualID": first.individual,
        **_when(encounter),
        **_taxon(encounter),
        "Encounter.verbatimLocality": next((each.place for each in encounter if each.place), ""),
        "Encounter.decimalLatitude": position.latitude if position else "",
        "Encounter.decimalLongitude": position.longitude if position else "",
        "Encounter.otherCatalogNumbers": first.encounter,
    }
    for number, each in enumerate(encounter):
        row[f"Encounter.mediaAsset{number}"] = photo_name(each)
        if each.side != "unknown":
            row[f"Encounter.mediaAsset{number}.keywords"] = each.side
    return {column: value for column, value in row.items() if value != ""}


def _when(encounter: Sequence[AnnotationRecord]) -> dict[str, int]:
    """The first time of the encounter, as precisely as it is known."""
    times = sorted(filter(None, map(_time_text, encounter)))
    if not times:
        return {}
    parts = [int(part) for part in times[0][:10].split("-")]
    names = ("Encounter.year", "Encounter.month", "Encounter.day")
    found = dict(zip(names, parts, strict=False))
    clock = _TIME.search(times[0])
    if clock:
        found |= {"Encounter.hour": int(clock[1]), "Encounter.minutes": int(clock[2])}
    return found


def _time_text(record: AnnotationRecord) -> str:
    if record.date:
        return record.date
    return record.photo.taken_at.isoformat() if record.photo.taken_at else ""


def _taxon(encounter: Sequence[AnnotationRecord]) -> Mapping[str, str]:
    species = next((each.species for each in encounter if each.species), "")
    found = _SCIENTIFIC.fullmatch(species)
    if not found:
        return {}
    return {"Encounter.genus": found[1], "Encounter.specificEpithet": found[2]}


def left_out(records: Sequence[AnnotationRecord]) -> Iterator[str]:
    """What this format cannot hold of these annotations."""
    boxes = sum(each.box is not None or bool(each.rotation) for each in records)
    masks = sum(each.mask is not None for each in records)
    if masks:
        yield f"{masks} masks"
    if boxes:
        yield f"{boxes} boxes or rotations: Wildbook finds animals itself"
    species = {each.species for each in records if each.species} - {
        each.species for each in records if _SCIENTIFIC.fullmatch(each.species)
    }
    if species:
        named = ", ".join(repr(name) for name in sorted(species)[:3])
        yield f"species that are no scientific name (Genus epithet), as Wildbook wants: {named}"
