"""Synthetic animals: deterministic, true to their ground truth, neither trivial nor hopeless."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from resight.testing import (
    DrawnAnimal,
    DrawnPhoto,
    draw_texture,
    drawn_animals,
    photograph,
    write_photos,
)
from resight.testing.animals import KINDS

DIGEST = """
import hashlib
from resight.testing import DrawnAnimal, photograph
for kind in ("scutes", "stripes"):
    photo = photograph(DrawnAnimal("Raphael", kind=kind), seed=3, size=(320, 240))
    print(hashlib.sha256(photo.pixels.tobytes() + photo.homography.tobytes()).hexdigest())
"""


def correlation(
    one: NDArray[np.uint8], other: NDArray[np.uint8], where: NDArray[np.bool_]
) -> float:
    a, b = (cv2.cvtColor(np.array(p), cv2.COLOR_RGB2GRAY)[where] for p in (one, other))
    return float(np.corrcoef(a, b)[0, 1])


def unwarped(photo: DrawnPhoto, shift: tuple[int, int] = (0, 0)) -> NDArray[np.uint8]:
    """The photo seen square on again, through its homography, ``shift`` texture pixels off."""
    h, w = draw_texture(photo.animal, photo.side).mask.shape
    off = np.array([[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1]])
    back = off @ np.linalg.inv(photo.homography)
    return np.asarray(cv2.warpPerspective(np.array(photo.pixels), back, (w, h)))


def test_same_seed_gives_the_same_pixels_in_every_process() -> None:
    digests = [
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for hash_seed in ("1", "2")
    ]
    assert len(set(digests[0])) == 2
    assert digests[0] == digests[1]


def test_another_seed_gives_another_photo() -> None:
    animal = DrawnAnimal("Raphael")
    one, other = (photograph(animal, seed=seed, size=(160, 120)) for seed in (1, 2))
    assert not np.array_equal(one.pixels, other.pixels)
    assert not np.allclose(one.homography, other.homography)


def test_names_start_with_the_painters_and_never_repeat() -> None:
    animals = drawn_animals(60)
    assert [animal.name for animal in animals[:4]] == [
        "Donatello",
        "Raphael",
        "Michelangelo",
        "Leonardo",
    ]
    assert len({animal.name for animal in animals}) == 60
    assert drawn_animals(60)[:10] == drawn_animals(10)
    assert drawn_animals(0) == []


def seen_part(photo: DrawnPhoto) -> NDArray[np.bool_]:
    """Where the texture's inside is visible in the photo, in texture pixels."""
    texture = draw_texture(photo.animal, photo.side)
    h, w = texture.mask.shape
    shown = cv2.warpPerspective(
        photo.mask.astype(np.uint8),
        np.linalg.inv(photo.homography),
        (w, h),
        flags=cv2.INTER_NEAREST,
    )
    return np.asarray(cv2.erode(shown & texture.mask, np.ones((9, 9), np.uint8)), np.bool_)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", ["left", "right"])
def test_homography_takes_the_pattern_to_the_photo(kind: str, side: str) -> None:
    animal, stranger = drawn_animals(2, kind=kind)
    photo = photograph(animal, seed=5, side=side, difficulty=0.0)
    back, where = unwarped(photo), seen_part(photo)
    own = correlation(back, draw_texture(animal, side).pixels, where)
    assert own > 0.8
    assert correlation(back, draw_texture(stranger, side).pixels, where) < own - 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_homography_is_exact_to_two_pixels(kind: str) -> None:
    animal = drawn_animals(1, kind=kind)[0]
    pattern = draw_texture(animal).pixels
    photo = photograph(animal, seed=8, difficulty=0.0)
    where = seen_part(photo)
    exact = correlation(unwarped(photo), pattern, where)
    for shift in ((2, 0), (-2, 0), (0, 2), (0, -2)):
        assert correlation(unwarped(photo, shift), pattern, where) < exact


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("difficulty", [0.0, 0.5, 1.0])
def test_box_and_mask_agree_with_the_homography(kind: str, difficulty: float) -> None:
    for animal in drawn_animals(3, kind=kind):
        photo = photograph(animal, seed=1, side="right", size=(400, 300), difficulty=difficulty)
        texture = draw_texture(animal, "right")
        h, w = photo.mask.shape
        x, y, wide, high = photo.box
        assert 0 <= x < x + wide <= w
        assert 0 <= y < y + high <= h
        rows, columns = np.nonzero(photo.mask)
        assert x <= columns.min()
        assert columns.max() < x + wide
        assert y <= rows.min()
        assert rows.max() < y + high
        points = (
            np.column_stack([columns, rows, np.ones_like(rows)]) @ np.linalg.inv(photo.homography).T
        )
        px, py = np.round(points[:, :2] / points[:, 2:]).astype(int).T
        inside = (px >= 0) & (px < texture.mask.shape[1]) & (py >= 0) & (py < texture.mask.shape[0])
        assert inside.all()
        assert texture.mask[py, px].mean() > 0.98
        assert photo.mask.sum() > 0.02 * w * h


