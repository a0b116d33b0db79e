"""The flank of a striped antelope, after the nyala: chestnut with thin white stripes.

All animals share outline and colours; an individual is in its stripes (place,
bend, breaks, forks) and in the spots on thigh and shoulder. Drawn facing left.
"""

from __future__ import annotations

import cv2
import numpy as np

from resight.testing.noise import Field, as_field, fill, mix, outline, smooth_noise, step, stroke

SIZE = (640, 480)

_TRUNK = [
    (196, 150), (250, 142), (340, 150), (430, 132), (510, 130), (566, 156), (586, 206),
    (574, 262), (530, 292), (470, 286), (400, 292), (320, 302), (250, 296), (200, 270), (176, 210),
]  # fmt: skip
_NECK = [
    (250, 144), (206, 148), (160, 110), (128, 62), (104, 52), (88, 84), (104, 140), (146, 214),
    (190, 280), (250, 270),
]  # fmt: skip
_HEAD = [
    (140, 46), (112, 30), (84, 40), (54, 74), (26, 104), (20, 118), (32, 126), (62, 118),
    (100, 110), (128, 92),
]  # fmt: skip
_EAR = [(110, 40), (128, 8), (152, 0), (154, 20), (132, 48)]
_TAIL = [(572, 160), (600, 190), (606, 260), (592, 296), (580, 270), (578, 216)]
#: Near legs, then far legs (drawn darker and first).
_NEAR = [
    [(186, 240), (262, 250), (244, 310), (226, 350), (224, 410), (226, 462), (206, 466), (206, 410),
     (202, 350), (186, 300)],
    [(486, 230), (590, 220), (584, 276), (556, 320), (560, 352), (544, 410), (540, 466), (520, 464),
     (526, 400), (532, 350), (506, 312)],
]  # fmt: skip
_FAR = [
    [(230, 250), (290, 260), (270, 320), (262, 360), (270, 420), (282, 460), (264, 464), (248, 410),
     (238, 350)],
    [(440, 250), (520, 250), (510, 310), (490, 340), (494, 400), (502, 458), (484, 464), (474, 400),
     (466, 340)],
]  # fmt: skip

_COAT = (0.66, 0.36, 0.15)
_RIDGE = (0.36, 0.20, 0.10)
_BELLY = (0.80, 0.58, 0.36)
_STRIPE = (0.95, 0.91, 0.82)


