"""The growing galleries of the benchmark: distinct photos, copies, and whose turn it is."""

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from resight.testing.conformance import random_features
from resight.types import Features, GalleryEntry

MADE = 3


@pytest.fixture(scope="module")
def growth() -> ModuleType:
    path = Path(__file__).parents[1] / "benchmarks" / "growth.py"
    spec = importlib.util.spec_from_file_location("growth", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def features(seed: int) -> Features:
    return random_features(seed, 40, dimensions=128, family="aliked")


class Two:
    """A protocol's gallery of two photos."""

    def entries(self) -> Sequence[GalleryEntry]:
        return [GalleryEntry(name, name, name) for name in ("a", "b")]

    def features(self, annotations: Sequence[str], *_: Any, **__: Any) -> Iterator[Features]:
        return (features({"a": 100, "b": 101}[name]) for name in annotations)


@pytest.fixture
def extractor() -> Any:
    return SimpleNamespace(family="aliked", fingerprint="made")


def grown(growth: ModuleType, work: Path, extractor: Any, kind: str, size: int) -> Any:
    for each in ("drawn", "derived"):
        kept = growth.Kept(work / each, MADE, "made")
        for row in range(MADE):
            kept.put(row, features(row + 10 * (each == "derived")))
    method = SimpleNamespace(extractor=extractor)
    return growth.gallery(Two(), kind, size, work=work, count=2 * MADE, method=method)


def test_distractors_fill_a_gallery_in_turn(
    growth: ModuleType, tmp_path: Path, extractor: Any
) -> None:
    gallery = grown(growth, tmp_path, extractor, "mixed", 6)
    names = [entry.annotation for entry in gallery.entries()]
    assert names == ["a", "b", *(f"{k} {n}, copy 0" for n in (0, 1) for k in ("drawn", "derived"))]
    asked = [names[5], "b", names[2], "a"]
    found = list(gallery.features(asked, extractor, long_edge=512, margin=0.0))
    for each, seed in zip(found, (11, 101, 0, 100), strict=True):
        np.testing.assert_array_equal(each.keypoints, features(seed).keypoints)
        np.testing.assert_allclose(each.descriptors, features(seed).descriptors, atol=1e-3)


def test_a_copy_is_like_its_photo_and_like_no_other_copy(
    growth: ModuleType, tmp_path: Path, extractor: Any
) -> None:
    gallery = grown(growth, tmp_path, extractor, "drawn", 2 + 3 * MADE)
    names = [f"drawn 1, copy {copy}" for copy in (0, 1, 2, 1)]
    photo, first, second, again = gallery.features(names, extractor, long_edge=512, margin=0.0)
    alike = (photo.descriptors * first.descriptors).sum(1)
    assert 0.9 < alike.min() < alike.max() < 0.99
    assert np.abs(first.descriptors - second.descriptors).max() > 0.05
    np.testing.assert_array_equal(first.keypoints, again.keypoints)


def test_a_photo_that_was_not_made_is_no_photo(
    growth: ModuleType, tmp_path: Path, extractor: Any
) -> None:
    with pytest.raises(SystemExit, match=r"photo 0 of .* has not been made"):
        growth.Kept(tmp_path, MADE, "made").get(0, 0, extractor)


def test_features_of_another_extractor_are_not_mixed_in(growth: ModuleType, tmp_path: Path) -> None:
    growth.Kept(tmp_path, MADE, "made")
    with pytest.raises(SystemExit, match="give another --work"):
        growth.Kept(tmp_path, MADE, "made otherwise")
