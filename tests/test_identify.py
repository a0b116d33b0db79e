"""The cascade, on keypoints whose matches a reader can count.

A photo is a set of numbers: each is a keypoint whose descriptor equals those of
the same number in other photos and is orthogonal to all others. So the score
``sum`` of two photos is how many numbers they share.
"""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resight.chips import make_chip
from resight.errors import IncompatibleFeatures, SettingsError, TooLittleLearned
from resight.extractors import Extractor
from resight.extractors.sift import Sift
from resight.identify import LEFT_OUT, Identifier
from resight.matchers.nearest import NearestNeighbour
from resight.method import Method
from resight.scoring import KnownPair, KnownPairs
from resight.types import (
    SIDES,
    Box,
    Chip,
    Features,
    GalleryEntry,
    Identification,
    Matches,
    sides_meet,
)

SIFT = Sift()
METHOD = Method("sift+nearest", SIFT, NearestNeighbour())


def photo(numbers: Collection[int], fingerprint: str = SIFT.fingerprint) -> Features:
    descriptors = np.zeros((len(numbers), 128), np.float32)
    descriptors[np.arange(len(numbers)), sorted(numbers)] = 1
    points = np.array([(7 * n % 50, 11 * n % 50) for n in sorted(numbers)], np.float32)
    return Features(
        keypoints=points.reshape(-1, 2),
        descriptors=descriptors,
        scores=np.ones(len(numbers), np.float32),
        size=(50, 50),
        family="sift",
        metric="cosine",
        fingerprint=fingerprint,
    )


@dataclass
class Photos:
    """A gallery: entries with the numbers their photos show."""

    rows: Sequence[tuple[GalleryEntry, Collection[int]]]
    fingerprint: str = SIFT.fingerprint

    def entries(self) -> list[GalleryEntry]:
        return [entry for entry, _ in self.rows]

    def features(
        self,
        annotations: Sequence[str],
        extractor: Extractor,
        /,
        *,
        long_edge: int,
        margin: float,
    ) -> Iterator[Features]:
        numbers = {entry.annotation: shown for entry, shown in self.rows}
        for annotation in annotations:
            yield photo(numbers[annotation], self.fingerprint)


def entry(
    annotation: str, individual: str, side: str = "unknown", encounter: str = ""
) -> GalleryEntry:
    return GalleryEntry(annotation, individual, f"sha-{annotation}", side, encounter)


def ask(
    gallery: Photos,
    numbers: Collection[int] = range(10),
    *,
    side: str = "unknown",
    encounter: str = "",
    own: str = "",
    policy: str = "compatible",
) -> Identification:
    identifier = Identifier(gallery=gallery, method=METHOD, side_policy=policy)
    return identifier.identify(photo(numbers), side=side, encounter=encounter, photo=own)


def named(answer: Identification) -> list[tuple[str, float]]:
    return [(each.individual, each.score) for each in answer.candidates]


THREE = Photos(
    [
        (entry("a1", "Ada"), range(0, 5)),
        (entry("b1", "Bo"), range(0, 8)),
        (entry("a2", "Ada"), range(0, 9)),
        (entry("c1", "Cy"), range(20, 30)),
    ]
)


def test_individuals_are_ranked_by_their_best_photo() -> None:
    answer = ask(THREE)
    assert named(answer) == [("Ada", 9.0), ("Bo", 8.0), ("Cy", 0.0)]
    assert [item.annotation for item in answer.candidates[0].evidence] == ["a2", "a1"]
    assert answer.searched == 4
    assert answer.left_out == {}


def test_evidence_holds_the_matches_of_that_pair() -> None:
    best = ask(THREE).candidates[0].evidence[0]
    assert best.scores["matches"] == 9
    assert best.matches.pairs.tolist() == [[n, n] for n in range(9)]
    assert best.geometry.inliers.shape == (9,)


