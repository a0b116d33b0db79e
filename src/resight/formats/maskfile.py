"""A mask in a file of its own: a picture that any paint program makes, or COCO's JSON."""

from __future__ import annotations

import json
from pathlib import Path

from resight.errors import BadFact, PhotoError
from resight.masks import Mask, check_mask, mask_said
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

    Raises ``BadFact`` where it cannot be read, shows no animal or is of another photo.
    """
    try:
        if path.suffix.lower() == ".json":
            mask = mask_said(json.loads(path.read_text(encoding="utf-8")))
            check_mask(mask, photo_size)
            return mask
        light = read_photo(path).pixels.mean(2) > _LIGHT
        (rows, columns), (width, height) = light.shape, photo_size
        if abs(columns * height / (rows * width) - 1) > _SHAPE:
            raise ValueError(
                f"it is {columns} x {rows} pixels, but the upright photo {width} x {height}: draw "
                "it over the photo as shown"
            )
        return Mask.of(light, Box(0.0, 0.0, float(width), float(height)))
    except (OSError, ValueError, RecursionError, PhotoError) as error:
        raise BadFact(f"the mask {path.name}: {error}") from error
