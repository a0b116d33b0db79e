"""Wildbook's bulk import sheets as plans: each photo of each row is an annotation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from resight.catalogue import BadSource, ImportPlan, PlannedPhoto
from resight.catalogue.importing import planned_photo
from resight.catalogue.names import side_named
from resight.catalogue.tables import Table
from resight.formats.documents import plan_of

_MEDIA = re.compile(r"encounter\.mediaasset\.?([0-9]+)")
_Row = Mapping[str, str]


def is_sheet(header: tuple[str, ...]) -> bool:
    """Whether a table's columns are those of a bulk import with photos."""
    return any(_MEDIA.fullmatch(column.lower()) for column in header)


def plan_sheet(file: Path, table: Table, photos: Path | None) -> ImportPlan:
    """The photos of a sheet. Their names start from ``photos``, or the sheet's own folder.

    Rows of several photos are an encounter each; ``Encounter.otherCatalogNumbers`` names it where
    it is given. A keyword of a photo that names a side is its side.
    """
    base = file.parent if photos is None else photos
    header = tuple(column.lower() for column in table.header)
    rows = [(line, dict(zip(header, cells, strict=False))) for line, cells in table.rows]
    encounters = _encounters(file, rows)
    items: list[PlannedPhoto | BadSource] = []
    for line, row in rows:
        names = _photo_names(base, row)
        source = f"{file.name} line {line}"
        if not names:
            items.append(BadSource(source, "names no photo"))
        for column, name in names:
            try:
                said = {**_said(row), "encounter": encounters[line], "side": _side(row, column)}
                items.append(planned_photo(base / name, f"{source} ({name})", name, said))
            except ValueError as error:
                items.append(BadSource(source, str(error)))
    return replace(plan_of(file, items), warnings=table.warnings)


def _photo_names(base: Path, row: _Row) -> list[tuple[str, str]]:
    """By column the photos of a row. One cell may list several, as Wildbook's page allows."""
    found = []
    for column, cell in row.items():
        name = cell.strip()
        if not _MEDIA.fullmatch(column) or not name or "\0" in name:
            continue
        alone = "," not in name or _is_file(base / name)
        parts = [name] if alone else [part.strip() for part in name.split(",")]
        found += [(column, part) for part in parts if part]
    return found


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a list of names is longer than a name can be
        return False


def _identity(row: _Row) -> str:
    return row.get("markedindividual.individualid") or row.get("encounter.individualid") or ""


def _encounters(file: Path, rows: list[tuple[int, dict[str, str]]]) -> dict[int, str]:
    """The encounter's name of each row, by its line: one animal's on one occasion."""
    animals: dict[str, set[str]] = {}
    for _, row in rows:
        number = row.get("encounter.othercatalognumbers", "").strip()
        animals.setdefault(number, set()).add(_identity(row))
    media = Counter(
        line for line, row in rows for column in row if _MEDIA.fullmatch(column) and row[column]
    )
    names = {}
    for line, row in rows:
        number = row.get("encounter.othercatalognumbers", "").strip()
        if number and len(animals[number]) == 1:
            names[line] = number
        elif number:  # of a day or a dive, with several animals
            names[line] = f"{number} {_identity(row) or f'line {line}'}"
        else:
            names[line] = f"{file.stem} line {line}" if media[line] > 1 else ""
    return names


def _said(row: _Row) -> dict[str, str]:
    genus, epithet = row.get("encounter.genus", ""), row.get("encounter.specificepithet", "")
    return {
        "identity": _identity(row),
        "species": f"{genus} {epithet}".strip(),
        "place": row.get("encounter.verbatimlocality") or row.get("encounter.locationid") or "",
        "latitude": row.get("encounter.decimallatitude") or row.get("encounter.latitude") or "",
        "longitude": row.get("encounter.decimallongitude") or row.get("encounter.longitude") or "",
        "date": _date(row),
    }


def _date(row: _Row) -> str:
    """An ISO date as far as the row tells it."""
    millis = row.get("encounter.dateinmilliseconds", "").strip()
    if millis:
        try:
            moment = datetime.fromtimestamp(int(float(millis)) / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            raise ValueError(f"the time {millis!r} is not in milliseconds since 1970") from None
        return moment.replace(tzinfo=None).isoformat(timespec="seconds")
    text = ""
    for column, form in (("year", "{:04}"), ("month", "-{:02}"), ("day", "-{:02}")):
        part = row.get(f"encounter.{column}", "").strip()
        if not part or part == "0":
            return text
        text += form.format(_whole(column, part))
    hour, minutes = row.get("encounter.hour", "").strip(), row.get("encounter.minutes", "").strip()
    if not hour:
        return text
    return f"{text}T{_whole('hour', hour):02}:{_whole('minutes', minutes or '0'):02}"


def _whole(column: str, text: str) -> int:
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        raise ValueError(f"the {column} {text!r} is not a number") from None


def _side(row: _Row, column: str) -> str:
    for keyword in row.get(f"{column}.keywords", "").split("_"):
        try:
            return side_named(keyword)
        except ValueError:
            continue
    return ""
