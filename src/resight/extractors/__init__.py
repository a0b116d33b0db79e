"""Extractors: chip -> keypoints and descriptors. One file per method, named as its paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from resight.errors import SettingsError
from resight.types import Chip, Features


@runtime_checkable
class Extractor(Protocol):
    """Finds and describes keypoints.

    Arguments of an extractor are keyword-only with defaults and kept as
    attributes. ``fingerprint`` is name, version, every argument that changes
    the result and the sha256 of the weights: equal fingerprints mean equal
    features. ``extract`` keeps the order of its input, gives empty features for
    a chip without keypoints, at most ``max_keypoints`` otherwise, best first,
    and is safe to call from several threads. Where a chip's ``animal`` is known, one that can
    spends its keypoints there; ``Foreground`` drops what others find elsewhere.

    One that describes a chip as a whole says so by an attribute ``whole`` that is true, has
    ``max_keypoints`` 1 and gives every chip one keypoint, its centre (``whole_chip``).
    """

    family: str
    fingerprint: str
    max_keypoints: int

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        """Features of each chip."""
        ...


def check_count(name: str, max_keypoints: int) -> None:
    """Raise ``SettingsError`` for an extractor that could keep no keypoint."""
    if max_keypoints < 1:
        raise SettingsError(f"{name}: max_keypoints must be at least 1, got {max_keypoints}")


def describes_whole(extractor: Extractor) -> bool:
    """Whether photos have one descriptor each, so that comparing all is cheapest.

    Not to be told from ``max_keypoints``: one that is set to keep a single keypoint has that
    anywhere, and none in a flat chip.
    """
    return bool(getattr(extractor, "whole", False))


def whole_chip(
    chip: Chip, descriptor: NDArray[Any], *, family: str, metric: str, fingerprint: str
) -> Features:
    """Features that are one descriptor (D,) of the whole chip, at its centre."""
    w, h = chip.size
    return Features(
        keypoints=np.array([[(w - 1) / 2, (h - 1) / 2]], np.float32),
        descriptors=descriptor[None],
        scores=np.ones(1, np.float32),
        size=chip.size,
        family=family,
        metric=metric,
        fingerprint=fingerprint,
    )
