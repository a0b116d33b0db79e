"""From a box in a photo to the chip that extractors see, and the exact way back.

A chip always has the same long edge, whatever the photo's resolution: methods
are compared, thresholds set and scores calibrated at one scale, so a small crop
is enlarged as a large one is reduced.

The part of a turned box that lies off the photo repeats the photo's edge pixels
(see ``_warp`` for why).
"""

from __future__ import annotations

import math
from typing import Optional

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.errors import PhotoError
from resight.fingerprints import fingerprint
from resight.types import Box, Chip

# OpenCV's warps address pixels with 16-bit integers; the intermediate picture of
# a turned box is up to sqrt(2) times larger than the chip.
MAX_LONG_EDGE = 16_384
_FAR = 1e12  # pixels: no photo reaches there
_SMALLEST = 1e-3  # width or height of a box in pixels; below is a slip, not an animal


def chip_fingerprint(*, long_edge: int, margin: float) -> str:
    """Of the chips that ``make_chip`` cuts; its version goes up when it changes pixels."""
    return fingerprint("chip.v1", long_edge=long_edge, margin=float(margin))


def make_chip(
    pixels: NDArray[np.uint8],
    box: Optional[Box] = None,
    *,
    rotation: float = 0.0,
    margin: float = 0.0,
    long_edge: int = 512,
) -> Chip:
    """Cut one animal out of an upright photo, set it upright and scale it.

    ``pixels`` (h, w, 3) uint8 RGB, not changed; ``box`` ``None`` means the whole
    photo. ``rotation`` is by how many degrees the animal is turned
    counter-clockwise in the photo: the crop is the rectangle of the box's size,
    turned about the box's centre by as much, and appears unturned in the chip.
    (Wildbook's ``theta`` is in radians and clockwise: ``rotation =
    -math.degrees(theta)``, see ``get_image_to_chip_transform`` in its vtool.)
    ``margin`` widens the crop on each side by that fraction of the box's size.

    An unturned crop is clipped to the photo and grown to whole pixels, so that
    it can be reduced by exact area averaging. A turned one keeps its size.

    The chip's longer side is ``long_edge`` pixels, the other as the crop's
    proportions ask, rounded, at least 1. ``Chip.to_photo`` accounts for that
    rounding; it is exact, pixel centre to pixel centre.

    Raises ``PhotoError`` for a box or rotation that is not finite, is empty or
    lies wholly off the photo; ``ValueError`` for a margin, long edge or array
    that no photo could make right.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ValueError(f"pixels must be (h, w, 3) uint8, got {pixels.shape} {pixels.dtype}")
    if not 1 <= long_edge <= MAX_LONG_EDGE:
        raise ValueError(f"long_edge must be 1 to {MAX_LONG_EDGE}, got {long_edge}")
    if not 0 <= margin <= 10:
        raise ValueError(f"margin must be 0 to 10 times the box, got {margin}")
    photo_size = (pixels.shape[1], pixels.shape[0])
    wide = _widened(box, rotation, margin, photo_size)
    if rotation % 360 == 0:
        return _cut(pixels, wide, long_edge)
    return _warp(pixels, wide, rotation, long_edge)


def chip_to_photo(
    photo_size: tuple[int, int],
    box: Optional[Box] = None,
    *,
    rotation: float = 0.0,
    margin: float = 0.0,
    long_edge: int = 512,
) -> NDArray[np.float64]:
    """``Chip.to_photo`` of the chip that ``make_chip`` cuts from a photo of this size."""
    wide = _widened(box, rotation, margin, photo_size)
    if rotation % 360 == 0:
        return _cut_to_photo(_whole_pixels(wide, photo_size), long_edge)[1]
    return _warp_to_photo(wide, rotation, long_edge)[1]


def turned(chip: Chip, degrees: float) -> tuple[Chip, NDArray[np.float64]]:
    """A chip turned counter-clockwise about its middle, and the way back.

    By right angles no pixel changes; by other angles it is as large as to hold the animal (that is
    the whole chip, where nobody said what is) and a little around it, what lies off the chip
    repeats its edge and is not the animal's, and ``animal`` is known. The (2, 3) float64 affine
    takes points of the turned chip to the chip as it was, pixel centre to pixel centre.
    """
    if degrees % 90 == 0:
        pixels, animal, back = _by_right_angles(chip, int(degrees // 90) % 4)
    else:
        pixels, animal, back = _by_any_angle(chip, degrees)
    to_photo = np.vstack([chip.to_photo, [0, 0, 1]]) @ back
    return Chip(pixels, to_photo[:2], animal), back[:2]


def mirrored(chip: Chip) -> Chip:
    """A chip seen in a mirror, left and right exchanged; ``to_photo`` leads to the same photo."""
    back = np.array([[-1.0, 0, chip.size[0] - 1], [0, 1, 0], [0, 0, 1]])
    to_photo = np.vstack([chip.to_photo, [0, 0, 1]]) @ back
    animal = None if chip.animal is None else np.ascontiguousarray(chip.animal[:, ::-1])
    return Chip(np.ascontiguousarray(chip.pixels[:, ::-1]), to_photo[:2], animal)


#: Pixels around an animal that networks see with it.
_SEEN_AROUND = 16
_Turned = tuple[NDArray[np.uint8], Optional[NDArray[np.bool_]], NDArray[np.float64]]


def _by_right_angles(chip: Chip, quarters: int) -> _Turned:
    back = np.eye(3)
    for turn in range(quarters):
        width = chip.size[turn % 2]
        back = back @ [[0, -1, width - 1], [1, 0, 0], [0, 0, 1]]
    animal = None if chip.animal is None else np.rot90(chip.animal, quarters)
    return np.ascontiguousarray(np.rot90(chip.pixels, quarters)), animal, back


def _by_any_angle(chip: Chip, degrees: float) -> _Turned:
    w, h = chip.size
    cos, sin = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    across, down = math.ceil(w * cos + h * sin), math.ceil(w * sin + h * cos)
    around = Box((w - across) / 2, (h - down) / 2, across, down)
    size, back = _warp_to_photo(around, -degrees, max(across, down))
    inverse = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    pixels = cv2.warpAffine(chip.pixels, back, size, flags=inverse, borderMode=cv2.BORDER_REPLICATE)
    animal = np.ones((h, w), bool) if chip.animal is None else chip.animal
    there = cv2.warpAffine(
        animal.astype(np.uint8), back, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    )
    # Corners hold nothing, and networks take time by the area.
    rows, columns = _around(there.any(1)), _around(there.any(0))
    back = np.vstack([back, [0, 0, 1]])
    back[:, 2] += back[:, :2] @ [columns.start, rows.start]
    cut = np.ascontiguousarray(pixels[rows, columns], np.uint8)
    return cut, there[rows, columns] > 0, back


def _around(there: NDArray[np.bool_]) -> slice:
    """From a little before the first to a little after the last; all where there is none."""
    found = np.flatnonzero(there)
    if not len(found):
        return slice(0, len(there))
    first, last = int(found[0]), int(found[-1])
    return slice(max(0, first - _SEEN_AROUND), min(len(there), last + 1 + _SEEN_AROUND))


def _widened(
    box: Optional[Box], rotation: float, margin: float, photo_size: tuple[int, int]
) -> Box:
    """The box with its margin. Raises ``PhotoError`` as ``make_chip``."""
    box = Box(0.0, 0.0, *photo_size) if box is None else box
    check_box(box, rotation, photo_size)
    return Box(
        box.x - margin * box.w,
        box.y - margin * box.h,
        box.w * (1 + 2 * margin),
        box.h * (1 + 2 * margin),
    )


def check_box(box: Box, rotation: float, photo_size: tuple[int, int]) -> None:
    """Raise ``PhotoError`` where ``make_chip`` would, for a box in a photo of this size."""
    width, height = photo_size
    what = f"box x={box.x:g} y={box.y:g} w={box.w:g} h={box.h:g}"
    if not all(map(math.isfinite, (*box, rotation))):
        raise PhotoError(f"{what}, rotation {rotation:g}: not finite; give numbers in pixels")
    if box.w < _SMALLEST or box.h < _SMALLEST:
        raise PhotoError(f"{what}: has no area; width and height must be positive")
    # A hundred photos wide is a mistake of units, and would overflow a turned crop.
    if box.w > 100 * width or box.h > 100 * height:
        raise PhotoError(f"{what}: far larger than the {width} x {height} photo; check its units")
    far = max(abs(box.x), abs(box.y)) > _FAR  # and sums of such numbers may overflow
    if far or not _overlap(box, rotation, photo_size):
        raise PhotoError(
            f"{what}, rotation {rotation:g}: lies off the {width} x {height} photo; "
            "boxes are in pixels of the upright photo"
        )


def _overlap(box: Box, rotation: float, photo_size: tuple[int, int]) -> bool:
    """Whether box and photo share area: no side of either separates the two."""
    width, height = photo_size
    turn = _turn(rotation)
    centre = np.array([box.x + box.w / 2, box.y + box.h / 2])
    unit = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    box_in_photo = (unit * (box.w, box.h)) @ turn.T + centre
    photo_in_box = ((unit + 0.5) * (width, height) - centre) @ turn
    half = np.array([box.w, box.h]) / 2
    return bool(
        np.all(box_in_photo.max(0) > 0)
        and np.all(box_in_photo.min(0) < (width, height))
        and np.all(photo_in_box.max(0) > -half)
        and np.all(photo_in_box.min(0) < half)
    )


def _turn(rotation: float) -> NDArray[np.float64]:
    """(2, 2) counter-clockwise rotation as seen, y pointing down."""
    cos, sin = math.cos(math.radians(rotation)), math.sin(math.radians(rotation))
    return np.array([[cos, sin], [-sin, cos]])


def _chip_size(width: float, height: float, long_edge: int) -> tuple[int, int]:
    scale = long_edge / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _resize(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A new array of ``size``: area average to reduce, bicubic to enlarge."""
    reduce = size[0] <= pixels.shape[1] and size[1] <= pixels.shape[0]
    return cv2.resize(  # type: ignore[no-any-return]
        pixels, size, interpolation=cv2.INTER_AREA if reduce else cv2.INTER_CUBIC
    )


