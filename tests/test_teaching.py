"""Methods that learn from the gallery they search."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from resight.calibration import Calibration
from resight.calibration.trials import ENOUGH_INDIVIDUALS
from resight.errors import TooLittleLearned
from resight.extractors import Extractor, whole_chip
from resight.extractors.sift import Sift
from resight.extractors.thumbnail import Thumbnail
from resight.identify import Identifier
from resight.learning import learn
from resight.matchers.cosine import Cosine
from resight.matchers.metric import Metric
from resight.matchers.nearest import NearestNeighbour
from resight.matchers.ssim import Ssim
from resight.method import Method, effort_for
from resight.teaching import taught_by
from resight.testing.conformance import drawn_chip
from resight.types import Chip, Features, GalleryEntry


class Colour:
    """An extractor of embeddings: mean and spread of each colour, of length 1."""

    family = "embedding"
    fingerprint = "colour.v1"
    max_keypoints = 1
    whole = True

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        return [self._features(chip) for chip in chips]

    def _features(self, chip: Chip) -> Features:
        values = np.concatenate([chip.pixels.mean((0, 1)), chip.pixels.std((0, 1))])
        vector = (values / np.linalg.norm(values)).astype(np.float32)
        return whole_chip(
            chip, vector, family=self.family, metric="cosine", fingerprint=self.fingerprint
        )


class Drawings:
    """Two photos, of two encounters, of each of some animals."""

    def __init__(self, animals: int = 5) -> None:
        self.chips = {
            f"{n}-{m}": drawn_chip(10 * n + m, (64, 48)) for n in range(animals) for m in range(2)
        }

    def entries(self) -> list[GalleryEntry]:
        return [
            GalleryEntry(name, f"animal {name.split('-')[0]}", f"sha {name}", "left", f"day {name}")
            for name in self.chips
        ]

    def features(
        self,
        annotations: Sequence[str],
        extractor: Extractor,
        /,
        *,
        long_edge: int,
        margin: float,
    ) -> Iterator[Features]:
        return iter(extractor.extract([self.chips[name] for name in annotations]))


METHOD = Method("colour+metric", Colour(), Metric(), long_edge=64)


def test_a_query_is_asked_with_what_its_own_encounter_did_not_teach() -> None:
    gallery = Drawings()
    method = taught_by(gallery, METHOD)
    chip = gallery.chips["0-0"]
    answer = Identifier(gallery=gallery, method=method).identify(chip, encounter="day 0-0")

    unseen = Drawings()
    del unseen.chips["0-0"]
    without = taught_by(unseen, METHOD)
    expected = Identifier(gallery=unseen, method=without).identify(chip)
    assert [(c.individual, c.score) for c in answer.candidates] == [
        (c.individual, c.score) for c in expected.candidates
    ]
    leaky = Identifier(gallery=unseen, method=method).identify(chip)
    assert [c.score for c in leaky.candidates] != [c.score for c in expected.candidates]


@pytest.mark.parametrize(
    "method",
    [
        replace(METHOD, name="colour+cosine", matcher=Cosine()),
        Method("thumbnail+ssim", Thumbnail(), Ssim(), long_edge=64),
        METHOD,
    ],
    ids=lambda method: method.name,
)
def test_scores_of_whole_photos_give_probabilities(method: Method) -> None:
    gallery = Drawings(ENOUGH_INDIVIDUALS)
    identifier = Identifier(gallery=gallery, method=taught_by(gallery, method))
    trials = learn(identifier, limit=40)
    assert {trial.novel for trial in trials.trials} == {True, False}
    identifier.calibration = Calibration(trials)
    answer = identifier.identify(gallery.chips["3-0"])  # the very photo
    others = (answer.new_probability or 0) + (answer.unlisted_probability or 0)
    each = [candidate.probability or 0 for candidate in answer.candidates]
    assert sum(each) + others == pytest.approx(1)
    assert answer.candidates[0].individual == "animal 3"
    assert each[0] == max(each)


def test_a_method_that_cannot_learn_stays_as_it_is() -> None:
    method = Method("sift+nearest", Sift(), NearestNeighbour())
    assert taught_by(Drawings(), method) is method


def test_what_was_learned_is_in_the_fingerprint_of_answers_only() -> None:
    gallery, smaller = Drawings(), Drawings()
    del smaller.chips["0-0"]
    learned, other = taught_by(gallery, METHOD), taught_by(smaller, METHOD)
    assert learned.fingerprint == other.fingerprint  # a calibration outlives new photos
    answers = [Identifier(gallery=gallery, method=each).fingerprint for each in (learned, other)]
    assert answers[0] != answers[1]
    assert learned.extractor is METHOD.extractor


def test_an_individual_that_is_left_out_has_taught_nothing() -> None:
    gallery = Drawings()
    method = taught_by(gallery, METHOD)
    chip = gallery.chips["0-0"]
    answer = Identifier(gallery=gallery, method=method).identify(
        chip, encounter="day 0-0", without_individual="animal 0"
    )
    unseen = Drawings()
    for name in ("0-0", "0-1"):
        del unseen.chips[name]
    expected = Identifier(gallery=unseen, method=taught_by(unseen, METHOD)).identify(chip)
    assert [(c.individual, c.score) for c in answer.candidates] == [
        (c.individual, c.score) for c in expected.candidates
    ]


def test_too_few_animals_for_one_query_stop_no_other() -> None:
    gallery = Drawings(3)
    for name in ("0-1",):  # so only two animals were seen twice
        del gallery.chips[name]
    identifier = Identifier(gallery=gallery, method=taught_by(gallery, METHOD))
    with pytest.raises(TooLittleLearned):
        identifier.identify(gallery.chips["1-0"], encounter="day 1-0")
    assert identifier.identify(gallery.chips["0-0"], encounter="day 0-0").candidates


@pytest.mark.parametrize("effort", ["quick", "normal", "thorough", "exhaustive"])
def test_photos_are_compared_as_wholes_all_of_them_by_any_effort(effort: str) -> None:
    method = Method("thumbnail+nearest", Thumbnail(), NearestNeighbour())
    found = effort_for(method, effort)
    assert (found.name, found.matches_all) == (effort, True)
    assert found.further is None, "scores below 1 never stand out"


def test_one_keypoint_is_not_a_whole_photo() -> None:
    method = Method("sift+nearest", Sift(max_keypoints=1), NearestNeighbour())
    assert not effort_for(method, "normal").matches_all
