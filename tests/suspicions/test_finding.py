"""A catalogue with two planted mistakes, searched by a method without weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from tests.test_cascade import Shared
from tests.test_identify import photo

from resight.catalogue import Catalogue, plan_pattern
from resight.errors import CalibrationError, NotFound
from resight.extractors.sift import Sift
from resight.identify import Identifier
from resight.matchers.nearest import NearestNeighbour
from resight.method import Method, Screen
from resight.search import PhotoSearch
from resight.service.app import create_app
from resight.service.desk import open_desk
from resight.settings import Settings
from resight.suspicions import dismiss, find_suspicions, kept_suspicions
from resight.suspicions.asking import ask_all
from resight.types import Box, Chip, Features

METHOD = Method("sift+nearest", Sift(max_keypoints=50), NearestNeighbour(), long_edge=96)
ANIMALS = 44


def drawn(path: Path, seed: int, width: int) -> None:
    """A picture for each seed; another width makes another photo of the same."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(coarse).resize((width, 72), Image.Resampling.BICUBIC).save(path)


@pytest.fixture(scope="module")
def herd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Animals met twice. The second photo of animal 0 is named "double", that of animal 1 shows
    another animal, and that of animal 2 shows animal 3."""
    folder = tmp_path_factory.mktemp("herd")
    shown = {1: 99, 2: 3}
    for animal in range(ANIMALS):
        for visit in range(2):
            name = "double" if (animal, visit) == (0, 1) else f"animal {animal}"
            drawn(
                folder / "photos" / name / f"{animal}-{visit}.png",
                shown.get(animal, animal) if visit else animal,
                width=96 + 4 * visit + (animal == 2),
            )
    with Catalogue.init(folder / "catalogue") as catalogue:
        list(catalogue.add(plan_pattern(folder / "photos", "{identity}/{encounter}"), actor="test"))
        catalogue.describe([each.id for each in catalogue.annotations()], side="left", actor="test")
        PhotoSearch(catalogue=catalogue, method=METHOD).calibrate(limit=400)
    return folder / "catalogue"


@pytest.fixture
def catalogue(herd: Path) -> Iterator[Catalogue]:
    with Catalogue.open(herd) as opened:
        yield opened


def test_the_planted_mistakes_are_found_and_nothing_else(catalogue: Catalogue) -> None:
    told: list[tuple[int, int]] = []
    search = PhotoSearch(catalogue=catalogue, method=METHOD)
    found = find_suspicions(search, progress=lambda *done: told.append(done))
    encounter = {each.id: each.encounter for each in catalogue.annotations()}
    assert [(each.a, each.b) for each in found.duplicates] == [("animal 0", "double")]
    wrong = {
        each.individual: ([encounter[one] for one in each.annotations], each.looks_like)
        for each in found.mixups
    }
    assert wrong == {"animal 1": (["1-1"], ""), "animal 2": (["2-1"], "animal 3")}
    assert told[-1] == (2 * ANIMALS, 2 * ANIMALS)
    assert "of this catalogue" in found.basis
    assert kept_suspicions(catalogue) == found


def test_what_was_asked_is_not_asked_again(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = PhotoSearch(catalogue=catalogue, method=METHOD)
    first = find_suspicions(search)
    asked = []
    identify = Identifier.identify

    def counted(self: Identifier, *about: object, **more: object) -> object:
        asked.append(more["without_individual"])
        return identify(self, *about, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Identifier, "identify", counted)
    assert find_suspicions(search).mixups == first.mixups
    assert asked == []
    (wrong,) = (each for each in first.mixups if each.individual == "animal 2")
    try:
        catalogue.assign(wrong.annotations, "animal 3", actor="test")
        kept = kept_suspicions(catalogue)
        assert kept
        assert [each.individual for each in kept.mixups] == ["animal 1"]
        again = find_suspicions(search)
        assert [each.individual for each in again.mixups] == ["animal 1"]
        assert set(asked) == {"animal 3", ""}, "the photo with another name, and its new namesakes"
    finally:
        catalogue.undo(actor="test")


def test_a_dismissed_one_stays_away_until_its_photos_change(catalogue: Catalogue) -> None:
    search = PhotoSearch(catalogue=catalogue, method=METHOD)
    first = find_suspicions(search)
    (double,) = first.duplicates
    (odd,) = (each for each in first.mixups if each.individual == "animal 1")
    last = catalogue.decisions(limit=1)[0].id
    try:
        dismiss(catalogue, double.id, actor="ann")
        right = dismiss(catalogue, odd.id, actor="ann")
        again = find_suspicions(search)
        assert again == kept_suspicions(catalogue)
        assert again.duplicates == ()
        assert [each.individual for each in again.mixups] == ["animal 2"]
        with pytest.raises(NotFound, match="no suspicion"):
            dismiss(catalogue, odd.id, actor="ann")
        catalogue.undo(right.id, actor="ann")
        catalogue.describe([double.pairs[0].query], box=Box(0, 0, 95, 72), actor="ann")
        kept = kept_suspicions(catalogue)
        assert kept
        assert (kept.duplicates, len(kept.mixups)) == (first.duplicates, 2)
    finally:
        for decision in catalogue.decisions():
            if decision.id > last and not decision.undone and decision.kind != "undo":
                catalogue.undo(decision.id, actor="test")


def test_what_was_compared_with_another_part_of_a_photo_counts_no_more(
    catalogue: Catalogue,
) -> None:
    """The answers of other photos, too, are of what it showed then."""
    search = PhotoSearch(catalogue=catalogue, method=METHOD)
    assert len(find_suspicions(search).duplicates) == 1
    (moved,) = (each for each in catalogue.annotations() if each.individual == "double")
    catalogue.describe([moved.id], box=Box(0, 0, 8, 8), actor="test")
    try:
        assert find_suspicions(search).duplicates == ()
    finally:
        catalogue.undo(actor="test")


def test_a_line_that_a_crash_cut_off_is_asked_again(catalogue: Catalogue) -> None:
    search = PhotoSearch(catalogue=catalogue, method=METHOD)
    first = find_suspicions(search)
    (kept,) = (catalogue.folder / "features").glob("*/suspicions/*.jsonl")
    kept.write_bytes(kept.read_bytes()[:-30])
    again = find_suspicions(search)
    assert (again.asked, again.duplicates) == (first.asked, first.duplicates)


def test_without_probabilities_nothing_can_be_told(tmp_path: Path) -> None:
    drawn(tmp_path / "photos" / "Crush" / "1.png", 1, 96)
    with Catalogue.init(tmp_path / "catalogue") as catalogue:
        list(catalogue.add(plan_pattern(tmp_path / "photos", "{identity}/{_}"), actor="test"))
        with pytest.raises(CalibrationError, match="calibrate first"):
            find_suspicions(PhotoSearch(catalogue=catalogue, method=METHOD))
        assert kept_suspicions(catalogue) is None


def test_the_desk_shows_what_was_found(catalogue: Catalogue) -> None:
    found = find_suspicions(PhotoSearch(catalogue=catalogue, method=METHOD))
    desk = open_desk(catalogue.folder, local_user="ann", login_required=False, settings=Settings())
    try:
        browser = TestClient(create_app(desk), base_url="http://127.0.0.1:8000")
        shown = browser.get("/api/v1/suspicions").json()
    finally:
        desk.close()
    (double,) = shown["duplicates"]
    assert (double["a"], double["b"]) == ("animal 0", "double")
    assert len(double["pairs"]) == len(found.duplicates[0].pairs)
    assert {each["individual"]: each["looks_like"] for each in shown["mixups"]} == {
        "animal 1": None,
        "animal 2": "animal 3",
    }
    assert shown["computed_at"] == found.computed_at
    assert double["id"] == found.duplicates[0].id


class Bright(Sift):
    """Sees other numbers in a picture by the corner that is bright."""

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        return [photo(self._seen(each.pixels[..., 0])) for each in chips]

    @staticmethod
    def _seen(grey: np.ndarray) -> range:
        if grey[0, 0] > 200:
            return range(40)
        return range(60, 100) if grey[-1, -1] > 200 else range(100, 101)


def test_a_photo_is_compared_with_its_own_animal_turned_as_with_others(tmp_path: Path) -> None:
    """Else whoever holds their head up seems to be nobody that is known under their name."""
    method = Method("drawn", Bright(), Shared(), long_edge=50, screen=Screen(Shared(), 50))
    for visit, corner in enumerate([(0, 0), (-1, -1)]):
        pixels = np.zeros((50, 50, 3), np.uint8)
        pixels[corner] = 255
        path = tmp_path / "photos" / "Ann" / f"{visit}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    with Catalogue.init(tmp_path / "catalogue") as catalogue:
        list(catalogue.add(plan_pattern(tmp_path / "photos", "{identity}/{encounter}"), actor="t"))
        search = PhotoSearch(catalogue=catalogue, method=method)
        answers = ask_all(search, tmp_path / "answers.jsonl", None)
    assert sorted(score for each in answers.values() for _, score in each.own) == [40]
