"""The side of a sea turtle's head, and the body behind it.

All turtles share one plan: beak, eye, jaw, crown and temporal scutes in about
the same places, the same colours. An individual is in the details: where seams
run, scutes split or merged, how dark each one is, blotches and pale pores.
Everything is drawn facing left.
"""

from __future__ import annotations

import cv2
import numpy as np

from resight.testing.noise import (
    Field,
    as_field,
    cells,
    fill,
    mix,
    outline,
    smooth_noise,
    step,
    stroke,
)

SIZE = (640, 480)
EYE = (206.0, 198.0)
#: Where the body lies: pixel (0, 0) of its drawing in head pixels, and head pixels per body pixel.
BODY_ORIGIN = (330.0, -330.0)
BODY_SCALE = 2.0
BODY_SIZE = (640, 620)

_HEAD = [
    (72, 178), (50, 205), (44, 250), (52, 296), (66, 318), (84, 322), (104, 352), (170, 388),
    (280, 408), (400, 414), (540, 404), (760, 392), (760, 118), (590, 92), (480, 62), (370, 50),
    (262, 58), (170, 92), (112, 138),
]  # fmt: skip
_BEAK = [
    (30, 215), (70, 186), (110, 200), (148, 236), (200, 262), (262, 286), (318, 330), (250, 338),
    (160, 326), (100, 312), (60, 340), (20, 300),
]  # fmt: skip
_JAW = [
    (40, 318), (100, 314), (160, 327), (250, 340), (330, 336), (400, 352), (420, 396), (400, 470),
    (60, 470),
]  # fmt: skip
_MOUTH = [(50, 318), (72, 308), (100, 313), (160, 328), (250, 341), (312, 336), (345, 344)]
#: x, y and size of the scutes every turtle starts from.
_SCUTES = [
    (88, 165, 22), (132, 168, 26), (150, 120, 28), (214, 118, 34), (286, 96, 34), (362, 88, 36),
    (440, 92, 36), (516, 112, 32), (306, 152, 30), (322, 208, 30), (296, 256, 26), (370, 148, 32),
    (392, 206, 34), (362, 258, 26), (444, 158, 32), (466, 214, 32), (430, 264, 26), (522, 172, 28),
    (536, 230, 28), (494, 272, 24), (342, 300, 18), (388, 304, 18), (426, 316, 16), (464, 316, 18),
    (508, 322, 20), (554, 292, 20), (370, 338, 14), (408, 352, 14), (450, 358, 16), (498, 366, 16),
    (580, 146, 22), (590, 200, 22), (590, 252, 20), (560, 346, 18),
]  # fmt: skip

_NECK = [
    (0, 220), (50, 214), (120, 226), (240, 170), (300, 200), (300, 400), (240, 400), (110, 366),
    (50, 370), (0, 366),
]  # fmt: skip
_SHELL = [
    (170, 268), (172, 214), (250, 138), (350, 92), (450, 92), (550, 150), (618, 240), (636, 300),
    (600, 352), (500, 392), (380, 394), (230, 376), (190, 334),
]  # fmt: skip
_FLIPPER = [
    (236, 316), (330, 322), (352, 380), (322, 452), (246, 530), (150, 586), (112, 588), (128, 540),
    (186, 456), (216, 376),
]  # fmt: skip

_SEAM = (0.93, 0.80, 0.54)
_AMBER = (0.76, 0.47, 0.17)
_RUST = (0.62, 0.30, 0.10)
_DARK = (0.15, 0.09, 0.06)
_HORN = (0.88, 0.74, 0.50)
_SKIN = (0.74, 0.67, 0.50)


