"""What every extractor and every matcher must do, as test cases to subclass.

Name the subclass ``Test...`` and say how the component is made::

    class TestSift(ExtractorCase):
        variants: ClassVar = {"max_keypoints": 64, "contrast_threshold": 0.02}

        def make(self, **arguments):
            return Sift(**arguments)

pytest collects the tests of the contract in ``resight.extractors.Extractor`` or
``resight.matchers.Matcher``. Third parties' components are held to the same.
"""

# ruff: noqa: S101  (these are tests: assert is the point)

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.errors import IncompatibleFeatures
from resight.extractors import Extractor, describes_whole
from resight.matchers import Matcher
from resight.types import Chip, Features, Matches


def drawn_chip(seed: int, size: tuple[int, int] = (256, 192)) -> Chip:
    """A chip full of corners and blobs: blurred discs and polygons, ``(w, h)``."""
    rng = np.random.default_rng(seed)
    w, h = size
    pixels = np.full((h, w, 3), 128, np.uint8)
    for _ in range(90):
        colour = rng.integers(0, 256, 3).tolist()
        centre = rng.integers(0, (w, h))
        if rng.random() < 0.5:
            cv2.circle(pixels, centre.tolist(), int(rng.integers(2, 14)), colour, -1, cv2.LINE_AA)
        else:
            corners = centre + rng.integers(-18, 19, (4, 2))
            cv2.fillConvexPoly(
                pixels, cv2.convexHull(corners.astype(np.int32)), colour, cv2.LINE_AA
            )
    return chip_of(cv2.GaussianBlur(pixels, (0, 0), 0.8))


def chip_of(pixels: NDArray[np.uint8]) -> Chip:
    """A chip that is its own photo."""
    return Chip(pixels, np.eye(2, 3))


class _AnyExtractorCase:
    """What holds for keypoints and for descriptors of the whole chip alike."""

    #: One other value for every argument that changes the result.
    variants: ClassVar[Mapping[str, Any]] = {}

    def make(self, **arguments: Any) -> Extractor:
        """The component with these arguments, the others at their defaults."""
        raise NotImplementedError

    def test_no_chips_give_no_features(self) -> None:
        assert self.make().extract([]) == []

    def test_features_keep_the_order_of_chips_and_ignore_their_mates(self) -> None:
        extractor = self.make()
        chips = [drawn_chip(1), drawn_chip(2, (120, 200)), drawn_chip(3)]
        together = extractor.extract(chips)
        assert len(together) == len(chips)
        for chip, features in zip(chips, together, strict=True):
            _assert_same_features(features, extractor.extract([chip])[0])

    def test_tiny_and_narrow_chips(self) -> None:
        extractor = self.make()
        for size in ((1, 1), (2, 2), (8, 8), (1, 40), (5, 700), (700, 5), (33, 17)):
            chip = drawn_chip(4, size)
            _check_features(extractor.extract([chip])[0], extractor, chip)

    def test_arrays_are_read_only(self) -> None:
        (features,) = self.make().extract([drawn_chip(1)])
        for array in _arrays(features).values():
            assert not array.flags.writeable

    def test_fingerprint_is_stable_and_follows_every_argument(self) -> None:
        _check_fingerprints(self.make, self.variants)

    def test_threads_agree_with_one_thread(self) -> None:
        extractor = self.make()
        chips = [drawn_chip(seed) for seed in range(4)]
        alone = [extractor.extract([chip])[0] for chip in chips]
        with ThreadPoolExecutor(4) as threads:
            together = list(threads.map(lambda chip: extractor.extract([chip])[0], chips * 2))
        for features, expected in zip(together, alone * 2, strict=True):
            _assert_same_features(features, expected)


