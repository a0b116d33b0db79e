"""Which photos are weak, and whose, told by pictures made blurred, hazy, small and noisy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from resight.catalogue import Catalogue, plan_pattern
from resight.errors import PhotoError
from resight.quality import detail
from resight.testing import drawn_animals, photograph
from resight.types import Box
from resight.weakest import measure, weak_ones, weakest

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def turtle() -> Pixels:
    return photograph(drawn_animals(1)[0], seed=3, difficulty=0.1).pixels


def blurred(pixels: Pixels, sigma: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.uint8)


def test_blur_haze_darkness_and_distance_lessen_detail(turtle: Pixels) -> None:
    clear = detail(turtle)
    h, w = turtle.shape[:2]
    far = np.full_like(turtle, 90)
    small = cv2.resize(turtle, (w // 5, h // 5), interpolation=cv2.INTER_AREA)
    far[: h // 5, : w // 5] = small
    hazy = (0.3 * turtle + 120).astype(np.uint8)
    dark = (0.3 * turtle).astype(np.uint8)
    found = [detail(each) for each in (blurred(turtle, 4), far, hazy, dark)]
    assert max(found) < 0.5 * clear
    assert detail(blurred(turtle, 8)) < found[0] < detail(blurred(turtle, 2)) < clear


def test_a_box_measures_the_animal_alone(turtle: Pixels) -> None:
    around = np.full((2 * turtle.shape[0], 2 * turtle.shape[1], 3), 90, np.uint8)
    h, w = turtle.shape[:2]
    around[h // 2 : h // 2 + h, w // 2 : w // 2 + w] = turtle
    assert detail(around, Box(w // 2, h // 2, w, h)) == pytest.approx(detail(turtle), rel=1e-6)
    assert detail(around) < detail(turtle)
    with pytest.raises(PhotoError):
        detail(turtle, Box(-50, 0, 10, 10))


def test_noise_of_single_pixels_is_hardly_detail(turtle: Pixels) -> None:
    soft = blurred(turtle, 3)
    noise = np.random.default_rng(1).normal(0, 6, soft.shape[:2])[..., None]
    noisy = np.clip(soft + noise, 0, 255).astype(np.uint8)

    def laplacian(pixels: Pixels) -> float:
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
        return float(cv2.Laplacian(grey, cv2.CV_32F).std())

    assert laplacian(noisy) > laplacian(turtle), "what is often taken for sharpness"
    assert detail(noisy) < 0.6 * detail(turtle)


@pytest.fixture
def catalogue(tmp_path: Path, turtle: Pixels) -> Iterator[Catalogue]:
    """Twelve animals from both sides; the left side of one is blurred, one has no right side."""
    for animal in range(12):
        for side in ("left", "right"):
            path = tmp_path / "photos" / f"animal {animal}" / f"{animal}-{side}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.roll(turtle, 5 * animal + (side == "left"), axis=1)
            if (animal, side) == (3, "left"):
                pixels = blurred(pixels, 6)
            if (animal, side) != (5, "right"):
                Image.fromarray(pixels).save(path)
    with Catalogue.init(tmp_path / "catalogue") as made:
        yield made


def test_the_weakest_come_first(catalogue: Catalogue, tmp_path: Path) -> None:
    plan = plan_pattern(tmp_path / "photos", "{identity}/{_}-{side}")
    outcomes = list(catalogue.add(plan, actor="test"))
    records = catalogue.annotations()
    told: list[tuple[int, int]] = []
    details = measure(catalogue, records, lambda *done: told.append(done))
    assert told[-1] == (23, 23)
    assert details == pytest.approx({each.annotation: each.detail for each in outcomes}, abs=1e-4)
    lacking, blurry = weakest(records, details)
    assert (lacking.individual, lacking.side, lacking.best) == ("animal 5", "right", None)
    assert (blurry.individual, blurry.side, blurry.below) == ("animal 3", "left", 0)
    assert blurry.best
    assert catalogue.annotations([blurry.best])[0].name.endswith("3-left.png")


def test_what_was_measured_is_not_measured_again(catalogue: Catalogue, tmp_path: Path) -> None:
    plan = plan_pattern(tmp_path / "photos", "{identity}/{_}-{side}")
    list(catalogue.add(plan, actor="test"))
    records = catalogue.annotations()
    first = measure(catalogue, records)
    told: list[tuple[int, int]] = []
    lost = catalogue.original(records[0].photo.sha256)
    lost.chmod(0o600)
    lost.write_bytes(b"damaged since")
    kept = catalogue.folder / "features" / "details.v1.jsonl"
    kept.write_bytes(kept.read_bytes()[:-5])  # as a crash leaves it
    again = measure(catalogue, records, lambda *done: told.append(done))
    assert told == [(1, 1)]
    assert again.items() <= first.items()
    assert len(again) >= len(first) - 1, "one that is damaged is left out"


def test_weak_new_photos_are_told_among_enough_others(
    catalogue: Catalogue, tmp_path: Path, turtle: Pixels
) -> None:
    plan = plan_pattern(tmp_path / "photos", "{identity}/{_}-{side}")
    added = list(catalogue.add(plan, actor="test"))
    assert weak_ones(catalogue, added[:10]) == [], "among ten nothing is usual"
    (weak,) = weak_ones(catalogue, added)
    assert weak.individual == "animal 3"
