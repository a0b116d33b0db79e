"""Tables of photos, CSV or Excel: the columns people have, and those of other programs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from shlex import quote

from resight.catalogue.dates import ORDERS, DateColumn, date_column
from resight.catalogue.importing import (
    CLOSE,
    BadSource,
    ImportPlan,
    PlannedPhoto,
    planned_photo,
    unknown_word,
)
from resight.catalogue.tables import Table, read_table
from resight.errors import ImportFileError
from resight.masks import mask_named
from resight.types import SIDES

_NUMBERS = ("x", "y", "w", "h", "rotation", "latitude", "longitude")
#: What a table may say of a photo.
COLUMNS = (
    "path", "photo_name", "identity", "side", "date", "encounter", "place", "species", "bbox",
    *_NUMBERS, "mask",
)  # fmt: skip
#: Protocol files say which photos ask and which answer, tables of `resight detect` and `resight
#: sides` how sure a box or a side is, exports repeat what is in the photos; a catalogue does not
#: care.
_IGNORED = (
    "role", "score", "label", "probability", "annotation", "sha256", "width", "height", "taken_at",
    "camera_latitude", "camera_longitude",
)  # fmt: skip
#: The first column of the tables of wildlife-datasets, which call a side "orientation".
_WILDLIFE_DATASETS = "image_id"
#: What COCO and tables made of it call a mask.
_SEGMENTATION = "segmentation"


def plan_csv(
    file: Path,
    photos: Path | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    dates: str = "",
) -> ImportPlan:
    """Photos listed in a CSV file or Excel sheet with a header line.

    Columns, in any order: path (required), photo_name, identity, side, date, encounter,
    place, latitude, longitude, x, y, w, h (or bbox, ``[x, y, w, h]``), rotation, species, mask
    (JSON as of ``resight.masks.mask_said``; or segmentation); others are left out with a
    warning. ``columns`` says by field which column has it, where the table calls it otherwise
    (``{"identity": "Turtle"}``). Metadata tables of wildlife-datasets are understood as they
    are. Separated by comma, semicolon or tab; UTF-8 with or without a byte order mark, else,
    with a warning, Windows-1252; where commas do not separate columns, ``12,5`` is a number.
    Paths are relative to ``photos``, or to the file's own folder. Dates are read as
    ``resight.catalogue.dates`` says, by the order ``dates`` (of ``ORDERS``) or the one that the
    column shows. A row that cannot be used is bad, the others are planned.

    Raises ``ImportFileError`` for a file that is no such table, or a field or column of
    ``columns``, or an order, that there is not.
    """
    named = {column.strip().lower() for column in (columns or {}).values()}
    table = read_table(file, lambda column: column.lower() in {*COLUMNS, *named})
    return plan_table(file, table, photos, columns=columns, dates=dates)


def plan_table(
    file: Path,
    table: Table,
    photos: Path | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    dates: str = "",
    only: bool = False,
) -> ImportPlan:
    """As ``plan_csv``, of a table that was read already. With ``only``, no other columns are read
    than ``columns`` says, whatever they are called."""
    header, understood = _header(file, table, columns or {}, only=only)
    base = file.parent if photos is None else photos
    if dates and dates not in ORDERS:
        raise ImportFileError(unknown_word("order of dates", dates, ORDERS))
    dated = date_column(_dates(table, header), dates)
    planned: list[PlannedPhoto] = []
    bad: list[BadSource] = []
    rows, lost = _readable(table, header, understood)
    for line, cells in rows:
        source = f"{file.name} line {line}"
        try:
            planned.append(_planned(table, header, cells, source, base, dated))
        except ValueError as error:
            bad.append(BadSource(source, str(error)))
    if not planned and not bad:
        raise ImportFileError(f"{file} has no rows below its header")
    warnings = table.warnings if only else (*table.warnings, *_unknown(file, header))
    if lost:
        warnings += (
            f"{file.name}: {len(lost)} segmentations are none of COCO's and were left out, the "
            f"first in line {lost[0]}",
        )
    if table.workbook and dated.example and any(map(_EXCELS.match, _dates(table, header))):
        warnings = (*warnings, _swapped(file, dated.example))
    return ImportPlan(
        str(file),
        tuple(planned),
        tuple(bad),
        warnings,
        notes=(dated.remark,) if dated.remark and not dated.unknown else (),
        columns=understood,
        dates=(dated,),
    )


def _readable(
    table: Table, header: tuple[str, ...], understood: Mapping[str, str]
) -> tuple[Sequence[tuple[int, tuple[str, ...]]], list[int]]:
    """Rows without masks that nobody can read, and their lines: as ``segmentation`` other
    programs write many things."""
    if understood.get("mask", "").lower() != _SEGMENTATION:
        return table.rows, []
    at = header.index("mask")
    rows, lost = [], []
    for line, cells in table.rows:
        said = cells[at].strip() if len(cells) > at else ""
        none = said.lower() in ("nan", "[]")
        try:
            mask_named("" if none else said)
        except ValueError:
            lost.append(line)
            none = True
        rows.append((line, (*cells[:at], "", *cells[at + 1 :]) if none else cells))
    return rows, lost


#: What a date cell of Excel is as text.
_EXCELS = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _swapped(file: Path, text: str) -> str:
    return (
        f"{file.name}: some dates are Excel's own and others text, such as {text}: where Excel "
        "takes days for months it turns 5/7/2024 into a wrong date and leaves 25/7/2024 as text. "
        "Compare some with your notes"
    )


def _dates(table: Table, header: tuple[str, ...]) -> list[str]:
    """The values of the column of dates, if there is one."""
    if "date" not in header:
        return []
    at = header.index("date")
    return [cells[at] for _, cells in table.rows if len(cells) > at]


def _planned(
    table: Table,
    header: tuple[str, ...],
    cells: tuple[str, ...],
    source: str,
    base: Path,
    dates: DateColumn,
) -> PlannedPhoto:
    if len(cells) > len(header) and any(cells[len(header) :]):
        raise ValueError(f"has {len(cells)} values where the header has {len(header)}")
    said = dict(zip(header, cells, strict=False))
    if table.decimal_comma:
        said |= {field: said[field].replace(",", ".") for field in _NUMBERS if field in said}
    path = said["path"].strip()
    if not path or "\0" in path:
        raise ValueError("has no path")
    said |= _bbox(said)
    if "date" in said:
        said["date"] = dates.read(said["date"])
    if _WILDLIFE_DATASETS in header and said.get("side", "").lower() not in SIDES:
        said["side"] = ""  # "up" and the like: an orientation that is none of our sides
    photo = planned_photo(base / path, f"{source} ({path})", path, said)
    return replace(photo, name=said["photo_name"]) if said.get("photo_name") else photo


def _bbox(said: Mapping[str, str]) -> dict[str, str]:
    """The four numbers of a ``bbox``."""
    text = said.get("bbox", "").strip(" []()")
    if not text or text.lower() == "nan":
        return {}
    parts = text.replace(",", " ").split()
    if len(parts) != 4:
        raise ValueError(f"the bbox {said['bbox']!r} is not x, y, w, h")
    return dict(zip(("x", "y", "w", "h"), parts, strict=True))


def _header(
    file: Path, table: Table, columns: Mapping[str, str], *, only: bool
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Our names of the columns (others as they are), and by field the column that has it."""
    header = [cell.lower() for cell in table.header]
    if not only and _WILDLIFE_DATASETS in header and not {"side"} & {*header, *columns}:
        columns = {**columns, **({"side": "orientation"} if "orientation" in header else {})}
    if not only and _SEGMENTATION in header and not {"mask"} & {*header, *columns}:
        columns = {**columns, "mask": _SEGMENTATION}
    meant = {}
    for field, column in columns.items():
        if field not in COLUMNS:
            raise ImportFileError(unknown_word("field", field, COLUMNS))
        if column.strip().lower() not in header:
            known = tuple(filter(None, table.header))
            raise ImportFileError(f"{file}: {unknown_word('column', column, known)}")
        meant[column.strip().lower()] = field
    # A column that is taken for another field does not hide the one of that name.
    taken = set(COLUMNS if only else meant.values())
    ours = [meant.get(cell, f"{cell} " if cell in taken else cell) for cell in header]
    _check_header(file, tuple(ours))
    understood = {field: table.header[ours.index(field)] for field in COLUMNS if field in ours}
    return tuple(ours), understood


