"""CSV files of photos: the columns people have, and those of evaluation protocols."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from resight.catalogue.importing import (
    BadSource,
    ImportPlan,
    PlannedPhoto,
    planned_photo,
    unknown_word,
)
from resight.errors import ImportFileError

_NUMBERS = ("x", "y", "w", "h", "rotation", "latitude", "longitude")
_COLUMNS = ("path", "identity", "side", "date", "encounter", "place", "species", *_NUMBERS)
#: Protocol files say which photos ask and which answer; a catalogue does not care.
_IGNORED = ("role",)
_SEPARATORS = (",", ";", "\t")


def plan_csv(file: Path, photos: Path | None = None) -> ImportPlan:
    """Photos listed in a CSV file with a header line.

    Columns, in any order: path (required), identity, side, date, encounter,
    place, latitude, longitude, x, y, w, h, rotation, species; and ``role`` of
    protocol files, which is ignored. Separated by comma, semicolon or tab;
    UTF-8 with or without a byte order mark; where commas do not separate
    columns, ``12,5`` is a number. Paths are relative to ``photos``, or to the
    file's own folder. A row that cannot be used is bad, the others are planned.

    Raises ``ImportFileError`` for a file that is no such table.
    """
    table = _read(file)
    base = file.parent if photos is None else photos
    planned: list[PlannedPhoto] = []
    bad: list[BadSource] = []
    for line, cells in table.rows:
        source = f"{file.name} line {line}"
        try:
            planned.append(_planned(table, cells, source, base))
        except ValueError as error:
            bad.append(BadSource(source, str(error)))
    if not planned and not bad:
        raise ImportFileError(f"{file} has no rows below its header")
    return ImportPlan(str(file), tuple(planned), tuple(bad))


@dataclass(frozen=True)
class _Table:
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    separator: str


def _planned(table: _Table, cells: tuple[str, ...], source: str, base: Path) -> PlannedPhoto:
    if len(cells) > len(table.header) and any(cells[len(table.header) :]):
        raise ValueError(f"has {len(cells)} values where the header has {len(table.header)}")
    said = dict(zip(table.header, cells, strict=False))
    if table.separator != ",":
        said |= {field: said[field].replace(",", ".") for field in _NUMBERS if field in said}
    path = said["path"].strip()
    if not path or "\0" in path:
        raise ValueError("has no path")
    return planned_photo(base / path, f"{source} ({path})", path, said)


def _read(file: Path) -> _Table:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ImportFileError(f"cannot read {file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ImportFileError(
            f"{file} line {line} is not UTF-8: save the table as “CSV UTF-8”"
        ) from error
    separator = _separator(text)
    try:
        lines = list(_lines(text, separator))
    except csv.Error as error:
        raise ImportFileError(f"{file} is not a CSV file: {error}") from error
    if not lines:
        raise ImportFileError(f"{file} is empty: its first line must name the columns")
    header = tuple(cell.strip().lower() for cell in lines[0][1])
    _check_header(file, header)
    return _Table(header, tuple(lines[1:]), separator)


def _lines(text: str, separator: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Rows with the line they begin on; empty ones are left out."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begins = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield begins, tuple(cells)
        begins = reader.line_num + 1


def _separator(text: str) -> str:
    """The one under which the first line names most columns that we know."""
    first = next((line for line in text.splitlines() if line.strip()), "")

    def known(separator: str) -> int:
        return sum(cell.strip(' "').lower() in _COLUMNS for cell in first.split(separator))

    return max(_SEPARATORS, key=known)


def _check_header(file: Path, header: tuple[str, ...]) -> None:
    known = (*_COLUMNS, *_IGNORED)
    for column in header:
        if column not in known and column:
            raise ImportFileError(f"{file}: {unknown_word('column', column, known)}")
        if column and header.count(column) > 1:
            raise ImportFileError(f"{file} has the column {column!r} twice")
    if "path" not in header:
        raise ImportFileError(f"{file} has no column 'path' (its columns: {', '.join(header)})")
