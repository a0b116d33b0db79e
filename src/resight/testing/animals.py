"""Animals that exist only as drawings: each has a name, a pattern and two different sides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.testing import antelope, turtle
from resight.testing.noise import Field, generator

KINDS = ("scutes", "stripes")
DRAWN_SIDES = ("left", "right")
_NAMES = (
    "Donatello", "Raphael", "Michelangelo", "Leonardo", "Artemisia", "Botticelli", "Caravaggio",
    "Duccio", "Elisabetta", "Fiammetta", "Giotto", "Hieronymus", "Isabella", "Jacopo", "Ludovica",
    "Masaccio", "Niccolo", "Ottavia", "Perugino", "Quirina", "Rosalba", "Sofonisba", "Titian",
    "Uccello", "Veronese", "Zenobia",
)  # fmt: skip


@dataclass(frozen=True)
class DrawnAnimal:
    """One individual; equal name, seed and kind mean the same pattern, pixel for pixel.

    ``kind`` is ``scutes`` (the side of a sea turtle's head) or ``stripes`` (the
    flank of an antelope).
    """

    name: str
    seed: int = 0
    kind: str = "scutes"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r} of {self.name} is not one of {', '.join(KINDS)}")


@dataclass(frozen=True, eq=False)
class Texture:
    """One side of an animal, seen square on in even light.

    ``pixels`` (h, w, 3) uint8 RGB; ``mask`` (h, w) bool, the animal; ``cover``
    (h, w) float32 in [0, 1], the same with soft edges (a turtle's neck fades into
    its body, which is no part of the texture); ``height`` (h, w) float32, how far
    the surface stands out, in pixels. Arrays are read-only, for textures are cached.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    cover: Field
    height: Field


def drawn_animals(count: int, *, seed: int = 0, kind: str = "scutes") -> list[DrawnAnimal]:
    """``count`` different animals: the painters first, then numbered ones.

    >>> [animal.name for animal in drawn_animals(3)]
    ['Donatello', 'Raphael', 'Michelangelo']
    >>> drawn_animals(30)[-1].name
    'Animal 0030'
    """
    names = [*_NAMES, *(f"Animal {number:04d}" for number in range(len(_NAMES) + 1, count + 1))]
    return [DrawnAnimal(name, seed, kind) for name in names[:count]]


def require_side(side: str) -> None:
    """Refuse a side that is not drawn."""
    if side not in DRAWN_SIDES:
        raise ValueError(f"side {side!r} is not drawn; use one of {', '.join(DRAWN_SIDES)}")


@lru_cache(maxsize=16)
def draw_texture(animal: DrawnAnimal, side: str = "left") -> Texture:
    """The canonical pattern of one side: a left side faces left, a right side right."""
    require_side(side)
    random = generator("texture", animal.kind, animal.seed, animal.name, side)
    draw = turtle.draw_head if animal.kind == "scutes" else antelope.draw_flank
    colour, cover, height = (_facing(field, side) for field in draw(random))
    pixels = np.round(colour * 255).astype(np.uint8)
    texture = Texture(pixels, cover > 0.5, cover, height)
    for array in (texture.pixels, texture.mask, texture.height, texture.cover):
        array.flags.writeable = False
    return texture


@lru_cache(maxsize=8)
def draw_body(animal: DrawnAnimal, side: str) -> tuple[Field, Field]:
    """Colour and coverage of a turtle's body behind its head, in body pixels."""
    colour, cover = turtle.draw_body(generator("body", animal.seed, animal.name, side))
    colour, cover = _facing(colour, side), _facing(cover, side)
    colour.flags.writeable = cover.flags.writeable = False
    return colour, cover


def body_to_texture(side: str) -> NDArray[np.float64]:
    """(3, 3) affine from pixels of the body's drawing to pixels of the head's texture."""
    scale, (x, y) = turtle.BODY_SCALE, turtle.BODY_ORIGIN
    if side == "right":
        x = turtle.SIZE[0] - 1 - x - scale * (turtle.BODY_SIZE[0] - 1)
    return np.array([[scale, 0, x], [0, scale, y], [0, 0, 1]], np.float64)


def _facing(field: Field, side: str) -> Field:
    flipped = cv2.flip(field, 1) if side == "right" else field
    return np.ascontiguousarray(flipped, np.float32)
