from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from resight.chips import make_chip
from resight.engine import open_engine
from resight.extractors.aliked import Aliked
from resight.extractors.foreground import Foreground, described
from resight.extractors.sift import Sift
from resight.extractors.thumbnail import Thumbnail
from resight.models.graphs import compiled_folder
from resight.registry import build_method
from resight.segment.u2net import U2NetP
from resight.settings import Settings
from resight.testing import drawn_animals, photograph
from resight.testing.conformance import ExtractorCase, chip_of, drawn_chip
from resight.types import Chip, Features


@dataclass
class Painted:
    """A segmenter that finds the same map everywhere."""

    mask: NDArray[np.float32]
    fingerprint: str = "painted"

    def masks(self, chips: Sequence[Chip]) -> list[NDArray[np.float32]]:
        return [self.mask for _ in chips]


def columns(*values: float) -> Painted:
    return Painted(np.array([values], np.float32))


class TestForegroundOfSift(ExtractorCase):
    """Of everything, so that the case's expectations of an extractor hold."""

    variants: ClassVar = {"max_keypoints": 64}

    def make(self, **arguments: Any) -> Foreground:
        return Foreground(Sift(**arguments), columns(1))


def right_half(chip: Chip) -> Painted:
    mask = np.zeros(chip.pixels.shape[:2], np.float32)
    mask[:, chip.size[0] // 2 :] = 1
    return Painted(mask)


def test_only_keypoints_on_the_animal_are_kept_best_first() -> None:
    chip = drawn_chip(1)
    (everything,) = Sift().extract([chip])
    (found,) = Foreground(Sift(), right_half(chip)).extract([chip])
    inside = everything.keypoints[:, 0] > chip.size[0] / 2 - 0.5  # pixel centres are at integers
    assert 0 < inside.sum() < len(everything)
    np.testing.assert_array_equal(found.keypoints, everything.keypoints[inside])
    np.testing.assert_array_equal(found.descriptors, everything.descriptors[inside])
    assert found.scales is not None
    assert len(found.scales) == len(found)


def test_aliked_spends_its_keypoints_on_the_animal() -> None:
    chip = drawn_chip(1)
    engine = open_engine(cache=compiled_folder())
    (found,) = Foreground(Aliked(engine=engine, max_keypoints=30), right_half(chip)).extract([chip])
    assert 25 <= len(found) <= 30  # refined, a point may leave the mask by a pixel
    assert found.keypoints[:, 0].min() >= chip.size[0] // 2 - 1


def test_all_are_kept_where_the_animal_was_missed() -> None:
    chip = drawn_chip(1)
    (everything,) = Sift().extract([chip])
    (found,) = Foreground(Sift(), Painted(np.zeros((8, 8), np.float32))).extract([chip])
    np.testing.assert_array_equal(found.keypoints, everything.keypoints)
    assert found.fingerprint != everything.fingerprint


def test_all_are_kept_where_the_map_is_unsure() -> None:
    """Of a head that fills a murky chip it may see an eye, and hardly less of all the rest."""
    chip = drawn_chip(1)
    (everything,) = Sift().extract([chip])
    unsure = np.full((20, 20), 0.15, np.float32)
    unsure[8:14, 8:14] = 0.7
    sure = np.where(unsure > 0.5, np.float32(0.9), np.float32(0.01))
    (all_of_it,), (part,) = (Foreground(Sift(), Painted(m)).extract([chip]) for m in (unsure, sure))
    np.testing.assert_array_equal(all_of_it.keypoints, everything.keypoints)
    assert 0 < len(part) < len(everything)


def test_all_are_kept_where_what_was_found_has_no_keypoints() -> None:
    pixels = drawn_chip(1).pixels.copy()
    pixels[:, pixels.shape[1] // 2 - 20 :] = 128
    chip = chip_of(pixels)
    (everything,) = Sift().extract([chip])
    (found,) = Foreground(Sift(), right_half(chip)).extract([chip])
    np.testing.assert_array_equal(found.keypoints, everything.keypoints)
    assert found.fingerprint != everything.fingerprint


def test_what_a_person_said_goes_before_what_was_found() -> None:
    chip, other = drawn_chip(1), drawn_chip(2)
    said = np.zeros(chip.pixels.shape[:2], bool)
    said[:, : chip.size[0] // 2] = True
    for extractor in (Foreground(Sift(), right_half(chip)), Sift()):
        one, two = described(extractor, [replace(chip, animal=said), other])
        assert 0 < one.keypoints[:, 0].max() < chip.size[0] / 2
        (alone,) = extractor.extract([other])
        np.testing.assert_array_equal(two.keypoints, alone.keypoints)


def test_what_a_person_said_counts_for_nothing_where_nothing_is_seen_on_it() -> None:
    pixels = drawn_chip(1).pixels.copy()
    pixels[:, : pixels.shape[1] // 2 + 20] = 128
    chip = chip_of(pixels)
    said = np.zeros(chip.pixels.shape[:2], bool)
    said[:, : chip.size[0] // 2] = True
    for extractor in (Foreground(Sift(), right_half(chip)), Sift()):
        (found,) = described(extractor, [replace(chip, animal=said)])
        (unsaid,) = extractor.extract([chip])
        np.testing.assert_array_equal(found.keypoints, unsaid.keypoints)


def test_an_extractor_of_whole_chips_is_not_concerned() -> None:
    chip = drawn_chip(1)
    said = np.zeros(chip.pixels.shape[:2], bool)
    said[0, 0] = True
    (found,), (unsaid,) = (
        described(Thumbnail(), [replace(chip, animal=said)]),
        Thumbnail().extract([chip]),
    )
    np.testing.assert_array_equal(found.descriptors, unsaid.descriptors)


def test_the_fingerprint_follows_both_parts() -> None:
    prints = {
        Foreground(Sift(), columns(1)).fingerprint,
        Foreground(Sift(max_keypoints=5), columns(1)).fingerprint,
        Foreground(Sift(), Painted(np.ones((1, 1), np.float32), "other")).fingerprint,
    }
    assert len(prints) == 3


def test_surroundings_go_and_the_animal_stays() -> None:
    segmenter = U2NetP(engine=open_engine(precision="auto", cache=compiled_folder()))
    photo = photograph(drawn_animals(1, seed=4, kind="stripes")[0], seed=1, difficulty=0.4)
    chip = make_chip(photo.pixels)
    (everything,), (found,) = (
        extractor.extract([chip]) for extractor in (Sift(), Foreground(Sift(), segmenter))
    )

    def on_animal(features: Features) -> int:
        x, y = np.rint(chip.to_photo[:, :2] @ features.keypoints.T + chip.to_photo[:, 2:])
        return int(photo.mask[y.astype(int), x.astype(int)].sum())

    assert on_animal(found) > 0.9 * on_animal(everything)
    around = len(everything) - on_animal(everything)
    assert 0 < len(found) - on_animal(found) < 0.5 * around


@pytest.mark.parametrize(
    "name",
    ["sift", "orb", "surf", "fast_brief", "harris_sift", "shi_tomasi_sift", "xfeat", "disk"],
)
def test_keypoints_are_spent_on_the_animal(name: str) -> None:
    """As many as there are to be had there, not those that are left of the best of all."""
    if name == "surf":
        pytest.importorskip("mahotas")
    chip = drawn_chip(1)
    animal = right_half(chip).mask > 0
    made = {
        count: build_method(
            f"{name}+nearest", Settings(max_keypoints=count, segment="none", contrast="none")
        ).extractor
        for count in (40, 5000)
    }
    (every,) = made[5000].extract([chip])
    x, y = np.rint(every.keypoints).astype(int).T
    there = animal[np.clip(y, 0, len(animal) - 1), np.clip(x, 0, animal.shape[1] - 1)].sum()
    (found,) = described(made[40], [replace(chip, animal=animal)])
    assert len(found) >= 0.9 * min(40, there) > 10
