"""What passes from stage to stage, with a screen and a matcher whose scores a reader sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest
from tests.test_identify import Photos, entry, named, photo

from resight.errors import SettingsError
from resight.extractors.sift import Sift
from resight.identify import Identifier
from resight.matchers import ANY_FAMILY
from resight.method import EFFORTS, Method, Screen
from resight.types import Chip, Features, Identification, Matches

SIFT = Sift()


@dataclass
class Shared:
    """Scores a pair by how many numbers it shares; remembers the keypoints of those it saw."""

    seen: list[int] = field(default_factory=list)
    accepts = ANY_FAMILY
    fingerprint = "shared.v1()"

    def match(self, query: Features, gallery: Sequence[Features]) -> list[Matches]:
        return list(self._matches(query, gallery))

    def _matches(self, query: Features, gallery: Sequence[Features]) -> Iterator[Matches]:
        for other in gallery:
            self.seen.append(len(other))
            shared = np.argwhere(query.descriptors @ other.descriptors.T > 0.5).astype(np.int32)
            yield Matches(shared, np.full(len(shared), 1, np.float32))


def gallery_of(*shown: int, per_individual: int = 1) -> Photos:
    """One photo after the other that shows so many of the query's numbers, and others."""
    return Photos(
        [
            (entry(f"p{i}", f"animal {i // per_individual}"), [*range(n), *range(100, 110)])
            for i, n in enumerate(shown)
        ]
    )


def ask(gallery: Photos, effort: str, keypoints: int = 50) -> tuple[Identification, Shared, Shared]:
    look, match = Shared(), Shared()
    method = Method("drawn", SIFT, match, screen=Screen(look, keypoints))
    identifier = Identifier(gallery=gallery, method=method, effort=effort)
    return identifier.identify(photo(range(40))), look, match


def counts(answer: Identification) -> tuple[int, int, int, int]:
    return answer.searched, answer.shortlisted, answer.half_matched, answer.matched


ALIKE = [24 + i % 7 for i in range(150)]


def test_each_stage_passes_the_best_on() -> None:
    answer, look, match = ask(gallery_of(*ALIKE, *[9] * 50, 35), "thorough")
    assert counts(answer) == (201, 160, 160, 20)  # the further look finds no better ones
    assert (len(look.seen), len(match.seen)) == (160, 20)
    assert (answer.candidates[0].individual, answer.candidates[0].score) == ("animal 200", 35)
    assert answer.effort == "thorough"


def test_one_look_is_enough_where_somebody_stands_out() -> None:
    answer, look, match = ask(gallery_of(*([9] * 100), 35), "normal", keypoints=10)
    assert counts(answer) == (101, 24, 24, 6)  # to the screen, of few keypoints, all are alike
    assert (len(look.seen), len(match.seen)) == (24, 6)
    assert named(answer)[0] == ("animal 100", 35.0)


@dataclass
class Keen(Shared):
    """Sure of photos that show 110, and hardly of others."""

    def _matches(self, query: Features, gallery: Sequence[Features]) -> Iterator[Matches]:
        for other, found in zip(gallery, super()._matches(query, gallery), strict=True):
            sure = bool(photo([110]).descriptors @ other.descriptors.T @ np.ones(len(other)) > 0.5)
            yield Matches(found.pairs, found.scores * np.float32(1.0 if sure else 0.15))


@dataclass
class KeenCloser(Keen):
    """Keen where it sees all of the query."""

    def _matches(self, query: Features, gallery: Sequence[Features]) -> Iterator[Matches]:
        whole = len(query) == 45
        return super()._matches(query, gallery) if whole else Shared._matches(self, query, gallery)


@pytest.mark.parametrize(
    ("stops_early", "closer", "matched"), [(False, 0, 6 + 1), (True, 6, 4 + 3)]
)
def test_where_nobody_stands_out_more_photos_are_looked_at(
    stops_early: bool, closer: int, matched: int
) -> None:
    """The scan sees more of 24 others in the query; of them all, none is compared twice.

    Where many pass the screen, its closer look at them says which are matched.
    """
    others = [(entry(f"p{i}", f"animal {i % 8}"), list(range(26))) for i in range(24)]
    sought = (entry("sought", "sought"), [*range(25), 110])
    look, match = (KeenCloser() if stops_early else Keen()), Keen()
    method = Method("drawn", SIFT, match, screen=Screen(look, 44))
    if stops_early:
        others.append((entry("decoy", "decoy"), list(range(41))))
    answer = Identifier(gallery=Photos([*others, sought]), method=method).identify(photo(range(45)))
    assert named(answer)[0] == ("sought", 25.0)
    total = len(others) + 1
    assert (answer.shortlisted, answer.half_matched) == (total, total)
    assert len(look.seen) == total + closer
    assert (answer.matched, len(match.seen)) == (matched, matched)