def test_something_in_front_leaves_the_mask_but_not_the_box() -> None:
    # Among many hard photos some have a blade of grass before the head.
    animal = DrawnAnimal("Raphael")
    hidden = []
    for seed in range(8):
        photo = photograph(animal, seed=seed, size=(320, 240), difficulty=1.0)
        texture = draw_texture(animal)
        whole = cv2.warpPerspective(texture.cover, photo.homography, (320, 240)) > 0.5
        assert not (photo.mask & ~whole).any()
        columns = np.flatnonzero(whole.any(axis=0))
        assert (photo.box.x, photo.box.w) == (columns[0], columns[-1] - columns[0] + 1)
        hidden.append(int((whole & ~photo.mask).sum()))
    assert max(hidden) > 200


@pytest.mark.parametrize("kind", KINDS)
def test_left_and_right_side_of_an_animal_differ(kind: str) -> None:
    animal = drawn_animals(1, kind=kind)[0]
    left, right = draw_texture(animal, "left"), draw_texture(animal, "right")
    mirrored = np.ascontiguousarray(right.pixels[:, ::-1])
    np.testing.assert_array_equal(left.mask, right.mask[:, ::-1])  # the same outline...
    assert correlation(left.pixels, mirrored, left.mask) < 0.9  # ...another pattern


def test_turtles_share_eye_and_beak_but_not_their_scutes() -> None:
    one, other = (draw_texture(animal).pixels for animal in drawn_animals(2))
    areas = {"eye": np.s_[165:235, 165:245], "scutes": np.s_[100:330, 320:540]}
    alike = {
        name: correlation(one[area], other[area], np.ones(one[area].shape[:2], bool))
        for name, area in areas.items()
    }
    assert alike["eye"] > 0.9
    assert alike["scutes"] < 0.5


def test_animals_are_told_apart_by_pattern_not_by_colour() -> None:
    means = [
        draw_texture(animal).pixels[draw_texture(animal).mask].mean(axis=0)
        for animal in drawn_animals(8)
    ]
    # Mean colours of animals lie within a few grey levels; light alone changes a photo by more.
    assert np.ptp(means, axis=0).max() < 30
    photos = [photograph(DrawnAnimal("Raphael"), seed=seed, size=(160, 120)) for seed in range(8)]
    shown = [photo.pixels[photo.mask].mean(axis=0) for photo in photos]
    assert np.ptp(shown, axis=0).max() > 40


@pytest.mark.parametrize("size", [(320, 240), (240, 320), (1001, 333), (64, 64)])
def test_photo_has_the_size_asked_for(size: tuple[int, int]) -> None:
    for kind in KINDS:
        photo = photograph(DrawnAnimal("Raphael", kind=kind), seed=0, size=size, difficulty=1.0)
        assert photo.pixels.shape == (size[1], size[0], 3)
        assert photo.pixels.dtype == np.uint8
        assert photo.mask.shape == (size[1], size[0])


def test_arrays_are_read_only() -> None:
    photo = photograph(DrawnAnimal("Raphael"), seed=0, size=(160, 120))
    texture = draw_texture(photo.animal)
    arrays = (photo.pixels, photo.mask, photo.homography, texture.pixels, texture.mask)
    assert not any(array.flags.writeable for array in arrays)


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="kind 'dots' of Raphael is not one of scutes, stripes"):
        DrawnAnimal("Raphael", kind="dots")


def test_unknown_side_is_refused() -> None:
    with pytest.raises(ValueError, match="side 'top' is not drawn; use one of left, right"):
        photograph(DrawnAnimal("Raphael"), seed=0, side="top")