def test_the_answer_says_what_made_it() -> None:
    answer = ask(THREE, side="left", policy="same")
    assert (answer.method, answer.score) == ("sift+nearest", "sum")
    assert (answer.side, answer.side_policy) == ("left", "same")
    assert SIFT.fingerprint in answer.fingerprint
    assert METHOD.matcher.fingerprint in answer.fingerprint
    assert answer.seconds > 0
    assert answer.new_probability is None


def test_a_query_never_meets_its_own_encounter_or_photo() -> None:
    gallery = Photos(
        [
            (entry("a1", "Ada", encounter="today"), range(10)),
            (entry("a2", "Ada", encounter="before"), range(4)),
            (entry("b1", "Bo"), range(6)),
        ]
    )
    answer = ask(gallery, encounter="today", own="sha-b1")
    assert named(answer) == [("Ada", 4.0)]
    assert answer.left_out == {"own photo": 1, "own encounter": 1}


def test_photos_without_encounter_are_not_taken_for_one_encounter() -> None:
    assert ask(THREE, encounter="").searched == 4


def test_photos_of_the_other_side_are_left_out() -> None:
    gallery = Photos(
        [(entry(side, f"on the {side}", side), range(5)) for side in ("left", "right", "topleft")]
    )
    answer = ask(gallery, side="left")
    assert {name for name, _ in named(answer)} == {"on the left", "on the topleft"}
    assert answer.left_out == {"other side": 1}


def test_photos_of_nobody_are_left_out() -> None:
    answer = ask(Photos([(entry("a", ""), range(9)), (entry("b", "Bo"), range(3))]))
    assert named(answer) == [("Bo", 3.0)]
    assert answer.left_out == {"no individual": 1}


def test_an_empty_gallery_gives_no_candidates() -> None:
    answer = ask(Photos([]))
    assert (answer.candidates, answer.searched, answer.left_out) == ((), 0, {})


def test_a_query_without_keypoints_is_compared_with_nothing() -> None:
    answer = ask(THREE, [])
    assert (answer.candidates, answer.searched) == ((), 0)
    assert answer.left_out == {"query has no keypoints": 4}


def test_gallery_photos_without_keypoints_are_left_out() -> None:
    answer = ask(Photos([(entry("a", "Ada"), []), (entry("b", "Bo"), range(3))]))
    assert named(answer) == [("Bo", 3.0)]
    assert answer.left_out == {"no keypoints": 1}


def test_gallery_photos_that_are_gone_are_left_out_and_counted() -> None:
    class WithoutBo:
        def entries(self) -> list[GalleryEntry]:
            return THREE.entries()

        def features(
            self, annotations: Sequence[str], extractor: Extractor, /, **chips: float
        ) -> Iterator[Features | None]:
            found = THREE.features(annotations, extractor, long_edge=0, margin=0)
            for annotation, features in zip(annotations, found, strict=True):
                yield None if annotation == "b1" else features

    steps: list[tuple[str, int, int]] = []
    identifier = Identifier(gallery=WithoutBo(), method=METHOD, batch_size=3)
    answer = identifier.identify(photo(range(10)), progress=lambda *step: steps.append(step))
    assert named(answer) == [("Ada", 9.0), ("Cy", 0.0)]
    assert (answer.searched, answer.left_out) == (3, {"photo not available": 1})
    assert [step for step in steps if step[0] == "comparing"] == [
        ("comparing", 3, 4),
        ("comparing", 4, 4),
    ]


sides = st.sampled_from(sorted(SIDES))
encounters = st.sampled_from(["", "e1", "e2"])
shown = st.sets(st.integers(0, 30), max_size=12)
galleries = st.lists(
    st.tuples(st.sampled_from(["", "Ada", "Bo", "Cy"]), sides, encounters, shown), max_size=12
).map(
    lambda rows: Photos(
        [
            (entry(f"x{number:02}", individual, side, encounter), numbers)
            for number, (individual, side, encounter, numbers) in enumerate(rows)
        ]
    )
)