class Corners(Sift):
    """Sees what the query shows where the chip's top left corner is bright, else other numbers."""

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        return [photo(range(40) if each.pixels[0, 0, 0] else range(60, 100)) for each in chips]


def with_bright_corner(row: int, column: int) -> Chip:
    pixels = np.zeros((50, 50, 3), np.uint8)
    pixels[row, column] = 255
    return Chip(pixels, np.eye(2, 3))


def ask_turned(gallery: Photos, chip: Chip, effort: str = "normal") -> Identification:
    method = Method("drawn", Corners(), Shared(), long_edge=50, screen=Screen(Shared(), 50))
    return Identifier(gallery=gallery, method=method, effort=effort).identify(chip)


@pytest.mark.parametrize(
    ("row", "column", "back"),
    [  # of the points of a chip turned once, twice, thrice counter-clockwise
        (0, -1, lambda x, y: (49 - y, x)),
        (-1, -1, lambda x, y: (49 - x, 49 - y)),
        (-1, 0, lambda x, y: (y, 49 - x)),
    ],
)
def test_where_nobody_stands_out_the_query_is_turned(
    row: int, column: int, back: Callable[[float, float], tuple[float, float]]
) -> None:
    answer = ask_turned(gallery_of(*([9] * 100), 30), with_bright_corner(row, column))
    assert named(answer)[0] == ("animal 100", 30.0)
    assert answer.turned == 60  # all in the one turn in which photos resemble it
    keypoints = answer.candidates[0].evidence[0].keypoints
    assert keypoints is not None
    upright = [back(x, y) for x, y in photo(range(40)).keypoints]
    np.testing.assert_allclose(keypoints, upright)


def test_turning_tells_how_far_it_is() -> None:
    told: list[tuple[str, int, int]] = []
    method = Method("drawn", Corners(), Shared(), long_edge=50, screen=Screen(Shared(), 50))
    identifier = Identifier(gallery=gallery_of(*([9] * 100), 30), method=method)
    identifier.identify(with_bright_corner(0, -1), progress=lambda *step: told.append(step))
    turning = [step[1:] for step in told if step[0] == "turning"]
    assert turning == sorted(turning)
    assert turning[0] == (0, 7 + 60 + 14 + 3)
    assert turning[-1] == told[-1][1:] == (84, 84)


def test_who_stands_out_is_not_asked_turned() -> None:
    answer = ask_turned(gallery_of(*([9] * 100), 30), with_bright_corner(0, 0))
    assert (named(answer)[0], answer.turned) == (("animal 100", 30.0), 0)
    assert answer.candidates[0].evidence[0].keypoints is None


@pytest.mark.parametrize(("effort", "turned"), [("quick", 0), ("thorough", 60), ("exhaustive", 0)])
def test_which_efforts_turn_the_query(effort: str, turned: int) -> None:
    answer = ask_turned(gallery_of(*([9] * 100), 30), with_bright_corner(-1, -1), effort)
    assert answer.turned == turned


def test_a_photo_seen_in_two_views_is_one_piece_of_evidence() -> None:
    gallery = gallery_of(*([24] * 30), per_individual=30)
    gallery.rows = [(each, [*range(24), *range(60, 70)]) for each, _ in gallery.rows]
    answer = ask_turned(gallery, with_bright_corner(-1, -1), "thorough")
    photos = [each.annotation for each in answer.candidates[0].evidence]
    assert len(photos) == len(set(photos))
    assert answer.candidates[0].score == 24