def draw_head(random: np.random.Generator) -> tuple[Field, Field, Field]:
    """Colour (h, w, 3), coverage (h, w) and surface height (h, w, pixels) of one side."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]].astype(np.float32)
    colour, height = _scutes(random, x, y)
    grain = smooth_noise(random, SIZE, 40, 5)
    skin, wrinkles = _skin(random, x, y)
    neck = step(x + 14 * grain + 0.12 * (y - 240), 545, 620)
    throat = np.maximum(neck, step(y + 6 * grain - 0.03 * x, 352, 384))
    colour = mix(colour, skin, throat)
    height = height * (1 - throat) + wrinkles * throat
    colour, height = _mouth(colour, height, grain)
    lids = np.s_[120:280, 120:300]
    colour[lids], height[lids] = _eye(random, colour[lids], height[lids], x[lids], y[lids])
    colour = _nostril(colour, x, y)
    inside = fill(outline(_HEAD), SIZE, 0.8)
    dome = np.minimum(cv2.distanceTransform((inside > 0.5).astype(np.uint8), cv2.DIST_L2, 5), 150)
    dome = np.sqrt(1 - (1 - dome / 150) ** 2).astype(np.float32) * 95
    height = height + cv2.GaussianBlur(dome, (0, 0), 9)
    # The neck fades into the body drawn behind it.
    return np.clip(colour, 0, 1), inside * step(x, 634, 560), height


def _scutes(random: np.random.Generator, x: Field, y: Field) -> tuple[Field, Field]:
    """Colour and height of scutes over the whole canvas."""
    sites, weights = _individual_sites(random)
    bend_x, bend_y = smooth_noise(random, SIZE, 70, 3), smooth_noise(random, SIZE, 70, 3)
    half = (slice(None, None, 2), slice(None, None, 2))  # the diagram is smooth: half is enough
    owner, seam = cells(sites, weights, (x + 7 * bend_x)[half], (y + 7 * bend_y)[half], 3.0)
    count = len(sites)
    reach = np.full(count, 6.0)
    np.maximum.at(reach, owner, seam)
    centre_dark = random.uniform(0.12, 0.85, count) - 0.3 * (sites[:, 1] < 135)
    shade = random.normal(0, 1, count)
    spots = smooth_noise(random, SIZE, 26, 4)
    freckles = smooth_noise(random, SIZE, 7, 2)
    large = cv2.INTER_LINEAR
    seam_full = cv2.resize(seam, SIZE, interpolation=large)
    depth = cv2.resize((seam / reach[owner]).astype(np.float32), SIZE, interpolation=large)
    soft = cv2.GaussianBlur(np.stack([centre_dark[owner], shade[owner]], -1), (0, 0), 2)
    soft = cv2.resize(soft.astype(np.float32), SIZE, interpolation=large)
    dark = step(depth - soft[..., 0] + 0.20 * spots + 0.08 * freckles, -0.14, 0.30)
    warm = mix(_AMBER, _RUST, step(soft[..., 1] + 0.5 * spots, -1.5, 1.8))
    colour = mix(_SEAM, warm, step(seam_full + 2.0 * spots, 1.0, 11))
    colour = mix(colour, _DARK, dark * 0.88 * step(seam_full, 1.5, 7))
    crack = step(np.abs(seam_full), 1.6, 0.2)  # the groove itself
    colour = mix(colour, (0.55, 0.42, 0.26), crack * 0.55)
    colour = _pores(random, colour, x, y)
    colour = colour * (1 + 0.05 * freckles + 0.05 * spots)[..., None]
    return colour, 5 * step(seam_full, 0, 9) + 0.5 * freckles


def _individual_sites(random: np.random.Generator) -> tuple[Field, Field]:
    """The shared plan with this animal's shifts, splits, losses and extras."""
    sites: list[tuple[float, float]] = []
    weights: list[float] = []
    for sx, sy, size in _SCUTES:
        fate = random.uniform()
        dx, dy = random.normal(0, 0.36 * size, 2)
        if fate < 0.10:
            continue
        parts = 2 if fate > 0.72 else 1
        turn = random.uniform(0, np.pi)
        for part in range(parts):
            offset = (part - 0.5) * 1.15 * size if parts == 2 else 0.0
            sites.append((sx + dx + offset * np.cos(turn), sy + dy + offset * np.sin(turn)))
            weights.append(size * random.uniform(0.35, 0.95) / parts)
    for _ in range(int(random.integers(3, 8))):
        sites.append((random.uniform(300, 560), random.uniform(120, 350)))
        weights.append(4.0)
    # Without neighbours outside the drawing the border cells would be huge.
    for px, py in ((20, 60), (80, 40), (300, 30), (450, 20), (620, 60), (660, 330), (300, 420)):
        sites.append((px, py))
        weights.append(20.0)
    return np.asarray(sites, np.float32), np.asarray(weights, np.float32)


