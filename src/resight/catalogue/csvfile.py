"""CSV files of photos: the columns people have, and those of evaluation protocols."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from resight.catalogue.importing import (
    CLOSE,
    BadSource,
    ImportPlan,
    PlannedPhoto,
    planned_photo,
)
from resight.errors import ImportFileError

_NUMBERS = ("x", "y", "w", "h", "rotation", "latitude", "longitude")
_COLUMNS = ("path", "identity", "side", "date", "encounter", "place", "species", *_NUMBERS)
#: Protocol files say which photos ask and which answer, tables of `resight detect` how sure a box
#: is and of what; a catalogue does not care.
_IGNORED = ("role", "score", "label")
_SEPARATORS = (",", ";", "\t")


def plan_csv(file: Path, photos: Path | None = None) -> ImportPlan:
    """Photos listed in a CSV file with a header line.

    Columns, in any order: path (required), identity, side, date, encounter,
    place, latitude, longitude, x, y, w, h, rotation, species; and ``role`` of
    protocol files, ``score`` and ``label`` of detections, which are ignored.
    Other columns are left out with a warning. Separated by comma, semicolon or tab;
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
    return ImportPlan(str(file), tuple(planned), tuple(bad), _unknown(file, table.header))


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
    for column in _COLUMNS:
        if header.count(column) > 1:
            raise ImportFileError(f"{file} has the column {column!r} twice")
    if "path" not in header:
        meant = [column for column in header if _meant(column, header) == "path"]
        hint = f": is it {meant[0]!r}? Rename that to 'path'" if meant else ""
        raise ImportFileError(
            f"{file} has no column 'path', which names the photos{hint} (its columns: "
            f"{', '.join(filter(None, header))})"
        )


def _unknown(file: Path, header: tuple[str, ...]) -> tuple[str, ...]:
    """A warning of columns that nobody knows, if there are any."""
    unknown = [
        column
        for column in dict.fromkeys(header)
        if column and column not in (*_COLUMNS, *_IGNORED)
    ]
    if not unknown:
        return ()
    meant = [(column, _meant(column, header)) for column in unknown]
    named = [f"{column!r}" + (f" (meant {near!r}?)" if near else "") for column, near in meant]
    return (
        f"{file.name}: {'columns' if len(named) > 1 else 'column'} not known and left out: "
        f"{', '.join(named)}",
    )


#: What people call a column that resight calls otherwise.
_ALSO = {
    **dict.fromkeys(("file", "filename", "file name", "file_name"), "path"),
    **dict.fromkeys(("photo", "image", "picture"), "path"),
    **dict.fromkeys(("individual", "animal"), "identity"),
}


def _meant(column: str, header: tuple[str, ...]) -> str:
    """The column, not in the header, that an unknown one was perhaps to be; empty for none."""
    near = get_close_matches(column, (*_COLUMNS, *_ALSO), n=1, cutoff=CLOSE)
    meant = _ALSO.get(near[0], near[0]) if near and column not in _COLUMNS else ""
    return "" if meant in header else meant