class ExtractorCase(_AnyExtractorCase):
    """Proves the contract of ``resight.extractors.Extractor``."""

    variants: ClassVar[Mapping[str, Any]] = {"max_keypoints": 64}
    #: Whether a chip of one colour gives no keypoints. Networks that always
    #: return their highest peaks may say no here; finite they must be.
    flat_is_empty: ClassVar[bool] = True
    #: How many pixels to one side of what they mark keypoints may lie, on average. Networks
    #: may learn to be off by the same amount in all upright photos, which nobody notices.
    offset: ClassVar[float] = 0.1

    def test_finds_keypoints_in_a_drawing(self) -> None:
        (features,) = self.make().extract([drawn_chip(1)])
        assert len(features) >= 30

    def test_features_are_valid_and_best_first(self) -> None:
        extractor, chip = self.make(), drawn_chip(1)
        (features,) = extractor.extract([chip])
        _check_features(features, extractor, chip)

    def test_a_flat_chip_gives_no_keypoints(self) -> None:
        extractor = self.make()
        for level in (0, 128, 255):
            chip = chip_of(np.full((96, 128, 3), level, np.uint8))
            (features,) = extractor.extract([chip])
            _check_features(features, extractor, chip)
            if self.flat_is_empty:
                assert len(features) == 0, f"{len(features)} keypoints in a chip of one colour"

    def test_empty_features_have_the_usual_descriptor_length(self) -> None:
        extractor = self.make()
        some, tiny = extractor.extract([drawn_chip(1), chip_of(np.zeros((1, 1, 3), np.uint8))])
        assert tiny.descriptors.shape[1] == some.descriptors.shape[1]
        assert tiny.descriptors.dtype == some.descriptors.dtype

    def test_max_keypoints_keeps_the_best(self) -> None:
        chip = drawn_chip(1)
        (many,) = self.make().extract([chip])
        (few,) = self.make(max_keypoints=16).extract([chip])
        assert len(few) == 16
        np.testing.assert_allclose(few.scores, many.scores[:16], rtol=1e-5)

    def test_pixel_centres_are_at_integers(self) -> None:
        """Turning a chip half round turns its keypoints about the chip's centre."""
        extractor = self.make()
        chip = drawn_chip(5)
        turned = chip_of(np.ascontiguousarray(chip.pixels[::-1, ::-1]))
        there, back = (features.keypoints for features in extractor.extract([chip, turned]))
        back = np.array(chip.size, np.float32) - 1 - back
        offsets = back[None] - there[:, None]
        nearest = np.linalg.norm(offsets, axis=2).argmin(axis=1)
        offsets = offsets[np.arange(len(there)), nearest]
        offsets = offsets[np.linalg.norm(offsets, axis=1) < 1.3 + 2 * self.offset]
        assert len(offsets) >= 10, "too few keypoints found again to tell"
        np.testing.assert_allclose(np.median(offsets, axis=0), 0, atol=2 * self.offset)


class WholeChipCase(_AnyExtractorCase):
    """As ``ExtractorCase``, of an extractor that describes a chip as a whole."""

    def test_every_chip_has_one_descriptor_at_its_centre(self) -> None:
        extractor = self.make()
        flat = chip_of(np.full((96, 128, 3), 128, np.uint8))
        chips = [drawn_chip(1), flat, drawn_chip(2, (1, 40)), drawn_chip(3, (700, 5))]
        found = extractor.extract(chips)
        for chip, features in zip(chips, found, strict=True):
            _check_features(features, extractor, chip)
            centre = (np.array(chip.size) - 1) / 2
            np.testing.assert_array_equal(features.keypoints, [centre])
        assert len({features.descriptors.shape for features in found}) == 1

    def test_other_chips_have_other_descriptors(self) -> None:
        one, same, other = self.make().extract([drawn_chip(1), drawn_chip(1), drawn_chip(2)])
        np.testing.assert_array_equal(one.descriptors, same.descriptors)
        assert not np.allclose(one.descriptors, other.descriptors, rtol=1e-2)

    def test_it_says_that_it_describes_the_whole(self) -> None:
        assert describes_whole(self.make())


