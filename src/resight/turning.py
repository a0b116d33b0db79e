"""A query turned, for animals that were photographed at any tilt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Optional

import numpy as np

from resight.chips import turned
from resight.extractors import Extractor
from resight.extractors.foreground import Foreground, on_animal
from resight.types import Chip, Features

#: Degrees. Networks know an animal up to some 30 degrees off, so these leave no tilt out.
TURNS = range(45, 360, 45)


@dataclass(frozen=True, eq=False)
class View:
    """A query as it is, or turned.

    ``features`` is what is compared; ``upright`` the same with keypoints in pixels of the chip
    as it is, in which evidence is given.
    """

    features: Features
    upright: Features


class Turning:
    """Views of a query's chip, which is had when the first one is asked for."""

    def __init__(self, extractor: Extractor, chip: Optional[Callable[[], Optional[Chip]]]) -> None:
        self._extractor = extractor
        self._had = chip
        self._chip: Optional[Chip] = None

    def __call__(self, degrees: float) -> Optional[View]:
        """The query turned counter-clockwise.

        ``None`` where there is no chip of it, or in this turn no keypoint of the animal: then what
        is around it says nothing, and least what lies off the chip.
        """
        if self._had is not None:
            had, self._had = self._had, None
            self._chip = self._with_animal(had())
        if self._chip is None:
            return None
        other, back = turned(self._chip, degrees)
        features = on_animal(self._extractor.extract([other])[0], other)
        if not len(features):
            return None
        keypoints = features.keypoints @ back[:, :2].T + back[:, 2]
        as_it_is = replace(features, keypoints=keypoints.astype(np.float32), size=self._chip.size)
        return View(features, as_it_is)

    def _with_animal(self, chip: Optional[Chip]) -> Optional[Chip]:
        """With the animal as it was found upright, so that it is not looked for in each turn."""
        if chip is None or not isinstance(self._extractor, Foreground):
            return chip
        (found,) = self._extractor.masked([chip])
        if found.animal is not None:
            return found
        w, h = chip.size
        return replace(chip, animal=np.ones((h, w), bool))