def _pores(random: np.random.Generator, colour: Field, x: Field, y: Field) -> Field:
    """A few pale scars and pores: small, permanent, individual."""
    for _ in range(int(random.integers(2, 7))):
        px, py = random.uniform(270, 560), random.uniform(80, 340)
        radius = random.uniform(2.5, 6)
        box = (slice(int(py) - 9, int(py) + 10), slice(int(px) - 9, int(px) + 10))
        distance = np.hypot(x[box] - px, y[box] - py)
        colour[box] = mix(colour[box], (0.95, 0.90, 0.78), step(distance, radius, radius - 2.5))
        colour[box] = mix(colour[box], (0.35, 0.24, 0.16), step(distance, radius * 0.45, 0))
    return colour


def _skin(random: np.random.Generator, x: Field, y: Field) -> tuple[Field, Field]:
    """Wrinkled, finely scaled skin of throat and neck."""
    coarse = smooth_noise(random, SIZE, 90, 3)
    folds = np.sin((x * 0.75 + 0.25 * y + 26 * coarse) * 0.115, dtype=np.float32)
    scaly = smooth_noise(random, SIZE, 13, 2)
    colour = mix(_SKIN, (0.45, 0.38, 0.27), step(scaly + 0.6 * coarse, -0.1, 1.4) * 0.65)
    colour = mix(colour, (0.34, 0.29, 0.22), step(folds, 0.72, 1.0) * 0.5)
    return colour, 3.2 * np.abs(folds) ** 0.5 + 0.9 * scaly


def _mouth(colour: Field, height: Field, grain: Field) -> tuple[Field, Field]:
    """Beak, lower jaw and the line between them: alike in all turtles."""
    beak = fill(outline(_BEAK), SIZE, 5)
    jaw = fill(outline(_JAW), SIZE, 5)
    horn = mix(_HORN, (0.55, 0.36, 0.20), step(grain, 0.2, 2.2) * 0.55)
    stain = fill(
        outline([(30, 190), (90, 190), (128, 226), (96, 262), (60, 250), (30, 260)]), SIZE, 16
    )
    horn = mix(horn, (0.26, 0.18, 0.13), stain * 0.6)
    colour = mix(colour, horn, beak)
    colour = mix(colour, mix((0.87, 0.79, 0.60), (0.60, 0.50, 0.36), step(grain, 0, 2) * 0.5), jaw)
    line = outline(_MOUTH, closed=False)
    colour = mix(colour, (0.12, 0.08, 0.06), stroke(line, SIZE, 4, 1.2) * 0.95)
    colour = mix(colour, (0.30, 0.2, 0.14), stroke(line + as_field([0, 6]), SIZE, 10, 6) * 0.5)
    smooth = np.maximum(beak, jaw)
    return colour, height * (1 - smooth) + smooth * (4 + 0.6 * grain)


def _eye(
    random: np.random.Generator, colour: Field, height: Field, x: Field, y: Field
) -> tuple[Field, Field]:
    """A large dark eye in wrinkled lids."""
    dx, dy = x - EYE[0], y - EYE[1]
    across, down = dx * 0.966 + dy * 0.259, dy * 0.966 - dx * 0.259
    angle = np.arctan2(down, across)
    lid = np.hypot(across / 66, down / 52) + 0.02 * np.sin(5 * angle + random.uniform(0, 6))
    crumple = smooth_noise(random, x.shape[::-1], 16, 3)
    rings = np.sin(lid * 30 + 1.6 * crumple, dtype=np.float32)
    rings = np.asarray(0.5 * rings + 0.5 * np.clip(crumple, -1, 1))
    skin = mix((0.20, 0.16, 0.13), (0.50, 0.41, 0.30), (rings + 1) / 2 * step(lid, 0.50, 0.95))
    amount = step(lid, 1.06, 0.90)
    colour = mix(colour, skin, amount * 0.96)
    height = height * (1 - amount) + amount * (2 + 2 * rings)
    ball = np.hypot(across / 40, down / 30)
    colour = mix(colour, (0.07, 0.055, 0.05), step(ball, 1.02, 0.94))
    iris = step(ball, 0.90, 0.78) * step(np.hypot(across, down), 13, 16)
    colour = mix(colour, (0.21, 0.14, 0.085), iris * 0.75)
    colour = mix(colour, (0.45, 0.38, 0.3), step(np.abs(ball - 1.03), 0.05, 0.0) * 0.6)
    shine = step(np.hypot(across + 11, (down + 10) * 1.3), 6, 3)
    colour = mix(colour, (0.88, 0.93, 0.95), shine * 0.85)
    round_eye = step(ball, 1.0, 0.9)
    bulge = 14 * np.sqrt(np.clip(1 - ball**2, 0, 1))
    return colour, height * (1 - round_eye) + round_eye * bulge


