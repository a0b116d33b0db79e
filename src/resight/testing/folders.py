"""Drawn photos as files: what a field team would have on its disk, with the truth beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from PIL import Image

from resight.testing.animals import DRAWN_SIDES, DrawnAnimal
from resight.testing.noise import generator
from resight.testing.photography import DrawnPhoto, photograph
from resight.types import Box

_EXIF_IFD, _DATE_TIME, _DATE_TIME_ORIGINAL, _SOFTWARE = 0x8769, 0x0132, 0x9003, 0x0131
_QUALITY = 92
#: Encounters stay within this many days of the day asked for: animals are not met on schedule.
_SCATTER = 10


@dataclass(frozen=True)
class WrittenPhoto:
    """One file of ``write_photos`` and its truth; ``box`` as in ``DrawnPhoto``."""

    path: Path
    individual: str
    side: str
    encounter: str
    taken_at: datetime
    box: Box


def write_photos(
    folder: Path,
    animals: Sequence[DrawnAnimal],
    *,
    days: Sequence[date] = (date(2021, 6, 15), date(2023, 7, 10)),
    seed: int = 0,
    difficulty: float = 0.4,
    size: tuple[int, int] = (640, 480),
) -> list[WrittenPhoto]:
    """Write ``folder/NAME/DATE-SIDE.jpg``: both sides of every animal, around each of ``days``.

    One encounter for each animal and day, the two sides a few minutes apart,
    with the capture time in EXIF. Files that exist are overwritten. Returns the
    truth in the order written: animal by animal, day by day, left before right.
    The same arguments give the same bytes on the same library versions.
    """
    written = []
    for animal in animals:
        (folder / animal.name).mkdir(parents=True, exist_ok=True)
        for day in days:
            random = generator("encounter", animal.kind, animal.name, animal.seed, day, seed)
            start = datetime.combine(day, datetime.min.time()).replace(hour=8)
            taken_at = start + timedelta(
                days=int(random.integers(-_SCATTER, _SCATTER + 1)),
                seconds=int(random.integers(0, 8 * 3600)),
            )
            encounter = f"{animal.name}-{taken_at:%Y-%m-%d}"
            for side in DRAWN_SIDES:
                number = int(random.integers(2**31))
                photo = photograph(animal, seed=number, side=side, size=size, difficulty=difficulty)
                path = folder / animal.name / f"{taken_at:%Y-%m-%d}-{side}.jpg"
                write_jpeg(path, photo, taken_at=taken_at)
                written.append(
                    WrittenPhoto(path, animal.name, side, encounter, taken_at, photo.box)
                )
                taken_at += timedelta(seconds=int(random.integers(20, 300)))
    return written


def write_jpeg(path: Path, photo: DrawnPhoto, *, taken_at: datetime) -> None:
    """Write one photo as a camera would: JPEG with its local capture time in EXIF."""
    exif = Image.Exif()
    stamp = taken_at.strftime("%Y:%m:%d %H:%M:%S")
    exif[_SOFTWARE] = "resight synthetic animals"
    exif[_DATE_TIME] = stamp
    exif.get_ifd(_EXIF_IFD)[_DATE_TIME_ORIGINAL] = stamp
    Image.fromarray(photo.pixels).save(path, "JPEG", quality=_QUALITY, exif=exif)
