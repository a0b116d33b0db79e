"""Where drawn animals are met: under water, or in the bush.

A scene is drawn once per photo from that photo's generator: background, the
light on the animal, what floats or grows between it and the camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from resight.testing.noise import (
    Field,
    as_field,
    fill,
    mix,
    outline,
    plain,
    smooth_noise,
    step,
    stroke,
)

Size = tuple[int, int]
#: Lit water near the surface, deep water, and how fast red, green and blue fade.
_WATERS = (
    ((0.45, 0.80, 0.90), (0.03, 0.24, 0.42), (0.9, 0.35, 0.25)),  # open ocean
    ((0.55, 0.88, 0.84), (0.06, 0.42, 0.45), (0.8, 0.25, 0.30)),  # lagoon
    ((0.62, 0.78, 0.58), (0.14, 0.30, 0.22), (0.7, 0.35, 0.65)),  # green coastal water
    ((0.74, 0.74, 0.60), (0.32, 0.36, 0.28), (0.5, 0.45, 0.60)),  # stirred-up sand
    ((0.28, 0.52, 0.66), (0.01, 0.10, 0.20), (0.9, 0.45, 0.30)),  # dusk
)


@dataclass(frozen=True, eq=False)
class Scene:
    """What surrounds the animal; fields have the photo's size.

    ``background`` (h, w, 3); ``veil`` (h, w, 3) light scattered towards the
    camera; ``clear`` (3,) share of the animal's own light that arrives;
    ``sunlight`` (h, w) factor on the light that falls on the animal.
    """

    background: Field
    veil: Field
    clear: Field
    sunlight: Field


def under_water(random: np.random.Generator, size: Size, difficulty: float) -> Scene:
    """Water of some colour over nothing, sand, reef or seagrass."""
    near, deep, fade = (as_field(part) for part in _WATERS[random.integers(len(_WATERS))])
    small = (size[0] // 2, size[1] // 2)  # backgrounds are out of focus anyway
    y, x = np.mgrid[: small[1], : small[0]].astype(np.float32)
    y, x = y / small[1], x / small[0]
    dim = random.uniform(0.8, 1.1)
    water = mix(near * dim, deep * dim, step(y + random.uniform(-0.3, 0.2) * (x - 0.5), -0.3, 1.15))
    water = np.clip(water + 0.3 * _rays(random, x, y)[..., None] * near, 0, 1)
    floor = (_open_water, _sand, _reef, _seagrass)[random.integers(4)]
    scene = floor(random, water, small)
    scene = cv2.GaussianBlur(scene, (0, 0), random.uniform(0.7, 2.2) * small[0] / 320)
    clear = np.exp(-fade * (0.15 + difficulty * random.uniform(0.35, 1.6)), dtype=np.float32)
    veil = cv2.resize(water, (16, 12), interpolation=cv2.INTER_AREA)
    ripple = caustics(random, size, random.uniform(70, 150) * size[0] / 640)
    strength = (0.15 + 0.85 * difficulty) * random.uniform(0.2, 1.3)
    sunlight = 1 + strength * (ripple - np.float32(0.25))
    return Scene(_enlarge(scene, size), _enlarge(veil, size), clear, as_field(sunlight))


def caustics(random: np.random.Generator, size: Size, cell: float) -> Field:
    """The bright net that waves throw on everything below them."""
    w, h = max(size[0] // 2, 8), max(size[1] // 2, 8)
    net = np.ones((h, w), np.float32)
    for _ in range(2):
        folds = np.abs(smooth_noise(random, (w, h), cell / 2, 2))
        net = np.minimum(net, folds)
    return _enlarge((1 - np.clip(net * 1.9, 0, 1)) ** 3, size)


def in_the_bush(random: np.random.Generator, size: Size, difficulty: float) -> Scene:
    """Dry ground before a wall of shrubs, in sun or dappled shade."""
    small = (size[0] // 2, size[1] // 2)
    w, h = small
    y = np.mgrid[:h, :w][0].astype(np.float32) / h
    leaves = smooth_noise(random, small, 26, 4)
    green = _between(random, (0.24, 0.30, 0.13), (0.44, 0.38, 0.20)) * random.uniform(0.7, 1.1)
    shrubs = mix(green * 0.35, green * 1.35, step(leaves, -1.5, 1.8))
    gaps = step(smooth_noise(random, small, 22, 4) - 3 * y, 0.5, 1.4)
    shrubs = mix(shrubs, (0.80, 0.84, 0.78), gaps * 0.8)
    for _ in range(random.integers(1, 5)):
        shrubs = mix(shrubs, (0.22, 0.18, 0.14), _trunk(random, small) * 0.9)
    earth = _between(random, (0.56, 0.43, 0.29), (0.72, 0.64, 0.48))
    crumbs = cv2.resize(
        smooth_noise(random, (w, h * 3), 18, 4), small, interpolation=cv2.INTER_AREA
    )
    ground = mix(earth * 0.7, earth * 1.15, step(crumbs, -1.6, 1.6))
    horizon = random.uniform(0.42, 0.62)
    scene = mix(shrubs, ground, step(y + 0.02 * leaves, horizon, horizon + 0.06))
    scene = _grass(random, scene, horizon, 160, (0.66, 0.56, 0.32))
    scene = cv2.GaussianBlur(scene, (0, 0), random.uniform(0.6, 1.8) * w / 320)
    dapple = step(smooth_noise(random, size, random.uniform(50, 110) * size[0] / 640, 3), -0.6, 0.5)
    shade = difficulty * random.uniform(0.2, 0.95)
    sunlight = 1.05 - shade * (1 - dapple)
    haze = np.full((size[1], size[0], 3), (0.80, 0.78, 0.70), np.float32)
    clear = np.full(3, 1 - 0.45 * difficulty * random.uniform(0, 1), np.float32)
    return Scene(_enlarge(scene, size), haze, clear, as_field(sunlight))


def in_front(
    random: np.random.Generator, size: Size, kind: str, amount: int
) -> tuple[Field, Field]:
    """``amount`` blades of grass before the animal: colour (h, w, 3), coverage (h, w)."""
    w, h = small = (size[0] // 2, size[1] // 2)  # blades are out of focus
    low, high = ((0.10, 0.22, 0.08), (0.34, 0.42, 0.16))
    if kind == "stripes":
        low, high = ((0.36, 0.30, 0.14), (0.70, 0.62, 0.34))
    # Grass-coloured where there is none, or soft edges would have a dark rim.
    colour, cover = plain(np.add(low, high) / 2, small), np.zeros((h, w), np.float32)
    for _ in range(amount):
        foot, reach = random.uniform(0, w), random.uniform(0.55, 1.15) * h
        lean, bend = random.normal(0, 0.22) * h, random.normal(0, 0.12) * h
        spine = outline(
            [(foot, h + 10.0), (foot + bend, h - 0.4 * reach), (foot + lean, h - reach)],
            closed=False,
        )
        width = random.uniform(4, 13 if kind == "scutes" else 6) * w / 320
        half = np.linspace(1, 0, len(spine), dtype=np.float32)[:, None] ** 0.6 * [width / 2, 0]
        blade = fill(np.concatenate([spine - half, (spine + half)[::-1]]), small)
        blade = cv2.GaussianBlur(blade, (0, 0), random.uniform(0.5, 1.5) * w / 320)
        colour = mix(colour, _between(random, low, high), blade)
        cover = np.maximum(cover, blade)
    return _enlarge(colour, size), _enlarge(cover, size)


def particles(random: np.random.Generator, size: Size, difficulty: float) -> Field:
    """Light that drifting specks throw back at the camera, (h, w)."""
    w, h = size
    unit = w / 640
    sharp, soft = np.zeros((h, w), np.float32), np.zeros((h // 4, w // 4), np.float32)
    for _ in range(int(random.integers(15, 40) + 150 * difficulty * random.uniform(0.3, 1))):
        x, y = random.uniform(0, w), random.uniform(0, h)
        bright, radius = random.uniform(0.15, 0.8), random.gamma(2.0, 0.7) * unit + 0.5
        if radius < 3 * unit:
            centre = (int(x * 8), int(y * 8))
            cv2.circle(sharp, centre, int(radius * 8), float(bright), -1, cv2.LINE_AA, 3)
        else:  # out of focus: a faint disc
            cv2.circle(soft, (int(x / 4), int(y / 4)), int(radius), float(0.3 * bright), -1)
    sharp = cv2.GaussianBlur(sharp, (0, 0), 0.8 * unit)
    return np.asarray(sharp + _enlarge(cv2.GaussianBlur(soft, (0, 0), 1.0 * unit), size))


def _between(
    random: np.random.Generator, one: tuple[float, ...], other: tuple[float, ...]
) -> Field:
    """A colour somewhere on the line between two."""
    return np.asarray(one + random.uniform() * np.subtract(other, one), np.float32)


def _enlarge(field: Field, size: Size) -> Field:
    return np.asarray(cv2.resize(field, size, interpolation=cv2.INTER_LINEAR))


def _rays(random: np.random.Generator, x: Field, y: Field) -> Field:
    """Shafts of sunlight that spread from a point above the photo."""
    source = random.uniform(0.1, 0.9)
    angle = np.arctan2(x - source, y + 0.45)
    places = np.linspace(-1.4, 1.4, 60)
    shafts = np.interp(angle, places, random.normal(0, 1, 60)).astype(np.float32)
    return step(shafts, 0.1, 1.8) * (1 - 0.8 * y)


def _open_water(random: np.random.Generator, water: Field, size: Size) -> Field:
    """Only water, with the rippled surface seen from below."""
    y = np.mgrid[: size[1], : size[0]][0].astype(np.float32) / size[1]
    surface = caustics(random, size, size[0] / 5)
    top = random.uniform(0.05, 0.3)
    return mix(water, as_field([0.92, 0.98, 0.98]), surface * step(y, top, 0) * 0.8)


def _sand(random: np.random.Generator, water: Field, size: Size) -> Field:
    """A sandy floor that fades into the distance."""
    w, h = size
    horizon = random.uniform(0.45, 0.8)
    y = np.mgrid[:h, :w][0].astype(np.float32) / h
    depth = np.clip((y - horizon) / (1 - horizon), 0, 1)
    flat = smooth_noise(random, (w, 2 * h), w / 12, 4)
    net = caustics(random, (w, 2 * h), w / 5)
    # Seen at a slant: rows bunch up towards the horizon.
    rows = np.clip(2 * h * (1 - 1 / (1 + 3 * depth)) / 0.75, 0, 2 * h - 1).astype(np.float32)
    columns = as_field(np.mgrid[:h, :w][1] - w / 2) * (0.45 + 0.55 * depth) + w / 2
    flat, net = (cv2.remap(part, as_field(columns), rows, cv2.INTER_LINEAR) for part in (flat, net))
    sand = as_field([0.82, 0.76, 0.60]) * (0.72 + 0.07 * flat + 0.35 * net)[..., None]
    return mix(water, 0.35 * water + 0.65 * sand, step(depth, 0.0, 0.75))


def _reef(random: np.random.Generator, water: Field, size: Size) -> Field:
    """Layers of coral heads, the farther the bluer."""
    w, h = size
    y = np.mgrid[:h, :w][0].astype(np.float32) / h
    scene = water
    for layer in range(3):
        near = (layer + 1) / 3
        skyline = smooth_noise(random, (w, 8), w * 0.12 * (0.5 + near), 4)[4] * 0.055
        top = 0.58 + 0.16 * layer + random.uniform(-0.05, 0.05)
        stone = _between(random, (0.34, 0.30, 0.28), (0.72, 0.48, 0.42)) * random.uniform(0.7, 1.1)
        polyps = _between(random, (0.80, 0.66, 0.34), (0.62, 0.34, 0.55))
        lumps = smooth_noise(random, size, w / 14 * (0.5 + near), 4)
        coral = stone * np.clip(0.75 + 0.28 * lumps, 0.2, 1.6)[..., None]
        coral = mix(coral, polyps, step(smooth_noise(random, size, w / 20, 2), 0.9, 1.4) * 0.6)
        amount = step(y - top - skyline[None], 0, 0.015) * (0.35 + 0.5 * near)
        scene = mix(scene, coral, amount)
    return scene


def _seagrass(random: np.random.Generator, water: Field, size: Size) -> Field:
    """A meadow of seagrass over sand."""
    return _grass(random, _sand(random, water, size), 0.6, 110, (0.16, 0.34, 0.14))


def _grass(
    random: np.random.Generator, scene: Field, horizon: float, count: int, tint: tuple[float, ...]
) -> Field:
    """Blades from the horizon down, farther ones first, smaller and paler."""
    h, w = scene.shape[:2]
    drawn = np.ascontiguousarray(scene)
    for foot in np.sort(random.uniform(horizon, 1.15, count)):
        near = (foot - horizon) / (1.15 - horizon)
        x, reach = random.uniform(0, w), (0.05 + 0.3 * near) * h * random.uniform(0.5, 1)
        lean = random.normal(0, 0.3) * reach
        curve = [
            (x, foot * h),
            (x + 0.2 * lean, foot * h - 0.6 * reach),
            (x + lean, foot * h - reach),
        ]
        shade = as_field(tint) * random.uniform(0.55, 1.25)
        behind = scene[min(int(foot * h), h - 1) - 1, int(x)]
        colour = (0.75 - 0.55 * near) * behind + (0.25 + 0.55 * near) * shade
        points = np.round(as_field(curve) * 8).astype(np.int32)
        width = max(1, round(near * 3 * w / 320))
        cv2.polylines(drawn, [points], False, [float(c) for c in colour], width, cv2.LINE_AA, 3)
    return drawn


def _trunk(random: np.random.Generator, size: Size) -> Field:
    w, h = size
    x = random.uniform(0, w)
    curve = [(x + random.normal(0, 0.04) * w, y * h) for y in (0.8, 0.5, 0.25, -0.1)]
    return stroke(outline(curve, closed=False), size, random.uniform(4, 16) * w / 320, 1.0)
