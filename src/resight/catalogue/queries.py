"""Questions to the catalogue's tables, answered with records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Row

from resight.catalogue.names import box_of, clean_name
from resight.catalogue.originals import sha256_of
from resight.catalogue.records import AnnotationRecord, IndividualSummary
from resight.catalogue.store import annotations_table, changes, listed, photos, purged
from resight.errors import Conflict, NotFound
from resight.masks import mask_of
from resight.types import Photo, Place

#: A beginning of an id or a sha256 stands for it from this length on.
_SHORTEST = 4
_HEX = frozenset("0123456789abcdef")
#: Photos named where a name could mean several.
_LISTED = 5


def individuals(connection: Connection) -> tuple[IndividualSummary, ...]:
    """All named animals, by name."""
    a, seen = annotations_table.c, _day()
    visible = a.hidden == 0
    query = (
        sa.select(
            a.individual,
            sa.func.count().filter(visible).label("annotations"),
            sa.func.count(sa.distinct(a.photo)).filter(visible).label("photos"),
            sa.func.count(sa.distinct(sa.func.nullif(a.encounter, "")))
            .filter(visible)
            .label("encounters"),
            sa.func.min(seen).filter(visible).label("first"),
            sa.func.max(seen).filter(visible).label("last"),
            sa.func.count().filter(~visible).label("hidden"),
        )
        .join(photos, photos.c.sha256 == a.photo)
        .where(a.individual != "")
        .group_by(a.individual)
        .order_by(a.individual)
    )
    sides: dict[str, dict[str, int]] = defaultdict(dict)
    for name, side, count in connection.execute(
        sa.select(a.individual, a.side, sa.func.count())
        .where(visible, a.individual != "")
        .group_by(a.individual, a.side)
        .order_by(a.side)
    ):
        sides[name][side] = count
    return tuple(
        IndividualSummary(
            name=row.individual,
            annotations=row.annotations,
            photos=row.photos,
            encounters=row.encounters,
            sides=sides[row.individual],
            first_seen=row.first or "",
            last_seen=row.last or "",
            hidden=row.hidden,
        )
        for row in connection.execute(query)
    )


def _day() -> ColumnElement[str]:
    said = sa.func.nullif(sa.func.substr(annotations_table.c.date, 1, 10), "")
    camera = sa.func.nullif(sa.func.substr(photos.c.taken_at, 1, 10), "")
    return sa.func.coalesce(said, camera)


def records(connection: Connection, ids: Iterable[str] | None = None) -> list[AnnotationRecord]:
    """Annotations by individual and id; or those of given ids, in their order.

    Raises ``NotFound`` for an id that is not there.
    """
    if ids is None:
        query = _annotated_photos().order_by(annotations_table.c.individual, annotations_table.c.id)
        return [_record(row) for row in connection.execute(query)]
    wanted = list(ids)
    found = known(connection, wanted)
    for id in wanted:
        if id not in found:
            raise NotFound(f"no annotation {id!r} in this catalogue")
    return [found[id] for id in wanted]


def known(connection: Connection, ids: Iterable[str]) -> dict[str, AnnotationRecord]:
    """By id, those of some annotations that are there."""
    query = _annotated_photos().where(annotations_table.c.id.in_(listed(ids)))
    return {row.id: _record(row) for row in connection.execute(query)}


def latest_change(connection: Connection) -> int:
    """Its id, which tells one state of the catalogue from all others; 0 before the first."""
    return connection.execute(sa.select(sa.func.max(changes.c.id))).scalar() or 0


def holds_photo(connection: Connection, sha256: str) -> bool:
    """Whether a photo is (still) in the catalogue."""
    query = sa.select(photos.c.sha256).where(photos.c.sha256 == sha256)
    return connection.execute(query).first() is not None


def _annotated_photos() -> sa.Select[Any]:
    version = (
        sa.select(sa.func.max(changes.c.id))
        .where(changes.c.annotation == annotations_table.c.id, changes.c.dismissal == "")
        .scalar_subquery()
    )
    return sa.select(
        annotations_table,
        version.label("version"),
        photos.c.name,
        photos.c.format,
        photos.c.bytes,
        photos.c.width,
        photos.c.height,
        photos.c.taken_at,
        photos.c.utc_offset,
        photos.c.latitude.label("photo_latitude"),
        photos.c.longitude.label("photo_longitude"),
    ).join(photos, photos.c.sha256 == annotations_table.c.photo)


def _record(row: Row[tuple[object, ...]]) -> AnnotationRecord:
    return AnnotationRecord(
        id=row.id,
        photo=Photo(
            sha256=row.photo,
            size=(row.width, row.height),
            format=row.format,
            bytes=row.bytes,
            taken_at=datetime.fromisoformat(row.taken_at) if row.taken_at else None,
            utc_offset=row.utc_offset,
            place=_place(row.photo_latitude, row.photo_longitude),
        ),
        name=row.name,
        box=box_of(row.box),
        rotation=row.rotation,
        individual=row.individual,
        side=row.side,
        encounter=row.encounter,
        species=row.species,
        date=row.date,
        place=row.place,
        position=_place(row.latitude, row.longitude),
        hidden=bool(row.hidden),
        review=row.review,
        mask=mask_of(row.mask),
        version=row.version,
    )


def _place(latitude: float | None, longitude: float | None) -> Place | None:
    return None if latitude is None or longitude is None else Place(latitude, longitude)


def find(connection: Connection, what: str) -> list[str]:
    """The annotations somebody means by a name: of an individual, an annotation or a photo.

    An annotation's id and a photo's sha256 may be shortened, a photo may be
    called by its file name, with or without its folder, or be the path of a file
    with its bytes. Names come first, then ids, then file names.

    Raises ``NotFound``, and ``Conflict`` where it could mean several things.
    """
    a = annotations_table.c
    try:
        name = clean_name(what)
    except ValueError:
        name = ""
    if name:
        found = _ids(connection, a.individual == name)
        if found:
            return found
    if len(what) >= _SHORTEST and set(what) <= _HEX:
        by_id = _ids(connection, sa.func.substr(a.id, 1, len(what)) == what)
        by_photo = _ids(connection, sa.func.substr(a.photo, 1, len(what)) == what)
        shown = {row.photo.sha256 for row in records(connection, by_photo)}
        if len(by_id) + len(shown) > 1:
            raise Conflict(f"{what!r} begins several ids or photos: write more of it")
        if by_id or by_photo:
            return by_id or by_photo
    photo = _one_called(connection, what, photos.c.sha256.in_(sa.select(a.photo)))
    if photo is None:
        raise NotFound(
            f"no individual, annotation or photo {what!r} in this catalogue: "
            "list shows the individuals"
        )
    return _ids(connection, a.photo == photo.sha256)


def find_photo(connection: Connection, what: str) -> Row[tuple[object, ...]]:
    """The photo of a sha256 (may be shortened), of an annotation's id, or of a file.

    A file is named as in ``find``; unlike that, this also knows photos that are
    in no annotation.

    Raises ``NotFound``, and ``Conflict`` where it could mean several.
    """
    row = None
    if len(what) >= _SHORTEST and set(what) <= _HEX:
        of_annotation = sa.select(annotations_table.c.photo).where(annotations_table.c.id == what)
        begins = sa.func.substr(photos.c.sha256, 1, len(what)) == what
        row = _only(what, _rows(connection, begins | photos.c.sha256.in_(of_annotation)))
    row = row or _one_called(connection, what)
    if row is None:
        gone = connection.execute(
            sa.select(purged.c.decision).where(purged.c.sha256 == what)
        ).scalar()
        why = f"; it was purged by decision {gone}" if gone else ""
        raise NotFound(f"no photo {what!r} in this catalogue{why}")
    return row


def _one_called(
    connection: Connection, what: str, among: ColumnElement[bool] | None = None
) -> Row[tuple[object, ...]] | None:
    """The photo that somebody means by a file's name or path; raises ``Conflict``.

    Where there is such a file its bytes say which photo it is: another folder's IMG_0001.jpg is
    another photo, and nobody knows which of the two is meant.
    """
    asked = sa.true() if among is None else among
    end = f"/{Path(what).as_posix()}"
    ends = sa.func.substr(photos.c.name, -len(end)) == end
    called = _rows(connection, asked & (photos.c.name == what)) or _rows(connection, asked & ends)
    here = _sha256_here(what)
    if not here:
        return _only(what, called)
    same = _only(what, _rows(connection, asked & (photos.c.sha256 == here)))
    if called and (same is None or same.sha256 not in {row.sha256 for row in called}):
        raise Conflict(_two_meant(what, same, called[0]))
    return same


def _two_meant(
    what: str, same: Row[tuple[object, ...]] | None, called: Row[tuple[object, ...]]
) -> str:
    that = f"{called.name}, by its sha256, {called.sha256[:12]}"
    if same is None:
        return (
            f"{what!r} is a file here that is not in the catalogue, whose photo of this name is "
            f"another one: if you mean that, call it, {that}"
        )
    return (
        f"{what!r} could mean two photos: the file here is {same.name} ({same.sha256[:12]}), and "
        f"the catalogue has another photo of this name: call that one, {that}"
    )


def _sha256_here(path: str) -> str:
    """The sha256 of a file; empty where there is none."""
    try:
        return sha256_of(Path(path)) if Path(path).is_file() else ""
    except (OSError, ValueError):  # may not be read, or no name that a file can have
        return ""


def _rows(connection: Connection, test: ColumnElement[bool]) -> Sequence[Row[tuple[object, ...]]]:
    query = sa.select(photos).where(test).order_by(photos.c.name, photos.c.sha256)
    return connection.execute(query).all()


def _only(what: str, rows: Sequence[Row[tuple[object, ...]]]) -> Row[tuple[object, ...]] | None:
    if len(rows) > 1:
        first = ", ".join(f"{row.name} ({row.sha256[:12]})" for row in rows[:_LISTED])
        more = f" and {len(rows) - _LISTED} more" if len(rows) > _LISTED else ""
        raise Conflict(
            f"{what!r} could mean {len(rows)} photos: {first}{more}: name one with its folder or "
            "by its sha256"
        )
    return rows[0] if rows else None


def _ids(connection: Connection, test: ColumnElement[bool]) -> list[str]:
    query = sa.select(annotations_table.c.id).where(test).order_by(annotations_table.c.id)
    return list(connection.execute(query).scalars())