@given(galleries, shown, sides, encounters, st.sampled_from(["same", "compatible", "any"]))
def test_every_photo_is_compared_or_left_out_for_a_reason(
    gallery: Photos, numbers: set[int], side: str, encounter: str, policy: str
) -> None:
    answer = ask(gallery, numbers, side=side, encounter=encounter, own="sha-x00", policy=policy)
    assert answer.searched + sum(answer.left_out.values()) == len(gallery.rows)
    assert set(answer.left_out) <= set(LEFT_OUT)
    allowed = {
        each.individual
        for each, visible in gallery.rows
        if each.individual
        and each.annotation != "x00"
        and not (encounter and each.encounter == encounter)
        and sides_meet(side, each.side, policy)
        and visible
        and numbers
    }
    assert {each.individual for each in answer.candidates} == allowed
    assert all(np.isfinite(each.score) for each in answer.candidates)


@given(galleries, st.integers(1, 14), st.integers(1, 4))
def test_batches_do_not_change_the_answer(gallery: Photos, batch_size: int, kept: int) -> None:
    def summary(size: int) -> list[tuple[str, float, list[str]]]:
        identifier = Identifier(gallery=gallery, method=METHOD, photos_kept=kept, batch_size=size)
        return [
            (each.individual, each.score, [item.annotation for item in each.evidence])
            for each in identifier.identify(photo(range(12))).candidates
        ]

    in_batches = summary(batch_size)
    assert in_batches == summary(100)
    assert all(1 <= len(evidence) <= kept for _, _, evidence in in_batches)


def test_gallery_features_are_let_go_batch_by_batch() -> None:
    alive: weakref.WeakSet[Features] = weakref.WeakSet()
    most = 0

    class Counting(Photos):
        def features(
            self, annotations: Sequence[str], extractor: Extractor, /, **chips: float
        ) -> Iterator[Features]:
            nonlocal most
            for features in super().features(annotations, extractor, long_edge=0, margin=0):
                alive.add(features)
                most = max(most, len(alive))
                yield features

    gallery = Counting([(entry(str(n), str(n)), range(5)) for n in range(100)])
    Identifier(gallery=gallery, method=METHOD, batch_size=4).identify(photo(range(5)))
    assert most <= 2 * 4 + 2


def test_progress_counts_photos_read_one_by_one_before_each_is_compared() -> None:
    told: list[tuple[str, int, int]] = []
    identifier = Identifier(gallery=THREE, method=METHOD, batch_size=3)
    identifier.identify(photo(range(10)), progress=lambda *step: told.append(step))
    assert told == [
        *(("reading", 1, 4), ("reading", 2, 4), ("reading", 3, 4), ("comparing", 3, 4)),
        *(("reading", 4, 4), ("comparing", 4, 4)),
    ]


def test_a_chip_is_extracted_and_answers_as_its_features() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (12, 12, 3), np.uint8)
    chip = Chip(np.repeat(np.repeat(pixels, 8, 0), 8, 1), np.eye(2, 3))
    (features,) = SIFT.extract([chip])
    assert len(features) > 10

    class Itself(Photos):
        def features(
            self, annotations: Sequence[str], extractor: Extractor, /, **chips: float
        ) -> Iterator[Features]:
            return iter(extractor.extract([chip]))

    method = dataclasses.replace(METHOD, long_edge=96)
    identifier = Identifier(gallery=Itself([(entry("a", "Ada"), [])]), method=method)
    assert named(identifier.identify(chip)) == named(identifier.identify(features))
    assert identifier.identify(chip).candidates[0].score > 5


def test_a_method_cuts_its_chips_by_its_own_settings() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    method = dataclasses.replace(METHOD, long_edge=30, margin=0.5)
    box = Box(20, 10, 10, 10)
    chip = method.chip(pixels, box, rotation=90)
    expected = make_chip(pixels, box, rotation=90, margin=0.5, long_edge=30)
    np.testing.assert_array_equal(chip.pixels, expected.pixels)
    np.testing.assert_array_equal(chip.to_photo, expected.to_photo)
    assert method.chip(pixels).size == (30, 20)


