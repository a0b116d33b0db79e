"""Synthetic animals: individuals that never lived, photographed with known truth.

For tests, documentation, the demo and calibration priors, none of which may show
a real photo that is not ours. No product module imports this package.

>>> donatello = drawn_animals(4)[0]
>>> photo = photograph(donatello, seed=7, side="left", difficulty=0.2)
>>> photo.pixels.shape, photo.animal.name, photo.side
((480, 640, 3), 'Donatello', 'left')
"""

from resight.testing.animals import DrawnAnimal, Texture, draw_texture, drawn_animals
from resight.testing.folders import WrittenPhoto, write_jpeg, write_photos
from resight.testing.photography import DrawnPhoto, photograph

__all__ = [
    "DrawnAnimal",
    "DrawnPhoto",
    "Texture",
    "WrittenPhoto",
    "draw_texture",
    "drawn_animals",
    "photograph",
    "write_jpeg",
    "write_photos",
]
