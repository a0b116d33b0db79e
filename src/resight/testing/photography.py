"""Photographs of drawn animals whose truth is known: who, which side, where every point went.

A photo is a plane seen by a pinhole camera, so the way from texture to photo is
exactly a homography. ``difficulty`` moves everything that makes real photos hard
together: angle, distance, water, light, blur, noise, glare and what is in front.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.testing import scenes
from resight.testing.animals import DrawnAnimal, Texture, body_to_texture, draw_body, draw_texture
from resight.testing.noise import Field, generator, mix, plain, smooth_noise, step, threefold
from resight.types import Box

_FOCAL = 1.6  # in photo widths: a slightly long lens
#: Exponents that make difficulty mean about the same for both kinds: at 0.5 RootSIFT (mutual
#: nearest neighbours with ratio test) finds some three of four queries among sixteen animals.
_HARSHNESS = {"scutes": 0.62, "stripes": 1.0}


@dataclass(frozen=True, eq=False)
class DrawnPhoto:
    """A drawn photo and its ground truth.

    ``pixels`` (h, w, 3) uint8 RGB; ``homography`` (3, 3) float64 takes pixels of
    ``draw_texture(animal, side)`` to photo pixels; ``box`` bounds the part of the
    animal the texture shows (a turtle's head, a whole antelope) as far as it is
    inside the photo; ``mask`` (h, w) bool is where that part is really seen, not
    hidden by something in front. Arrays are read-only.
    """

    pixels: NDArray[np.uint8]
    homography: NDArray[np.float64]
    box: Box
    mask: NDArray[np.bool_]
    animal: DrawnAnimal
    side: str

    def __post_init__(self) -> None:
        for array in (self.pixels, self.homography, self.mask):
            array.flags.writeable = False


def photograph(
    animal: DrawnAnimal,
    *,
    seed: int,
    side: str = "left",
    size: tuple[int, int] = (640, 480),
    difficulty: float = 0.5,
) -> DrawnPhoto:
    """Photograph one side of an animal.

    The same arguments give the same pixels. ``difficulty`` in [0, 1]: at 0 a
    portrait in clear light, at 1 what a field team would rather not keep.
    ``size`` is (w, h), at least 64 pixels each.
    """
    if not 0 <= difficulty <= 1:
        raise ValueError(f"difficulty {difficulty} is not between 0 and 1")
    if min(size) < 64:
        raise ValueError(f"photo size {size} is too small; use at least 64 x 64")
    difficulty **= _HARSHNESS[animal.kind]
    texture = draw_texture(animal, side)
    random = generator("photo", animal.kind, animal.seed, animal.name, side, seed)
    homography = _view(random, texture, size, animal.kind, difficulty)
    place = scenes.under_water if animal.kind == "scutes" else scenes.in_the_bush
    scene = place(random, size, difficulty)
    sun = threefold(scene.sunlight)
    lit, cover = _seen(_light(random, texture, difficulty), texture.cover, homography, size)
    picture = scene.background
    if animal.kind == "scutes":
        body, behind = _seen(*draw_body(animal, side), homography @ body_to_texture(side), size)
        picture = _lay(picture, body * sun, behind, scene)
    else:
        picture = _shadow(picture, texture, homography)
    picture = _lay(picture, lit * sun, cover, scene)
    blades = int(random.poisson(3.5 * difficulty))
    grass, hidden = scenes.in_front(random, size, animal.kind, blades)
    picture = _lay(picture, grass, hidden, scene)
    if animal.kind == "scutes":
        picture = picture + scene.veil * threefold(scenes.particles(random, size, difficulty))
    mask = cover > 0.5
    box = _bounds(mask)
    pixels = _expose(random, picture, box, difficulty)
    return DrawnPhoto(pixels, homography, box, mask & (hidden < 0.5), animal, side)


def _lay(picture: Field, colour: Field, cover: Field, scene: scenes.Scene) -> Field:
    """Put something over the picture, seen through the scene's water or haze."""
    size = picture.shape[1], picture.shape[0]
    return mix(picture, scene.veil + (colour - scene.veil) * plain(scene.clear, size), cover)


def _view(
    random: np.random.Generator,
    texture: Texture,
    size: tuple[int, int],
    kind: str,
    difficulty: float,
) -> NDArray[np.float64]:
    """Homography of the texture's plane, turned and moved in front of the camera."""
    swing = np.array([8, 5, 4]) + difficulty * np.array([46, 22, 40 if kind == "scutes" else 8])
    yaw, pitch, roll = np.radians(swing * random.uniform(-1, 1, 3))
    turn = (
        cv2.Rodrigues(np.array([0, 0, roll]))[0]
        @ cv2.Rodrigues(np.array([pitch, 0, 0]))[0]
        @ cv2.Rodrigues(np.array([0, yaw, 0]))[0]
    )
    w, h = size
    x, y, wide, high = _bounds(texture.mask)
    share = random.uniform(0.80 - 0.36 * difficulty, 0.90 - 0.22 * difficulty)
    reach = share * min(w / wide, h / high)  # photo pixels per texture pixel
    lens = np.array([[_FOCAL * w, 0, (w - 1) / 2], [0, _FOCAL * w, (h - 1) / 2], [0, 0, 1]])
    distance = _FOCAL * w / reach
    slack = (1 - share) / 2 * np.array([w, h]) * random.uniform(-1, 1, 2)
    place = np.array([*(slack / reach), distance])
    centre = np.array([[1, 0, -(x + wide / 2)], [0, 1, -(y + high / 2)], [0, 0, 1]])
    homography = lens @ np.column_stack([turn[:, 0], turn[:, 1], place]) @ centre
    return np.asarray(homography / homography[2, 2], np.float64)


def _light(random: np.random.Generator, texture: Texture, difficulty: float) -> Field:
    """The texture's colours under a lamp somewhere above, with a wet shine."""
    across = random.normal(0, 0.2 + 0.4 * difficulty)
    up = 0.45 + (0.1 + 0.35 * difficulty) * random.uniform(-1, 1)
    lamp = np.array([across, -up, 0.9])
    lamp /= np.linalg.norm(lamp)
    slope_x = cv2.Sobel(texture.height, cv2.CV_32F, 1, 0, scale=0.125)
    slope_y = cv2.Sobel(texture.height, cv2.CV_32F, 0, 1, scale=0.125)
    length = np.sqrt(1 + slope_x**2 + slope_y**2)
    facing = (
        np.float32(lamp[2]) - slope_x * np.float32(lamp[0]) - slope_y * np.float32(lamp[1])
    ) / length
    half = lamp + np.array([0, 0, 1])
    half /= np.linalg.norm(half)
    shine = (
        np.float32(half[2]) - slope_x * np.float32(half[0]) - slope_y * np.float32(half[1])
    ) / length
    wet = (0.10 + 0.5 * difficulty * random.uniform(0, 1)) * np.clip(shine, 0, 1) ** 40
    ambient = random.uniform(0.35, 0.6)
    bright = ambient + (1.15 - ambient) * np.clip(facing, 0, 1)
    return np.asarray(texture.pixels * threefold(bright / 255) + threefold(wet), np.float32)


def _seen(
    colour: Field, cover: Field, homography: NDArray[np.float64], size: tuple[int, int]
) -> tuple[Field, Field]:
    """A drawing's colour and coverage as the camera sees its plane."""
    shrink = 1 / max(_zoom(homography, colour.shape[1::-1]), 1e-3)
    if shrink > 1.2:  # smooth first, or fine detail aliases
        colour = cv2.GaussianBlur(colour, (0, 0), 0.45 * np.sqrt(shrink**2 - 1))
    return (
        np.asarray(cv2.warpPerspective(colour, homography, size)),
        np.asarray(cv2.warpPerspective(cover, homography, size)),
    )


def _zoom(homography: NDArray[np.float64], size: tuple[int, int]) -> float:
    """Photo pixels per drawing pixel at the middle of the drawing."""
    x, y = size[0] / 2, size[1] / 2
    corners = np.array([[x, y, 1], [x + 1, y, 1], [x, y + 1, 1]]) @ homography.T
    at = corners[:, :2] / corners[:, 2:]
    return float(np.sqrt(np.linalg.norm(at[1] - at[0]) * np.linalg.norm(at[2] - at[0])))


def _shadow(picture: Field, texture: Texture, homography: NDArray[np.float64]) -> Field:
    """The soft shadow under a standing animal."""
    h, w = picture.shape[:2]
    th, tw = texture.mask.shape
    ground = np.array([[0.30 * tw, 0.965 * th, 1], [0.88 * tw, 0.965 * th, 1]]) @ homography.T
    (ax, ay), (bx, by) = ground[:, :2] / ground[:, 2:]
    reach = np.hypot(bx - ax, by - ay)
    shade = np.zeros((h, w), np.float32)
    centre = (int((ax + bx) / 2), int((ay + by) / 2))
    tilt = float(np.degrees(np.arctan2(by - ay, bx - ax)))
    cv2.ellipse(shade, centre, (int(0.62 * reach), int(0.07 * reach) + 1), tilt, 0, 360, 0.55, -1)
    return np.asarray(picture * threefold(1 - cv2.GaussianBlur(shade, (0, 0), 0.02 * w)))


def _bounds(mask: NDArray[np.bool_]) -> Box:
    """The smallest box around a mask."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    left, top = int(columns[0]), int(rows[0])
    return Box(left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1)


def _expose(
    random: np.random.Generator, picture: Field, box: Box, difficulty: float
) -> NDArray[np.uint8]:
    """Lens, sensor and camera: glare, blur, exposure, white balance, noise."""
    h, w = picture.shape[:2]
    unit = w / 640
    if random.uniform() < 0.8 * difficulty:
        glare = _glare(random, (w, h), box) * np.float32(random.uniform(0.3, 0.9) * difficulty)
        picture = picture + threefold(glare)
    picture = cv2.GaussianBlur(
        picture, (0, 0), unit * (0.45 + 2.6 * difficulty**1.5 * random.uniform(0, 1))
    )
    if random.uniform() < difficulty:
        picture = _shake(random, picture, unit * 16 * difficulty * random.uniform(0.2, 1))
    middle = float(picture[::4, ::4].mean())
    contrast = 1 + difficulty * random.uniform(-0.45, 0.25)
    gain = random.uniform(1 - 0.5 * difficulty, 1 + 0.25 * difficulty)
    balance = gain * (1 + 0.12 * (0.3 + difficulty) * random.uniform(-1, 1, 3))
    picture = (picture - np.float32(middle)) * np.float32(contrast) + np.float32(middle)
    picture = picture * plain(balance, (w, h)) + threefold(_grain(random, (w, h), difficulty))
    tinge = cv2.resize(random.standard_normal((h // 2, w // 2, 3), np.float32), (w, h))
    picture = picture + np.float32(0.012 + 0.03 * difficulty) * tinge
    return np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def _grain(random: np.random.Generator, size: tuple[int, int], difficulty: float) -> Field:
    """Sensor noise in all three colours alike."""
    strength = 0.006 + 0.06 * difficulty * random.uniform(0.1, 1)
    return random.standard_normal(size[::-1], np.float32) * np.float32(strength)


def _glare(random: np.random.Generator, size: tuple[int, int], box: Box) -> Field:
    """Sun mirrored by a wet skin or a housing's port: a washed-out patch on the animal."""
    small = (size[0] // 4, size[1] // 4)
    y, x = np.mgrid[: small[1], : small[0]].astype(np.float32) * 4
    cx, cy = box.x + box.w * random.uniform(0.1, 0.9), box.y + box.h * random.uniform(0, 0.7)
    reach = random.uniform(0.25, 0.6) * box.w
    far = np.hypot(x - cx, (y - cy) * random.uniform(1.2, 3.0)) / reach
    torn = smooth_noise(random, small, small[0] / 9, 4)
    patch = step(far, 1.3, 0.0) * (0.35 + 0.65 * step(torn, -0.4, 1.4))
    return np.asarray(cv2.resize(patch, size, interpolation=cv2.INTER_LINEAR))


def _shake(random: np.random.Generator, picture: Field, length: float) -> Field:
    """Blur along a line of ``length`` pixels: boat and animal both move."""
    reach = int(np.ceil(length)) | 1
    kernel = np.zeros((reach, reach), np.float32)
    angle, middle = random.uniform(0, np.pi), (reach - 1) / 2
    across, down = np.cos(angle) * length / 2, np.sin(angle) * length / 2
    ends = np.array([[middle - across, middle - down], [middle + across, middle + down]])
    fixed = np.round(ends * 16).astype(np.int32)
    cv2.line(kernel, fixed[0].tolist(), fixed[1].tolist(), 1.0, 1, cv2.LINE_AA, 4)
    return np.asarray(cv2.filter2D(picture, -1, kernel / max(kernel.sum(), 1e-6)))
