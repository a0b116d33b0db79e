"""A photo that is asked about, and how another photo lies on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resight.catalogue import AnnotationRecord
from resight.quality import BLANK, detail
from resight.types import Chip, Evidence, Features, Photo


@dataclass(frozen=True, eq=False)
class PhotoQuery:
    """A photo file ready to be asked about.

    ``records`` are the annotations the catalogue has of this very photo (by its
    content); they, and the rest of ``encounter``, are never among the answers. ``mirrored``: chip,
    features and side are those of the photo in a mirror.
    """

    path: Path
    photo: Photo
    chip: Chip
    features: Features
    side: str
    encounter: str
    records: tuple[AnnotationRecord, ...]
    mirrored: bool = False

    @cached_property
    def is_blank(self) -> bool:
        """Whether there is nothing to see: one colour, black, or out of all focus."""
        return detail(self.chip.pixels) < BLANK


@dataclass(frozen=True, eq=False)
class Pair:
    """Matched points of a query and another photo, and how the one lies on the other.

    ``lines`` (K, 6) float32, best first: xy in the query's upright photo, xy in the other's,
    the match's score, and 1 where it agrees with the geometry. ``transform`` (3, 3) float64:
    other ~ transform x query, in homogeneous upright photo pixels; ``None`` without one.
    """

    lines: NDArray[np.float32]
    transform: NDArray[np.float64] | None

    @classmethod
    def of(
        cls,
        query: PhotoQuery,
        evidence: Evidence,
        keypoints: NDArray[np.float32],
        to_photo: NDArray[np.float64],
    ) -> Pair:
        """From chip pixels, in which photos are matched, to photo pixels."""
        matches, geometry = evidence.matches, evidence.geometry
        asked = evidence.of_query(query.features.keypoints)
        if matches.whole:
            return cls(np.zeros((0, 6), np.float32), None)
        from_, to = matches.pairs.T
        lines = np.column_stack(
            [
                query.chip.points_to_photo(asked[from_]),
                keypoints[to] @ to_photo[:, :2].T + to_photo[:, 2],
                matches.scores,
                geometry.inliers,
            ]
        ).astype(np.float32)
        lines = lines[np.lexsort((-lines[:, 4], -lines[:, 5]))]
        if geometry.model is None:
            return cls(lines, None)
        there, back = _square(to_photo), np.linalg.inv(_square(query.chip.to_photo))
        model = there @ geometry.model @ back
        return cls(lines, model / model[2, 2])


def _square(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.vstack([affine, [0.0, 0.0, 1.0]])
