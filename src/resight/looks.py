"""How a photo looks at a glance: 256 bits by which copies of it are found again.

The look is a difference hash (Krawetz 2013, "Kind of Like That", hackerfactor.com): the photo
in grey at 17 x 16, each of 16 x 16 bits telling whether a pixel is darker than the one right of it.
Ours has 256 bits for the usual 64, because photos of one animal in one sea are alike.
Another size, compression, brightness or contrast changes few of them; cutting off an edge many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from resight import exif
from resight.photos import eight_bits

BYTES = 32
#: Photos of which so many bits at most differ are the same picture, or shots of a burst in which
#: nothing moved.
ALIKE_BITS = 8
#: So many may differ between a photo and its copy that was scaled, saved anew, brightened or cut
#: by a hundredth. Chosen on drawn animals, of which no two photos come nearer than 64.
COPY_BITS = 40
_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP")
_GRID = 16
_FINE = 16
_SET = np.array([number.bit_count() for number in range(1 << 16)], np.uint8)

Look = NDArray[np.uint8]


@contextmanager
def glimpsed(path: Path) -> Iterator[tuple[Image.Image, Image.Exif]]:
    """A photo file opened, its pixels not decoded yet, and its EXIF.

    Raises whatever the decoder raises, which answers damage with anything.
    """
    if path.suffix.lower() in (".heic", ".heif"):
        import pillow_heif  # loads libheif

        # Upright already: HEIF keeps the way up in its container.
        image = pillow_heif.open_heif(path).to_pillow()
        block = exif.exif_of(image)
        block.pop(ExifTags.Base.Orientation, None)
        yield image, block
        return
    with Image.open(path, formats=_FORMATS) as image:
        yield image, exif.exif_of(image)


def look_of_file(image: Image.Image, block: Image.Exif) -> Look:
    """The look of a file that ``glimpsed`` opened, at an eighth of the cost of decoding a JPEG."""
    image.draft("L", (_FINE * _GRID, _FINE * _GRID))
    small = eight_bits(image).convert("L")
    way = _UPRIGHT.get(exif.orientation(block))
    return _bits(small.transpose(way) if way is not None else small)


#: By EXIF's orientation, what turns a photo upright.
_UPRIGHT: Mapping[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def look(pixels: NDArray[np.uint8]) -> Look:
    """The (32,) uint8 look of an upright photo: (h, w) grey or (h, w, 3) sRGB."""
    return _bits(Image.fromarray(pixels).convert("L"))


def _bits(grey: Image.Image) -> Look:
    rough = grey.reduce(max(1, min(grey.size) // (_FINE * _GRID)))
    # Not in whole grey levels: neighbours in calm water are often equal then, and noise decides.
    fine = np.asarray(rough.convert("F").resize((_GRID + 1, _GRID), Image.Resampling.BOX))
    return np.packbits(fine[:, 1:] > fine[:, :-1])


def differing(looks: NDArray[np.uint8], other: Look) -> NDArray[np.int64]:
    """(N,) bits in which each of (N, 32) looks differs from another.

    >>> differing(np.array([[255] * 32, [0] * 31 + [3]], np.uint8), np.zeros(32, np.uint8)).tolist()
    [256, 2]
    """
    counted: NDArray[np.int64] = _SET[(looks ^ other).view(np.uint16)].sum(axis=1, dtype=np.int64)
    return counted


def alike(looks: NDArray[np.uint8], bits: int = ALIKE_BITS) -> list[tuple[int, int]]:
    """Pairs ``(earlier, later)`` of (N, 32) uint8 looks that differ in at most ``bits`` bits."""
    pairs = []
    for first in range(len(looks) - 1):
        near = np.flatnonzero(differing(looks[first + 1 :], looks[first]) <= bits)
        pairs += [(first, first + 1 + int(other)) for other in near]
    return pairs