class MatcherCase:
    """Proves the contract of ``resight.matchers.Matcher``."""

    #: One other value for every argument that changes the result.
    variants: ClassVar[Mapping[str, Any]] = {}
    #: How far scores may differ between calls with other photos in the gallery.
    score_tolerance: ClassVar[float] = 1e-6
    #: How many times as much as another photo the same one scores at least. Less than the
    #: 2 of keypoints where photos are compared as wholes.
    contrast: ClassVar[float] = 2

    def make(self, **arguments: Any) -> Matcher:
        """The component with these arguments, the others at their defaults."""
        raise NotImplementedError

    def features(self, seed: int, n: int) -> Features:
        """``n`` or fewer keypoints of drawing ``seed``: random unit vectors, unless overridden.

        Networks need features of a real extractor here. 0 must give none.
        """
        return random_features(seed, n)

    def test_an_identical_photo_matches_itself(self) -> None:
        query = self.features(1, 200)
        same, other = self.make().match(query, [query, self.features(2, 200)])
        assert len(same) >= 0.8 * len(query)
        assert np.mean(same.pairs[:, 0] == same.pairs[:, 1]) >= 0.95
        assert same.scores.sum() > self.contrast * other.scores.sum()

    def test_matches_are_valid(self) -> None:
        query = self.features(1, 200)
        gallery = [query, self.features(2, 150), self.features(3, 20)]
        for features, matches in zip(gallery, self.make().match(query, gallery), strict=True):
            _check_matches(matches, query, features)

    def test_no_gallery_gives_no_matches(self) -> None:
        assert self.make().match(self.features(1, 50), []) == []

    def test_either_side_may_be_empty_or_tiny(self) -> None:
        matcher = self.make()
        for n_query, n_gallery in ((0, 50), (50, 0), (0, 0), (1, 50), (50, 1), (1, 1), (2, 2)):
            query, features = self.features(1, n_query), self.features(2, n_gallery)
            (matches,) = matcher.match(query, [features])
            _check_matches(matches, query, features)
            if not (len(query) and len(features)):
                assert len(matches) == 0

    def test_matches_keep_the_gallery_s_order_and_ignore_other_photos(self) -> None:
        matcher = self.make()
        query = self.features(1, 200)
        gallery = [self.features(2, 200), query, self.features(3, 0), self.features(4, 60)]
        for features, matches in zip(gallery, matcher.match(query, gallery), strict=True):
            self._assert_same_matches(matches, matcher.match(query, [features])[0])

    def test_another_family_is_refused(self) -> None:
        matcher = self.make()
        ours = self.features(1, 50)
        foreign = replace(self.features(2, 50), family="made-up-family")
        for query, gallery in ((ours, [ours, foreign]), (foreign, [ours])):
            _assert_refused(matcher, query, gallery)
        if "made-up-family" not in matcher.accepts and matcher.accepts != {"*"}:
            _assert_refused(matcher, foreign, [foreign])

    def test_arrays_are_read_only(self) -> None:
        query = self.features(1, 50)
        (matches,) = self.make().match(query, [query])
        for array in (matches.pairs, matches.scores, matches.confidences):
            assert array is None or not array.flags.writeable

    def test_fingerprint_is_stable_and_follows_every_argument(self) -> None:
        _check_fingerprints(self.make, self.variants)

    def test_threads_agree_with_one_thread(self) -> None:
        matcher = self.make()
        photos = [self.features(seed, 100) for seed in range(4)]
        alone = [matcher.match(photo, photos[:2]) for photo in photos]
        with ThreadPoolExecutor(4) as threads:
            together = list(threads.map(lambda query: matcher.match(query, photos[:2]), photos * 2))
        for found, expected in zip(together, alone * 2, strict=True):
            for matches, once in zip(found, expected, strict=True):
                self._assert_same_matches(matches, once)

    def _assert_same_matches(self, found: Matches, expected: Matches) -> None:
        np.testing.assert_array_equal(found.pairs, expected.pairs)
        tolerance = self.score_tolerance
        np.testing.assert_allclose(found.scores, expected.scores, atol=tolerance)
        assert (found.confidences is None) == (expected.confidences is None)
        if found.confidences is not None and expected.confidences is not None:
            np.testing.assert_allclose(found.confidences, expected.confidences, atol=tolerance)


