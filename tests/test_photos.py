"""Photos: every format and orientation decodes to the same upright picture, and
whatever is wrong with a file ends as a PhotoError that names it."""

import hashlib
import io
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms

from resight.errors import PhotoError, PhotoTooLarge, PhotoUnreadable
from resight.photos import (
    FILL,
    PhotoLimits,
    decode_photo,
    find_photos,
    inspect_photo,
    read_photo,
)
from resight.types import Place

RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 180, 40), (20, 40, 190), (240, 240, 240)


def quadrants() -> NDArray[np.uint8]:
    """64 x 32 pixels in four flat colours: no two of its eight orientations agree."""
    picture = np.empty((32, 64, 3), np.uint8)
    picture[:16, :32], picture[:16, 32:] = RED, GREEN
    picture[16:, :32], picture[16:, 32:] = BLUE, WHITE
    return picture


PICTURE = quadrants()
# EXIF 2.3, tag 0x0112: which side of the upright picture the first stored row
# and the first stored column show.
ROW_AND_COLUMN = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


def stored(upright: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """The pixels as a camera held like that stores them, straight from the table."""
    height, width = upright.shape[:2]
    row_side, column_side = ROW_AND_COLUMN[orientation]
    rows, columns = (width, height) if row_side in ("left", "right") else (height, width)
    result = np.empty((rows, columns, 3), np.uint8)
    for row in range(rows):
        for column in range(columns):
            steps = {row_side: row, column_side: column}
            x = steps["left"] if "left" in steps else width - 1 - steps["right"]
            y = steps["top"] if "top" in steps else height - 1 - steps["bottom"]
            result[row, column] = upright[y, x]
    return result


def exif_of(**directories: dict[int, Any]) -> Image.Exif:
    exif = Image.Exif()
    for tag, value in directories.get("main", {}).items():
        exif[tag] = value
    if "camera" in directories:
        exif[0x8769] = directories["camera"]
    if "gps" in directories:
        exif[0x8825] = directories["gps"]
    return exif


def encode(picture: Image.Image | NDArray[np.uint8], format: str, **options: Any) -> bytes:
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    stream = io.BytesIO()
    if isinstance(options.get("exif"), Image.Exif):
        options["exif"] = options["exif"].tobytes()
    if format == "HEIF":
        pillow_heif.from_pillow(image).save(stream, quality=100, chroma=444, **options)
    else:
        if format == "WebP":
            options["lossless"] = True
        if format == "JPEG":
            options = {"quality": 100, "subsampling": 0, **options}
        image.save(stream, format, **options)
    return stream.getvalue()


def decode(data: bytes) -> NDArray[np.uint8]:
    return decode_photo(data, name="a photo").pixels


FORMATS = ("JPEG", "PNG", "TIFF", "WebP", "HEIF")
TOLERANCE = {"JPEG": 2, "HEIF": 5}


class TestFormats:
    @pytest.mark.parametrize("format", FORMATS)
    def test_decodes_to_rgb(self, format: str) -> None:
        data = encode(PICTURE, format)
        photo, pixels = decode_photo(data, name="a photo")
        np.testing.assert_allclose(
            pixels.astype(int), PICTURE, atol=TOLERANCE.get(format, 0), rtol=0
        )
        assert photo.size == (64, 32)
        assert photo.format == format
        assert photo.bytes == len(data)
        assert photo.sha256 == hashlib.sha256(data).hexdigest()
        assert (photo.taken_at, photo.utc_offset, photo.place) == (None, None, None)
        assert not pixels.flags.writeable
        assert pixels.flags.c_contiguous

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("format", FORMATS)
    def test_every_orientation_becomes_upright(self, format: str, orientation: int) -> None:
        sideways = stored(PICTURE, orientation)
        data = encode(sideways, format, exif=exif_of(main={0x0112: orientation}))
        photo, pixels = decode_photo(data, name="a photo")
        assert photo.size == (64, 32)
        np.testing.assert_allclose(
            pixels.astype(int), PICTURE, atol=TOLERANCE.get(format, 0), rtol=0
        )

    @pytest.mark.parametrize("orientation", [0, 9, 65535])
    def test_orientations_that_do_not_exist_change_nothing(self, orientation: int) -> None:
        data = encode(PICTURE, "PNG", exif=exif_of(main={0x0112: orientation}))
        np.testing.assert_array_equal(decode(data), PICTURE)

    @pytest.mark.parametrize("compression", [None, "tiff_deflate", "tiff_lzw", "packbits"])
    def test_tiff_compressions(self, compression: str | None) -> None:
        data = encode(
            stored(PICTURE, 6), "TIFF", compression=compression, exif=exif_of(main={0x0112: 6})
        )
        np.testing.assert_array_equal(decode(data), PICTURE)

    @pytest.mark.parametrize("format", ["PNG", "TIFF", "WebP"])
    def test_first_frame_of_several(self, format: str) -> None:
        other = Image.fromarray(255 - PICTURE)
        data = encode(PICTURE, format, save_all=True, append_images=[other])
        np.testing.assert_array_equal(decode(data), PICTURE)

    @pytest.mark.parametrize("format", FORMATS)
    def test_one_pixel(self, format: str) -> None:
        picture = np.full((1, 1, 3), 120, np.uint8)
        np.testing.assert_allclose(decode(encode(picture, format)), picture, atol=3)

    def test_suffix_does_not_matter(self, tmp_path: Path) -> None:
        path = tmp_path / "photo.jpg"
        path.write_bytes(encode(PICTURE, "PNG"))
        assert inspect_photo(path).format == "PNG"


class TestPixelKinds:
    @pytest.mark.parametrize("format", ["PNG", "TIFF"])
    def test_sixteen_bit_grey_keeps_the_upper_bits(self, format: str) -> None:
        grey = np.array([[0x0000, 0x00FF, 0x0100], [0x8000, 0xFEFF, 0xFFFF]], np.uint16)
        expected = [[0, 0, 1], [128, 254, 255]]
        pixels = decode(encode(Image.fromarray(grey), format))
        np.testing.assert_array_equal(pixels, np.repeat(np.array(expected)[..., None], 3, 2))

    def test_sixteen_bit_colour_keeps_the_upper_bits(self) -> None:
        # Pillow cannot write 16-bit RGB: a PNG by hand, one row of two pixels.
        row = b"\0" + struct.pack(">6H", 0xFFFF, 0x8000, 0x0100, 0x00FF, 0x4000, 0xFE00)
        data = png(2, 1, bits=16, kind=2, rows=row)
        np.testing.assert_array_equal(decode(data), [[[255, 128, 1], [0, 64, 254]]])

    @pytest.mark.parametrize("mode", ["1", "L", "P"])
    def test_black_and_white_palette_and_grey(self, mode: str) -> None:
        picture = np.zeros((8, 8, 3), np.uint8)
        picture[2:5, 1:7] = 255
        data = encode(Image.fromarray(picture).convert(mode), "PNG")
        np.testing.assert_array_equal(decode(data), picture)

    @pytest.mark.parametrize("mode", ["RGBA", "LA"])
    def test_transparent_parts_become_grey(self, mode: str) -> None:
        picture = Image.new("RGBA", (3, 1), (200, 200, 200, 255))
        picture.putpixel((1, 0), (255, 0, 0, 0))
        picture.putpixel((2, 0), (0, 0, 0, 127))
        pixels = decode(encode(picture.convert(mode), "PNG"))
        assert pixels[0, :, 0].tolist() == [200, FILL, 64]

    def test_transparent_palette_entry_becomes_grey(self) -> None:
        picture = Image.new("P", (2, 1))
        picture.putpalette([10, 20, 30, 40, 50, 60])
        picture.putpixel((1, 0), 1)
        pixels = decode(encode(picture, "PNG", transparency=0))
        assert pixels.tolist() == [[[FILL] * 3, [40, 50, 60]]]

    @pytest.mark.parametrize("format", ["JPEG", "TIFF"])
    def test_cmyk(self, format: str) -> None:
        # no ink is white, magenta and yellow are red, cyan and magenta are blue
        inks = Image.new("CMYK", (48, 16), (0, 0, 0, 0))
        inks.paste((0, 255, 255, 0), (16, 0, 32, 16))
        inks.paste((255, 255, 0, 0), (32, 0, 48, 16))
        pixels = decode(encode(inks, format)).astype(int)
        np.testing.assert_allclose(pixels[8, 8], (255, 255, 255), atol=3)
        np.testing.assert_allclose(pixels[8, 24], (255, 0, 0), atol=3)
        np.testing.assert_allclose(pixels[8, 40], (0, 0, 255), atol=3)

    def test_ycck_jpeg(self) -> None:
        # Adobe's YCCK holds the inverted inks c, m, y as Y, Cb, Cr and 255 - k:
        # written as CMYK, then marked as YCCK in its Adobe segment.
        cmy = Image.new("RGB", (16, 16), (0, 255, 255)).convert("YCbCr")  # prints red
        planes = [plane.point(lambda value: 255 - value) for plane in cmy.split()]
        data = bytearray(
            encode(Image.merge("CMYK", [*planes, Image.new("L", (16, 16), 0)]), "JPEG")
        )
        transform = data.index(b"Adobe") + 11
        assert data[transform] == 0
        data[transform] = 2
        np.testing.assert_allclose(decode(bytes(data))[8, 8].astype(int), (255, 0, 0), atol=3)

    @pytest.mark.parametrize("kind", [np.float32, np.int32])
    def test_samples_without_a_white_level_are_refused(self, kind: type) -> None:
        data = encode(Image.fromarray(np.ones((4, 4), kind)), "TIFF")
        with pytest.raises(PhotoUnreadable, match=r"a photo: .* export it with 8 or 16 bits"):
            decode(data)


def png(width: int, height: int, *, bits: int, kind: int, rows: bytes) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + checksum

    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def display_p3_profile() -> bytes:
    """The sRGB profile with Display P3's primaries (SMPTE EG 432-1, adapted to D50)."""
    profile = bytearray(srgb_profile())
    primaries = {
        b"rXYZ": (0.51512, 0.24120, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
    }
    for entry in range(struct.unpack_from(">I", profile, 128)[0]):
        tag, offset, _ = struct.unpack_from(">4sII", profile, 132 + 12 * entry)
        if tag in primaries:
            fixed = [round(value * 65536) for value in primaries[tag]]
            struct.pack_into(">3i", profile, offset + 8, *fixed)
    return bytes(profile)


class TestColourProfiles:
    @pytest.mark.parametrize("format", FORMATS)
    def test_display_p3_becomes_srgb(self, format: str) -> None:
        # What Display P3 writes for the reddest red of sRGB.
        picture = np.full((16, 16, 3), (234, 51, 35), np.uint8)
        pixels = decode(encode(picture, format, icc_profile=display_p3_profile()))
        np.testing.assert_allclose(pixels[8, 8].astype(int), (255, 0, 0), atol=8)

    def test_an_srgb_profile_changes_no_byte(self) -> None:
        data = encode(PICTURE, "PNG", icc_profile=srgb_profile())
        np.testing.assert_array_equal(decode(data), PICTURE)

    def test_grey_with_a_colour_profile(self) -> None:
        grey = Image.new("L", (4, 4), 77)
        pixels = decode(encode(grey, "PNG", icc_profile=display_p3_profile()))
        np.testing.assert_allclose(pixels.astype(int), 77, atol=1)

    @pytest.mark.parametrize(
        "profile",
        [b"no profile", srgb_profile()[:200], b"\0" * 300],
        ids=["text", "truncated", "zeros"],
    )
    @pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WebP"])
    def test_a_broken_profile_is_ignored_and_logged(
        self, format: str, profile: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        pixels = decode(encode(PICTURE, format, icc_profile=profile)).astype(int)
        np.testing.assert_allclose(pixels, PICTURE, atol=TOLERANCE.get(format, 0))
        assert "a photo: its colour profile is ignored" in caplog.text

    def test_a_profile_of_another_kind_is_ignored_and_logged(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        inks = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
        pixels = decode(encode(inks, "TIFF", icc_profile=srgb_profile()))
        assert pixels[0, 0].tolist() == [255, 0, 0]
        assert "a profile for RGB on CMYK pixels" in caplog.text


def taken(camera: dict[int, Any], format: str = "JPEG") -> tuple[datetime | None, int | None]:
    data = encode(PICTURE, format, exif=exif_of(camera=camera))
    photo = decode_photo(data, name="a photo").photo
    return photo.taken_at, photo.utc_offset


ORIGINAL, DIGITISED, FILE_SOURCE = 0x9003, 0x9004, 0xA300
OFFSET_ORIGINAL, OFFSET_DIGITISED = 0x9011, 0x9012
NOON = datetime(2023, 7, 9, 12, 34, 56)


class TestCaptureTime:
    @pytest.mark.parametrize("format", FORMATS)
    def test_every_format(self, format: str) -> None:
        camera = {ORIGINAL: "2023:07:09 12:34:56", OFFSET_ORIGINAL: "-04:00"}
        assert taken(camera, format) == (NOON, -240)

    @pytest.mark.parametrize(
        "text",
        [
            "2023:07:09 12:34:56",
            "2023-07-09T12:34:56",
            "2023/07/09 12:34:56\0",
            "2023:07:09 12:34:56.789",
            "2023:07:09 12:34:56+02:00",
        ],
    )
    def test_spellings(self, text: str) -> None:
        assert taken({ORIGINAL: text}) == (NOON, None)

    def test_without_seconds(self) -> None:
        assert taken({ORIGINAL: "2023:07:09 12:34"})[0] == datetime(2023, 7, 9, 12, 34)

    @pytest.mark.parametrize(
        "text",
        [
            "0000:00:00 00:00:00",
            "    :  :     :  :  ",
            "",
            "2023:02:30 12:00:00",
            "2023:07:09 25:00:00",
            "0001:01:01 00:00:00",
            "2023:07:09",
            "yesterday",
            "٢٠٢٣:07:09 12:34:56",
        ],
    )
    def test_garbage_is_unknown(self, text: str) -> None:
        assert taken({ORIGINAL: text.encode() if not text.isascii() else text}) == (None, None)

    @pytest.mark.parametrize(
        ("text", "minutes"),
        [
            ("+02:00", 120),
            ("-09:30", -570),
            ("+00:00", 0),
            ("+14:00", 840),
            ("+15:00", None),
            ("+02:60", None),
            ("   :  ", None),
            ("CEST", None),
        ],
    )
    def test_offsets(self, text: str, minutes: int | None) -> None:
        camera = {ORIGINAL: "2023:07:09 12:34:56", OFFSET_ORIGINAL: text}
        assert taken(camera) == (NOON, minutes)

    def test_digitised_stands_in_for_a_camera(self) -> None:
        camera = {DIGITISED: "2023:07:09 12:34:56", OFFSET_DIGITISED: "+01:00"}
        assert taken(camera) == (NOON, 60)
        assert taken({**camera, ORIGINAL: "0000:00:00 00:00:00"}) == (NOON, 60)

    @pytest.mark.parametrize("scanner", [b"\1", b"\2"])
    def test_a_scan_was_not_taken_when_digitised(self, scanner: bytes) -> None:
        camera = {DIGITISED: "2023:07:09 12:34:56", FILE_SOURCE: scanner}
        assert taken(camera) == (None, None)

    def test_the_time_of_the_last_change_is_not_the_capture_time(self) -> None:
        data = encode(PICTURE, "JPEG", exif=exif_of(main={0x0132: "2023:07:09 12:34:56"}))
        assert decode_photo(data, name="a photo").photo.taken_at is None


def placed(gps: dict[int, Any], format: str = "JPEG") -> Place | None:
    data = encode(PICTURE, format, exif=exif_of(gps=gps))
    return decode_photo(data, name="a photo").photo.place


BONAIRE = {1: "N", 2: (12.0, 9.0, 36.0), 3: "W", 4: (68.0, 16.0, 30.0)}


class TestPlace:
    @pytest.mark.parametrize("format", FORMATS)
    def test_every_format(self, format: str) -> None:
        place = placed(BONAIRE, format)
        assert place == pytest.approx((12.16, -68.275))

    @pytest.mark.parametrize(
        ("north", "east", "signs"),
        [("N", "E", (1, 1)), ("S", "W", (-1, -1)), ("s", "e", (-1, 1)), ("N\0", "W", (1, -1))],
    )
    def test_hemispheres(self, north: str, east: str, signs: tuple[int, int]) -> None:
        place = placed({**BONAIRE, 1: north, 3: east})
        assert place == pytest.approx((signs[0] * 12.16, signs[1] * 68.275))

    def test_decimal_degrees_and_minutes(self) -> None:
        assert placed({**BONAIRE, 2: (12.5, 0.0, 0.0), 4: (68.0, 30.6, 0.0)}) == pytest.approx(
            (12.5, -68.51)
        )

    @pytest.mark.parametrize(
        "change",
        [
            {1: None},
            {3: None},
            {2: None},
            {1: "X"},
            {2: (91.0, 0.0, 0.0)},
            {4: (180.0, 30.0, 0.0)},
            {2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)},
            {2: (1.0, 2.0, 3.0, 4.0)},
        ],
        ids=str,
    )
    def test_absent_or_impossible_is_unknown(self, change: dict[int, Any]) -> None:
        gps = {tag: value for tag, value in {**BONAIRE, **change}.items() if value is not None}
        assert placed(gps) is None

    def test_zero_denominators_are_unknown(self) -> None:
        data = bytearray(encode(PICTURE, "JPEG", exif=exif_of(gps=BONAIRE)))
        twelve = data.index(struct.pack(">2I", 12, 1))
        data[twelve + 4 : twelve + 8] = bytes(4)
        assert decode_photo(bytes(data), name="a photo").photo.place is None


class TestRefusals:
    @pytest.mark.parametrize(
        ("data", "what"),
        [
            (b"", "the file is empty"),
            (b"hello, this is no picture", "is no picture resight knows"),
            (b"GIF89a" + bytes(20), "is a GIF"),
            (b"8BPS\0\1" + bytes(20), "is a Photoshop file"),
            (b"%!PS-Adobe-3.0 EPSF-3.0\n", "is PostScript"),
            (b"\0\0\0\x1cftypavif\0\0\0\0", "is AVIF"),
            (b"\0\0\0\x14ftypqt  \0\0\0\0", "is a video"),
        ],
    )
    def test_other_files(self, data: bytes, what: str) -> None:
        with pytest.raises(PhotoUnreadable, match=f"^turtle.jpg: {what}"):
            decode_photo(data, name="turtle.jpg")

    @pytest.mark.parametrize("tag", [254, 0xC612], ids=["preview", "DNG"])
    def test_raw_files_that_look_like_tiff(self, tag: int) -> None:
        value = 1 if tag == 254 else b"\1\4\0\0"
        data = encode(PICTURE, "TIFF", tiffinfo={tag: value})
        with pytest.raises(PhotoUnreadable, match="raw file; export it as"):
            decode(data)

    def test_missing_file_and_folder(self, tmp_path: Path) -> None:
        for path, reason in ((tmp_path / "none.jpg", "no such file"), (tmp_path, "is a folder")):
            with pytest.raises(PhotoUnreadable, match=reason) as caught:
                read_photo(path)
            assert str(path) in str(caught.value)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
    def test_file_without_permission(self, tmp_path: Path) -> None:
        path = tmp_path / "secret.jpg"
        path.write_bytes(encode(PICTURE, "JPEG"))
        path.chmod(0)
        with pytest.raises(PhotoUnreadable, match=r"secret.jpg: cannot be read \(Permission"):
            read_photo(path)

    @pytest.mark.parametrize("format", FORMATS)
    def test_limits(self, format: str, tmp_path: Path) -> None:
        path = tmp_path / "big.photo"
        data = encode(PICTURE, format)
        path.write_bytes(data)
        exact = PhotoLimits(max_pixels=64 * 32, max_bytes=len(data))
        assert inspect_photo(path, limits=exact).size == (64, 32)
        for smaller in (
            PhotoLimits(max_pixels=64 * 32 - 1),
            PhotoLimits(max_bytes=len(data) - 1),
        ):
            with pytest.raises(PhotoTooLarge, match=r"big\.photo.*limit is"):
                read_photo(path, limits=smaller)

    def test_a_bomb_is_refused_by_its_header(self) -> None:
        bomb = png(100_000, 100_000, bits=8, kind=2, rows=bytes(10_000))
        with pytest.raises(PhotoTooLarge, match="100000 x 100000 pixels"):
            decode(bomb)

    @pytest.mark.parametrize(
        "header",
        [
            b"VP8X\x0a\0\0\0\0\0\0\0" + b"\x0f\x27\0" + b"\x9f\x86\x01",
            b"VP8L\x0a\0\0\0\x2f" + struct.pack("<I", 9999 | 9999 << 14),
            b"VP8 \x0a\0\0\0\x50\0\0\x9d\x01\x2a" + struct.pack("<2H", 10_000, 10_000),
        ],
        ids=["extended", "lossless", "lossy"],
    )
    def test_a_webp_bomb_is_refused_by_its_header(self, header: bytes) -> None:
        bomb = b"RIFF" + struct.pack("<I", 4 + len(header)) + b"WEBP" + header
        with pytest.raises(PhotoTooLarge, match=r"10000 x 10{4,5} pixels, the limit"):
            decode_photo(bomb, name="a photo", limits=PhotoLimits(max_pixels=99_999_999))

    @pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "HEIF"])
    def test_only_our_limit_counts(self, format: str, monkeypatch: pytest.MonkeyPatch) -> None:
        data = encode(PICTURE, format)
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1)  # would warn, then raise
        assert decode(data).shape == (32, 64, 3)

    def test_webp_beyond_pillows_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        data = encode(PICTURE, "WebP")
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1)
        with pytest.raises(PhotoTooLarge, match="a photo: too many pixels for Pillow's WebP"):
            decode(data)