def test_a_photo_that_goes_while_it_is_searched_is_counted_out_once() -> None:
    class Vanishing(Photos):
        asked: ClassVar[list[str]] = []

        def features(self, annotations, extractor, /, **chips):  # type: ignore[no-untyped-def]
            found = super().features(annotations, extractor, **chips)
            if len(annotations) == len(self.rows):  # to pack them
                yield from found
                return
            for name, each in zip(annotations, found, strict=True):
                self.asked.append(name)
                yield None if name in ("p3", "p100") else each

    gallery = Vanishing(gallery_of(*([9] * 100), 30).rows)
    answer = ask_turned(gallery, with_bright_corner(-1, -1), "thorough")
    assert gallery.asked.count("p3") == 2  # upright and turned
    assert answer.left_out == {"photo not available": 2}
    assert answer.searched == 99


def test_what_only_the_screen_saw_turned_is_shown_on_the_query_as_it_is() -> None:
    answer = ask_turned(gallery_of(*([9] * 100), 30), with_bright_corner(-1, -1))
    turned = [each.evidence[0].keypoints for each in answer.passed_over]
    upright = 49 - photo(range(40)).keypoints
    for each in turned:
        assert each is not None
        np.testing.assert_allclose(each, upright)
    assert len(turned) == 10 - len(answer.candidates) > 0


def test_a_further_look_gives_the_matcher_no_more_at_a_time_than_any_other() -> None:
    class Counted(Shared):
        def match(self, query: Features, gallery: Sequence[Features]) -> list[Matches]:
            sizes.append(len(gallery))
            return super().match(query, gallery)

    sizes: list[int] = []
    told: list[tuple[str, int, int]] = []
    method = Method("drawn", Corners(), Counted(), long_edge=50, screen=Screen(Shared(), 50))
    identifier = Identifier(gallery=gallery_of(*([9] * 100)), method=method, batch_size=2)
    identifier.identify(with_bright_corner(0, -1), progress=lambda *step: told.append(step))
    assert sizes == [2, 2, 2, 2, 1]
    turning = [done for stage, done, _ in told if stage == "turning"]
    assert turning[-10:-1] == [*range(67 + 2, 67 + 14 + 1, 2), 81 + 2, 81 + 3]
    reading = [step[1:] for step in told if step[0] == "reading"]
    assert reading[-60:] == [(done, 60) for done in range(1, 61)], "all views at once"


def test_features_alone_cannot_be_turned() -> None:
    answer, _, _ = ask(gallery_of(*ALIKE), "normal")
    assert answer.turned == 0


def test_a_chance_lead_of_a_single_one_is_no_reason_to_stop() -> None:
    """It alone passes the screen, which saw others not far behind."""
    answer, _, match = ask(gallery_of(*([4] * 100), 11), "normal")
    assert (len(match.seen), answer.half_matched) == (1, 24 + 60)
    answer, _, match = ask(gallery_of(*([1] * 100), 11), "normal")
    assert (len(match.seen), answer.half_matched) == (1, 4 + 60), "enough for the screen alone"
    answer, _, match = ask(gallery_of(*([1] * 100), 19), "normal")
    assert (len(match.seen), answer.half_matched) == (1, 4)


def test_a_method_without_a_screen_looks_once() -> None:
    match = Shared()
    identifier = Identifier(gallery=gallery_of(*ALIKE), method=Method("drawn", SIFT, match))
    assert counts(identifier.identify(photo(range(40)))) == (150, 24, 0, 24)


def test_exhaustive_matches_all_and_looks_at_none_before() -> None:
    answer, look, _ = ask(gallery_of(*ALIKE), "exhaustive")
    assert counts(answer) == (150, 150, 0, 150)
    assert look.seen == []
    assert len(answer.candidates) == 150


@pytest.mark.parametrize("effort", ["normal", "thorough", "exhaustive"])
def test_few_photos_are_all_matched_at_once(effort: str) -> None:
    answer, _, _ = ask(gallery_of(9, 7), effort)
    assert counts(answer) == (2, 2, 0, 2)
    assert named(answer) == [("animal 0", 9.0), ("animal 1", 7.0)]


def test_quick_answers_with_what_the_screen_found() -> None:
    answer, look, match = ask(gallery_of(*ALIKE, 35), "quick", keypoints=30)
    assert counts(answer) == (151, 3, 3, 0)
    assert (look.seen, match.seen) == ([30] * 3, [])
    assert max(each.score for each in answer.candidates) == 30.0


def test_quick_has_no_scores_that_compare_with_whole_matches() -> None:
    method = Method("drawn", SIFT, Shared(), score="wasserstein_h0", screen=Screen(Shared(), 5))
    with pytest.raises(SettingsError, match=r"wasserstein_h0 .* effort quick"):
        Identifier(gallery=gallery_of(9), method=method, effort="quick")