def _cut(pixels: NDArray[np.uint8], box: Box, long_edge: int) -> Chip:
    left, top, right, bottom = place = _whole_pixels(box, (pixels.shape[1], pixels.shape[0]))
    size, to_photo = _cut_to_photo(place, long_edge)
    return Chip(_resize(pixels[top:bottom, left:right], size), to_photo)


def _whole_pixels(box: Box, photo_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the box grown to whole pixels and clipped to the photo."""
    left, right = _within(box.x, box.x + box.w, photo_size[0])
    top, bottom = _within(box.y, box.y + box.h, photo_size[1])
    return left, top, right, bottom


def _cut_to_photo(
    place: tuple[int, int, int, int], long_edge: int
) -> tuple[tuple[int, int], NDArray[np.float64]]:
    left, top, right, bottom = place
    size = _chip_size(right - left, bottom - top, long_edge)
    per_x, per_y = (right - left) / size[0], (bottom - top) / size[1]  # photo pixels per chip pixel
    to_photo = np.array(
        [[per_x, 0, left + (per_x - 1) / 2], [0, per_y, top + (per_y - 1) / 2]], np.float64
    )
    return size, to_photo


def _within(low: float, high: float, length: int) -> tuple[int, int]:
    """The range grown to whole pixels and clipped to a photo's side; never empty."""
    first = min(max(0, math.floor(low)), length - 1)
    return first, max(min(math.ceil(high), length), first + 1)


def _warp(pixels: NDArray[np.uint8], box: Box, rotation: float, long_edge: int) -> Chip:
    """The turned crop, in two steps so that reducing it does not alias.

    First the photo around it is reduced by area averaging to the chip's scale,
    then that is turned with bicubic interpolation at a scale of about one.

    Off the photo the edge pixels are repeated. A constant colour draws an edge
    along the photo's border, and what is found there looks alike in all photos.
    Keypoints off the photo or within 4 px of its border, on 60 animal photos
    turned by 20 to 60 degrees (SIFT, ORB): repeated 912 and 391, grey 995 and
    552, black 1361 and 901, mirrored 8475 and 2427.
    """
    size, to_photo = _warp_to_photo(box, rotation, long_edge)
    left, top, right, bottom = _surroundings(to_photo, size, pixels)
    near = pixels[top:bottom, left:right]
    scale = min(1.0, long_edge / max(box.w, box.h))
    reduced = (
        max(1, round((right - left) * scale)),
        max(1, round((bottom - top) * scale)),
    )
    if reduced != (right - left, bottom - top):
        near = _resize(near, reduced)
    per = np.array([(right - left) / reduced[0], (bottom - top) / reduced[1]])
    to_near = to_photo / per[:, None]
    to_near[:, 2] += (0.5 - np.array([left, top])) / per - 0.5
    chip = cv2.warpAffine(
        near,
        to_near,
        size,
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return Chip(chip, to_photo)


def _warp_to_photo(
    box: Box, rotation: float, long_edge: int
) -> tuple[tuple[int, int], NDArray[np.float64]]:
    size = _chip_size(box.w, box.h, long_edge)
    to_photo = np.empty((2, 3))
    to_photo[:, :2] = _turn(rotation) * (box.w / size[0], box.h / size[1])
    centre = np.array([box.x + box.w / 2 - 0.5, box.y + box.h / 2 - 0.5])
    to_photo[:, 2] = centre - to_photo[:, :2] @ ((np.array(size) - 1) / 2)
    return size, to_photo


def _surroundings(
    to_photo: NDArray[np.float64], size: tuple[int, int], pixels: NDArray[np.uint8]
) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the photo's part that a turned crop samples."""
    corners = np.array([[x, y] for x in (0, size[0] - 1) for y in (0, size[1] - 1)])
    in_photo = corners @ to_photo[:, :2].T + to_photo[:, 2]
    # The bicubic kernel reaches two pixels, of the chip or of the photo, whichever are larger.
    around = 2 * max(1.0, float(np.abs(to_photo[:, :2]).sum(1).max()))
    lows, highs = in_photo.min(0) - around, in_photo.max(0) + around + 1
    left, right = _within(lows[0], highs[0], pixels.shape[1])
    top, bottom = _within(lows[1], highs[1], pixels.shape[0])
    return left, top, right, bottom