@pytest.mark.parametrize("difficulty", [-0.1, 1.1, float("nan")])
def test_difficulty_out_of_range_is_refused(difficulty: float) -> None:
    with pytest.raises(ValueError, match="not between 0 and 1"):
        photograph(DrawnAnimal("Raphael"), seed=0, difficulty=difficulty)


def test_tiny_size_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 64 x 64"):
        photograph(DrawnAnimal("Raphael"), seed=0, size=(640, 63))


def rootsift(photo: DrawnPhoto) -> NDArray[np.float32]:
    x, y, w, h = (int(value) for value in photo.box)
    crop = cv2.cvtColor(photo.pixels[y : y + h, x : x + w], cv2.COLOR_RGB2GRAY)
    crop = cv2.resize(crop, None, fx=512 / max(w, h), fy=512 / max(w, h))
    _, descriptors = cv2.SIFT.create(1024).detectAndCompute(crop, None)
    return np.asarray(np.sqrt(descriptors / descriptors.sum(axis=1, keepdims=True)), np.float32)


def mutual_matches(query: NDArray[np.float32], gallery: NDArray[np.float32]) -> int:
    similar = query @ gallery.T
    forth, back = similar.argmax(axis=1), similar.argmax(axis=0)
    nearest = np.sort(2 - 2 * similar, axis=1)[:, :2]
    distinct = nearest[:, 0] < 0.85**2 * nearest[:, 1]
    return int((distinct & (back[forth] == np.arange(len(query)))).sum())


def top1(difficulty: float, queries: int) -> float:
    """Share of queries whose animal RootSIFT ranks first among eight, one photo each."""
    animals = drawn_animals(8)
    gallery, asked = [], []
    for animal in animals:  # animal by animal: textures are cached
        gallery.append(rootsift(photograph(animal, seed=0, difficulty=difficulty)))
        for seed in range(1, queries + 1):
            photo = photograph(animal, seed=seed, difficulty=difficulty)
            asked.append((animal, rootsift(photo)))
    right = [
        animal is animals[int(np.argmax([mutual_matches(query, known) for known in gallery]))]
        for animal, query in asked
    ]
    return float(np.mean(right))


def test_easy_photos_are_identified_by_rootsift() -> None:
    assert top1(0.1, queries=1) >= 0.9


def test_middling_photos_are_hard_for_rootsift_but_far_from_chance() -> None:
    assert 0.4 <= top1(0.5, queries=3) < 1.0  # chance is 1/8


def test_written_photos_are_found_by_folder_with_their_capture_time(tmp_path: Path) -> None:
    days = (date(2021, 6, 15), date(2023, 7, 10))
    animals = drawn_animals(2)
    written = write_photos(tmp_path, animals, days=days, size=(160, 120), difficulty=0.2)
    assert sorted(tmp_path.rglob("*.jpg")) == sorted(photo.path for photo in written)
    assert [photo.individual for photo in written] == ["Donatello"] * 4 + ["Raphael"] * 4
    assert [photo.side for photo in written] == ["left", "right"] * 4
    for index, photo in enumerate(written):
        assert photo.path.parent == tmp_path / photo.individual
        with Image.open(photo.path) as picture:
            assert picture.size == (160, 120)
            stamp = picture.getexif().get_ifd(0x8769)[0x9003]
        assert datetime.strptime(stamp, "%Y:%m:%d %H:%M:%S") == photo.taken_at
        assert abs(photo.taken_at.date() - days[index // 2 % 2]) <= timedelta(days=10)


def test_an_encounter_is_one_animal_on_one_occasion(tmp_path: Path) -> None:
    written = write_photos(tmp_path, drawn_animals(2), size=(160, 120))
    encounters = {photo.encounter for photo in written}
    assert len(encounters) == 4
    for encounter in encounters:
        members = [photo for photo in written if photo.encounter == encounter]
        assert {photo.side for photo in members} == {"left", "right"}
        assert len({photo.individual for photo in members}) == 1
        assert members[1].taken_at - members[0].taken_at < timedelta(minutes=6)


def test_written_bytes_depend_on_the_seed_only(tmp_path: Path) -> None:
    def digests(folder: Path, seed: int) -> list[str]:
        written = write_photos(folder, drawn_animals(1), seed=seed, size=(160, 120))
        return [hashlib.sha256(photo.path.read_bytes()).hexdigest() for photo in written]

    first = digests(tmp_path / "first", seed=1)
    assert digests(tmp_path / "again", seed=1) == first
    assert not set(digests(tmp_path / "other", seed=2)) & set(first)
