"""Tables that people keep, CSV or Excel, as text: a header and rows with their line numbers."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

from resight.catalogue.cells import unguarded
from resight.errors import ImportFileError

_SEPARATORS = (",", ";", "\t")
_ZIP = b"PK\x03\x04"
#: Of workbooks before 2007, and of those with a password.
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
#: What no table of text holds.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]")
#: What is UTF-8 beyond ASCII: where one byte is wrong, the others are right all the same.
_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
#: Words of another alphabet's code page, such as Cyrillic or Chinese, taken for Windows-1252: in
#: languages written with Latin letters no three accented ones follow each other.
_ALPHABET = re.compile(r"[^\x00-\x7f]{3}")
_ACCENTED = re.compile(r"\w*[^\x00-\x7f]\w*")
#: Of a workbook: what Excel itself can hold, and what memory can.
_MOST_ROWS, _MOST_CELLS = 1_048_576, 20_000_000
#: Of a cell: whoever reads it has a limit of his own.
_MOST_LETTERS = 10_000_000


@dataclass(frozen=True)
class Table:
    """``header`` as written, trimmed; ``rows`` with the line each begins on, empty ones left out.

    ``decimal_comma``: ``12,5`` may be a number. ``workbook``: it is Excel's.
    ``warnings`` are for the person who imports.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    decimal_comma: bool = False
    workbook: bool = False
    warnings: tuple[str, ...] = ()


def read_table(file: Path, is_known: Callable[[str], bool]) -> Table:
    """Read a CSV file or the first sheet of an Excel workbook, told apart by their content.

    ``is_known`` says of a column's name whether it is one of ours, by which the separator of
    columns is found. Apostrophes that keep text from being run are taken off.

    Raises ``ImportFileError`` for a file that is no such table.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ImportFileError(f"cannot read {file}: {error.strerror or error}") from error
    if data.startswith(_OLD_WORKBOOK):
        raise ImportFileError(
            f"{file} is a workbook of an old Excel (.xls) or has a password: save it as .xlsx "
            "without one, or as “CSV UTF-8”"
        )
    try:
        table = _workbook(file, data) if data.startswith(_ZIP) else _csv(file, data, is_known)
    except _NoText as error:
        if file.suffix.lower() in (".xlsx", ".xlsm"):
            raise ImportFileError(
                f"{file} is no Excel workbook, or it is damaged: open it in Excel and save it again"
            ) from error
        raise
    if not table.header:
        raise ImportFileError(f"{file} is empty: its first line must name the columns")
    return table


class _NoText(ImportFileError):
    """The bytes of a file are no text of a table."""


def _csv(file: Path, data: bytes, is_known: Callable[[str], bool]) -> Table:
    text, warnings = _decoded(file, data)
    separator = _separator(text, is_known)
    try:
        lines = list(_lines(text, separator))
    except csv.Error as error:
        raise ImportFileError(f"{file} is not a CSV file: {error}") from error
    header = tuple(cell.strip() for cell in lines[0][1]) if lines else ()
    if (
        warnings and len(header) < 2 and not any(map(is_known, header))
    ):  # any bytes are Windows-1252, those of a photo too
        raise _NoText(f"{file} is no table: its first line must name the columns")
    return Table(header, tuple(lines[1:]), decimal_comma=separator != ",", warnings=warnings)


def _decoded(file: Path, data: bytes) -> tuple[str, tuple[str, ...]]:
    """The text of a table, and a warning where its encoding is not certain.

    Excel's plain “CSV” is Windows-1252 in most of the countries with Latin letters.
    """
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            text = "\0"
        cut = error.reason == "unexpected end of data"  # in the middle of a letter
        if cut or _CONTROLS.search(text) or _UTF8.search(data) or _ALPHABET.search(text):
            raise _NoText(
                f"{file} line {line} is not UTF-8: save the table as “CSV UTF-8”"
            ) from error
    word = next(filter(None, map(_ACCENTED.search, text.splitlines()[line - 1 :])))
    return text, (
        f"{file.name}: read as Windows-1252, as old Excel writes it, since it is not UTF-8: if "
        f"“{word[0]}” in line {line} is wrong, save the table as “CSV UTF-8”",
    )


def _lines(text: str, separator: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Rows with the line they begin on; empty ones are left out."""
    # A mask of many polygons is longer than Python's own limit, which is one for the whole process.
    csv.field_size_limit(max(csv.field_size_limit(), _MOST_LETTERS))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begins = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield begins, tuple(map(unguarded, cells))
        begins = reader.line_num + 1


def _separator(text: str, is_known: Callable[[str], bool]) -> str:
    """The one under which the first line names most columns that we know, or just most."""
    first = next((line for line in text.splitlines() if line.strip()), "")

    def known(separator: str) -> tuple[int, int]:
        cells = [cell.strip(' "') for cell in first.split(separator)]
        return sum(map(is_known, cells)), len(cells)

    return max(_SEPARATORS, key=known)


def _workbook(file: Path, data: bytes) -> Table:
    from openpyxl import load_workbook

    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # some programs write wrong ones
        filled = list(_filled(file, sheet.iter_rows(values_only=True)))
        others = len(book.worksheets) - 1
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, OSError, SyntaxError) as error:
        # SyntaxError is what the XML parsers raise.
        raise ImportFileError(f"{file} is no Excel workbook that can be read: {error}") from error
    warning = f"{file.name}: only its first sheet, {sheet.title!r}, is read"
    return Table(
        tuple(cell.strip() for cell in filled[0][1]) if filled else (),
        tuple(filled[1:]),
        workbook=True,
        warnings=(warning,) if others else (),
    )


def _filled(
    file: Path, rows: Iterable[tuple[object, ...]]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Rows that are not empty. A few bytes of a workbook can stand for any number of empty ones."""
    cells_read = 0
    for line, cells in enumerate(rows, start=1):
        cells_read += len(cells)
        if line > _MOST_ROWS or cells_read > _MOST_CELLS:
            raise ImportFileError(
                f"{file} has cells too far out, in line {line}: delete the empty rows and columns "
                "around the table, or save it as CSV"
            )
        texts = tuple(map(_text, cells))
        if any(text.strip() for text in texts):
            yield line, texts


def _text(value: object) -> str:
    """A cell's value as somebody would have written it into a CSV file."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return (value.date() if value.time() == time() else value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
