"""A mask in a file of its own: a picture that any paint program makes, or COCO's JSON."""

from __future__ import annotations

import json
from pathlib import Path

from resight.errors import BadFact
from resight.masks import Mask, mask_said
from resight.photos import read_photo
from resight.types import Box

#: Of 255: grey that is lighter shows the animal.
_LIGHT = 127
#: Share by which the shape of the picture may differ from its photo's.
_SHAPE = 0.01


def read_mask(path: Path, photo_size: tuple[int, int]) -> Mask:
    """The mask in a file, of an upright photo of this width and height.

    ``.json`` holds what ``mask_said`` takes. Anything else is a picture of the whole upright
    photo, at any scale, white where the animal is and black elsewhere.

    Raises ``BadFact`` where there is no animal on it or it has another shape than the photo,
    ``PhotoError`` where it cannot be read.
    """
    try:
        if path.suffix.lower() == ".json":
            return _of_json(path.read_text(encoding="utf-8"), photo_size)
        light = read_photo(path).pixels.mean(2) > _LIGHT
        (rows, columns), (width, height) = light.shape, photo_size
        if abs(columns * height / (rows * width) - 1) > _SHAPE:
            raise ValueError(_of_other((columns, rows), photo_size))
        return Mask.of(light, Box(0.0, 0.0, float(width), float(height)))
    except (OSError, ValueError, RecursionError) as error:
        raise BadFact(f"the mask {path.name}: {error}") from error


def _of_json(text: str, photo_size: tuple[int, int]) -> Mask:
    said = json.loads(text)
    if isinstance(said, dict) and "box" not in said and isinstance(said.get("size"), list):
        size = tuple(said["size"])[::-1]
        if size != photo_size:
            raise ValueError(_of_other(size, photo_size))
    return mask_said(said)


def _of_other(size: tuple[object, ...], photo_size: tuple[int, int]) -> str:
    mine, photo = (" x ".join(map(str, each)) for each in (size, photo_size))
    return f"it is {mine} pixels, but the upright photo {photo}: draw it over the photo as shown"
