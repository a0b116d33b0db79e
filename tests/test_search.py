"""A search that lives longer than what it found on the disk when it began."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from resight.catalogue import Catalogue, ImportPlan, PlannedPhoto, plan_folders, plan_pattern
from resight.demo import QUICK
from resight.extractors.sift import Sift
from resight.masks import mask_said
from resight.matchers.nearest import NearestNeighbour
from resight.method import Method, Screen
from resight.registry import build_method
from resight.search import PhotoSearch
from resight.settings import Settings
from resight.testing import drawn_animals, photograph

METHOD = Method("sift+nearest", Sift(max_keypoints=50), NearestNeighbour(), long_edge=96)


def drawn(path: Path, seed: int) -> Path:
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(coarse).resize((96, 72), Image.Resampling.BICUBIC).save(path)
    return path


def test_a_restored_original_is_noticed_and_a_lost_one_not_tried_for_ever(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    photos = [drawn(tmp_path / "photos" / f"animal {n}" / f"{n}.png", n) for n in range(6)]
    asked = drawn(tmp_path / "asked.png", 99)
    with Catalogue.init(tmp_path / "catalogue") as catalogue:
        list(catalogue.add(plan_folders(tmp_path / "photos"), actor="test"))
        lost = catalogue.original("animal 3/3.png")
        content = lost.read_bytes()
        lost.unlink()
        search = PhotoSearch(catalogue=catalogue, method=METHOD, effort="quick")
        query = search.read(asked)
        missing = [search.identify(query).left_out for _ in range(4)]
        assert missing == [{"photo not available": 1}] * 4
        assert caplog.text.count("is lost or damaged") <= 2, "not at every query"

        lost.write_bytes(content)
        assert search.identify(query).left_out == {}
    assert photos[3].read_bytes() == content


def test_what_another_search_has_learned_is_used_from_then_on(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for animal in range(20):
        for visit in range(2):
            path = drawn(photos / f"animal {animal}" / f"{animal}-{visit}.png", animal)
            if visit:  # the same animal in another photo
                Image.open(path).resize((100, 72)).save(path)
    asked = drawn(tmp_path / "asked.png", 3)
    with Catalogue.init(tmp_path / "catalogue") as catalogue:
        list(catalogue.add(plan_pattern(photos, "{identity}/{encounter}"), actor="test"))
        people, bulk = (PhotoSearch(catalogue=catalogue, method=METHOD) for _ in range(2))
        query = people.read(asked)
        before = people.identify(query)
        bulk.calibrate(limit=40)
        after = people.identify(query)
        dark = replace(query, chip=replace(query.chip, pixels=query.chip.pixels // 255))
        unseen, mirrored = (people.identify(each) for each in (dark, people.mirrored(query)))
    assert after.new_probability is not None
    for answer in (unseen, mirrored):
        assert (answer.new_probability, answer.verdict) == (None, None)
        assert [each.probability for each in answer.candidates] == [None] * len(answer.candidates)
    assert unseen.candidates, "what its features resemble"
    assert "nothing to see" in unseen.calibration
    assert before.new_probability is None, "no drawn animals were asked about by such a method"
    assert "20 individuals of this catalogue" in after.calibration


def test_a_query_with_a_mask_is_seen_on_it_from_every_direction(tmp_path: Path) -> None:
    """Another's mask may be around what stands out, so nothing else may be looked at."""
    for number in range(8):
        drawn(tmp_path / "photos" / f"animal {number}" / f"{number}.png", number)
    method = replace(METHOD, screen=Screen(METHOD.matcher, 50))
    with Catalogue.init(tmp_path / "catalogue") as catalogue:
        list(catalogue.add(plan_folders(tmp_path / "photos"), actor="test"))
        (record, *_) = catalogue.annotations()
        left = mask_said([[0, 0, 48, 0, 48, 72, 0, 72]])
        catalogue.describe([record.id], mask=left, actor="test")
        search = PhotoSearch(catalogue=catalogue, method=method, effort="thorough")
        query = search.read_annotation(record.id)
        answer = search.identify(query)
    assert answer.turned
    seen = [
        query.features.keypoints if each.keypoints is None else each.keypoints
        for candidate in answer.candidates
        for each in candidate.evidence
    ]
    assert any(each.keypoints is not None for c in answer.candidates for each in c.evidence)
    assert max(keypoints[:, 0].max() for keypoints in seen) < 49


def test_what_an_import_adds_and_fills_in_is_searched_at_once(tmp_path: Path) -> None:
    """One import is one decision, so its number tells nothing of what it has added since."""
    first, second, third = (drawn(tmp_path / f"{n}.png", n) for n in range(3))

    def said(path: Path, individual: str, encounter: str = "") -> ImportPlan:
        photo = PlannedPhoto(path, "test", path.name, individual, encounter=encounter)
        return ImportPlan("test", (photo,))

    with Catalogue.init(tmp_path / "catalogue") as catalogue:
        (began,) = catalogue.add(said(first, "Ann"), actor="test")

        def go_on(plan: ImportPlan) -> None:
            list(catalogue.add(plan, actor="test", decision=began.decision))

        search = PhotoSearch(catalogue=catalogue, method=METHOD)
        query = search.read(drawn(tmp_path / "asked.png", 99))
        assert search.identify(query).searched == 1
        go_on(said(second, "Bo"))
        go_on(said(third, "Bo", "dive 1"))
        assert search.identify(query).searched == 3
        go_on(said(second, "Bo", "dive 1"))
        own = search.read_annotation(*catalogue.find("2.png"))
        assert search.identify(own).left_out == {"own photo": 1, "own encounter": 1}


