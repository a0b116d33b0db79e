"""JSON documents that list photos: resight's own export, and COCO with boxes.

COCO as described on cocodataset.org ("Data format") and, for camera traps, in "COCO Camera Traps"
(github.com/agentmorris/MegaDetector); Wildbook's data sets in that form (lila.science) name the
animal, its viewpoint and its ``theta``.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from resight.catalogue import BadSource, ImportPlan, PlannedPhoto
from resight.catalogue.importing import planned_photo
from resight.catalogue.names import date_named, side_named
from resight.errors import ImportFileError
from resight.formats.table import JSON_FORMAT, SAID
from resight.masks import Mask, mask_said

#: Who the animal is, in one file or another.
_NAMES = ("identity", "individual", "individual_id", "individual_ids", "name")
_SIDES = ("viewpoint", "side", "orientation")
#: Categories of camera traps in which no animal is seen.
_NO_ANIMALS = frozenset({"empty", "human", "person", "people", "vehicle"})
_DATES = ("datetime", "date_captured", "date")

_Item = PlannedPhoto | BadSource


def read_json(file: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises ``ImportFileError``."""
    try:
        found = json.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ImportFileError(f"cannot read {file}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ImportFileError(f"{file} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ImportFileError(f"{file} is no JSON document that lists photos")
    return found


def plan_export(file: Path, document: Mapping[str, Any], photos: Path | None) -> ImportPlan:
    """What ``resight export`` wrote as JSON. Paths start from ``photos`` or the file's folder."""
    base = file.parent if photos is None else photos
    items: list[_Item] = []
    for number, row in enumerate(_list(file, document, "annotations"), start=1):
        source = f"{file.name} annotation {number}"
        try:
            said = {field: _text(row[field]) for field in SAID if field in row}
            said["mask"] = json.dumps(row["mask"]) if row.get("mask") else ""
            path = said.get("path", "")
            if not path or "\0" in path:
                raise ValueError("has no path")
            photo = planned_photo(base / path, f"{source} ({path})", path, said)
            items.append(replace(photo, name=said.get("photo_name") or path))
        except ValueError as error:
            items.append(BadSource(source, str(error)))
    return plan_of(file, items)


def plan_coco(file: Path, document: Mapping[str, Any], photos: Path | None) -> ImportPlan:
    """Photos of a COCO file, several boxes on one photo being several animals.

    Boxes of ``categories`` with a name take it for the species. Photos without a box are planned
    whole. Sides, times and masks that are none of ours are left out, and a note counts them.
    """
    base = file.parent if photos is None else photos
    images = list(_list(file, document, "images"))
    times = Counter(_key(image["id"]) for image in images if image.get("id") is not None)
    species = {
        _key(each.get("id")): _text(each.get("name"))
        for each in _list(file, document, "categories", needed=False)
    }
    boxes: dict[object, list[Mapping[str, Any]]] = {}
    for each in _list(file, document, "annotations"):
        boxes.setdefault(_key(each.get("image_id")), []).append(each)
    not_understood: Counter[str] = Counter()
    others: Counter[str] = Counter()
    items: list[_Item] = []
    for image in images:
        id = None if image.get("id") is None else _key(image["id"])
        if times[id] > 1:  # whose boxes are whose cannot be told
            reason = f"its id {id} is that of {times[id]} images of the file"
            items.append(BadSource(f"{file.name} image {_text(image.get('file_name'))}", reason))
            continue
        for each in boxes.pop(id, [{}]):
            what = species.get(_key(each.get("category_id")), "").lower()
            if what in _NO_ANIMALS:
                others[what] += 1
            else:
                items.append(_coco_item(file, base, image, each, species, not_understood))
    for id in times:
        boxes.pop(id, None)
    items += [
        BadSource(f"{file.name} annotation", f"belongs to no image of the file ({id!r})")
        for id, lost in boxes.items()
        for _ in lost
    ]
    notes = [f"{number} {what} not understood" for what, number in not_understood.items()]
    notes += [f"{number} annotations of {what} left out" for what, number in others.items()]
    return replace(plan_of(file, items), notes=tuple(notes))


def plan_of(file: Path, items: list[_Item]) -> ImportPlan:
    """A plan of what was read from a file. Raises ``ImportFileError`` where that is nothing."""
    if not items:
        raise ImportFileError(f"{file} lists no photo")
    return ImportPlan(
        str(file),
        tuple(each for each in items if isinstance(each, PlannedPhoto)),
        tuple(each for each in items if isinstance(each, BadSource)),
    )


def _coco_item(
    file: Path,
    base: Path,
    image: Mapping[str, Any],
    annotation: Mapping[str, Any],
    species: Mapping[object, str],
    not_understood: Counter[str],
) -> _Item:
    path = _text(image.get("file_name"))
    number = annotation.get("id", image.get("id"))
    source = f"{file.name} {'annotation' if annotation else 'image'} {number}"
    try:
        if not path or "\0" in path:
            raise ValueError("has no file_name")
        said = {
            "identity": _first(annotation, _NAMES),
            "species": species.get(_key(annotation.get("category_id")), ""),
            "encounter": _text(annotation.get("encounter")),
            "place": _text(image.get("location")),
            **_coco_box(annotation),
        }
        for field, names, holder, read in (
            ("side", _SIDES, annotation, side_named),
            ("date", _DATES, image, date_named),
        ):
            text = _first(holder, names)
            try:
                said[field] = read(text)
            except ValueError:
                not_understood[f"{field}s"] += 1
        planned = planned_photo(base / path, f"{source} ({path})", path, said)
    except (ValueError, OverflowError) as error:
        return BadSource(source, str(error))
    try:
        return replace(planned, mask=_coco_mask(image, annotation))
    except ValueError:
        not_understood["masks"] += 1
        return planned


def _coco_mask(image: Mapping[str, Any], annotation: Mapping[str, Any]) -> Mask | None:
    said = annotation.get("segmentation")
    if not said:
        return None
    mask, size = mask_said(said), (image.get("width"), image.get("height"))
    if None not in size and mask.made_for not in (None, size):
        raise ValueError("the mask is of another size than its photo")
    return mask


def _coco_box(annotation: Mapping[str, Any]) -> dict[str, str]:
    box = annotation.get("bbox")
    if not box:
        return {}
    if not isinstance(box, list) or len(box) != 4:
        raise ValueError(f"the bbox {box!r} is not x, y, w, h")
    found = dict(zip(("x", "y", "w", "h"), map(_text, box), strict=True))
    theta = annotation.get("theta")
    if isinstance(theta, int | float) and theta:
        found["rotation"] = repr(-math.degrees(theta))  # clockwise radians, as chips.py tells
    return found


def _first(holder: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """The first of some fields that says something."""
    for name in names:
        value = holder.get(name)
        if isinstance(value, list):
            value = value[0] if len(value) == 1 else None
        text = _text(value)
        if text:
            return text
    return ""


def _text(value: object) -> str:
    """A JSON value as text; nothing, lists and objects say nothing."""
    if isinstance(value, str):
        return value
    return repr(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _key(value: object) -> object:
    """An id: files mix 1 and "1"."""
    return str(value)


def _list(
    file: Path, document: Mapping[str, Any], name: str, *, needed: bool = True
) -> Iterator[Mapping[str, Any]]:
    found = document.get(name, None if needed else [])
    if not isinstance(found, list):
        raise ImportFileError(f"{file} has no list {name!r}")
    for number, each in enumerate(found, start=1):
        if not isinstance(each, dict):
            raise ImportFileError(f"{file}: number {number} of {name!r} is no object")
        yield each


def is_export(document: Mapping[str, Any]) -> bool:
    """Whether ``resight export`` wrote it."""
    return document.get("format") == JSON_FORMAT


def is_coco(document: Mapping[str, Any]) -> bool:
    """Whether it lists images and their annotations."""
    return "images" in document and "annotations" in document
