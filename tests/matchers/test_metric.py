from typing import Any

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import logsumexp

from resight.errors import SettingsError, TooLittleLearned
from resight.matchers import LearnedMatcher, LearningMatcher, Matcher
from resight.matchers.metric import LearnedMetric, Metric, circle_loss
from resight.testing.conformance import MatcherCase, random_features
from resight.types import Features, GalleryEntry

Photo = tuple[GalleryEntry, Features]


def embedding(values: Any) -> Features:
    vector = np.asarray(values, np.float32)[None]
    blank = random_features(1, 1, family="embedding", dimensions=vector.shape[1])
    return Features(
        blank.keypoints,
        vector / np.linalg.norm(vector),
        blank.scores,
        blank.size,
        blank.family,
        blank.metric,
        blank.fingerprint,
    )


def animals(count: int, seed: int = 0, *, photos: int = 2, sides: str = "unknown") -> list[Photo]:
    """Photos whose surroundings differ five times as much as their animals do.

    The animal is in the first 8 of 64 numbers, the surroundings in the next 8, noise in all.
    """
    rng = np.random.default_rng(seed)
    found = []
    for animal in range(count):
        looks = rng.standard_normal(8)
        for each in range(photos):
            vector = rng.normal(0, 0.2, 64) + 3 * (np.arange(64) == 63)
            vector[:8] += looks
            vector[8:16] += rng.normal(0, 5, 8)
            name = f"{animal}-{each}"
            entry = GalleryEntry(name, f"animal {animal}", f"sha {name}", sides, f"day {name}")
            found.append((entry, embedding(vector)))
    return found


class TestMetric(MatcherCase):
    contrast = 1.2

    def make(self, **arguments: Any) -> Matcher:
        return Metric().learned(animals(10))

    def features(self, seed: int, n: int) -> Features:
        return random_features(seed, min(n, 1), family="embedding", dimensions=64)


def share_found(matcher: Matcher, strangers: list[Photo]) -> float:
    """How often the first photo of an animal is most like the second one of it."""
    queries, gallery = strangers[::2], [features for _, features in strangers[1::2]]
    best = [
        int(np.argmax([float(m.scores[0]) for m in matcher.match(features, gallery)]))
        for _, features in queries
    ]
    return float(np.mean(np.array(best) == np.arange(len(best))))


def test_it_learns_to_look_at_the_animal_and_not_at_its_surroundings() -> None:
    """And so knows animals again that it has never seen."""
    from resight.matchers.cosine import Cosine

    strangers = animals(40, seed=1)
    before = share_found(Cosine(), strangers)
    after = share_found(Metric().learned(animals(60)), strangers)
    assert before < 0.1
    assert after > 0.4


def test_the_loss_is_the_published_one() -> None:
    similarity = np.array([[0.9, 0.2, 0.1, 0.4]], np.float32)
    same = np.array([[False, True, False, False]])
    other = np.array([[False, False, True, True]])
    lack = -128 * (1.25 - 0.2) * (0.2 - 0.75)
    excess = [128 * (s + 0.25) * (s - 0.25) for s in (0.1, 0.4)]
    expected = np.log1p(np.exp(np.float64(lack + logsumexp(excess))))
    assert circle_loss(similarity, same, other)[0] == pytest.approx(expected, rel=1e-5)


def test_the_slope_is_that_of_the_loss_with_constant_weights() -> None:
    rng = np.random.default_rng(2)
    similarity = rng.uniform(0.2, 0.5, (3, 6))
    same = np.zeros((3, 6), bool)
    same[[0, 1, 2, 2], [3, 4, 5, 1]] = True
    other = ~same

    def loss(flat: Any) -> float:
        s = flat.reshape(3, 6)
        lack = np.where(same, -128 * (1.25 - similarity) * (s - 0.75), -np.inf)
        excess = np.where(other, 128 * (similarity + 0.25) * (s - 0.25), -np.inf)
        both = logsumexp(lack, axis=1) + logsumexp(excess, axis=1)
        return float(np.logaddexp(0, both).mean())

    expected = approx_fprime(similarity.ravel(), loss, 1e-6).reshape(3, 6)
    found = circle_loss(similarity.astype(np.float32), same, other)[1]
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())


def test_learning_again_gives_the_same() -> None:
    one, again = (Metric().learned(animals(8)) for _ in range(2))
    query, other = (features for _, features in animals(2, seed=5, photos=1))
    assert one.digest == again.digest != Metric().learned(animals(9)).digest
    assert one.match(query, [other])[0].scores == again.match(query, [other])[0].scores


def test_what_a_query_s_own_encounter_taught_is_taken_back() -> None:
    photos = animals(8)
    whole, rest = LearnedMetric(photos), LearnedMetric(photos[1:])
    nothing = {"encounter": "", "photo": "", "individual": ""}
    assert whole.without(**nothing | {"encounter": "day 0-0"}).digest == rest.digest
    assert whole.without(**nothing | {"photo": "sha 0-0"}).digest == rest.digest
    assert whole.without(**nothing | {"encounter": "another day"}) is whole
    assert whole.without(**nothing) is whole


def test_a_query_that_takes_back_too_much_is_refused_alone() -> None:
    learned = LearnedMetric(animals(2))
    for own in ({"encounter": "day 0-0"}, {"photo": "sha 1-1"}, {"individual": "animal 0"}):
        with pytest.raises(TooLittleLearned, match="use the matcher cosine"):
            learned.without(**{"encounter": "", "photo": "", "individual": "", **own})


@pytest.mark.parametrize(
    "photos",
    [
        [],
        animals(1),
        animals(5, photos=1),
        [
            (GalleryEntry(e.annotation, e.individual, e.photo, "unknown", ""), features)
            for e, features in animals(5)
        ],
        [
            (GalleryEntry(e.annotation, e.individual, e.photo, side, e.encounter), features)
            for (e, features), side in zip(animals(5), ["left", "right"] * 5, strict=True)
        ],
    ],
    ids=["none", "one individual", "one photo each", "no encounters", "opposite sides"],
)
def test_a_gallery_with_nothing_to_learn_from_is_refused(photos: list[Photo]) -> None:
    with pytest.raises(SettingsError, match="use the matcher cosine"):
        Metric().learned(photos)


def test_it_does_not_match_before_it_has_learned() -> None:
    query = embedding(np.arange(4))
    with pytest.raises(SettingsError, match="has not learned from a gallery"):
        Metric().match(query, [query])


def test_it_is_told_from_matchers_that_need_not_learn() -> None:
    from resight.matchers.cosine import Cosine

    assert isinstance(Metric(), LearningMatcher)
    assert isinstance(Metric().learned(animals(3)), LearnedMatcher)
    assert not isinstance(Cosine(), (LearningMatcher, LearnedMatcher))
