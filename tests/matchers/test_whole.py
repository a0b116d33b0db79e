from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from resight.errors import IncompatibleFeatures
from resight.extractors.thumbnail import SIDE, Thumbnail
from resight.matchers import Matcher
from resight.matchers.cosine import Cosine
from resight.matchers.ssim import Ssim, ssim
from resight.testing.conformance import MatcherCase, chip_of, drawn_chip, random_features
from resight.types import Features

Picture = NDArray[np.float64]


class TestCosine(MatcherCase):
    contrast: ClassVar = 1.5

    def make(self, **arguments: Any) -> Matcher:
        return Cosine()

    def features(self, seed: int, n: int) -> Features:
        return random_features(seed, min(n, 1), family="embedding", dimensions=256)


class TestSsim(MatcherCase):
    contrast: ClassVar = 1.3

    def make(self, **arguments: Any) -> Matcher:
        return Ssim()

    def features(self, seed: int, n: int) -> Features:
        if n == 0:
            return random_features(seed, 0, metric="l2", family="thumbnail", dimensions=SIDE**2)
        return Thumbnail().extract([drawn_chip(seed)])[0]


def random_picture(seed: int) -> Picture:
    noise = np.random.default_rng(seed).uniform(0, 255, (40, 50))
    return np.asarray(gaussian_filter(noise, 1.0), np.float64)


def published_ssim(one: Picture, other: Picture) -> float:
    """The paper's equations 13 and 14 by SciPy, over whole windows of 11 x 11."""

    def mean(values: Picture) -> Picture:
        return np.asarray(gaussian_filter(values, 1.5, radius=5)[5:-5, 5:-5], np.float64)

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mx, my = mean(one), mean(other)
    sxx, syy = mean(one**2) - mx**2, mean(other**2) - my**2
    sxy = mean(one * other) - mx * my
    parts = (2 * mx * my + c1) * (2 * sxy + c2) / ((mx**2 + my**2 + c1) * (sxx + syy + c2))
    return float(parts.mean())


@pytest.mark.parametrize("seed", range(4))
def test_ssim_is_the_published_formula(seed: int) -> None:
    one, other = random_picture(seed), random_picture(seed + 10)
    mixed = 0.7 * one + 0.3 * other
    assert ssim(one, mixed) == pytest.approx(published_ssim(one, mixed), abs=1e-9)


def test_ssim_of_a_negative_is_below_zero() -> None:
    picture = random_picture(1)
    assert ssim(picture, picture) == pytest.approx(1)
    assert ssim(picture, 255 - picture) < -0.5


def test_ssim_fails_where_the_animal_is_turned() -> None:
    """Which is what this baseline is here to show."""
    chip = drawn_chip(1, (256, 256))
    turned = chip_of(np.ascontiguousarray(np.rot90(chip.pixels)))
    query, same, stranger = Thumbnail().extract([chip, turned, drawn_chip(2, (256, 256))])
    of_same, of_stranger = Ssim().match(query, [same, stranger])
    assert abs(of_same.scores[0] - of_stranger.scores[0]) < 0.1


def embedding(*values: float) -> Features:
    vector = np.array([values], np.float32)
    return replace(
        random_features(1, 1, family="embedding", dimensions=len(values)),
        descriptors=vector / np.linalg.norm(vector),
    )


def test_a_cosine_of_minus_one_to_one_is_a_score_of_zero_to_one() -> None:
    gallery = [embedding(1, 0), embedding(0, 1), embedding(-1, 0), embedding(3, 4)]
    found = Cosine().match(embedding(1, 0), gallery)
    assert [float(matches.scores[0]) for matches in found] == pytest.approx([1, 0.5, 0, 0.8])
    assert all(matches.whole and matches.confidences is None for matches in found)


@pytest.mark.parametrize(
    ("matcher", "other"),
    [
        (Cosine(), random_features(1, 5)),
        (Cosine(), embedding(1, 0, 0)),
        (Ssim(), random_features(1, 5)),
    ],
)
def test_features_for_other_matchers_are_refused(matcher: Any, other: Features) -> None:
    ours = {Cosine: embedding(1, 0), Ssim: Thumbnail().extract([drawn_chip(1)])[0]}[type(matcher)]
    with pytest.raises(IncompatibleFeatures):
        matcher.match(ours, [other])
