"""Photo files: found, decoded upright in sRGB, measured and hashed.

The only module that knows colour profiles and colour order (``exif`` reads tags). Files are
recognised by their content, never by their suffix, and decoded straight by the
one decoder they need, so neither Pillow's registry nor its global switches
matter. What is decided here:

- the first frame of an animation or of a multi-page file is the photo;
- transparent parts become mid grey (``FILL``): they hold no animal, and a flat
  grey has no keypoints and makes the weakest edge against whatever it borders;
- 16-bit samples keep their upper eight bits; 32-bit integer and float samples
  have no defined white and are refused;
- an embedded ICC profile is applied, so that a phone's Display P3 photo and a
  camera's sRGB photo of one animal agree in colour. A broken profile, or one of
  another kind than the pixels, is ignored with a logged warning, as browsers do;
- the orientation stored in EXIF is applied, for HEIF the one of the container
  (its standard, ISO/IEC 23008-12, makes the EXIF tag merely informative).

Pillow may emit ``UserWarning`` about malformed metadata. It is left to the
application to silence those, because ``warnings.catch_warnings`` is not safe
with threads.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from resight import exif
from resight.errors import PhotoError, PhotoTooLarge, PhotoUnreadable
from resight.types import Photo

logger = logging.getLogger(__name__)

#: Suffixes, in lower case, by which ``find_photos`` knows photos in a folder.
PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".heic", ".heif"})
#: Grey level that stands for "no picture here".
FILL = 128

_READABLE = "JPEG, PNG, TIFF, WebP or HEIC"
_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF
    (b"MM\0+", "TIFF"),
)
# Major brands of ISO/IEC 23008-12 files: single pictures, then sequences.
_HEIF_BRANDS = frozenset(b"heic heix heim heis mif1 hevc hevx hevm hevs msf1".split())
# Only to say what a refused file is.
_REFUSED = (
    (b"GIF8", "a GIF"),
    (b"BM", "a BMP"),
    (b"8BPS", "a Photoshop file"),
    (b"%!PS", "PostScript"),
    (b"%PDF", "a PDF"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
)
_REFUSED_BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"crx ": "a Canon raw file"}


@dataclass(frozen=True)
class PhotoLimits:
    """The largest photo to decode.

    ``max_pixels`` is compared with the size in the file's header before any
    pixel is decoded, so a small file that unpacks to gigabytes costs nothing.
    The default admits the 200 megapixels of today's phones; decoding takes up to
    14 bytes of memory a pixel (a turned JPEG with a colour profile).
    """

    max_pixels: int = 250_000_000
    max_bytes: int = 500_000_000


DEFAULT_LIMITS = PhotoLimits()


class DecodedPhoto(NamedTuple):
    """A photo and its pixels: (h, w, 3) uint8 sRGB, upright, read-only."""

    photo: Photo
    pixels: NDArray[np.uint8]


def find_photos(folder: Path) -> list[Path]:
    """Photos in a folder and all folders below it, by suffix, sorted by path.

    Leaves out and raises as ``visible_files`` does.
    """
    return [path for path in visible_files(folder) if is_photo_name(path)]


def is_photo_name(path: Path) -> bool:
    """Whether a file's suffix is one of a photo."""
    return path.suffix.lower() in PHOTO_SUFFIXES


def visible_files(folder: Path) -> list[Path]:
    """Files in a folder and all folders below it, sorted by path.

    Leaves out what starts with a dot (hidden files, and the ``._`` companions
    macOS writes on memory cards) or with ``$`` (the recycle bin of Windows
    drives). Links to folders are not followed.

    Raises ``PhotoError`` where the folder, or one below it, cannot be listed.
    """

    def refuse(error: OSError) -> None:
        raise PhotoError(f"{error.filename}: cannot list this folder ({error.strerror})") from error

    found: list[Path] = []
    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith((".", "$"))]
        found.extend(Path(parent, name) for name in files if not name.startswith("."))
    return sorted(found)


def inspect_photo(path: Path, *, limits: PhotoLimits = DEFAULT_LIMITS) -> Photo:
    """What is known about a photo file, after proving that all of it decodes.

    Raises as ``read_photo`` does.
    """
    return read_photo(path, limits=limits).photo


