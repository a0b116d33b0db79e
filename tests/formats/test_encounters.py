"""Photos put into encounters by when, where and with which camera they were taken."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from resight.catalogue import Catalogue, ImportPlan, PlannedPhoto, plan_folders
from resight.formats import known_encounters, with_encounters
from resight.formats.encounters import metres
from resight.formats.glances import glance
from resight.looks import alike
from resight.photos import inspect_photo
from resight.types import Box, Place

HALF_AN_HOUR = timedelta(minutes=30)
START = datetime(2024, 5, 3, 10, 0, 0)


def shoot(
    path: Path,
    *,
    seed: int,
    after: float | None = 0,
    camera: str = "",
    place: tuple[float, float] | None = None,
    size: tuple[int, int] = (48, 32),
) -> Path:
    """A photo of noise taken so many seconds after ``START``, ``None``: at an unknown time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    exif = Image.Exif()
    if camera:
        exif[ExifTags.Base.Model] = camera
    if after is not None:
        stamp = f"{START + timedelta(seconds=after):%Y:%m:%d %H:%M:%S}"
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = stamp
    if place:
        gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
        gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "N", (place[0], 0.0, 0.0)
        gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = (
            "E",
            (place[1], 0.0, 0.0),
        )
    Image.fromarray(coarse).resize(size).save(path, quality=95, exif=exif)
    return path


def encounters(plan: ImportPlan) -> dict[str, str]:
    return {photo.name: photo.encounter for photo in with_encounters(plan, HALF_AN_HOUR).photos}


def test_a_long_pause_begins_an_encounter(tmp_path: Path) -> None:
    for number, after in enumerate((0, 1200, 2400, 4201)):
        shoot(tmp_path / "Crush" / f"{number}.jpg", seed=number, after=after)
    plan = with_encounters(plan_folders(tmp_path), HALF_AN_HOUR)
    assert [photo.encounter for photo in plan.photos] == [
        *["Crush 2024-05-03 10:00:00"] * 3,
        "Crush 2024-05-03 11:10:01",
    ]
    assert plan.photos[0].derived == {"encounter"}
    assert plan.notes[0].startswith("4 photos are put into 2 encounters: of one animal or folder")


def test_animals_folders_cameras_and_places_are_kept_apart(tmp_path: Path) -> None:
    shoot(tmp_path / "Crush" / "1.jpg", seed=1)
    shoot(tmp_path / "Crush" / "2.jpg", seed=2, after=1)
    shoot(tmp_path / "Squirt" / "3.jpg", seed=3)
    shoot(tmp_path / "Crush" / "boat" / "4.jpg", seed=4)
    shoot(tmp_path / "5.jpg", seed=5, camera="GoPro")
    shoot(tmp_path / "6.jpg", seed=6, camera="TG-6")
    shoot(tmp_path / "Far" / "7.jpg", seed=7, place=(12.0, 68.0))
    shoot(tmp_path / "Far" / "8.jpg", seed=8, after=60, place=(13.0, 68.0))
    found = encounters(plan_folders(tmp_path))
    assert found["Crush/1.jpg"] == found["Crush/2.jpg"]
    assert len(set(found.values())) == 6  # the two folders of Crush began in the same second
    assert found["5.jpg"].endswith("2024-05-03 10:00:00 GoPro")


def test_what_was_said_stays_and_what_has_no_time_is_left(tmp_path: Path) -> None:
    shoot(tmp_path / "1.jpg", seed=1)
    shoot(tmp_path / "2.jpg", seed=2, after=None)
    shoot(tmp_path / "3.jpg", seed=3)
    photos = (
        PlannedPhoto(tmp_path / "1.jpg", "1", "1.jpg", encounter="dive 1"),
        PlannedPhoto(tmp_path / "2.jpg", "2", "2.jpg", date="2024-05-03"),
        PlannedPhoto(tmp_path / "3.jpg", "3", "3.jpg", date="2024-05-04"),  # the clock was wrong
        PlannedPhoto(tmp_path / "gone.jpg", "4", "4.jpg", date="2024-05-03T11:00:00"),
    )
    plan = with_encounters(ImportPlan("test", photos), HALF_AN_HOUR)
    assert [photo.encounter for photo in plan.photos[:3]] == ["dive 1", "", ""]
    assert plan.photos[3].encounter.endswith("2024-05-03 11:00:00")
    assert "2 photos have no time to the minute and stay without an encounter" in plan.notes