def test_without_a_screen_quick_makes_whole_matches_and_has_such_scores() -> None:
    method = Method("drawn", SIFT, Shared(), score="wasserstein_h0")
    assert Identifier(gallery=gallery_of(9), method=method, effort="quick").effort.name == "quick"


def test_the_screen_stops_when_one_individual_stands_out() -> None:
    answer, look, _ = ask(gallery_of(*([5] * 100), 39), "normal")
    assert (answer.shortlisted, answer.half_matched, len(look.seen)) == (4, 4, 4)
    assert answer.candidates[0].individual == "animal 100"
    # None of the others is close to it.
    assert answer.matched == 1


def test_the_screen_looks_at_the_most_alike_first_in_small_galleries_too() -> None:
    answer, _, _ = ask(gallery_of(24, *([9] * 18), 39), "normal")
    assert answer.candidates[0].individual == "animal 19"


def test_the_screen_tells_how_far_it_is() -> None:
    told: list[tuple[str, int, int]] = []
    method = Method("drawn", SIFT, Shared(), screen=Screen(Shared(), 50))
    identifier = Identifier(gallery=gallery_of(*ALIKE), method=method)
    identifier.identify(photo(range(40)), progress=lambda *step: told.append(step))
    screening = [step for step in told if step[0] == "screening"]
    assert screening == [("screening", done, 24) for done in range(4, 25, 4)]
    assert [step for step in told if step[0] == "comparing"] == [("comparing", 6, 6)]


def test_a_chance_lead_does_not_stop_the_screen() -> None:
    # The scan sees all alike; the screen, with more than descriptors, knows better.
    answer, _, _ = ask(gallery_of(*([20] * 8), 28), "normal")
    assert answer.half_matched == 9


def test_alike_photos_of_one_individual_do_not_crowd_out_the_others() -> None:
    gallery = gallery_of(*([30] * 100), *([25] * 100), 20, 20, 20, per_individual=100)
    answer, _, _ = ask(gallery, "normal")
    assert counts(answer) == (203, 9, 9, 3)
    assert [each.individual for each in answer.candidates] == ["animal 0", "animal 1", "animal 2"]


def test_the_screen_sees_the_best_keypoints_only() -> None:
    _, look, match = ask(gallery_of(*ALIKE), "normal", keypoints=12)
    assert set(look.seen[:84]) == {12}
    assert (len(look.seen), look.seen[84:]) == (84 + 8, [40] * 8)  # closer, but the six matched
    assert min(match.seen) > 12


def test_photos_that_are_gone_or_blank_are_counted_out_by_the_shortlist() -> None:
    class WithoutTwo(Photos):
        def features(self, annotations, extractor, /, **chips):  # type: ignore[no-untyped-def]
            for name, each in zip(
                annotations, super().features(annotations, extractor, **chips), strict=True
            ):
                yield None if name == "p3" else photo([]) if name == "p4" else each

    answer, _, _ = ask(WithoutTwo(gallery_of(*ALIKE).rows), "normal")
    assert answer.searched == 148
    assert answer.left_out == {"photo not available": 1, "no keypoints": 1}


def test_effort_and_screen_are_part_of_the_fingerprint() -> None:
    made = {effort: ask(gallery_of(9), effort)[0].fingerprint for effort in EFFORTS}
    assert len(set(made.values())) == len(EFFORTS)
    assert "screen.v1" in made["normal"]
    assert "screen.v1" not in made["exhaustive"]


def test_those_only_looked_at_are_named_after_the_candidates() -> None:
    answer, _, _ = ask(gallery_of(*([5] * 100), 12, 39), "normal")
    assert named(answer) == [("animal 101", 39.0)]
    first, *_ = answer.passed_over
    assert (first.individual, first.score) == ("animal 100", 12.0)
    assert len(answer.named) == answer.half_matched == 4


def test_no_more_than_ten_are_named_and_none_twice() -> None:
    answer, _, _ = ask(gallery_of(*([9] * 100), 30), "normal", keypoints=10)
    names = [each.individual for each in answer.named]
    assert len(names) == len(set(names)) == 10
    scores = [each.score for each in answer.passed_over]
    assert scores == sorted(scores, reverse=True)
