"""Methods that learn from the gallery they search."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from resight.extractors import Extractor, whole_chip
from resight.extractors.sift import Sift
from resight.extractors.thumbnail import Thumbnail
from resight.identify import Identifier
from resight.learning import learn_from
from resight.matchers.metric import Metric
from resight.matchers.nearest import NearestNeighbour
from resight.method import Method, effort_for
from resight.testing.conformance import drawn_chip
from resight.types import Chip, Features, GalleryEntry


class Colour:
    """An extractor of embeddings: mean and spread of each colour, of length 1."""

    family = "embedding"
    fingerprint = "colour.v1"
    max_keypoints = 1

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        return [self._features(chip) for chip in chips]

    def _features(self, chip: Chip) -> Features:
        values = np.concatenate([chip.pixels.mean((0, 1)), chip.pixels.std((0, 1))])
        vector = (values / np.linalg.norm(values)).astype(np.float32)
        return whole_chip(
            chip, vector, family=self.family, metric="cosine", fingerprint=self.fingerprint
        )


class Drawings:
    """Two photos, of two encounters, of each of five animals."""

    def __init__(self) -> None:
        self.chips = {f"{n}-{m}": drawn_chip(10 * n + m) for n in range(5) for m in range(2)}

    def entries(self) -> list[GalleryEntry]:
        return [
            GalleryEntry(name, f"animal {name[0]}", f"sha {name}", "left", f"day {name}")
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


METHOD = Method("colour+metric", Colour(), Metric(), long_edge=256)


def test_a_query_is_asked_with_what_its_own_encounter_did_not_teach() -> None:
    gallery = Drawings()
    method = learn_from(gallery, METHOD)
    chip = gallery.chips["0-0"]
    answer = Identifier(gallery=gallery, method=method).identify(chip, encounter="day 0-0")

    unseen = Drawings()
    del unseen.chips["0-0"]
    without = learn_from(unseen, METHOD)
    expected = Identifier(gallery=unseen, method=without).identify(chip)
    assert [(c.individual, c.score) for c in answer.candidates] == [
        (c.individual, c.score) for c in expected.candidates
    ]
    leaky = Identifier(gallery=unseen, method=method).identify(chip)
    assert [c.score for c in leaky.candidates] != [c.score for c in expected.candidates]


def test_a_method_that_cannot_learn_stays_as_it_is() -> None:
    method = Method("sift+nearest", Sift(), NearestNeighbour())
    assert learn_from(Drawings(), method) is method


def test_what_was_learned_changes_the_fingerprint_but_not_that_of_features() -> None:
    learned = learn_from(Drawings(), METHOD)
    assert learned.fingerprint != METHOD.fingerprint
    assert learned.extractor is METHOD.extractor


@pytest.mark.parametrize("effort", ["quick", "normal", "thorough", "exhaustive"])
def test_photos_are_compared_as_wholes_all_of_them_by_any_effort(effort: str) -> None:
    method = Method("thumbnail+nearest", Thumbnail(), NearestNeighbour())
    found = effort_for(method, effort)
    assert (found.name, found.shortlisted, found.matched) == (effort, None, None)