def samples() -> dict[str, bytes]:
    """A valid file of each kind, with texture, metadata and a profile."""
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 256, (40, 48, 3), np.uint8)
    options: dict[str, Any] = {
        "exif": exif_of(
            main={0x0112: 6},
            camera={ORIGINAL: "2023:07:09 12:34:56", OFFSET_ORIGINAL: "-04:00"},
            gps=BONAIRE,
        ),
        "icc_profile": display_p3_profile(),
    }
    files = {format: encode(texture, format, **options) for format in FORMATS}
    files["progressive JPEG"] = encode(texture, "JPEG", progressive=True, **options)
    files["deflated TIFF"] = encode(  # Pillow cannot write its EXIF directories
        texture, "TIFF", compression="tiff_deflate", exif=exif_of(main={0x0112: 6})
    )
    palette = Image.fromarray(texture).quantize(16)
    files["palette PNG"] = encode(palette, "PNG", transparency=3)
    return files


SAMPLES = samples()
INTACT = {kind: decode(data) for kind, data in SAMPLES.items()}
SMALL = PhotoLimits(max_pixels=1_000_000)


def outcome(data: bytes) -> NDArray[np.uint8] | None:
    """The pixels, or None where the file is refused. Any other error fails the test."""
    try:
        photo, pixels = decode_photo(data, name="damaged", limits=SMALL)
    except PhotoError as error:
        refusal = str(error)
    else:
        refusal = ""
    if refusal:
        assert refusal.startswith("damaged: ")
        return None
    assert pixels.shape == (photo.size[1], photo.size[0], 3)
    assert pixels.dtype == np.uint8
    return pixels


