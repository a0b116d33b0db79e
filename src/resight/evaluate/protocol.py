"""Read an evaluation protocol: which photos are the gallery, which the queries.

A CSV file with the columns ``path,role,identity,side,encounter,date,x,y,w,h``,
in any order:

- ``path`` relative to the photo folder, ``/`` between its parts;
- ``role`` is ``gallery`` or ``query``; ``identity`` the animal's name;
- ``side`` one of ``resight.types.SIDES``, or empty for unknown;
- ``encounter`` belongs to one animal, or is empty; ``date`` ISO 8601, or empty;
- ``x,y,w,h`` the animal's box in upright photo pixels, or all four empty for
  the whole photo.

Everything wrong with a file is reported at once, each problem with its line.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Optional

from resight.errors import ProtocolError
from resight.types import SIDES, UNKNOWN_SIDE, Box

COLUMNS = ("path", "role", "identity", "side", "encounter", "date", "x", "y", "w", "h")
ROLES = ("gallery", "query")
#: SeaTurtleID2022 names the animal's underside so, and protocols made from it do too.
SIDE_SYNONYMS: Mapping[str, str] = {"": UNKNOWN_SIDE, "below": "bottom"}
_SHOWN = 10


@dataclass(frozen=True)
class Row:
    """One annotation of a protocol; ``line`` is where its file says so."""

    line: int
    path: str
    role: str
    identity: str
    side: str = UNKNOWN_SIDE
    encounter: str = ""
    date: Optional[datetime] = None
    box: Optional[Box] = None


@dataclass(frozen=True)
class EvaluationProtocol:
    """A gallery, the queries to ask it, and the sha256 of the file they came from."""

    name: str
    sha256: str
    gallery: tuple[Row, ...]
    queries: tuple[Row, ...]

    @property
    def known(self) -> tuple[bool, ...]:
        """For each query, whether it can meet a gallery photo of its individual.

        Else it is novel: an individual of which there are only photos of the query's own
        encounter, which it never meets, is as new to it as one that is not there. (A
        side policy is of a method: where it lets nothing meet, that is a miss.)
        """
        photos: dict[str, list[Row]] = defaultdict(list)
        for row in self.gallery:
            photos[row.identity].append(row)
        return tuple(
            any(_may_meet(query, row) for row in photos.get(query.identity, ()))
            for query in self.queries
        )

    @property
    def novel_though_in_gallery(self) -> int:
        """Novel queries whose individual is in the gallery, in their own encounter only."""
        individuals = {row.identity for row in self.gallery}
        return sum(
            row.identity in individuals and not known
            for row, known in zip(self.queries, self.known, strict=True)
        )

    def limited(self, queries: int) -> EvaluationProtocol:
        """The same gallery with the first so many queries only."""
        if queries < 1:
            raise ProtocolError(f"a limit of {queries} queries leaves none to evaluate")
        return replace(self, queries=self.queries[:queries])


def _may_meet(query: Row, gallery: Row) -> bool:
    own_encounter = query.encounter and query.encounter == gallery.encounter
    return query.path != gallery.path and not own_encounter


def read_protocol(path: Path) -> EvaluationProtocol:
    """The protocol in a CSV file.

    Raises ``ProtocolError`` for a file that cannot be read, is malformed, or
    contradicts itself.
    """
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise ProtocolError(f"cannot read the protocol {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ProtocolError(f"{path} is not a UTF-8 text file (byte {error.start})") from error
    rows = parse_rows(text, path.name)
    return EvaluationProtocol(
        name=str(path),
        sha256=hashlib.sha256(raw).hexdigest(),
        gallery=tuple(row for row in rows if row.role == "gallery"),
        queries=tuple(row for row in rows if row.role == "query"),
    )


def check_photos(protocol: EvaluationProtocol, photos: Path) -> None:
    """Raise ``ProtocolError`` naming every file of the protocol that is not there."""
    wanted = dict.fromkeys(row.path for row in (*protocol.gallery, *protocol.queries))
    missing = [name for name in wanted if not (photos / name).is_file()]
    if missing:
        few = "is" if len(missing) == 1 else "are"
        raise ProtocolError(
            f"{len(missing)} of the {len(wanted)} photos {few} not in {photos}:"
            f"{_listed(missing)}\nGive the folder that their paths start from."
        )


def parse_rows(text: str, name: str) -> list[Row]:
    """The rows of a protocol's text; ``name`` is for messages.

    Raises ``ProtocolError`` listing what is wrong.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    problems: list[str] = []
    rows: list[Row] = []
    try:
        columns = _header(next(reader, []), name)
        for fields in reader:
            if not any(field.strip() for field in fields):
                continue
            try:
                rows.append(_row(columns, fields, reader.line_num))
            except ProtocolError as error:
                problems.append(f"line {reader.line_num}: {error}")
    except csv.Error as error:
        raise ProtocolError(f"{name}, line {reader.line_num}, is not CSV: {error}") from error
    problems.extend(_contradictions(rows))
    if not problems:
        problems.extend(f"no row has the role {role}" for role in ROLES if not _has(rows, role))
    if problems:
        noun = "problem" if len(problems) == 1 else "problems"
        raise ProtocolError(f"{name} has {len(problems)} {noun}:{_listed(problems)}")
    return rows


