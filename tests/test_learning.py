"""A gallery asked about its own photos: what is left out, what is kept, what is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resight.calibration import Calibration
from resight.distributions import match_known_pairs
from resight.errors import CalibrationError
from resight.extractors import Extractor
from resight.extractors.sift import Sift
from resight.identify import Identifier
from resight.learning import learn, plan
from resight.matchers.nearest import NearestNeighbour
from resight.method import Method
from resight.scoring import KnownPairs
from resight.types import Features, GalleryEntry, Identification, Matches

SIFT = Sift()
METHOD = Method("sift+nearest", SIFT, NearestNeighbour())
#: Keypoints of every animal's own, and those that all animals share.
OWN, SHARED = 5, 4


class Herd:
    """Animals seen in two encounters (the last ``once`` of them in one), one photo each.

    A keypoint is a number: equal ones match, so the score of two photos of one animal is
    ``OWN + SHARED`` and of two animals ``SHARED``.
    """

    def __init__(self, animals: int, once: int = 0) -> None:
        self.rows = [
            GalleryEntry(f"{n}.{visit}", f"animal {n}", f"sha {n}.{visit}", "left", f"e{n}.{visit}")
            for n in range(animals)
            for visit in range(2 if n < animals - once else 1)
        ]

    def entries(self) -> Sequence[GalleryEntry]:
        return self.rows

    def features(
        self,
        annotations: Sequence[str],
        extractor: Extractor,
        /,
        *,
        long_edge: int,
        margin: float,
    ) -> Iterator[Features | None]:
        for name in annotations:
            yield shown(self.numbers(int(name.split(".")[0])))

    def numbers(self, animal: int) -> list[int]:
        return [*range(SHARED), *range(10 + OWN * animal, 10 + OWN * (animal + 1))]


class Uneven(Herd):
    """Every third animal shares less with others, so that pairs of it say something else."""

    def numbers(self, animal: int) -> list[int]:
        shared, first = (SHARED if animal % 3 else 1), 10 + 8 * animal
        return [*range(shared), *range(first, first + 9 - shared)]


def shown(numbers: Sequence[int]) -> Features:
    descriptors = np.zeros((len(numbers), 256), np.float32)
    descriptors[np.arange(len(numbers)), numbers] = 1
    points = np.array([(7 * n % 50, 11 * n % 50) for n in numbers], np.float32)
    return Features(
        keypoints=points,
        descriptors=descriptors,
        scores=np.ones(len(numbers), np.float32),
        size=(50, 50),
        family="sift",
        metric="cosine",
        fingerprint=SIFT.fingerprint,
    )


class Counting(Identifier):
    """Counts what it is asked, and with what left out."""

    asked: list[str]

    def identify(self, *arguments: Any, **options: Any) -> Identification:
        self.asked = [*getattr(self, "asked", []), options["without_individual"]]
        return super().identify(*arguments, **options)


class Confident(NearestNeighbour):
    """Nearest neighbours that call every match certain."""

    def match(self, query: Features, gallery: Sequence[Features]) -> list[Matches]:
        found = []
        for matches in super().match(query, gallery):
            confidences = np.zeros(len(query), np.float32)
            confidences[matches.pairs[:, 0]] = 1
            found.append(Matches(matches.pairs, matches.scores, confidences))
        return found


def identifier(herd: Herd, effort: str = "exhaustive") -> Counting:
    return Counting(gallery=herd, method=METHOD, effort=effort)


def test_known_animals_are_found_and_novel_ones_are_not_there() -> None:
    trials = learn(identifier(Herd(24, once=3)), limit=80)
    known = [trial for trial in trials.trials if not trial.novel]
    novel = [trial for trial in trials.trials if trial.novel]
    assert (len(known), len(novel)) == (40, 40)
    assert len({trial.individual for trial in known}) == trials.individuals == 21
    assert len({trial.individual for trial in novel}) == 24
    for trial in known:
        assert trial.right == 0
        assert trial.scores == (9.0, *[4.0] * 23)
    for trial in novel:
        assert trial.scores == (4.0,) * 23


def test_leaving_out_of_a_full_search_needs_no_second_search() -> None:
    whole, normal = identifier(Herd(20)), identifier(Herd(20), effort="normal")
    learn(whole, limit=80)
    assert whole.asked == [""] * 40
    learn(normal, limit=80)
    assert len(normal.asked) == 80
    assert sum(without != "" for without in normal.asked) == 40


def test_an_animal_asked_about_as_new_taught_its_score_nothing() -> None:
    """Not even where everything is matched, and answers are used again."""
    method = Method("sift+confident", SIFT, Confident(), score="mean_shift")
    herd = Uneven(20)
    known = match_known_pairs(herd, method, pairs=10_000)  # all there are
    asking = Counting(gallery=herd, method=method, effort="exhaustive", known_pairs=known)
    novel = [trial for trial in learn(asking, limit=80).trials if trial.novel]
    unseen = Uneven(20)
    unseen.rows = [row for row in herd.rows if row.individual != novel[0].individual]
    fewer = match_known_pairs(unseen, method, pairs=10_000)
    (features,) = herd.features([novel[0].photo.split()[1]], SIFT, long_edge=512, margin=0.0)
    assert features is not None
    expected = Identifier(gallery=unseen, method=method, effort="exhaustive", known_pairs=fewer)
    scores = [each.score for each in expected.identify(features).candidates]
    assert novel[0].scores == pytest.approx(scores, rel=1e-4)


def test_what_is_learned_serves_answers_of_the_same_identifier() -> None:
    herd = Herd(24)
    asking = identifier(herd)
    asking.calibration = Calibration(learn(asking))
    (features,) = herd.features(["3.0"], SIFT, long_edge=512, margin=0.0)
    assert features is not None
    known = asking.identify(features, encounter="e3.0", photo="sha 3.0", without_individual="")
    new = asking.identify(features, without_individual="animal 3")
    assert known.candidates[0].individual == "animal 3"
    assert known.verdict == "known"
    assert new.verdict == "new"
    for answer in (known, new):
        each = [candidate.probability or 0.0 for candidate in answer.candidates]
        rest = (answer.new_probability or 0.0) + (answer.unlisted_probability or 0.0)
        assert sum(each) + rest == pytest.approx(1)


def test_a_limit_that_leaves_too_few_is_told_from_a_catalogue_that_has_too_few() -> None:
    with pytest.raises(CalibrationError, match=r"limit of 30 asks about 15 of 24 .* set it to 40"):
        learn(identifier(Herd(24)), limit=30)


def test_a_calibration_of_another_effort_is_refused() -> None:
    learned = Calibration(learn(identifier(Herd(24))))
    with pytest.raises(CalibrationError, match="not of sift"):
        Identifier(gallery=Herd(24), method=METHOD, effort="normal", calibration=learned)


def test_a_search_that_meets_the_querys_own_encounter_is_refused() -> None:
    """A leak is planted: the search is not told which encounter to leave out."""

    class Leaking(Counting):
        def identify(self, *arguments: Any, **options: Any) -> Identification:
            return super().identify(*arguments, **{**options, "encounter": "", "photo": ""})

    leaking = Leaking(gallery=Herd(24), method=METHOD, effort="exhaustive")
    with pytest.raises(CalibrationError, match="its own"):
        learn(leaking)


def test_a_stopped_run_continues_where_it_was(tmp_path: Path) -> None:
    herd, journal = Herd(20), tmp_path / "journal"

    def stop(done: int, total: int) -> None:
        if done == 17:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(identifier(herd, "normal"), journal=journal, progress=stop)
    content = journal.read_bytes()
    journal.write_bytes(content[:-9])  # as a power cut leaves the last line
    again = identifier(herd, "normal")
    trials = learn(again, journal=journal)
    assert len(again.asked) == 80 - 16
    assert trials == learn(identifier(herd, "normal"))


def test_a_changed_gallery_begins_anew(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    learn(identifier(Herd(20), "normal"), journal=journal)
    again = identifier(Herd(21), "normal")
    learn(again, journal=journal)
    assert len(again.asked) == 84


@pytest.mark.parametrize("changed", ["pinned", "code", "known pairs"])
def test_what_other_code_or_settings_made_is_not_continued(
    changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = tmp_path / "journal"
    learn(identifier(Herd(20), "normal"), limit=40, journal=journal, pinned="the protocol")
    again = identifier(Herd(20), "normal")
    if changed == "code":
        monkeypatch.setattr("resight.learning.code_digest", lambda: "other")
    if changed == "known pairs":
        known = KnownPairs((), (), METHOD.matching_fingerprint)
        again = Counting(gallery=Herd(20), method=METHOD, effort="normal", known_pairs=known)
    pinned = "another protocol" if changed == "pinned" else "the protocol"
    learn(again, limit=40, journal=journal, pinned=pinned)
    assert len(again.asked) == 40


def test_a_garbled_journal_begins_anew(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    trials = learn(identifier(Herd(20), "normal"), journal=journal)
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:5], b"\0" * 20 + b"\n", *lines[6:]]))
    again = identifier(Herd(20), "normal")
    assert learn(again, journal=journal) == trials
    assert len(again.asked) == 80


def test_an_encounter_of_many_animals_costs_its_photos_their_probabilities_only() -> None:
    herd = Herd(24)
    herd.rows = [replace(row, encounter=f"day {row.annotation[-1]}") for row in herd.rows]
    asking = identifier(herd)
    asking.calibration = Calibration(learn(asking))
    (features,) = herd.features(["3.0"], SIFT, long_edge=512, margin=0.0)
    assert features is not None
    answer = asking.identify(features, encounter="day 0", photo="sha 3.0", without_individual="")
    assert answer.candidates[0].individual == "animal 3"
    assert (answer.verdict, answer.candidates[0].probability) == (None, None)
    assert "'day 0' or its photo is in " in answer.calibration


def test_too_few_individuals_seen_twice_are_refused() -> None:
    with pytest.raises(CalibrationError, match="19 individuals were seen in two encounters"):
        learn(identifier(Herd(30, once=11)))


def test_questions_are_spread_over_individuals_and_always_the_same() -> None:
    entries = [
        GalleryEntry(f"{n}.{k}", f"animal {n}", f"sha {n}.{k}", "left", f"e{n}.{k % 2}")
        for n in range(10)
        for k in range(n + 2)
    ]
    questions = plan(entries, 40)
    assert questions == plan(entries[::-1], 40)
    for novel in (False, True):
        chosen = [each.entry.individual for each in questions if each.novel is novel]
        assert len(chosen) == 20
        assert {chosen.count(name) for name in chosen} == {2}
