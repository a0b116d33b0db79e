"""Videos are sampled for sharp, different frames."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from resight.catalogue import Catalogue
from resight.errors import ImportFileError
from resight.formats import Reading, plan_source

RATE = 8


def scene(seed: int, *, blur: bool = False) -> NDArray[np.uint8]:
    """A frame of coarse blocks, different for each seed."""
    blocks = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    frame = np.asarray(Image.fromarray(blocks).resize((160, 120), Image.Resampling.NEAREST))
    return cv2.GaussianBlur(frame, (15, 15), 0).astype(np.uint8) if blur else frame


def film(path: Path, frames: Sequence[NDArray[np.uint8]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE, (160, 120))
    for frame in frames:
        writer.write(frame[:, :, ::-1])
    writer.release()
    return path


@pytest.fixture
def dive(tmp_path: Path) -> Path:
    """Two seconds of one scene, blurred but for one frame, then two seconds of another."""
    first = [scene(1, blur=number != 5) for number in range(2 * RATE)]
    return film(tmp_path / "in" / "Crush" / "dive.avi", first + [scene(2)] * 2 * RATE)


def reading(tmp_path: Path) -> Reading:
    (tmp_path / "frames").mkdir(exist_ok=True)
    return Reading(frames=tmp_path / "frames")


def test_the_sharpest_frame_of_each_scene_is_kept(dive: Path, tmp_path: Path) -> None:
    plan = plan_source(dive, reading(tmp_path))
    assert [photo.name for photo in plan.photos] == ["dive.avi#t=0.625", "dive.avi#t=2.000"]
    for photo, seed in zip(plan.photos, (1, 2), strict=True):
        pixels = np.asarray(Image.open(photo.path)).astype(int)
        assert np.abs(pixels - scene(seed)).mean() < 12  # compressed twice, red is red
    assert len({photo.encounter for photo in plan.photos}) == 1
    assert plan.notes == ("2 frames of dive.avi, as one encounter",)


def test_frames_say_of_which_video_they_are(dive: Path, tmp_path: Path) -> None:
    photo = plan_source(dive, reading(tmp_path)).photos[0]
    with Image.open(photo.path) as image:
        told = image.getexif()[0x010E]
    assert told.startswith("second 0.625 of a video, sha256 ")


def test_videos_in_folders_are_of_the_animal_of_the_folder(dive: Path, tmp_path: Path) -> None:
    plan = plan_source(tmp_path / "in", reading(tmp_path))
    assert {photo.identity for photo in plan.photos} == {"Crush"}
    assert plan.photos[0].name == "Crush/dive.avi#t=0.625"
    assert plan.ignored == {}


def test_adding_a_video_again_adds_nothing(dive: Path, tmp_path: Path) -> None:
    with Catalogue.init(tmp_path / "it") as catalogue:
        for status in ("added", "already"):
            plan = plan_source(dive, reading(tmp_path))
            assert [o.status for o in catalogue.add(plan, actor="ann")] == [status] * 2


@pytest.mark.parametrize("data", [b"", b"no video at all"])
def test_what_is_no_video_is_bad_and_the_rest_goes_on(tmp_path: Path, data: bytes) -> None:
    film(tmp_path / "in" / "a.avi", [scene(1)] * RATE)
    (tmp_path / "in" / "b.mp4").write_bytes(data)
    plan = plan_source(tmp_path / "in", reading(tmp_path))
    assert len(plan.photos) == 1
    assert ["no frame can be read" in bad.reason for bad in plan.bad] == [True]


def test_a_video_does_not_hide_what_is_wrong_with_the_photos_beside_it(
    dive: Path, tmp_path: Path
) -> None:
    Image.fromarray(scene(3)).save(dive.parents[1] / "Crush_left.png")
    misspelt = Reading(patterns=("{identiy}_{side}",), frames=reading(tmp_path).frames)
    with pytest.raises(ImportFileError, match="did you mean 'identity'"):
        plan_source(dive.parents[1], misspelt)


def test_each_video_is_of_the_animal_of_its_folder(tmp_path: Path) -> None:
    for name in ("Alma", "Bob", "Crush"):
        film(tmp_path / "in" / name / "clip.avi", [scene(len(name))] * RATE)
    plan = plan_source(tmp_path / "in", reading(tmp_path))
    assert {photo.identity for photo in plan.photos} == {"Alma", "Bob", "Crush"}


def test_no_animal_is_called_like_the_day_of_its_videos(tmp_path: Path) -> None:
    film(tmp_path / "in" / "2019-05-03" / "clip.avi", [scene(1)] * RATE)
    plan = plan_source(tmp_path / "in", reading(tmp_path))
    assert {photo.identity for photo in plan.photos} == {""}


def test_a_video_under_another_name_is_the_same_video(dive: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy of it.avi"
    copy.write_bytes(dive.read_bytes())
    with Catalogue.init(tmp_path / "it") as catalogue:
        for video, status in ((dive, "added"), (copy, "already")):
            plan = plan_source(video, reading(tmp_path))
            assert [o.status for o in catalogue.add(plan, actor="ann")] == [status] * 2


@pytest.mark.parametrize("name", ["Schildkro\u0308te", " early", "a\nb"])
def test_any_name_of_a_video_will_do(dive: Path, tmp_path: Path, name: str) -> None:
    video = dive.rename(dive.with_name(f"{name}.avi"))
    plan = plan_source(video.parents[1], reading(tmp_path))
    assert len(plan.photos) == 2
    with Catalogue.init(tmp_path / "it") as catalogue:
        assert {o.status for o in catalogue.add(plan, actor="ann")} == {"added"}


def test_a_name_that_is_no_text_is_bad_and_the_rest_goes_on(dive: Path, tmp_path: Path) -> None:
    dive.rename(dive.with_name(os.fsdecode(b"cl\xffip.avi")))
    film(tmp_path / "in" / "a.avi", [scene(1)] * RATE)
    plan = plan_source(tmp_path / "in", reading(tmp_path))
    assert len(plan.photos) == 1
    assert ["another name" in bad.reason for bad in plan.bad] == [True]


def test_a_folder_that_names_no_animal_is_bad_and_the_rest_goes_on(
    dive: Path, tmp_path: Path
) -> None:
    film(tmp_path / "in" / ("x" * 210) / "a.avi", [scene(1)] * RATE)
    plan = plan_source(tmp_path / "in", reading(tmp_path))
    assert {photo.identity for photo in plan.photos} == {"Crush"}
    assert ["longer than" in bad.reason for bad in plan.bad] == [True]