def read_photo(path: Path, *, limits: PhotoLimits = DEFAULT_LIMITS) -> DecodedPhoto:
    """Read and decode one photo file.

    Raises ``PhotoUnreadable`` where there is no such file or it is a folder,
    empty, truncated, damaged or of another format, and ``PhotoTooLarge`` beyond
    the limits; the message names the file. Nothing else is raised.
    """
    try:
        if not path.exists():
            raise PhotoUnreadable(
                f"{path}: no such file; check its name and that its disk is there"
            )
        if not path.is_file():  # a pipe or device would be read for ever
            raise PhotoUnreadable(f"{path}: is a folder or device, not a photo; name a file")
        _check_bytes(path.stat().st_size, str(path), limits)
        data = path.read_bytes()
    except OSError as error:
        raise PhotoUnreadable(
            f"{path}: cannot be read ({error.strerror or error}); check its permissions and disk"
        ) from error
    return decode_photo(data, name=str(path), limits=limits)


def decode_photo(data: bytes, *, name: str, limits: PhotoLimits = DEFAULT_LIMITS) -> DecodedPhoto:
    """Decode the bytes of one photo file, called ``name`` in messages.

    Raises as ``read_photo`` does.
    """
    _check_bytes(len(data), name, limits)
    format = _recognise(data, name)
    try:
        image = (
            _load_heif(data, name, limits)
            if format == "HEIF"
            else _load(data, format, name, limits)
        )
        tags = exif.exif_of(image)
        turned = 1 if format == "HEIF" else exif.orientation(tags)
        pixels = _upright(np.asarray(_to_srgb(image, name)), turned)
    except PhotoError:
        raise
    except Image.DecompressionBombError as error:
        # Only WebP gets here, beyond twice Image.MAX_IMAGE_PIXELS (179 million
        # unless the application changed it): that check cannot be avoided.
        raise PhotoTooLarge(
            f"{name}: too many pixels for Pillow's WebP reader ({error})"
        ) from error
    except MemoryError as error:
        raise PhotoUnreadable(f"{name}: decoding needs more memory than there is") from error
    except Exception as error:
        # Decoders answer damage with whatever broke: OSError, SyntaxError,
        # ValueError, struct.error, zlib.error, OverflowError, RuntimeError ...
        raise PhotoUnreadable(
            f"{name}: this {format} file is damaged or incomplete "
            f"({str(error).strip() or type(error).__name__}); copy it again from its source"
        ) from error
    pixels.flags.writeable = False
    taken_at, utc_offset = exif.capture_time(tags)
    photo = Photo(
        sha256=hashlib.sha256(data).hexdigest(),
        size=(pixels.shape[1], pixels.shape[0]),
        format=format,
        bytes=len(data),
        taken_at=taken_at,
        utc_offset=utc_offset,
        place=exif.place(tags),
    )
    return DecodedPhoto(photo, pixels)


def _check_bytes(count: int, name: str, limits: PhotoLimits) -> None:
    if count == 0:
        raise PhotoUnreadable(f"{name}: the file is empty; copy it again from its source")
    if count > limits.max_bytes:
        raise PhotoTooLarge(f"{name}: {count} bytes, the limit is {limits.max_bytes}")


def _check_pixels(size: tuple[int, int], name: str, limits: PhotoLimits) -> None:
    if size[0] * size[1] > limits.max_pixels:
        raise PhotoTooLarge(
            f"{name}: {size[0]} x {size[1]} pixels, the limit is {limits.max_pixels} in all"
        )


def _recognise(data: bytes, name: str) -> str:
    for signature, format in _SIGNATURES:
        if data.startswith(signature):
            return format
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    what = next((what for signature, what in _REFUSED if data.startswith(signature)), None)
    if data[4:8] == b"ftyp":
        if data[8:12] in _HEIF_BRANDS:
            return "HEIF"
        what = _REFUSED_BRANDS.get(data[8:12], "a video or another media file")
    if what:
        raise PhotoUnreadable(f"{name}: is {what}; export it as {_READABLE}")
    raise PhotoUnreadable(f"{name}: is no picture resight knows; it must be {_READABLE}")


class _TiffFile(TiffImageFile):
    """Pillow's reader without its check against ``Image.MAX_IMAGE_PIXELS``.

    That check warns, or raises, by a global switch; ours came first.
    """

    def load_prepare(self) -> None:
        if self._im is None:
            self.im = Image.core.new(  # type: ignore[attr-defined]
                self.mode, self._tile_size
            )
        ImageFile.ImageFile.load_prepare(self)


_READERS: Mapping[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "TIFF": _TiffFile,
    "WebP": WebPImageFile,
}


