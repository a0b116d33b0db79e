"""What scores amount to, with made-up scores: a score's probability is itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from resight.suspicions.asking import Answer
from resight.suspicions.judging import Suspicions, judge
from resight.types import GalleryEntry

Scores = Mapping[str, float]


def photo(name: str, side: str = "left") -> GalleryEntry:
    """``Crush 2b``: photo b of Crush's encounter 2."""
    individual, number = name.split()
    return GalleryEntry(name, individual, f"photo {name}", side, f"{individual} {number[0]}")


def likely(_: str, scores: Sequence[float]) -> tuple[float, ...]:
    return tuple(scores)


def judged(
    entries: Sequence[GalleryEntry],
    others: Mapping[str, Scores] | None = None,
    own: Mapping[str, Scores] | None = None,
) -> Suspicions:
    """Every photo asked: what others looked like it, and which of its own were compared."""
    answers = {
        entry.annotation: Answer(
            entry.annotation,
            "key",
            tuple(sorted((others or {}).get(entry.annotation, {}).items(), key=lambda x: -x[1])),
            tuple((own or {}).get(entry.annotation, {}).items()),
        )
        for entry in entries
    }
    return judge(entries, answers, alone=likely, even=likely)


def test_photos_that_match_across_two_names_are_a_suspected_duplicate() -> None:
    entries = [photo("Crush 1"), photo("Crush 2"), photo("Squirt 1"), photo("Dory 1")]
    found = judged(
        entries,
        others={"Crush 1": {"Squirt 1": 0.9, "Dory 1": 0.01}, "Squirt 1": {"Crush 2": 0.7}},
        own={"Crush 1": {"Crush 2": 0.95}},
    )
    (duplicate,) = found.duplicates
    assert (duplicate.a, duplicate.b, duplicate.probability) == ("Crush", "Squirt", 0.9)
    assert [(pair.query, pair.annotation) for pair in duplicate.pairs] == [
        ("Crush 1", "Squirt 1"),
        ("Squirt 1", "Crush 2"),
    ]
    assert found.mixups == ()
    assert found.asked == 4


def test_an_encounter_that_looks_like_another_animal_is_a_mixup_and_no_duplicate() -> None:
    entries = [photo("Crush 1"), photo("Crush 2"), photo("Crush 3"), photo("Squirt 1")]
    found = judged(
        entries,
        others={"Crush 3": {"Squirt 1": 0.9}, "Squirt 1": {"Crush 3": 0.9}},
        own={"Crush 1": {"Crush 2": 0.95, "Crush 3": 0.02}, "Crush 2": {"Crush 3": 0.01}},
    )
    (mixup,) = found.mixups
    assert (mixup.individual, mixup.annotations) == ("Crush", ("Crush 3",))
    assert (mixup.looks_like, mixup.probability) == ("Squirt", 0.9)
    assert "look like Squirt" in mixup.reason
    assert found.duplicates == ()


def test_an_encounter_that_matches_no_other_of_its_name_is_a_mixup() -> None:
    entries = [photo("Crush 1"), photo("Crush 2"), photo("Crush 3"), photo("Crush 3b")]
    found = judged(
        entries,
        own={
            "Crush 1": {"Crush 2": 0.95, "Crush 3": 0.02, "Crush 3b": 0.1},
            "Crush 2": {"Crush 3": 0.01, "Crush 3b": 0.05},
        },
    )
    (mixup,) = found.mixups
    assert mixup.annotations == ("Crush 3", "Crush 3b")
    assert (mixup.probability, mixup.looks_like, mixup.compared) == (0.9, "", 4)
    assert "match none" in mixup.reason


def test_of_two_equal_parts_that_which_looks_like_another_animal_is_suspected() -> None:
    for wrong in ("Crush 1", "Crush 2"):
        found = judged(
            [photo("Crush 1"), photo("Crush 2"), photo("Squirt 1")],
            others={wrong: {"Squirt 1": 0.8}},
            own={"Crush 1": {"Crush 2": 0.05}},
        )
        assert [each.annotations for each in found.mixups] == [(wrong,)]


def test_photos_of_a_chain_of_matches_are_of_one_animal() -> None:
    found = judged(
        [photo("Crush 1"), photo("Crush 2"), photo("Crush 3")],
        own={"Crush 1": {"Crush 2": 0.9, "Crush 3": 0.01}, "Crush 2": {"Crush 3": 0.9}},
    )
    assert found.mixups == ()


def test_photos_of_another_side_need_not_match() -> None:
    found = judged(
        [photo("Crush 1"), photo("Crush 2", side="topleft")], own={"Crush 1": {"Crush 2": 0.01}}
    )
    assert found.mixups == ()
    unknown = judged(
        [photo("Crush 1", side="unknown"), photo("Crush 2", side="unknown")],
        own={"Crush 1": {"Crush 2": 0.01}},
    )
    assert unknown.mixups == (), "they may be of two sides"


def test_a_photo_that_nothing_was_compared_with_is_no_mixup() -> None:
    found = judged(
        [photo("Crush 1"), photo("Crush 2", side="right"), photo("Squirt 1")],
        others={"Crush 1": {"Squirt 1": 0.8}},
    )
    assert found.mixups == ()
    assert [(each.a, each.b) for each in found.duplicates] == [("Crush", "Squirt")]


def test_photos_of_one_encounter_need_not_match() -> None:
    found = judged(
        [photo("Crush 1"), photo("Crush 1b"), photo("Crush 2")],
        own={"Crush 1": {"Crush 2": 0.9}, "Crush 1b": {"Crush 2": 0.01}},
    )
    assert found.mixups == ()


def test_names_given_since_settle_what_was_suspected() -> None:
    entries = [photo("Crush 1"), photo("Crush 2"), photo("Squirt 1"), photo("Dory 1")]
    found = judged(
        entries,
        others={"Crush 1": {"Squirt 1": 0.9}},
        own={"Crush 1": {"Crush 2": 0.05}, "Crush 2": {"Crush 1": 0.05}},
    )
    assert found.standing(entries) == found
    assert found.mixups
    merged = [
        GalleryEntry(each.annotation, "Crush", each.photo, each.side, each.encounter)
        if each.individual == "Squirt"
        else each
        for each in entries
    ]
    assert found.standing(merged).duplicates == ()
    assert found.standing(merged).mixups == found.mixups
    without = [each for each in entries if each.annotation not in found.mixups[0].annotations]
    assert found.standing(without).mixups == ()