def test_animals_that_share_a_photo_are_not_one(tmp_path: Path) -> None:
    path = shoot(tmp_path / "1.jpg", seed=1)
    photos = tuple(
        PlannedPhoto(path, "1", "1.jpg", name, box)
        for name, box in (("", Box(0, 0, 9, 9)), ("", Box(9, 9, 9, 9)), ("Crush", Box(5, 5, 9, 9)))
    )
    plan = with_encounters(ImportPlan("test", photos), HALF_AN_HOUR)
    assert [photo.encounter for photo in plan.photos] == ["", "", "Crush 2024-05-03 10:00:00"]
    assert any("share their photo" in note for note in plan.notes)


def test_a_copy_without_its_time_joins_its_twin(tmp_path: Path) -> None:
    shoot(tmp_path / "Crush" / "1.jpg", seed=1, size=(480, 320))
    shoot(tmp_path / "Crush" / "small.jpg", seed=1, after=None, size=(240, 160))
    shoot(tmp_path / "Crush" / "other.jpg", seed=2, after=None)
    plan = with_encounters(plan_folders(tmp_path), HALF_AN_HOUR)
    found = {photo.name: photo.encounter for photo in plan.photos}
    assert found == {
        "Crush/1.jpg": "Crush 2024-05-03 10:00:00",
        "Crush/small.jpg": "Crush 2024-05-03 10:00:00",
        "Crush/other.jpg": "",
    }
    assert "1 pairs of photos look the same (bursts, copies in another size)" in plan.notes


def test_the_same_picture_under_two_names_is_warned_of(tmp_path: Path) -> None:
    shoot(tmp_path / "Crush" / "1.jpg", seed=1)
    shoot(tmp_path / "Squirt" / "2.jpg", seed=1, after=1)
    (warning,) = with_encounters(plan_folders(tmp_path), HALF_AN_HOUR).warnings
    assert "look the same, but are named differently" in warning
    assert "(Crush)" in warning
    assert "(Squirt)" in warning


def test_a_photo_that_comes_later_joins_the_encounter_that_is_known(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    shoot(folder / "Crush" / "1.jpg", seed=1)
    with Catalogue.init(tmp_path / "it") as catalogue:
        list(catalogue.add(with_encounters(plan_folders(folder), HALF_AN_HOUR), actor="a"))
        # A photo from before would make another name for the same encounter.
        shoot(folder / "Crush" / "0.jpg", seed=2, after=-60)
        known = known_encounters(catalogue)
        again = with_encounters(plan_folders(folder), HALF_AN_HOUR, known)
        assert [o.status for o in catalogue.add(again, actor="a")] == ["added", "already"]
        assert {r.encounter for r in catalogue.annotations()} == {"Crush 2024-05-03 10:00:00"}
        # Another animal does not join it, and what is known is not contradicted.
        (folder / "Crush").rename(folder / "Squirt")
        other = with_encounters(plan_folders(folder), HALF_AN_HOUR, known)
        assert {photo.encounter for photo in other.photos} == {"Squirt 2024-05-03 09:59:00"}
        described = catalogue.describe(catalogue.find("Crush/1.jpg"), encounter="dive 1", actor="a")
        assert described.kind == "describe"
        (folder / "Squirt").rename(folder / "Crush")
        third = with_encounters(plan_folders(folder), HALF_AN_HOUR)
        assert {o.status for o in catalogue.add(third, actor="a")} == {"already"}


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_glance_sees_what_a_look_does(tmp_path: Path, suffix: str) -> None:
    path = shoot(tmp_path / f"1{suffix}", seed=1, camera="TG-6", place=(12.0, 68.0))
    found = glance(path)
    assert found is not None
    photo = inspect_photo(path)
    assert (found.size, found.taken_at, found.place) == (photo.size, photo.taken_at, photo.place)
    assert photo.place == Place(12.0, 68.0)
    assert found.camera == "TG-6"


def test_a_glance_at_what_is_no_photo_sees_nothing(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"\xff\xd8\xffnothing")
    assert glance(tmp_path / "1.jpg") is None
    assert glance(tmp_path / "gone.jpg") is None


def test_looks_that_differ_in_few_bits_are_alike() -> None:
    looks = np.zeros((4, 32), np.uint8)
    looks[1, 0] = 0b1111
    looks[2] = 255
    looks[3, :2] = 255
    assert alike(looks, bits=4) == [(0, 1)]
    assert alike(looks, bits=12) == [(0, 1), (1, 3)]
    assert alike(looks[:1]) == []


def test_distances_are_those_of_the_earth() -> None:
    # Paris to London, by any table of distances.
    assert metres(Place(48.8566, 2.3522), Place(51.5074, -0.1278)) == pytest.approx(
        343_600, rel=0.01
    )
