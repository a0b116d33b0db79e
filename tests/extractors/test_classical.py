import subprocess
import sys
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest

from resight.errors import SettingsError, UnknownMethod
from resight.extractors import Extractor
from resight.extractors.corner_sift import CornerSift
from resight.extractors.fast_brief import FastBrief
from resight.extractors.orb import Orb
from resight.extractors.surf import Surf
from resight.matchers.nearest import NearestNeighbour
from resight.testing.conformance import ExtractorCase, chip_of, drawn_chip
from resight.types import Chip


class TestHarrisSift(ExtractorCase):
    variants: ClassVar = {"max_keypoints": 64, "measure": "shi-tomasi"}

    def make(self, **arguments: Any) -> CornerSift:
        return CornerSift(**arguments)


class TestShiTomasiSift(ExtractorCase):
    def make(self, **arguments: Any) -> CornerSift:
        return CornerSift(**({"measure": "shi-tomasi"} | arguments))


class TestFastBrief(ExtractorCase):
    def make(self, **arguments: Any) -> FastBrief:
        return FastBrief(**arguments)


class TestOrb(ExtractorCase):
    def make(self, **arguments: Any) -> Orb:
        return Orb(**arguments)


class TestSurf(ExtractorCase):
    def make(self, **arguments: Any) -> Surf:
        return Surf(**arguments)


def turned(chip: Chip) -> Chip:
    """By 90 degrees counter-clockwise."""
    return chip_of(np.ascontiguousarray(np.rot90(chip.pixels)))


def places_found_again(extractor: Extractor, chip: Chip, other: Chip) -> float:
    """Share of matches that lead to the place the chip was turned to."""
    before, after = extractor.extract([chip, other])
    (matches,) = NearestNeighbour().match(before, [after])
    x, y = before.keypoints[matches.pairs[:, 0]].T
    expected = np.stack([y, chip.size[0] - 1 - x], axis=1)
    found = after.keypoints[matches.pairs[:, 1]]
    assert len(matches) > 20
    return float(np.mean(np.linalg.norm(found - expected, axis=1) < 2))


#: Chance finds a place within two pixels in one of a thousand.
@pytest.mark.parametrize(("extractor", "share"), [(Orb(), 0.9), (Surf(), 0.7)])
def test_descriptors_turn_with_the_animal(extractor: Extractor, share: float) -> None:
    chip = drawn_chip(2)
    assert places_found_again(extractor, chip, turned(chip)) > share


@pytest.mark.parametrize(("extractor", "share"), [(Orb(), 0.9), (Surf(), 0.6)])
def test_orientations_turn_counter_clockwise_with_the_chip(
    extractor: Extractor, share: float
) -> None:
    chip = drawn_chip(2)
    before, after = extractor.extract([chip, turned(chip)])
    (matches,) = NearestNeighbour().match(before, [after])
    assert before.orientations is not None
    assert after.orientations is not None
    i, j = matches.pairs.T
    turns = (after.orientations[j] - before.orientations[i] - 90 + 180) % 360 - 180
    assert np.mean(np.abs(turns) < 10) > share


@pytest.mark.parametrize(
    "extractor", [CornerSift(), CornerSift(measure="shi-tomasi"), FastBrief(), Orb(), Surf()]
)
def test_a_darker_photo_with_less_contrast_matches(extractor: Extractor) -> None:
    chip = drawn_chip(3)
    dim = chip_of(np.rint(20 + 0.6 * chip.pixels).astype(np.uint8))
    before, after = extractor.extract([chip, dim])
    (matches,) = NearestNeighbour().match(before, [after])
    moved = before.keypoints[matches.pairs[:, 0]] - after.keypoints[matches.pairs[:, 1]]
    assert len(matches) > 30
    assert np.mean(np.linalg.norm(moved, axis=1) < 4) > 0.9


@pytest.mark.parametrize("measure", ["harris", "shi-tomasi"])
def test_corners_are_those_of_a_square(measure: str) -> None:
    pixels = np.full((100, 120, 3), 50, np.uint8)
    pixels[40:61, 30:71] = 200
    (features,) = CornerSift(measure=measure, max_keypoints=4).extract([chip_of(pixels)])
    corners = np.array([[30, 40], [30, 60], [70, 40], [70, 60]])
    order = np.lexsort(features.keypoints.T[::-1])
    assert np.abs(features.keypoints[order] - corners).max() <= 1


def test_a_fast_score_is_the_greatest_threshold() -> None:
    """A spot 100 levels above its surroundings is a corner up to a threshold of 99."""
    pixels = np.full((64, 64, 3), 50, np.uint8)
    pixels[32, 32] = 150
    (features,) = FastBrief().extract([chip_of(pixels)])
    assert features.keypoints.tolist() == [[32, 32]]
    assert features.scores.tolist() == [99]


def test_brief_is_orb_s_descriptor_of_an_upright_keypoint() -> None:
    chip = drawn_chip(4)
    (features,) = FastBrief(max_keypoints=20).extract([chip])
    keypoints = [cv2.KeyPoint(x, y, 31, 0) for x, y in features.keypoints.tolist()]
    grey = cv2.cvtColor(chip.pixels, cv2.COLOR_RGB2GRAY)
    _, expected = cv2.ORB.create(edgeThreshold=16).compute(grey, keypoints)
    np.testing.assert_array_equal(features.descriptors, expected)


def test_surf_finds_a_blob_and_how_large_it_is() -> None:
    rows, columns = np.mgrid[:201, :201]
    scales = []
    for radius in (3, 6):
        blob = 40 + 180 * np.exp(-((columns - 100) ** 2 + (rows - 100) ** 2) / (2 * radius**2))
        grey = np.rint(blob).astype(np.uint8)
        (features,) = Surf(max_keypoints=1).extract([chip_of(np.dstack([grey] * 3))])
        np.testing.assert_allclose(features.keypoints[0], (100, 100), atol=1)
        assert features.scales is not None
        scales.append(features.scales[0])
    assert scales[1] > 1.5 * scales[0]


@pytest.mark.parametrize("make", [CornerSift, FastBrief, Orb, Surf])
def test_no_keypoints_at_all_is_refused(make: Any) -> None:
    with pytest.raises(SettingsError, match="max_keypoints must be at least 1"):
        make(max_keypoints=0)


def test_an_unknown_corner_measure_is_refused() -> None:
    with pytest.raises(UnknownMethod, match="choose from harris, shi-tomasi"):
        CornerSift(measure="plessey")


def test_surf_without_mahotas_names_what_to_install() -> None:
    program = (
        "import sys; sys.modules['mahotas'] = None\n"
        "from resight.extractors.surf import Surf\n"
        "from resight.errors import MissingExtra\n"
        "try: Surf()\n"
        "except MissingExtra as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "pip install 'resight[surf]'" in done.stdout