def _check_header(file: Path, header: tuple[str, ...]) -> None:
    for column in COLUMNS:
        if header.count(column) > 1:
            raise ImportFileError(f"{file} has the column {column!r} twice")
    if "path" not in header:
        meant = [column for column in header if _meant(column, header) == "path"]
        hint = f": is it {meant[0]!r}?" if meant else ""
        column = meant[0] if meant else "COLUMN"
        raise ImportFileError(
            f"{file} has no column 'path', which names the photos{hint} (its columns: "
            f"{', '.join(filter(None, header))}): say which with `--map {quote(f'path={column}')}`"
        )


def _unknown(file: Path, header: tuple[str, ...]) -> tuple[str, ...]:
    """A warning of columns that nobody knows, if there are any."""
    left_out = (_WILDLIFE_DATASETS,) if _WILDLIFE_DATASETS in header else ()
    unknown = [
        column
        for column in dict.fromkeys(header)
        if column.strip() and column not in (*COLUMNS, *_IGNORED, *left_out)
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
    **dict.fromkeys(("image name", "photo name", "picture name", "photo file"), "path"),
    **dict.fromkeys(("individual", "animal", "name", "individual id", "animal id"), "identity"),
    **dict.fromkeys(("turtle", "turtle id", "turtle name", "shark", "whale", "who"), "identity"),
    **dict.fromkeys(("flank", "orientation", "viewpoint"), "side"),
    **dict.fromkeys(("day", "date seen", "sighting date"), "date"),
    **dict.fromkeys(("sighting", "encounter id", "sighting id"), "encounter"),
    **dict.fromkeys(("location", "site", "locality", "spot"), "place"),
    "segmentation": "mask",
    **dict.fromkeys(("lat", "gps latitude"), "latitude"),
    **dict.fromkeys(("lon", "long", "lng", "gps longitude"), "longitude"),
}


def guessed_columns(header: Sequence[str]) -> dict[str, str]:
    """By field the column of a table that probably has it, for somebody to confirm: the one of
    that name, or one that is called as people call such a thing. No column is two fields'.

    >>> guessed_columns(["File", "Turtle", "Site", "Side"])
    {'side': 'Side', 'path': 'File', 'identity': 'Turtle', 'place': 'Site'}
    """
    names = [column.lower() for column in header]
    found = {field: header[names.index(field)] for field in COLUMNS if field in names}
    for column, name in zip(header, names, strict=True):
        meant = _meant(name, tuple(found)) if name and column not in found.values() else ""
        # A mass or a mark is near a mask only in letters.
        if meant in COLUMNS and (meant != "mask" or name == _SEGMENTATION):
            found[meant] = column
    return found


def _meant(column: str, header: tuple[str, ...]) -> str:
    """The column, not in the header, that an unknown one was perhaps to be; empty for none."""
    near = get_close_matches(column, (*COLUMNS, *_ALSO), n=1, cutoff=CLOSE)
    meant = _ALSO.get(near[0], near[0]) if near and column not in COLUMNS else ""
    return "" if meant in header else meant