# Pillow warns about metadata that damage made malformed.
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
class TestDamage:
    @pytest.mark.parametrize("kind", SAMPLES)
    def test_a_truncated_file_is_refused_or_whole(self, kind: str) -> None:
        data = SAMPLES[kind]
        for length in range(0, len(data), 7):
            pixels = outcome(data[:length])
            assert pixels is None or np.array_equal(pixels, INTACT[kind])

    @pytest.mark.parametrize("kind", ["JPEG", "progressive JPEG", "PNG", "palette PNG"])
    def test_a_file_that_ends_in_zeros_is_refused_or_whole(self, kind: str) -> None:
        data = SAMPLES[kind]
        for length in range(0, len(data), 13):
            pixels = outcome(data[:length] + bytes(len(data) - length))
            assert pixels is None or np.array_equal(pixels, INTACT[kind])

    @settings(max_examples=400)
    @given(st.sampled_from(sorted(SAMPLES)), st.data())
    def test_changed_bytes_never_raise_anything_else(self, kind: str, draw: st.DataObject) -> None:
        data = bytearray(SAMPLES[kind])
        # Headers are at the front: half of the changes go there.
        places = st.one_of(st.integers(0, len(data) - 1), st.integers(0, 400))
        for place, value in draw.draw(
            st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=12)
        ):
            data[min(place, len(data) - 1)] = value
        outcome(bytes(data))

    @settings(max_examples=200)
    @given(st.sampled_from(sorted(SAMPLES)), st.data())
    def test_bytes_cut_out_or_put_in_never_raise_anything_else(
        self, kind: str, draw: st.DataObject
    ) -> None:
        data = SAMPLES[kind]
        start = draw.draw(st.integers(0, len(data)))
        end = draw.draw(st.integers(start, len(data)))
        outcome(data[:start] + draw.draw(st.binary(max_size=64)) + data[end:])

    @settings(max_examples=300)
    @given(st.sampled_from(sorted({data[:12] for data in SAMPLES.values()})), st.binary())
    def test_random_bytes_never_raise_anything_else(self, magic: bytes, noise: bytes) -> None:
        outcome(noise)
        outcome(magic + noise)
        outcome(magic[:4] + noise)

    def test_broken_exif_does_not_cost_the_photo(self) -> None:
        data = encode(PICTURE, "PNG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xab" * 30)
        np.testing.assert_array_equal(decode(data), PICTURE)