def draw_flank(random: np.random.Generator) -> tuple[Field, Field, Field]:
    """Colour (h, w, 3), coverage (h, w) and surface height (h, w, pixels) of one side."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]].astype(np.float32)
    grain = smooth_noise(random, SIZE, 50, 4)
    hair = cv2.blur(smooth_noise(random, SIZE, 3), (1, 7))
    trunk = fill(outline(_TRUNK), SIZE, 1)
    coat = mix(_COAT, _BELLY, step(y + 9 * grain, 235, 320))
    coat = mix(coat, _RIDGE, step(y + 0.06 * x + 8 * grain, 190, 158) * 0.8)
    far = np.maximum.reduce([fill(outline(leg), SIZE, 0.8) for leg in _FAR])
    near = np.maximum.reduce([fill(outline(leg), SIZE, 0.8) for leg in _NEAR])
    neck, head = fill(outline(_NECK), SIZE, 1), fill(outline(_HEAD), SIZE, 0.8)
    ear, tail = fill(outline(_EAR), SIZE, 0.8), fill(outline(_TAIL), SIZE, 2)
    legs = mix(coat, (0.78, 0.50, 0.24), step(y, 300, 350))
    legs = mix(legs, (0.12, 0.09, 0.08), step(y, 447, 453))
    colour = mix(coat, legs * 0.55, far)
    colour = mix(colour, (0.36, 0.22, 0.13), tail)
    colour = mix(colour, coat, neck)
    colour = mix(colour, coat, trunk)
    colour = mix(colour, _STRIPE, _stripes(random, grain) * trunk)
    near_soft = cv2.GaussianBlur(near, (0, 0), 5) * step(y, 230, 300) + near * step(y, 260, 300)
    colour = mix(colour, legs, np.minimum(near_soft, near))
    colour = mix(colour, _STRIPE, _spots(random))
    colour = _face(colour, head, ear)
    colour = colour * (1 + 0.06 * hair + 0.05 * grain)[..., None]
    cover = np.maximum.reduce([far, near, trunk, neck, head, ear, tail])
    barrel = np.minimum(cv2.distanceTransform((cover > 0.5).astype(np.uint8), cv2.DIST_L2, 5), 80)
    height = 60 * np.sqrt(1 - (1 - barrel / 80) ** 2).astype(np.float32)
    return np.clip(colour, 0, 1), cover, cv2.GaussianBlur(height, (0, 0), 7) + 0.5 * hair


def _stripes(random: np.random.Generator, grain: Field) -> Field:
    """Thin, wavering, broken vertical stripes from the back to the belly."""
    paint = np.zeros((SIZE[1], SIZE[0]), np.float32)
    count = int(random.integers(9, 13))
    for place in np.linspace(236, 540, count) + random.normal(0, 7, count):
        top = random.uniform(136, 152)
        bottom = random.uniform(215, 282)
        lean, bow = random.normal(8, 7), random.normal(0, 9)
        t = np.linspace(0, 1, 12, dtype=np.float32)
        waver = np.cumsum(random.normal(0, 1.6, 12))
        curve = np.stack(
            [place + lean * t + bow * np.sin(np.pi * t) + waver, top + (bottom - top) * t], 1
        )
        paint = np.maximum(paint, stroke(curve, SIZE, random.uniform(2.6, 5.4)))
        if random.uniform() < 0.3:  # a fork
            start = int(random.integers(3, 7))
            branch = curve[start : start + 6].copy()
            branch[:, 0] += np.linspace(
                0, random.choice([-1, 1]) * random.uniform(9, 17), len(branch)
            )
            paint = np.maximum(paint, stroke(branch, SIZE, 3))
    gaps = smooth_noise(random, SIZE, 34, 2)
    return as_field(cv2.GaussianBlur(paint, (0, 0), 0.7)) * step(gaps + 0.2 * grain, -1.5, -0.8)


def _spots(random: np.random.Generator) -> Field:
    """White spots on the thigh and a few on the shoulder."""
    paint = np.zeros((SIZE[1], SIZE[0]), np.float32)
    places = list(random.normal((534, 246), (22, 24), (int(random.integers(7, 15)), 2)))
    places += list(random.normal((232, 262), (18, 16), (int(random.integers(1, 5)), 2)))
    for px, py in places:
        angle = np.linspace(0, 2 * np.pi, 8, endpoint=False)
        radius = random.uniform(2.2, 5.0) * random.uniform(0.75, 1.25, 8)
        curve = np.stack([px + radius * np.cos(angle), py + 1.2 * radius * np.sin(angle)], 1)
        paint = np.maximum(paint, fill(outline([(a, b) for a, b in curve]), SIZE))
    return as_field(cv2.GaussianBlur(paint, (0, 0), 0.7))


def _face(colour: Field, head: Field, ear: Field) -> Field:
    colour = mix(colour, 1.05 * as_field(_COAT), head)
    colour = mix(colour, (0.42, 0.25, 0.13), ear)
    inner = fill(outline([(120, 36), (134, 14), (148, 8), (146, 20), (130, 42)]), SIZE, 1.5)
    colour = mix(colour, (0.78, 0.62, 0.46), inner * 0.8)
    muzzle = fill(outline([(40, 92), (14, 104), (14, 124), (34, 130), (46, 118)]), SIZE, 3)
    colour = mix(colour, (0.14, 0.10, 0.09), muzzle * head)
    cheek = fill(outline([(66, 98), (60, 106), (76, 110), (86, 102)]), SIZE, 1.5)
    colour = mix(colour, _STRIPE, cheek)
    eye = fill(outline([(80, 62), (86, 54), (97, 58), (98, 68), (87, 71)]), SIZE, 0.7)
    return mix(colour, (0.05, 0.04, 0.04), eye)
