"""Camtrap DP packages as plans: each observation of an animal in one photo is an annotation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from resight.catalogue import BadSource, ImportPlan, PlannedPhoto
from resight.catalogue.importing import planned_photo
from resight.catalogue.tables import Table, read_table
from resight.errors import ImportFileError
from resight.formats.camtrap import DEPLOYMENTS, MEDIA, OBSERVATIONS, SOURCE
from resight.formats.documents import plan_of
from resight.formats.glances import photo_size

_Row = Mapping[str, str]
_PROFILE = re.compile(r"camtrap-dp")


def is_package(document: Mapping[str, Any]) -> bool:
    """Whether a ``datapackage.json`` describes a Camera Trap Data Package."""
    return bool(_PROFILE.search(str(document.get("profile", ""))))


def plan_package(file: Path, document: Mapping[str, Any], photos: Path | None) -> ImportPlan:
    """The photos of a package with what was observed in them.

    ``file`` is its ``datapackage.json``; media paths start from ``photos`` or its folder.
    Observations of events without a media file say nothing about a photo and are counted in a
    note, as are those of people, vehicles and nothing at all. A box is a fraction of its photo, so
    the photo is opened to know its size. Raises ``ImportFileError``.
    """
    tables = {
        name: _rows(file, document, name, columns)
        for name, columns in (
            ("deployments", DEPLOYMENTS),
            ("media", MEDIA),
            ("observations", OBSERVATIONS),
        )
    }
    deployments = {row.get("deploymentID", ""): row for row in tables["deployments"]}
    media = {row.get("mediaID", ""): row for row in tables["media"]}
    base = file.parent if photos is None else photos
    # Words that other programs put there may look like ours and mean something else.
    ours = any(each.get("title") == SOURCE for each in _objects(document, "sources"))
    items: list[PlannedPhoto | BadSource] = []
    skipped: Counter[str] = Counter()
    used = set()
    for number, row in enumerate(tables["observations"], start=2):
        if (row.get("observationType") or "animal") not in ("animal", "unknown", "unclassified"):
            skipped[f"of {row['observationType']}"] += 1
            used.add(row.get("mediaID", ""))
            continue
        if not row.get("mediaID"):
            skipped["of events without a photo"] += 1
            continue
        used.add(row["mediaID"])
        source = f"observations line {number}"
        photo = media.get(row["mediaID"])
        tags = _tags(row.get("observationTags", "")) if ours else {}
        items.append(_item(source, base, row, photo, deployments, tags))
    for id, photo in media.items():
        if id not in used:  # nobody has looked at it yet
            items.append(_item(f"media {id}", base, {}, photo, deployments, {}))
    notes = tuple(f"{number} observations {what} left out" for what, number in skipped.items())
    return replace(plan_of(file, items), notes=notes)


def _rows(
    file: Path, document: Mapping[str, Any], name: str, columns: tuple[str, ...]
) -> list[dict[str, str]]:
    """The rows of one of the package's tables by column."""
    paths = [
        each.get("path") for each in _objects(document, "resources") if each.get("name") == name
    ]
    path = paths[0] if paths and isinstance(paths[0], str) else f"{name}.csv"
    beside = ".." not in Path(path).parts and not Path(path).is_absolute()
    if not beside or "://" in path or "\0" in path:
        raise ImportFileError(f"{file}: its table {name} is not beside it ({path})")
    table: Table = read_table(file.parent / path, lambda column: column in columns)
    return [dict(zip(table.header, cells, strict=False)) for _, cells in table.rows]


def _objects(document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects of a list of the description; none where it is no list."""
    found = document.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _item(
    source: str,
    base: Path,
    row: _Row,
    photo: _Row | None,
    deployments: Mapping[str, _Row],
    tags: Mapping[str, str],
) -> PlannedPhoto | BadSource:
    """One annotation, or why it is none."""
    try:
        if photo is None:
            raise ValueError(f"its mediaID {row.get('mediaID')!r} is not in media.csv")
        path = photo.get("filePath", "")
        if "://" in path:
            raise ValueError(f"its photo {path} is on the web: download it, and say where")
        if not path or "\0" in path:
            raise ValueError("its media has no filePath")
        deployment = deployments.get(photo.get("deploymentID", ""), {})
        said = {
            "identity": row.get("individualID", ""),
            "species": row.get("scientificName", ""),
            "encounter": row.get("eventID", "") if row.get("individualID") or tags else "",
            "place": unquote(tags["place"])
            if "place" in tags
            else deployment.get("locationName", ""),
            "side": tags.get("side", ""),
            "rotation": tags.get("rotation", ""),
            "mask": tags.get("mask", ""),
            "date": _date(photo, tags),
            **_box(base / path, row, tags),
        }
        if tags.get("position") != "camera":
            where = (deployment.get("latitude", ""), deployment.get("longitude", ""))
            at = tags["at"].split(",") if "at" in tags else where
            said.update(zip(("latitude", "longitude"), at, strict=False))
        planned = planned_photo(base / path, f"{source} ({path})", path, said)
        return replace(planned, name=photo.get("fileName") or path)
    except ValueError as error:
        return BadSource(source, str(error))


def _tags(text: str) -> dict[str, str]:
    """``key:value`` pairs; other tags say nothing that we know."""
    pairs = (part.strip().partition(":") for part in text.split("|"))
    return {key.strip(): value.strip() for key, colon, value in pairs if colon}


def _date(photo: _Row, tags: Mapping[str, str]) -> str:
    if tags.get("time") == "camera":
        return ""  # the photo says it itself
    # The capture time as the camera wrote it, whatever its zone.
    return tags.get("time") or photo.get("timestamp", "")[:19]


def _box(path: Path, row: _Row, tags: Mapping[str, str]) -> dict[str, str]:
    names = ("x", "y", "w", "h")
    if "box" in tags:
        return dict(zip(names, tags["box"].split(","), strict=False))
    columns = ("bboxX", "bboxY", "bboxWidth", "bboxHeight")
    given = [row.get(column, "") for column in columns]
    if not all(given):
        return {}
    width, height = photo_size(path)
    scaled = (float(text) * length for text, length in zip(given, (width, height) * 2, strict=True))
    return dict(zip(names, map(repr, scaled), strict=True))
