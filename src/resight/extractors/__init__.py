"""Extractors: chip -> keypoints and descriptors. One file per method, named as its paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from resight.types import Chip, Features


@runtime_checkable
class Extractor(Protocol):
    """Finds and describes keypoints.

    Arguments of an extractor are keyword-only with defaults and kept as
    attributes. ``fingerprint`` is name, version, every argument that changes
    the result and the sha256 of the weights: equal fingerprints mean equal
    features. ``extract`` keeps the order of its input, gives empty features for
    a chip without keypoints, at most ``max_keypoints`` otherwise, best first,
    and is safe to call from several threads.
    """

    family: str
    fingerprint: str
    max_keypoints: int

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        """Features of each chip."""
        ...