def _header(header: Sequence[str], name: str) -> list[str]:
    columns = [column.strip() for column in header]
    unknown = [column for column in columns if column not in COLUMNS]
    missing = [column for column in COLUMNS if column not in columns]
    if missing:
        raise ProtocolError(f"{name} lacks the column {', '.join(missing)}")
    if unknown:
        raise ProtocolError(
            f"{name} has the unknown column {', '.join(map(repr, unknown))}; "
            f"a protocol has {','.join(COLUMNS)}"
        )
    if len(columns) != len(COLUMNS):
        raise ProtocolError(f"{name} names a column twice: {','.join(columns)}")
    return columns


def _row(columns: Sequence[str], fields: Sequence[str], line: int) -> Row:
    if len(fields) != len(columns):
        raise ProtocolError(f"has {len(fields)} fields instead of {len(columns)}")
    value = {column: field.strip() for column, field in zip(columns, fields, strict=True)}
    for name in ("identity", "encounter"):  # as the catalogue has names: a Mac may spell é in two
        value[name] = unicodedata.normalize("NFC", value[name])
    path, role, identity, side, encounter, date, *box = (value[column] for column in COLUMNS)
    if not path:
        raise ProtocolError("the path is empty")
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ProtocolError(f"the path {path!r} must be inside the photo folder")
    if role not in ROLES:
        raise ProtocolError(f"the role {role!r} is neither {' nor '.join(ROLES)}")
    if not identity:
        raise ProtocolError(f"the identity of {path} is empty")
    side = SIDE_SYNONYMS.get(side, side)
    if side not in SIDES:
        raise ProtocolError(f"the side {side!r} is not one of {', '.join(SIDES)}")
    return Row(line, path, role, identity, side, encounter, _date(date), _box(box))


def _date(text: str) -> Optional[datetime]:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise ProtocolError(f"the date {text!r} is not ISO 8601 (2014-07-14)") from error


def _box(fields: Sequence[str]) -> Optional[Box]:
    if not any(fields):
        return None
    if not all(fields):
        raise ProtocolError("the box is partly empty; give all of x, y, w, h or none")
    try:
        box = Box(*map(float, fields))
    except ValueError as error:
        raise ProtocolError(f"the box {','.join(fields)} is not four numbers") from error
    if not all(map(math.isfinite, box)) or box.w <= 0 or box.h <= 0:
        raise ProtocolError(f"the box {','.join(fields)} has no area")
    return box


def _contradictions(rows: Sequence[Row]) -> Iterator[str]:
    """Rows that repeat another one, and encounters of two animals."""
    first_line: dict[tuple[str, Optional[Box]], int] = {}
    owner: dict[str, Row] = {}
    for row in rows:
        before = first_line.setdefault((row.path, row.box), row.line)
        if before != row.line:
            yield f"line {row.line}: {row.path} with the same box is already on line {before}"
        other = owner.setdefault(row.encounter, row)
        if row.encounter and other.identity != row.identity:
            yield (
                f"line {row.line}: the encounter {row.encounter!r} is of {row.identity} here "
                f"and of {other.identity} on line {other.line}; an encounter has one animal"
            )


def _has(rows: Sequence[Row], role: str) -> bool:
    return any(row.role == role for row in rows)


def _listed(items: Sequence[str]) -> str:
    shown = "".join(f"\n  {item}" for item in items[:_SHOWN])
    rest = len(items) - _SHOWN
    return f"{shown}\n  and {rest} more" if rest > 0 else shown
