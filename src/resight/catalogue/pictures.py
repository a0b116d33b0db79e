"""Small pictures of photos and chips, for people to look at: derived, kept, may be deleted.

They lie under ``features/pictures`` and their names begin with the photo's sha256, so that
a purge removes them together with the photo's features.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resight.catalogue.originals import Originals, writing_to
from resight.catalogue.records import AnnotationRecord
from resight.errors import CatalogueDamaged, PhotoError
from resight.files import write_whole
from resight.photos import read_photo
from resight.types import Photo

#: Widths of pictures, and long edges of chips, in pixels: few, so that they are met again.
WIDTHS = (320, 640, 1280, 2560)
SIZES = (128, 256, 512, 1024)
_QUALITY = 85
#: Photos decoded at once: each may take hundreds of megabytes.
_AT_ONCE = 2


class Pictures:
    """JPEG files without metadata, so that none says where a photo was taken."""

    def __init__(self, catalogue: Path, originals: Originals) -> None:
        self._folder = catalogue / "features" / "pictures"
        self._originals = originals
        self._turns = threading.BoundedSemaphore(_AT_ONCE)

    def picture(self, photo: Photo, width: int) -> bytes:
        """The upright photo, ``width`` rounded up to one of ``WIDTHS``, never enlarged.

        Raises ``CatalogueDamaged`` where the original is lost or damaged.
        """
        width = _rounded(width, WIDTHS)
        path = self._path(photo, f"w{width}")
        return _kept(path) or self._make(path, photo, lambda pixels: _reduced(pixels, width))

    def chip(self, record: AnnotationRecord, size: int) -> bytes:
        """The annotation's animal, cropped and upright; its long edge is one of ``SIZES``."""
        size = _rounded(size, SIZES)
        region = f"{record.box} {record.rotation}"
        path = self._path(
            record.photo, f"c{size}-{hashlib.sha256(region.encode()).hexdigest()[:12]}"
        )

        def cut(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
            from resight.chips import make_chip  # loads OpenCV

            return make_chip(pixels, record.box, rotation=record.rotation, long_edge=size).pixels

        return _kept(path) or self._make(path, record.photo, cut)

    def _path(self, photo: Photo, what: str) -> Path:
        return self._folder / photo.sha256[:2] / f"{photo.sha256}-{what}.jpg"

    def _make(
        self, path: Path, photo: Photo, how: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
    ) -> bytes:
        import cv2

        with self._turns:
            try:
                pixels = how(read_photo(self._originals.path(photo.sha256, photo.format)).pixels)
            except PhotoError as error:
                raise CatalogueDamaged(
                    f"photo {photo.sha256[:12]} cannot be shown, its original is lost or damaged: "
                    f"{error}: run `resight check`"
                ) from error
            bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
            made = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
        with writing_to(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, made, durable=False)
        return made


def _kept(path: Path) -> bytes | None:
    try:
        return path.read_bytes() or None
    except FileNotFoundError:
        return None


def _rounded(wanted: int, known: tuple[int, ...]) -> int:
    return next((each for each in known if each >= wanted), known[-1])


def _reduced(pixels: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    import cv2

    height, wide = pixels.shape[:2]
    if wide <= width:
        return pixels
    size = (width, max(1, round(height * width / wide)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