def random_features(
    seed: int, n: int, *, metric: str = "cosine", family: str = "drawn", dimensions: int = 64
) -> Features:
    """``n`` random keypoints with random descriptors fit for ``metric``."""
    rng = np.random.default_rng(seed)
    descriptors: NDArray[Any]
    if metric == "hamming":
        descriptors = rng.integers(0, 256, (n, dimensions // 8), dtype=np.uint8)
    else:
        descriptors = rng.standard_normal((n, dimensions)).astype(np.float32)
        if metric == "cosine":
            descriptors /= np.linalg.norm(descriptors, axis=1, keepdims=True)
    return Features(
        keypoints=rng.uniform(0, 200, (n, 2)).astype(np.float32),
        descriptors=descriptors,
        scores=np.sort(rng.random(n, dtype=np.float32))[::-1].copy(),
        size=(256, 256),
        family=family,
        metric=metric,
        fingerprint="random.v1",
    )


def _arrays(features: Features) -> dict[str, NDArray[Any]]:
    names = ("keypoints", "descriptors", "scores", "scales", "orientations")
    values = {name: getattr(features, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _check_features(features: Features, extractor: Extractor, chip: Chip) -> None:
    assert len(features) <= extractor.max_keypoints
    assert features.size == chip.size
    assert features.family == extractor.family
    assert features.fingerprint == extractor.fingerprint
    assert features.scores.dtype == np.float32
    for name, array in _arrays(features).items():
        assert np.isfinite(array).all(), f"{name} of a {chip.size} chip are not finite"
    assert (np.diff(features.scores) <= 0).all(), "keypoints are not best first"
    assert (features.keypoints >= -0.5).all(), "keypoints lie left of or above the chip"
    assert (features.keypoints <= np.array(chip.size) - 0.5).all(), "keypoints lie past the chip"
    if features.orientations is not None:
        assert ((features.orientations >= 0) & (features.orientations < 360)).all()
    if features.metric == "cosine" and features.descriptors.size:
        lengths = np.linalg.norm(features.descriptors.astype(np.float64), axis=1)
        np.testing.assert_allclose(lengths, 1, atol=2e-3)
    if features.metric == "hamming":
        assert features.descriptors.dtype == np.uint8


def _assert_same_features(found: Features, expected: Features) -> None:
    wanted = _arrays(expected)
    assert _arrays(found).keys() == wanted.keys()
    for name, array in _arrays(found).items():
        np.testing.assert_array_equal(array, wanted[name], err_msg=name)


def _check_matches(matches: Matches, query: Features, gallery: Features) -> None:
    left, right = matches.pairs[:, 0], matches.pairs[:, 1]
    assert len(set(left.tolist())) == len(matches), "a query keypoint is matched twice"
    assert len(set(right.tolist())) == len(matches), "a gallery keypoint is matched twice"
    assert ((left >= 0) & (left < len(query))).all()
    assert ((right >= 0) & (right < len(gallery))).all()
    assert matches.scores.dtype == np.float32
    assert ((matches.scores >= 0) & (matches.scores <= 1)).all(), "a score is outside [0, 1]"
    if matches.confidences is not None:
        assert matches.confidences.shape == (len(query),)
        assert matches.confidences.dtype == np.float32
        assert ((matches.confidences >= 0) & (matches.confidences <= 1)).all()


def _assert_refused(matcher: Matcher, query: Features, gallery: list[Features]) -> None:
    try:
        matcher.match(query, gallery)
    except IncompatibleFeatures:
        return
    raise AssertionError(
        f"features of {query.family} against {[item.family for item in gallery]} were accepted"
    )


def _check_fingerprints(make: Any, variants: Mapping[str, Any]) -> None:
    fingerprints = [make().fingerprint]
    assert make().fingerprint == fingerprints[0], "two components made alike differ"
    for name, value in variants.items():
        component = make(**{name: value})
        assert getattr(component, name) == value, f"argument {name} is not kept as an attribute"
        fingerprints.append(component.fingerprint)
    assert len(set(fingerprints)) == len(fingerprints), f"{list(variants)} and defaults collide"