def test_a_chip_of_another_size_is_refused() -> None:
    chip = make_chip(np.zeros((40, 60, 3), np.uint8), long_edge=512)
    method = dataclasses.replace(METHOD, long_edge=300)
    with pytest.raises(SettingsError, match=r"512 pixels long.*is set to 300; cut it by .*chip"):
        Identifier(gallery=THREE, method=method).identify(chip)


def test_the_gallery_is_asked_for_the_chips_of_the_method() -> None:
    asked: list[dict[str, float]] = []

    class Asked(Photos):
        def features(
            self, annotations: Sequence[str], extractor: Extractor, /, **chips: float
        ) -> Iterator[Features]:
            asked.append(chips)
            return super().features(annotations, extractor, long_edge=0, margin=0)

    method = dataclasses.replace(METHOD, long_edge=300, margin=0.25)
    Identifier(gallery=Asked([(entry("a", "Ada"), [1])]), method=method).identify(photo([1]))
    assert asked == [{"long_edge": 300, "margin": 0.25}]


def test_features_of_another_extractor_are_refused() -> None:
    with pytest.raises(IncompatibleFeatures, match=r"of the query were made by other\.v1"):
        Identifier(gallery=THREE, method=METHOD).identify(photo([1], "other.v1"))
    gallery = Photos(THREE.rows, fingerprint="other.v1")
    with pytest.raises(IncompatibleFeatures, match=r"of annotation a1 were made by other\.v1"):
        ask(gallery)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(SettingsError, match="no score 'best'; there are matches, sum"):
        dataclasses.replace(METHOD, score="best")
    with pytest.raises(SettingsError, match="no side policy 'both'"):
        ask(THREE, policy="both")
    with pytest.raises(SettingsError, match="no side 'leftish'"):
        ask(THREE, side="leftish")


@pytest.mark.parametrize("argument", ["photos_kept", "batch_size"])
def test_nothing_kept_or_nothing_at_a_time_is_refused(argument: str) -> None:
    with pytest.raises(SettingsError, match="at least 1"):
        Identifier(gallery=THREE, method=METHOD, **{argument: 0})  # type: ignore[arg-type]


def test_a_score_that_the_method_cannot_give_is_refused() -> None:
    identifier = Identifier(gallery=THREE, method=dataclasses.replace(METHOD, score="auc"))
    with pytest.raises(SettingsError, match="sift\\+nearest has no score 'auc'"):
        identifier.identify(photo(range(5)))


class Confident(NearestNeighbour):
    """Nearest neighbours that call every match certain."""

    def match(self, query: Features, gallery: Sequence[Features]) -> list[Matches]:
        found = []
        for matches in super().match(query, gallery):
            confidences = np.zeros(len(query), np.float32)
            confidences[matches.pairs[:, 0]] = 1
            found.append(Matches(matches.pairs, matches.scores, confidences))
        return found


def pair(confidences: Sequence[float], *encounters: str) -> KnownPair:
    photos = frozenset(f"photo of {encounter}" for encounter in encounters)
    shown = frozenset(f"animal of {encounter}" for encounter in encounters)
    return KnownPair(np.array(confidences, np.float32), photos, frozenset(encounters), shown)


def test_scores_that_compare_with_distributions() -> None:
    method = Method("sift+confident", SIFT, Confident(), score="mean_shift")
    known = KnownPairs((pair([0.0, 0.0, 0.0, 1.0]),), (), method.matching_fingerprint)
    identifier = Identifier(gallery=THREE, method=method, known_pairs=known)
    answer = identifier.identify(photo(range(10)))
    # 9, 8 and 0 of the 10 keypoints have a match
    assert [each.individual for each in answer.candidates] == ["Ada", "Bo", "Cy"]
    assert [each.score for each in answer.candidates] == pytest.approx([0.65, 0.55, -0.25])