def test_a_search_that_waits_for_few_leaves_out_what_is_not_described(tmp_path: Path) -> None:
    for number in range(6):
        drawn(tmp_path / "photos" / f"animal {number}" / f"{number}.png", number)
    asked = drawn(tmp_path / "asked.png", 99)
    with Catalogue.init(tmp_path / "catalogue") as catalogue:
        list(catalogue.add(plan_folders(tmp_path / "photos"), actor="test"))
        search = PhotoSearch(catalogue=catalogue, method=METHOD, waits_for=3)
        query = search.read(asked)
        answer = search.identify(query)
        assert (answer.searched, answer.left_out) == (0, {"not described yet": 6})
        assert "6 photos are still to be described" in answer.calibration
        catalogue.prepare(METHOD.extractor, long_edge=METHOD.long_edge)
        answer = search.identify(query)
        assert (answer.searched, answer.left_out, answer.calibration) == (6, {}, "")

        drawn(tmp_path / "more" / "animal 6" / "6.png", 6)
        list(catalogue.add(plan_folders(tmp_path / "more"), actor="test"))
        assert search.identify(query).searched == 7, "one is described on the way"


def test_an_animal_that_lies_on_its_side_is_found_and_its_lines_lie_on_the_photo(
    tmp_path: Path,
) -> None:
    animals = drawn_animals(8, seed=5, kind="scutes")

    def taken(number: int, visit: int) -> NDArray[np.uint8]:
        seed = 10 * number + visit
        return photograph(animals[number], seed=seed, size=(320, 240), difficulty=0.2).pixels

    for number in range(len(animals)):
        path = tmp_path / "photos" / f"animal {number}" / f"{number}.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(taken(number, 0)).save(path)
    asked = taken(3, 1)
    for name, pixels in {"upright": asked, "turned": np.rot90(asked)}.items():
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    method = build_method("aliked-n16+lightglue", Settings().model_copy(update=QUICK))
    with Catalogue.init(tmp_path / "catalogue") as catalogue:
        list(catalogue.add(plan_folders(tmp_path / "photos"), actor="test"))
        search = PhotoSearch(catalogue=catalogue, method=method)
        found = {}
        for name in ("upright", "turned"):
            query = search.read(tmp_path / f"{name}.png")
            answer = search.identify(query)
            assert answer.candidates[0].individual == "animal 3"
            found[name] = answer, search.pair(query, answer.candidates[0].evidence[0])
    (upright, straight), (turned, across) = found["upright"], found["turned"]
    assert (upright.turned > 0, turned.turned > 0) == (False, True)
    # A point of the photo lies on the candidate where it did before the photo was turned.
    assert straight.transform is not None
    assert across.transform is not None
    inside = np.array([[x, y, 1.0] for x in (110, 160, 210) for y in (90, 120, 150)])
    as_turned = (
        inside @ np.array([[0, 1, 0], [-1, 0, 319], [0, 0, 1.0]]).T
    )  # (x, y) to (y, 319 - x)
    np.testing.assert_allclose(
        placed(across.transform, as_turned), placed(straight.transform, inside), atol=6
    )


def placed(transform: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    mapped = points @ transform.T
    return mapped[:, :2] / mapped[:, 2:]


def test_a_picture_tells_what_the_probabilities_amount_to(tmp_path: Path) -> None:
    for number in range(3):
        drawn(tmp_path / "photos" / f"animal {number}" / f"{number}.png", number)
    with Catalogue.init(tmp_path / "catalogue") as catalogue:
        list(catalogue.add(plan_folders(tmp_path / "photos"), actor="test"))
        search = PhotoSearch(catalogue=catalogue, method=METHOD, effort="exhaustive")
        query = search.read(drawn(tmp_path / "asked.png", 1))
        silent = search.identify(query)
        first = replace(silent.candidates[0], probability=0.93)
        sure = replace(
            silent,
            candidates=(first, *silent.candidates[1:]),
            new_probability=0.05,
            unlisted_probability=0.02,
            needed=0.9,
            calibration="learned",
        )
        pictures = [search.picture(query, answer) for answer in (silent, sure)]
    assert pictures[1].shape[0] > pictures[0].shape[0], "a line for the verdict"
    added = pictures[1].shape[0] - pictures[0].shape[0]
    row = [pictures[0][:30], pictures[1][added : added + 30]]
    assert (row[0] != row[1]).any(), "and the probability of the animal"