def _nostril(colour: Field, x: Field, y: Field) -> Field:
    hole = step(np.hypot((x - 82) / 9, (y - 188) / 6), 1.3, 0.6)
    return mix(colour, (0.08, 0.05, 0.04), hole * 0.9)


def draw_body(random: np.random.Generator) -> tuple[Field, Field]:
    """Colour (h, w, 3) and coverage (h, w) of neck, shell and flipper."""
    y, x = np.mgrid[: BODY_SIZE[1], : BODY_SIZE[0]].astype(np.float32)
    grain = smooth_noise(random, BODY_SIZE, 40, 4)
    cover = fill(outline(_NECK), BODY_SIZE, 1)
    folds = np.sin((x + 0.25 * y + 9 * grain) * 0.21, dtype=np.float32)
    colour = mix(_SKIN, (0.36, 0.29, 0.21), step(folds + 0.8 * grain, -0.6, 1.6) * 0.8)
    colour = colour * (1.02 - 0.6 * step(y, 240, 385) - 0.25 * step(y, 250, 205))[..., None]
    shell = fill(outline(_SHELL), BODY_SIZE, 1)
    belly = step(y - 0.02 * x + 2 * grain, 350, 362)
    plates = mix(_shell(random, x, y, grain), as_field((0.62, 0.53, 0.36)), belly * 0.9)
    colour = colour * (1 - 0.6 * cv2.GaussianBlur(shell, (0, 0), 9))[..., None]
    colour, cover = mix(colour, plates, shell), np.maximum(cover, shell)
    flipper = fill(outline(_FLIPPER), BODY_SIZE, 1)
    colour = colour * (1 - 0.5 * cv2.GaussianBlur(flipper, (0, 0), 12))[..., None]
    colour = mix(colour, _flipper(random, x, y, grain), flipper)
    return np.clip(colour, 0, 1), np.maximum(cover, flipper)


def _shell(random: np.random.Generator, x: Field, y: Field, grain: Field) -> Field:
    """Large plates in rows, a row of small ones along the rim."""
    plan = [(232 + 92 * i, 290) for i in range(5)] + [(290 + 94 * i, 190) for i in range(4)]
    plan += [(390, 110), (480, 120), (186, 262), (206, 216)]
    plan += [(204 + 50 * i, 352) for i in range(9)]
    sites = np.asarray(plan, np.float32) + random.normal(0, 5, (len(plan), 2)).astype(np.float32)
    half = (slice(None, None, 2), slice(None, None, 2))
    weights = np.full(len(plan), 8, np.float32)
    seam = cells(sites, weights, (x + 5 * grain)[half], (y - 5 * grain)[half], 3)[1]
    seam = cv2.resize(seam, BODY_SIZE)
    blots = smooth_noise(random, BODY_SIZE, 18, 3)
    plates = mix(_AMBER, _DARK, step(0.6 * grain + 0.5 * blots, -1.2, 1.0) * 0.85)
    plates = mix((0.66, 0.53, 0.33), plates, step(seam, 0.4, 4.0))
    return np.asarray(plates * (0.45 + 0.6 * step(y - 0.1 * (x - 400), 340, 90))[..., None])


def _flipper(random: np.random.Generator, x: Field, y: Field, grain: Field) -> Field:
    sites = random.uniform((100, 310), (360, 600), (100, 2)).astype(np.float32)
    part = (slice(300, 600, 2), slice(100, 362, 2))
    _, seam = cells(
        sites, np.zeros(100, np.float32), (x + 3 * grain)[part], (y + 3 * grain)[part], 1
    )
    scales = np.zeros((BODY_SIZE[1], BODY_SIZE[0]), np.float32)
    scales[300:600, 100:362] = cv2.resize(seam, (262, 300))
    colour = mix((0.80, 0.70, 0.48), (0.30, 0.20, 0.11), step(scales + 0.6 * grain, 0.2, 3.2))
    return np.asarray(colour * (0.8 + 0.25 * step(x + 0.4 * y, 420, 340))[..., None])