def _load(data: bytes, format: str, name: str, limits: PhotoLimits) -> Image.Image:
    stream = io.BytesIO(data)
    if format == "WebP":  # whose reader allocates its canvas when it is opened
        _check_pixels(_webp_size(data), name, limits)
    image = _READERS[format](stream)
    _check_pixels(image.size, name, limits)
    if isinstance(image, TiffImageFile):
        _refuse_raw(image, name)
    # An interrupted copy often has its full length but ends in zeros, which
    # decode as grey. Entropy-coded data cannot hold an end-of-image marker by
    # chance, and Pillow leaves the stream where that data starts.
    if format == "JPEG" and data.find(b"\xff\xd9", stream.tell()) < 0:
        raise PhotoUnreadable(
            f"{name}: this JPEG file is incomplete (it has no end); copy it again from its source"
        )
    image.load()
    return image


def _webp_size(data: bytes) -> tuple[int, int]:
    """Canvas size in a WebP header (RFC 9649); (0, 0) if it holds none."""

    def number(start: int, end: int) -> int:
        return int.from_bytes(data[start:end], "little")

    kind = data[12:16]
    if kind == b"VP8X":
        return number(24, 27) + 1, number(27, 30) + 1
    if kind == b"VP8L":  # 14 bits each after a signature byte
        return (number(21, 25) & 0x3FFF) + 1, (number(21, 25) >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":  # 14 bits each, after a frame tag and a start code
        return number(26, 28) & 0x3FFF, number(28, 30) & 0x3FFF
    return 0, 0


def _refuse_raw(image: TiffImageFile, name: str) -> None:
    """Raw files of many cameras are TIFF files whose first page is a preview."""
    tags = image.tag_v2
    reduced = int(tags.get(254, 0)) & 1  # NewSubfileType: reduced-resolution version
    if reduced or 0xC612 in tags:  # DNGVersion
        raise PhotoUnreadable(f"{name}: is a camera's raw file; export it as {_READABLE}")


def _load_heif(data: bytes, name: str, limits: PhotoLimits) -> Image.Image:
    import pillow_heif  # loads libheif, which most catalogues never need

    heif = pillow_heif.open_heif(data, convert_hdr_to_8bit=True)
    _check_pixels(heif.size, name, limits)
    pixels = heif.data  # decoding may correct the size in the header
    image = Image.frombytes(heif.mode, heif.size, pixels, "raw", heif.mode, heif.stride)
    image.info.update({key: heif.info.get(key) for key in ("exif", "icc_profile")})
    return image


def eight_bits(image: Image.Image) -> Image.Image:
    """The image, one of 16 bits of grey in 8: Pillow would cut off all that is lighter than 255."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image


def _to_srgb(image: Image.Image, name: str) -> Image.Image:
    """The same pixels as mode RGB in sRGB, without transparency."""
    profile = image.info.get("icc_profile")
    image = eight_bits(image)
    if image.mode in ("I", "F", "LAB", "HSV"):
        raise PhotoUnreadable(
            f"{name}: pixels of kind {image.mode} are not understood; export it with 8 or 16 bits"
        )
    elif image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.new("RGB", rgba.size, (FILL, FILL, FILL))
        image.paste(rgba, mask=rgba.getchannel("A"))
    elif image.mode in ("1", "P", "YCbCr"):
        image = image.convert("RGB")
    if profile:
        try:
            return _apply_profile(image, profile)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
            logger.warning("%s: its colour profile is ignored (%s)", name, error)
    return image.convert("RGB")


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = source.profile.xcolor_space.strip()
    if space == "RGB" and image.mode == "L":  # grey saved with the camera's profile
        image = image.convert("RGB")
    if {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}.get(space) != image.mode:
        raise ValueError(f"a profile for {space} on {image.mode} pixels")
    to_srgb = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), image.mode, "RGB")
    if image.mode == "RGB" and _changes_nothing(to_srgb):
        return image
    return to_srgb.apply(image)


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether colours stay within one level: true of the many spellings of sRGB.

    Tried on a 16 x 16 x 16 cube of colours, since converting a whole photo takes
    as long as decoding it.
    """
    levels = np.arange(0, 256, 17, dtype=np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(64, 64, 3)
    converted = np.asarray(transform.apply(Image.fromarray(cube)))
    return bool(np.abs(converted.astype(int) - cube).max() <= 1)


def _upright(pixels: NDArray[np.uint8], orientation: object) -> NDArray[np.uint8]:
    """Undo an EXIF orientation (tag 0x0112: 1 to 8, anything else means 1)."""
    if orientation in (5, 6, 7, 8):  # stored with rows and columns exchanged
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
