"""Camtrap DP 1.0, the exchange format of camera traps (camtrap-dp.tdwg.org): written and read.

Bubnicki et al. (2024), "Camtrap DP: an open standard for the FAIR exchange and archiving of
camera trap data", doi.org/10.1002/rse2.374. Every annotation becomes one observation of one
photo. What the standard has no column for (side, rotation, mask, which date a person said, the
place of one animal in a photo where the other's is elsewhere) goes into ``observationTags`` as
``key:value``, so that ``resight add`` reads back what was written.

The standard demands a position and a time of every photo. Annotations without cannot be written,
and the report counts them. A time whose zone nobody recorded is written as UTC, and its
deployment is marked ``timestampIssues``.
"""

from __future__ import annotations

import calendar
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

from resight.catalogue import AnnotationRecord
from resight.catalogue.names import box_text
from resight.formats.places import COARSE_DEGREES, COARSE_METRES
from resight.formats.table import csv_bytes, original_path
from resight.masks import mask_text
from resight.types import Place

SOURCE = "resight"  # of a package whose tags are ours
_STANDARD = "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.1"
DEPLOYMENTS = (
    "deploymentID", "locationID", "locationName", "latitude", "longitude",
    "coordinateUncertainty", "deploymentStart", "deploymentEnd", "setupBy", "cameraID",
    "cameraModel", "cameraDelay", "cameraHeight", "cameraDepth", "cameraTilt", "cameraHeading",
    "detectionDistance", "timestampIssues", "baitUse", "featureType", "habitat",
    "deploymentGroups", "deploymentTags", "deploymentComments",
)  # fmt: skip
MEDIA = (
    "mediaID", "deploymentID", "captureMethod", "timestamp", "filePath", "filePublic",
    "fileName", "fileMediatype", "exifData", "favorite", "mediaComments",
)  # fmt: skip
OBSERVATIONS = (
    "observationID", "deploymentID", "mediaID", "eventID", "eventStart", "eventEnd",
    "observationLevel", "observationType", "cameraSetupType", "scientificName", "count",
    "lifeStage", "sex", "behavior", "individualID", "individualPositionRadius",
    "individualPositionAngle", "individualSpeed", "bboxX", "bboxY", "bboxWidth", "bboxHeight",
    "classificationMethod", "classifiedBy", "classificationTimestamp",
    "classificationProbability", "observationTags", "observationComments",
)  # fmt: skip


@dataclass(frozen=True)
class _Seen:
    """One annotation with all that the standard demands of it."""

    record: AnnotationRecord
    where: Place
    start: datetime
    end: datetime
    zone_known: bool


@dataclass(frozen=True)
class Package:
    """The files of a package by name. ``left_out`` counts annotations by what they lack."""

    files: Mapping[str, bytes]
    left_out: Mapping[str, int]
    written: tuple[AnnotationRecord, ...]


def to_package(
    records: Sequence[AnnotationRecord], *, title: str, creator: str, precise: bool
) -> Package:
    """The package of annotations; its photos are to be copied to ``original_path`` of each.

    ``title`` names the project, ``creator`` who exports; ``precise``: positions are as they
    are, not rounded.
    """
    seen = [_seen(each) for each in records]
    left_out: dict[str, int] = {
        what: sum(each == what for each in seen)
        for what in ("a position", "a time")
        if what in seen
    }
    kept = [each for each in seen if isinstance(each, _Seen)]
    where = sorted({(each.record.place, each.where) for each in kept})
    deployments = {key: f"dep{number + 1}" for number, key in enumerate(where)}
    of_photo: dict[str, _Seen] = {}
    for each in kept:  # a photo has one deployment, whatever is said of each animal in it
        of_photo.setdefault(each.record.photo.sha256, each)
    ids = {sha256: deployments[each.record.place, each.where] for sha256, each in of_photo.items()}
    files = {
        "deployments.csv": csv_bytes(DEPLOYMENTS, _deployments(of_photo, ids, precise=precise)),
        "media.csv": csv_bytes(
            MEDIA, [_media(each, ids[sha256]) for sha256, each in of_photo.items()]
        ),
        "observations.csv": csv_bytes(OBSERVATIONS, _observations(kept, of_photo, ids)),
    }
    described = _description(kept, title, creator, precise=precise)
    files["datapackage.json"] = (json.dumps(described, indent=2, ensure_ascii=False) + "\n").encode(
        "utf-8", "replace"
    )
    return Package(files, left_out, tuple(each.record for each in kept))


