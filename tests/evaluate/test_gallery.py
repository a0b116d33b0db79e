"""The gallery of an evaluation: features as identification meets them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resight.catalogue.arrays import FeatureStore
from resight.evaluate.gallery import MemoryGallery
from resight.evaluate.protocol import Row
from resight.extractors.sift import Sift
from resight.matchers.nearest import NearestNeighbour
from resight.method import Method
from resight.types import Chip, Features


class Scaled(Sift):
    """SIFT with descriptors multiplied by a number."""

    def __init__(self, factor: float) -> None:
        super().__init__(max_keypoints=20)
        self.factor = factor

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        return [
            replace(features, descriptors=features.descriptors * np.float32(self.factor))
            for features in super().extract(chips)
        ]


class Bits(Sift):
    """Descriptors that are bit strings."""

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        return [
            replace(
                features,
                descriptors=(features.descriptors * 255).astype(np.uint8),
                metric="hamming",
            )
            for features in super().extract(chips)
        ]


@pytest.mark.parametrize("extractor", [Scaled(1), Scaled(1e6), Bits(max_keypoints=20)])
def test_features_are_those_that_a_catalogue_would_give(tmp_path: Path, extractor: Sift) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (12, 16, 3), np.uint8)
    Image.fromarray(np.repeat(np.repeat(pixels, 8, 0), 8, 1)).save(tmp_path / "a.png")
    method = Method("drawn", extractor, NearestNeighbour(), long_edge=128)
    gallery = MemoryGallery([Row(2, "a.png", "gallery", "Ada")], tmp_path, method)
    (entry,) = gallery.entries()
    (found,) = gallery.features([entry.annotation], extractor, long_edge=128, margin=0)

    chip = method.chip(np.asarray(Image.open(tmp_path / "a.png")))
    (made,) = extractor.extract([chip])
    kept = FeatureStore(tmp_path, "x").save("0" * 64, "whole", made)
    assert len(found) == 20
    assert found.descriptors.dtype == kept.descriptors.dtype
    np.testing.assert_array_equal(found.descriptors, kept.descriptors)
    np.testing.assert_array_equal(found.keypoints, kept.keypoints)
    np.testing.assert_array_equal(found.scores, kept.scores)
