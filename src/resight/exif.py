"""What a camera wrote beside the pixels: when, where, and which way up (EXIF).

The capture time is when the shutter opened. The time the file was last changed is never
taken for it: it would put a photo in the wrong encounter.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Optional

from PIL import ExifTags, Image

from resight.types import Place


def orientation(exif: Image.Exif) -> object:
    """1 to 8, or whatever else is there."""
    return exif.get(ExifTags.Base.Orientation)


def exif_of(image: Image.Image) -> Image.Exif:
    """The EXIF block; empty if there is none or it is broken.

    To be called after ``load``: PNG may keep it behind the pixels, and Pillow
    turns TIFF pixels upright itself and then drops their orientation tag.
    """
    try:
        return image.getexif()
    except Exception:  # as many kinds as in decode_photo; the pixels are good without
        return Image.Exif()


def _tags(exif: Image.Exif, ifd: ExifTags.IFD) -> Mapping[int, Any]:
    try:
        return exif.get_ifd(ifd)
    except Exception:  # a broken directory must not cost the photo or the other directory
        return {}


_TIME = re.compile(
    r"([0-9]{4})[:/.-]([0-9]{2})[:/.-]([0-9]{2})[ T]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?(?![0-9])"
)
_OFFSET = re.compile(r"([+-])([0-9]{2}):([0-9]{2})")
_SCANNERS = (1, 2)  # FileSource: film scanner, print scanner


def capture_time(exif: Image.Exif) -> tuple[Optional[datetime], Optional[int]]:
    """Local time and offset in minutes of the exposure, ``None`` where unknown.

    Some cameras only write when the picture was digitised, which for a camera
    is the same moment; for a scanner it is not, and is not taken.
    """
    tags = _tags(exif, ExifTags.IFD.Exif)
    keys = [(ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal)]
    source = tags.get(ExifTags.Base.FileSource)
    if (source[:1] if isinstance(source, bytes) else source) not in (b"\1", b"\2", *_SCANNERS):
        keys.append((ExifTags.Base.DateTimeDigitized, ExifTags.Base.OffsetTimeDigitized))
    for time_key, offset_key in keys:
        taken_at = _parse_time(_text(tags.get(time_key)))
        if taken_at:
            return taken_at, _parse_offset(_text(tags.get(offset_key)))
    return None, None


def _parse_time(text: str) -> Optional[datetime]:
    match = _TIME.match(text)
    if not match:
        return None
    try:
        taken_at = datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]
    except ValueError:  # 0000:00:00 and the like: a clock that was never set
        return None
    return taken_at if taken_at.year >= 1826 else None  # the year of the oldest photograph


def _parse_offset(text: str) -> Optional[int]:
    match = _OFFSET.fullmatch(text)
    if not match:
        return None
    minutes = int(match[2]) * 60 + int(match[3])
    if minutes > 14 * 60 or int(match[3]) > 59:  # no place on Earth is further from UTC
        return None
    return -minutes if match[1] == "-" else minutes


def place(exif: Image.Exif) -> Optional[Place]:
    """WGS 84 position, or ``None`` if absent, malformed or out of range.

    Exactly (0, 0) counts as absent: receivers without a fix write it.
    """
    tags = _tags(exif, ExifTags.IFD.GPSInfo)
    latitude = _degrees(tags.get(ExifTags.GPS.GPSLatitude))
    longitude = _degrees(tags.get(ExifTags.GPS.GPSLongitude))
    north = {"N": 1, "S": -1}.get(_text(tags.get(ExifTags.GPS.GPSLatitudeRef)).upper())
    east = {"E": 1, "W": -1}.get(_text(tags.get(ExifTags.GPS.GPSLongitudeRef)).upper())
    if latitude is None or longitude is None or north is None or east is None:
        return None
    if latitude > 90 or longitude > 180 or latitude == longitude == 0:
        return None
    return Place(north * latitude, east * longitude)


def _degrees(value: object) -> Optional[float]:
    """Degrees of up to three rationals: degrees, minutes, seconds."""
    if not isinstance(value, tuple) or not 1 <= len(value) <= 3:
        return None
    try:
        parts = [float(part) for part in value]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    if not all(math.isfinite(part) and part >= 0 for part in parts):
        return None
    return sum(part / float(60**power) for power, part in enumerate(parts))


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value.strip(" \0") if isinstance(value, str) else ""
