"""Sharp, different frames of videos, each a photo with the video's name and its time in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from resight.catalogue import BadSource, ImportPlan, PlannedPhoto
from resight.catalogue.names import clean_name
from resight.catalogue.originals import sha256_of
from resight.looks import alike

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".mov", ".avi", ".mkv", ".m4v", ".mts", ".mpg", ".mpeg", ".wmv"}
)
#: Of every so many seconds the sharpest frame may be kept.
_WINDOW_SECONDS = 1.0
#: A frame that differs from the last one kept by fewer of 256 bits shows nothing new. More than
#: ``ALIKE_BITS``, because frames of one video follow each other smoothly.
_NEW_BITS = 24
#: Frames kept of one video: more of the same minute are no more evidence.
_MOST = 60
#: Frames looked at in a second: enough to find a sharp one between two blurs.
_LOOKS = 8
_QUALITY = 95
_SOFTWARE, _DESCRIPTION = 0x0131, 0x010E


@dataclass(frozen=True)
class _Frame:
    seconds: float
    sharpness: float
    pixels: NDArray[np.uint8]


def is_video_name(path: Path) -> bool:
    """Whether a file's suffix is one of a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def plan_video(video: Path, frames: Path, *, name: str, identity: str = "") -> ImportPlan:
    """Sample a video: write its frames into the folder ``frames`` and plan them as photos.

    ``name`` is what the catalogue calls the video; a frame is called ``name#t=12.4``. Its EXIF says
    which second of which file (by sha256) it is; the capture time is unknown, as videos keep
    none that can be trusted. All frames are of one encounter, so they count as one sighting. The
    same video gives the same frames whatever it is called, so adding it again is safe. A video
    that cannot be read is bad.
    """
    try:
        str(video).encode()  # else OpenCV ends the process
        sha256 = sha256_of(video)
    except UnicodeEncodeError:
        reason = "its name cannot be read (it is not UTF-8): give it another name"
        return ImportPlan(str(video), (), (BadSource(str(video), reason),))
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
        return ImportPlan(str(video), (), (BadSource(str(video), reason),))
    planned = []
    for frame in _kept(video):
        path = frames / f"{sha256[:16]}-{frame.seconds:09.3f}.jpg"
        _write(path, frame, f"second {frame.seconds:.3f} of a video, sha256 {sha256}")
        planned.append(
            PlannedPhoto(
                path=path,
                source=f"{video} at {frame.seconds:.1f} s",
                name=f"{name}#t={frame.seconds:.3f}",
                identity=identity,
                encounter=f"{_called(video)} {sha256[:8]}",
                derived=frozenset({"encounter"}),
            )
        )
    if not planned:
        reason = "no frame can be read: it is no video, damaged, or in a format OpenCV lacks"
        return ImportPlan(str(video), (), (BadSource(str(video), reason),))
    note = f"{len(planned)} frames of {video.name}, as one encounter"
    return ImportPlan(str(video), tuple(planned), notes=(note,))


def _called(video: Path) -> str:
    """A video's name, as far as an encounter can be called that."""
    try:
        return clean_name(clean_name(video.stem)[:100]) or "video"
    except ValueError:
        return "video"


def _kept(video: Path) -> Iterator[_Frame]:
    """The sharpest frame of each window that shows something new."""
    kept: list[NDArray[np.uint8]] = []
    best: _Frame | None = None
    for frame in _frames(video):
        if best is not None and int(frame.seconds / _WINDOW_SECONDS) != int(
            best.seconds / _WINDOW_SECONDS
        ):
            if _is_new(best, kept):
                yield best
            if len(kept) >= _MOST:
                return
            best = None
        if best is None or frame.sharpness > best.sharpness:
            best = frame
    if best is not None and _is_new(best, kept):
        yield best


def _is_new(frame: _Frame, kept: list[NDArray[np.uint8]]) -> bool:
    """Whether it differs from the last one kept; remembers it if so."""
    grey = np.asarray(Image.fromarray(frame.pixels).convert("L").resize((17, 16)))
    look = np.packbits(grey[:, 1:] > grey[:, :-1])
    if kept and alike(np.stack([kept[-1], look]), bits=_NEW_BITS):
        return False
    kept.append(look)
    return True


def _frames(video: Path) -> Iterator[_Frame]:
    """Some frames of each second, upright, with their sharpness."""
    import cv2

    capture = cv2.VideoCapture(str(video))
    try:
        rate = capture.get(cv2.CAP_PROP_FPS) or 25.0
        step = max(1, round(rate / _LOOKS))
        number, seconds = 0, -1.0
        while capture.grab():
            # A camera may slow down: the time that is written beside the frame goes before its
            # number, if it goes on.
            told = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            seconds = told if told > seconds else max(number / rate, seconds)
            if number % step == 0:
                read, pixels = capture.retrieve()
                if read:
                    yield _Frame(seconds, _sharpness(pixels), pixels[:, :, ::-1].copy())
            number += 1
    finally:
        capture.release()


def _sharpness(pixels: NDArray[Any]) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al. 2000), of the frame at a width of 640."""
    import cv2

    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    height, width = grey.shape
    if width > 640:
        grey = cv2.resize(grey, (640, max(1, height * 640 // width)), interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def _write(path: Path, frame: _Frame, description: str) -> None:
    exif = Image.Exif()
    exif[_SOFTWARE] = "resight video frame"
    exif[_DESCRIPTION] = description
    Image.fromarray(frame.pixels).save(path, "JPEG", quality=_QUALITY, subsampling=0, exif=exif)
