"""Annotations as one CSV table or one JSON document, both of which ``resight add`` reads again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from resight.catalogue import AnnotationRecord
from resight.catalogue.cells import guarded
from resight.catalogue.originals import Originals

#: What says that a JSON document is one of these.
JSON_FORMAT = "resight-annotations.v1"
#: Read again by ``resight add``: what people said.
SAID = (
    "path", "photo_name", "identity", "side", "date", "encounter", "place", "species",
    "latitude", "longitude", "x", "y", "w", "h", "rotation", "mask",
)  # fmt: skip
#: For other programs: what the camera wrote, which is in the photo itself.
FACTS = (
    "annotation", "sha256", "width", "height", "taken_at", "camera_latitude", "camera_longitude",
)  # fmt: skip

#: Columns that a table has if it is one of these.
EXPORTED = frozenset({"path", "annotation", "sha256"})


def original_path(record: AnnotationRecord) -> str:
    """Where the photo lies below a catalogue's folder, and below an export with photos."""
    return Originals(Path()).path(record.photo.sha256, record.photo.format).as_posix()


def row_of(record: AnnotationRecord) -> dict[str, Any]:
    """An annotation as one flat row; ``None`` and empty text for what is not known."""
    photo, position, box = record.photo, record.position, record.box
    camera = photo.place
    return {
        "path": original_path(record),
        "photo_name": record.name,
        "identity": record.individual,
        "side": "" if record.side == "unknown" else record.side,
        "date": record.date,
        "encounter": record.encounter,
        "place": record.place,
        "species": record.species,
        "latitude": position.latitude if position else None,
        "longitude": position.longitude if position else None,
        "x": box.x if box else None,
        "y": box.y if box else None,
        "w": box.w if box else None,
        "h": box.h if box else None,
        "rotation": record.rotation or None,
        "mask": record.mask.as_json() if record.mask else None,
        "annotation": record.id,
        "sha256": photo.sha256,
        "width": photo.size[0],
        "height": photo.size[1],
        "taken_at": taken_at(record),
        "camera_latitude": camera.latitude if camera else None,
        "camera_longitude": camera.longitude if camera else None,
    }


def taken_at(record: AnnotationRecord) -> str:
    """When the camera says it was, in ISO 8601, with its offset if it recorded one."""
    if record.photo.taken_at is None:
        return ""
    offset = record.photo.utc_offset
    text = record.photo.taken_at.isoformat(timespec="seconds")
    if offset is None:
        return text
    hours, minutes = divmod(abs(offset), 60)
    return f"{text}{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"


def to_csv(records: Sequence[AnnotationRecord]) -> bytes:
    """UTF-8 with a byte order mark, without which Excel takes it for another encoding."""
    return csv_bytes((*SAID, *FACTS), [row_of(each) for each in records], bom=True)


def csv_bytes(
    columns: Sequence[str], rows: Sequence[Mapping[str, object]], *, bom: bool = False
) -> bytes:
    """A CSV file; text that a spreadsheet program could run is guarded."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return text.getvalue().encode("utf-8-sig" if bom else "utf-8", "replace")


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, dict):
        return json.dumps(value, separators=(",", ":"))
    return guarded(value) if isinstance(value, str) else repr(value)


def to_json(records: Sequence[AnnotationRecord], *, precise: bool) -> bytes:
    """Rows as in CSV; what is not known is left out."""
    rows = [
        {column: value for column, value in row_of(each).items() if value not in ("", None)}
        for each in records
    ]
    document = {
        "format": JSON_FORMAT,
        "places": "precise" if precise else "coarse",
        "annotations": rows,
    }
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "replace")
