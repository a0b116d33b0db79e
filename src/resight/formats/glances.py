"""What a photo's header tells, and how the photo looks at a glance, without decoding all of it.

``look`` is a difference hash (Krawetz 2013, "Kind of Like That", hackerfactor.com): the photo
in grey at 17 x 16, each of 16 x 16 bits telling whether a pixel is darker than the one right of it.
Ours has 256 bits for the usual 64, because photos of one animal in one sea are alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from resight import exif
from resight.types import Place

_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP")
_GRID = 16
#: Photos of which so many bits at most differ are taken for the same picture: copies saved anew
#: or in another size, and shots of a burst in which nothing moved.
ALIKE_BITS = 8


@dataclass(frozen=True, eq=False)
class Glance:
    """``size`` is upright; ``camera`` is make, model and number as far as known; ``look`` is
    (32,) uint8, 256 bits."""

    size: tuple[int, int]
    taken_at: datetime | None
    place: Place | None
    camera: str
    look: NDArray[np.uint8]


def glance(path: Path) -> Glance | None:
    """A first look at a photo file; ``None`` where it cannot be had: adding says why."""
    try:
        image, block = _opened(path)
        width, height = image.size
        turned = exif.orientation(block) in (5, 6, 7, 8)
        found = Glance(
            (height, width) if turned else (width, height),
            exif.capture_time(block)[0],
            exif.place(block),
            _camera(block),
            _look(image),
        )
        image.close()
    except Exception:  # decoders answer damage with whatever broke, see photos.py
        return None
    return found


def photo_size(path: Path) -> tuple[int, int]:
    """Width and height of the upright photo; raises ``ValueError`` where it cannot be read."""
    found = glance(path)
    if found is None:
        raise ValueError(f"its photo {path} cannot be read, so its box has no size")
    return found.size


def _opened(path: Path) -> tuple[Image.Image, Image.Exif]:
    if path.suffix.lower() in (".heic", ".heif"):
        import pillow_heif  # loads libheif

        # Upright already: HEIF keeps the way up in its container.
        image = pillow_heif.open_heif(path).to_pillow()
        block = exif.exif_of(image)
        block.pop(ExifTags.Base.Orientation, None)
        return image, block
    image = Image.open(path, formats=_FORMATS)
    return image, exif.exif_of(image)


def _camera(block: Image.Exif) -> str:
    inner = block.get_ifd(ExifTags.IFD.Exif)
    parts = (
        block.get(ExifTags.Base.Make),
        block.get(ExifTags.Base.Model),
        inner.get(ExifTags.Base.BodySerialNumber),
    )
    return " ".join(str(part).strip(" \0") for part in parts if part)


def _look(image: Image.Image) -> NDArray[np.uint8]:
    image.draft("L", (8 * _GRID, 8 * _GRID))  # JPEG decodes an eighth of the size at little cost
    grey = np.asarray(image.convert("L").resize((_GRID + 1, _GRID), Image.Resampling.BOX))
    return np.packbits(grey[:, 1:] > grey[:, :-1])


def alike(looks: NDArray[Any], bits: int = ALIKE_BITS) -> list[tuple[int, int]]:
    """Pairs ``(earlier, later)`` of (N, 32) uint8 looks that differ in at most ``bits`` bits."""
    count = np.array([number.bit_count() for number in range(256)], np.uint16)
    pairs = []
    for first in range(len(looks) - 1):
        differ = count[looks[first + 1 :] ^ looks[first]].sum(axis=1)
        pairs += [(first, first + 1 + int(other)) for other in np.flatnonzero(differ <= bits)]
    return pairs
