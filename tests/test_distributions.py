"""What is learned from a gallery: only pairs that say something, and never too many."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resight.distributions import (
    match_known_pairs,
    matching_pairs,
    non_matching_pairs,
)
from resight.extractors import Extractor
from resight.extractors.sift import Sift
from resight.matchers.nearest import NearestNeighbour
from resight.method import Method
from resight.scoring import DISTRIBUTION_SCORES, score_pair
from resight.types import SIDES, Features, GalleryEntry, Geometry, Matches, sides_meet

SIFT = Sift()
entries = st.lists(
    st.builds(
        GalleryEntry,
        annotation=st.uuids().map(str),
        individual=st.sampled_from(["Ada", "Bo", "Cy"]),
        photo=st.sampled_from(["p1", "p2", "p3", "p4", "p5"]),
        side=st.sampled_from(sorted(SIDES)),
        encounter=st.sampled_from(["", "e1", "e2", "e3"]),
    ),
    max_size=12,
)
policies = st.sampled_from(["same", "compatible", "any"])


@given(entries, policies, st.integers(1, 5))
def test_non_matching_pairs_show_two_animals_that_may_meet(
    gallery: list[GalleryEntry], policy: str, limit: int
) -> None:
    pairs = non_matching_pairs(gallery, policy, limit, np.random.default_rng(0))
    assert len(pairs) <= limit
    assert len({frozenset((a.annotation, b.annotation)) for a, b in pairs}) == len(pairs)
    for one, other in pairs:
        assert one.individual != other.individual
        assert one.photo != other.photo
        assert sides_meet(one.side, other.side, policy)


@given(entries, policies, st.integers(1, 5))
def test_matching_pairs_show_one_animal_on_two_occasions(
    gallery: list[GalleryEntry], policy: str, limit: int
) -> None:
    pairs = matching_pairs(gallery, policy, limit, np.random.default_rng(0))
    assert len(pairs) <= limit
    assert len({frozenset((a.annotation, b.annotation)) for a, b in pairs}) == len(pairs)
    for one, other in pairs:
        assert one.individual == other.individual
        assert "" not in (one.encounter, other.encounter)
        assert one.encounter != other.encounter
        assert one.photo != other.photo
        assert sides_meet(one.side, other.side, policy)


def gallery_of(*photos: tuple[str, str]) -> list[GalleryEntry]:
    return [
        GalleryEntry(str(n), individual, f"sha-{n}", "left", encounter)
        for n, (individual, encounter) in enumerate(photos)
    ]


def test_all_pairs_are_used_when_there_are_few() -> None:
    gallery = gallery_of(("Ada", "e1"), ("Ada", "e2"), ("Bo", "e3"), ("Bo", "e4"))
    rng = np.random.default_rng(0)
    assert len(matching_pairs(gallery, "same", 200, rng)) == 2
    assert len(non_matching_pairs(gallery, "same", 200, rng)) == 4


def test_the_only_pair_that_may_meet_is_found_among_many() -> None:
    gallery = gallery_of(*[("Ada", "e1")] * 600, ("Bo", "e2"))
    gallery = [dataclasses.replace(entry, side="right") for entry in gallery]
    gallery[300] = dataclasses.replace(gallery[300], side="left")
    gallery[-1] = dataclasses.replace(gallery[-1], side="left")
    (pair,) = non_matching_pairs(gallery, "same", 200, np.random.default_rng(0))
    assert {entry.annotation for entry in pair} == {"300", "600"}


def test_pairs_are_enumerated_up_to_the_limit_too() -> None:
    gallery = gallery_of(*[("Ada", "e1")] * 2000, ("Bo", "e2"))
    assert len(non_matching_pairs(gallery, "same", 200, np.random.default_rng(0))) == 200


class Confident(NearestNeighbour):
    """Nearest neighbours that call every match certain."""

    def match(self, query: Features, gallery: Sequence[Features]) -> list[Matches]:
        found = []
        for matches in super().match(query, gallery):
            confidences = np.zeros(len(query), np.float32)
            confidences[matches.pairs[:, 0]] = 1
            found.append(Matches(matches.pairs, matches.scores, confidences))
        return found


class Photos:
    """Four keypoints a photo; photos of one individual share the first two."""

    def __init__(self, gallery: Sequence[GalleryEntry]) -> None:
        self._gallery = gallery

    def entries(self) -> Sequence[GalleryEntry]:
        return self._gallery

    def features(
        self,
        annotations: Sequence[str],
        extractor: Extractor,
        /,
        *,
        long_edge: int,
        margin: float,
    ) -> Iterator[Features]:
        of = {entry.annotation: (n, entry) for n, entry in enumerate(self._gallery)}
        for annotation in annotations:
            number, entry = of[annotation]
            own = {"Ada": 0, "Bo": 2, "": 0}[entry.individual]
            descriptors = np.zeros((4, 128), np.float32)
            descriptors[range(4), [own, own + 1, 10 + 2 * number, 11 + 2 * number]] = 1
            yield Features(
                keypoints=np.zeros((4, 2), np.float32),
                descriptors=descriptors,
                scores=np.ones(4, np.float32),
                size=(9, 9),
                family="sift",
                metric="cosine",
                fingerprint=extractor.fingerprint,
            )


METHOD = Method("sift+confident", SIFT, Confident())


def test_matches_both_kinds_of_pairs() -> None:
    gallery = gallery_of(("Ada", "e1"), ("Ada", "e2"), ("Bo", ""), ("", "e4"))
    known = match_known_pairs(Photos(gallery), METHOD)
    assert known.fingerprint == METHOD.matching_fingerprint
    (same,) = known.same
    assert same.confidences.tolist() == [1, 1, 0, 0]  # two of the four keypoints match
    assert same.photos == {"sha-0", "sha-1"}
    assert same.encounters == {"e1", "e2"}
    assert same.individuals == {"Ada"}
    # Bo with each photo of Ada; nobody's is not used
    assert {pair.photos for pair in known.different} == {
        frozenset({"sha-0", "sha-2"}),
        frozenset({"sha-1", "sha-2"}),
    }
    assert {pair.encounters for pair in known.different} == {frozenset({"e1"}), frozenset({"e2"})}
    assert {pair.individuals for pair in known.different} == {frozenset({"Ada", "Bo"})}
    assert [pair.confidences.tolist() for pair in known.different] == [[0] * 4] * 2


def test_the_same_seed_learns_the_same() -> None:
    gallery = Photos(
        gallery_of(*((name, f"{name}{n}") for n in range(8) for name in ("Ada", "Bo")))
    )
    first, second = (match_known_pairs(gallery, METHOD, pairs=5, seed=3) for _ in range(2))
    assert len(first.different) == 5
    assert first.digest == second.digest
    assert first.digest != match_known_pairs(gallery, METHOD, pairs=5, seed=4).digest


def test_photos_that_are_gone_teach_nothing() -> None:
    gallery = Photos(gallery_of(("Ada", "e1"), ("Ada", "e2"), ("Ada", "e3"), ("Bo", "e4")))

    class WithoutTwo:
        def entries(self) -> Sequence[GalleryEntry]:
            return gallery.entries()

        def features(
            self, annotations: Sequence[str], extractor: Extractor, /, **chips: float
        ) -> Iterator[Features | None]:
            found = gallery.features(annotations, extractor, long_edge=0, margin=0)
            for annotation, features in zip(annotations, found, strict=True):
                yield None if annotation in ("1", "3") else features

    known = match_known_pairs(WithoutTwo(), METHOD)
    assert known.different == ()
    (same,) = known.same
    assert same.photos == {"sha-0", "sha-2"}  # the first and third photo of Ada are left


@pytest.mark.parametrize("photos", [[], [("Ada", "e1")], [("Ada", ""), ("Ada", "")]])
def test_a_gallery_without_pairs_teaches_nothing(photos: list[tuple[str, str]]) -> None:
    known = match_known_pairs(Photos(gallery_of(*photos)), METHOD)
    assert (known.different, known.same) == ((), ())


def test_a_matcher_without_confidences_teaches_nothing() -> None:
    method = Method("sift+nearest", SIFT, NearestNeighbour())
    gallery = gallery_of(("Ada", "e1"), ("Ada", "e2"), ("Bo", "e3"))
    known = match_known_pairs(Photos(gallery), method)
    assert (known.different, known.same) == ((), ())


def test_the_scores_that_need_learning_are_those_null_without_it() -> None:
    confidences = np.array([0.0, 0.5], np.float32)
    matches = Matches(np.zeros((0, 2), np.int32), np.zeros(0, np.float32), confidences)
    scores = score_pair(matches, Geometry(np.zeros(0, np.bool_)))
    assert {name for name, value in scores.items() if value is None} == set(DISTRIBUTION_SCORES)