@pytest.mark.parametrize(
    ("encounter", "own", "individual", "expected"),
    [
        ("", "", "", 1 - 0.5),
        ("e9", "photo of e9", "animal of e9", 1 - 0.5),  # of no pair
        ("e1", "", "", 1 - 0.75),
        ("", "photo of e3", "", 1 - 0.25),
        ("", "", "animal of e4", 1 - 0.25),
    ],
)
def test_known_pairs_of_what_is_left_out_teach_nothing(
    encounter: str, own: str, individual: str, expected: float
) -> None:
    method = Method("sift+confident", SIFT, Confident(), score="mean_shift")
    known = KnownPairs(
        (pair([0.25], "e1", "e2"), pair([0.75], "e3", "e4")), (), method.matching_fingerprint
    )
    identifier = Identifier(
        gallery=Photos([(entry("a", "Ada"), range(5))]), method=method, known_pairs=known
    )
    answer = identifier.identify(
        photo(range(5)), encounter=encounter, photo=own, without_individual=individual
    )
    (candidate,) = answer.candidates  # all five match: mean 1
    assert candidate.score == pytest.approx(expected)


def test_a_query_that_leaves_its_score_nothing_to_learn_from_is_refused() -> None:
    method = Method("sift+confident", SIFT, Confident(), score="wasserstein_h1")
    known = KnownPairs((), (pair([1.0], "e1", "e2"),), method.matching_fingerprint)
    identifier = Identifier(gallery=THREE, method=method, known_pairs=known)
    assert identifier.identify(photo(range(5))).candidates
    with pytest.raises(TooLittleLearned, match="no wasserstein_h1 without"):
        identifier.identify(photo(range(5)), encounter="e2")
    with pytest.raises(TooLittleLearned, match="no wasserstein_h1 without"):
        identifier.identify(photo(range(5)), without_individual="animal of e1")


def test_a_score_that_no_query_has_enough_to_learn_from_is_a_wrong_setting() -> None:
    method = Method("sift+confident", SIFT, Confident(), score="wasserstein_h1")
    known = KnownPairs((pair([1.0], "e1", "e2"),), (), method.matching_fingerprint)
    identifier = Identifier(gallery=THREE, method=method, known_pairs=known)
    with pytest.raises(SettingsError, match="no known pairs"):
        identifier.identify(photo(range(5)), encounter="e2")


def test_known_pairs_of_another_method_are_refused() -> None:
    with pytest.raises(SettingsError, match="matched with another"):
        Identifier(gallery=THREE, method=METHOD, known_pairs=KnownPairs((), (), "another"))


def test_the_order_of_known_pairs_does_not_change_the_fingerprint() -> None:
    pairs = (pair([0.25], "e1", "e2"), pair([0.75], "e3", "e4"))
    either, other = (KnownPairs(each, (), "m.v1").digest for each in (pairs, pairs[::-1]))
    assert either == other
    assert either != KnownPairs((), pairs, "m.v1").digest


def test_whatever_changes_the_ranking_changes_the_fingerprint() -> None:
    methods = [
        METHOD,
        dataclasses.replace(METHOD, extractor=Sift(max_keypoints=10)),
        dataclasses.replace(METHOD, matcher=NearestNeighbour(ratio=0.7)),
        dataclasses.replace(METHOD, long_edge=400),
        dataclasses.replace(METHOD, margin=0.1),
        dataclasses.replace(METHOD, score="matches"),
    ]
    learned = [
        KnownPairs((each,), (), METHOD.matching_fingerprint)
        for each in (pair([0.25], "e1"), pair([0.5], "e1"), pair([0.25], "e2"))
    ]
    fingerprints = [
        *(Identifier(gallery=THREE, method=method).fingerprint for method in methods),
        *(
            Identifier(gallery=THREE, method=METHOD, known_pairs=each).fingerprint
            for each in learned
        ),
    ]
    assert len(set(fingerprints)) == len(fingerprints)
    again = Method("another name", Sift(), NearestNeighbour())
    assert again.fingerprint == METHOD.fingerprint


def test_an_individual_can_be_left_out_as_if_it_were_new() -> None:
    identifier = Identifier(gallery=THREE, method=METHOD)
    answer = identifier.identify(photo(range(10)), without_individual="Ada")
    assert named(answer) == [("Bo", 8.0), ("Cy", 0.0)]
    assert answer.left_out == {"left out on purpose": 2}