def _seen(record: AnnotationRecord) -> _Seen | str:
    """An annotation with its place and time, or what it lacks."""
    where = record.position or record.photo.place
    if where is None:
        return "a position"
    if record.date:
        start, end = _span(record.date)
        return _Seen(record, where, start, end, start.tzinfo is not None)
    taken = record.photo.taken_at
    if taken is None:
        return "a time"
    offset = record.photo.utc_offset
    zone = None if offset is None else timezone(timedelta(minutes=offset))
    taken = taken.replace(tzinfo=zone, microsecond=0)
    return _Seen(record, where, taken, taken, zone is not None)


def _span(date: str) -> tuple[datetime, datetime]:
    """The first and the last second that an ISO date of any precision may mean."""
    if "T" in date:
        moment = datetime.fromisoformat(date).replace(microsecond=0)
        return moment, moment
    parts = [int(part) for part in date.split("-")]
    year, month, day = (*parts, 0, 0)[:3]
    last = calendar.monthrange(year, month or 12)[1]
    return (
        datetime(year, month or 1, day or 1),
        datetime(year, month or 12, day or last, 23, 59, 59),
    )


def _stamp(moment: datetime) -> str:
    if moment.utcoffset() in (None, timedelta()):
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    return moment.isoformat(timespec="seconds")


def _deployments(
    of_photo: Mapping[str, _Seen], ids: Mapping[str, str], *, precise: bool
) -> list[dict[str, object]]:
    taken: dict[str, list[_Seen]] = {}
    for sha256, each in of_photo.items():
        taken.setdefault(ids[sha256], []).append(each)
    rows = []
    for deployment, here in sorted(taken.items(), key=lambda each: int(each[0][3:])):
        first = here[0]
        rows.append(
            {
                "deploymentID": deployment,
                "locationName": first.record.place,
                "latitude": first.where.latitude,
                "longitude": first.where.longitude,
                "coordinateUncertainty": None if precise else COARSE_METRES,
                "deploymentStart": _stamp(min((each.start for each in here), key=_order)),
                "deploymentEnd": _stamp(max((each.end for each in here), key=_order)),
                "timestampIssues": not all(each.zone_known for each in here),
            }
        )
    return rows


