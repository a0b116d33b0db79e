"""What a photo's header tells, and how the photo looks, without decoding all of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PIL import ExifTags, Image

from resight import exif
from resight.looks import Look, glimpsed, look_of_file
from resight.types import Place


@dataclass(frozen=True, eq=False)
class Glance:
    """``size`` is upright; ``camera`` is make, model and number as far as known; ``look`` is
    that of ``resight.looks``."""

    size: tuple[int, int]
    taken_at: datetime | None
    place: Place | None
    camera: str
    look: Look


def glance(path: Path) -> Glance | None:
    """A first look at a photo file; ``None`` where it cannot be had: adding says why."""
    try:
        with glimpsed(path) as (image, block):
            width, height = image.size
            turned = exif.orientation(block) in (5, 6, 7, 8)
            return Glance(
                (height, width) if turned else (width, height),
                exif.capture_time(block)[0],
                exif.place(block),
                _camera(block),
                look_of_file(image, block),
            )
    except Exception:  # decoders answer damage with whatever broke, see photos.py
        return None


def photo_size(path: Path) -> tuple[int, int]:
    """Width and height of the upright photo; raises ``ValueError`` where it cannot be read."""
    found = glance(path)
    if found is None:
        raise ValueError(f"its photo {path} cannot be read, so its box has no size")
    return found.size


def _camera(block: Image.Exif) -> str:
    inner = block.get_ifd(ExifTags.IFD.Exif)
    parts = (
        block.get(ExifTags.Base.Make),
        block.get(ExifTags.Base.Model),
        inner.get(ExifTags.Base.BodySerialNumber),
    )
    return " ".join(str(part).strip(" \0") for part in parts if part)