class TestFindPhotos:
    def test_finds_by_suffix_sorted_and_without_hidden_files(self, tmp_path: Path) -> None:
        names = [
            "b.jpg", "A.JPEG", "c.txt", "sub/d.HeiC", "sub/deeper/e.webp", "z.tif", "f.png",
            ".hidden.jpg", "._b.jpg", ".trash/g.jpg", "$RECYCLE.BIN/h.jpg", "sub/i.mov", "jpg",
        ]  # fmt: skip
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        (tmp_path / "folder.jpg").mkdir()
        found = [path.relative_to(tmp_path).as_posix() for path in find_photos(tmp_path)]
        assert found == [
            "A.JPEG", "b.jpg", "f.png", "sub/d.HeiC", "sub/deeper/e.webp", "z.tif",
        ]  # fmt: skip

    def test_empty_folder(self, tmp_path: Path) -> None:
        assert find_photos(tmp_path) == []

    def test_a_loop_of_links_ends(self, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").touch()
        (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
        assert find_photos(tmp_path) == [tmp_path / "a.jpg"]

    @pytest.mark.parametrize("make", [None, Path.touch])
    def test_no_such_folder(self, tmp_path: Path, make: Callable[[Path], None] | None) -> None:
        path = tmp_path / "none"
        if make:
            make(path)
        with pytest.raises(PhotoError, match="none: cannot list this folder"):
            find_photos(path)


def test_pillow_keeps_its_global_state(tmp_path: Path) -> None:
    path = tmp_path / "photo.heic"
    path.write_bytes(encode(PICTURE, "HEIF"))
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from PIL import Image, ImageFile\n"
        "Image.init()\n"
        "def state():\n"
        "    return Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, sorted(Image.OPEN)\n"
        "before = state()\n"
        "from resight.photos import read_photo\n"
        "read_photo(Path(sys.argv[1]))\n"
        "sys.exit(state() != before)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 0