def _order(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _media(seen: _Seen, deployment: str) -> dict[str, object]:
    photo = seen.record.photo
    kind = {"HEIF": "heic"}.get(photo.format, photo.format.lower())
    return {
        "mediaID": photo.sha256,
        "deploymentID": deployment,
        "timestamp": _stamp(seen.start),
        "filePath": original_path(seen.record),
        "filePublic": False,
        "fileName": seen.record.name,
        "fileMediatype": f"image/{kind}",
    }


def _observations(
    kept: Sequence[_Seen], of_photo: Mapping[str, _Seen], ids: Mapping[str, str]
) -> list[dict[str, object]]:
    events: dict[str, list[_Seen]] = {}
    for each in kept:
        events.setdefault(each.record.encounter or each.record.id, []).append(each)
    rows: list[dict[str, object]] = []
    for each in kept:
        record = each.record
        event = events[record.encounter or record.id]
        rows.append(
            {
                "observationID": record.id,
                "deploymentID": ids[record.photo.sha256],
                "mediaID": record.photo.sha256,
                "eventID": record.encounter,
                "eventStart": _stamp(min((one.start for one in event), key=_order)),
                "eventEnd": _stamp(max((one.end for one in event), key=_order)),
                "observationLevel": "media",
                "observationType": "animal",
                "scientificName": record.species,
                "count": 1,
                "individualID": record.individual,
                **_bbox(record),
                "classificationMethod": "human" if record.individual else None,
                "observationTags": _tags(each, of_photo[record.photo.sha256]),
            }
        )
    return rows


def _bbox(record: AnnotationRecord) -> dict[str, float]:
    """The part of the box within the photo, as fractions of the photo's size."""
    if record.box is None:
        return {}
    (width, height), box = record.photo.size, record.box
    left, top = max(0.0, box.x), max(0.0, box.y)
    right, bottom = min(float(width), box.x + box.w), min(float(height), box.y + box.h)
    if right <= left or bottom <= top:
        return {}
    x, y = left / width, top / height
    return {
        "bboxX": x,
        "bboxY": y,
        "bboxWidth": min((right - left) / width, 1.0),
        "bboxHeight": min((bottom - top) / height, 1.0),
    }


def _tags(seen: _Seen, of_photo: _Seen) -> str:
    """What the standard has no column for, and whose words place and time are; place and position
    too where they are not those of the photo's deployment."""
    record = seen.record
    elsewhere = {}
    if record.place != of_photo.record.place:
        elsewhere["place"] = quote(record.place, safe=" ")
    if seen.where != of_photo.where and record.position:
        elsewhere["at"] = f"{seen.where.latitude!r},{seen.where.longitude!r}"
    tags = {
        "side": "" if record.side == "unknown" else record.side,
        "rotation": repr(record.rotation) if record.rotation else "",
        "box": box_text(record.box),
        "mask": mask_text(record.mask),
        "time": record.date or "camera",
        "position": "said" if record.position else "camera",
    }
    told = {key: value for key, value in tags.items() if value} | elsewhere
    return " | ".join(f"{key}:{value}" for key, value in told.items())


def _description(
    kept: Sequence[_Seen], title: str, creator: str, *, precise: bool
) -> dict[str, Any]:
    """``datapackage.json``."""
    described: dict[str, Any] = {
        "resources": [
            {
                "name": name,
                "path": f"{name}.csv",
                "profile": "tabular-data-resource",
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "schema": f"{_STANDARD}/{name}-table-schema.json",
            }
            for name in ("deployments", "media", "observations")
        ],
        "profile": f"{_STANDARD}/camtrap-dp-profile.json",
        "name": re.sub(r"[^a-z0-9._-]+", "-", title.lower()).strip("-") or "resight",
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "title": title,
        "contributors": [{"title": creator, "role": "contributor"}],
        "sources": [{"title": SOURCE}],
        "project": {
            "title": title,
            "samplingDesign": "opportunistic",
            # The standard knows no photos taken by hand; this is the nearer of its two words.
            "captureMethod": ["activityDetection"],
            "individualAnimals": True,
            "observationLevel": ["media"],
        },
        **_coverage(kept),
    }
    if not precise:
        described["coordinatePrecision"] = COARSE_DEGREES
    return described


def _coverage(kept: Sequence[_Seen]) -> dict[str, Any]:
    """Where, when and of what the photos are."""
    lats = [each.where.latitude for each in kept] or [0.0]
    lons = [each.where.longitude for each in kept] or [0.0]
    west, east, south, north = min(lons), max(lons), min(lats), max(lats)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    days = [day for each in kept for day in (each.start, each.end)] or [datetime.now(UTC)]
    return {
        "spatial": {"type": "Polygon", "coordinates": [ring]},
        "temporal": {
            "start": f"{min(days, key=_order):%Y-%m-%d}",
            "end": f"{max(days, key=_order):%Y-%m-%d}",
        },
        "taxonomic": [
            {"scientificName": name}
            for name in sorted({each.record.species for each in kept} - {""})
        ],
    }
