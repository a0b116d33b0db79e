"""Masks that people give to annotations: decisions like others, and what features are made of."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resight.catalogue import Catalogue, ImportPlan, MergeConflict, PlannedPhoto, plan_csv
from resight.errors import BadFact, Conflict
from resight.extractors.sift import Sift
from resight.masks import Mask, mask_said, mask_text, mask_told
from resight.matchers.nearest import NearestNeighbour
from resight.method import Method
from resight.rle import to_text
from resight.search import PhotoSearch
from resight.types import Box

from .conftest import Draw
from .test_merge import Two, clean, two

__all__ = ["two"]

LEFT = Mask.of(np.array([[True, False]]), Box(0, 0, 48, 32))
RIGHT = Mask.of(np.array([[False, True]]), Box(0, 0, 48, 32))


@pytest.fixture
def photo(tmp_path: Path, draw: Draw) -> Path:
    return draw(tmp_path / "1.png", 1)


@pytest.fixture
def id(catalogue: Catalogue, photo: Path) -> str:
    return added(catalogue, planned(photo))


def planned(photo: Path, mask: Mask | None = None) -> PlannedPhoto:
    return PlannedPhoto(photo, "test", "1.png", "Crush", mask=mask)


def added(catalogue: Catalogue, photo: PlannedPhoto, status: str = "added") -> str:
    (outcome,) = catalogue.add(ImportPlan("test", (photo,)), actor="ann")
    assert (outcome.status, outcome.reason) == (status, outcome.reason)
    return outcome.annotation


def mask_now(catalogue: Catalogue, id: str) -> Mask | None:
    (record,) = catalogue.annotations([id])
    assert catalogue.now().annotations[id].mask == record.mask
    return record.mask


def test_a_mask_is_a_decision_that_is_undone_and_done_again(catalogue: Catalogue, id: str) -> None:
    one = catalogue.describe([id], mask=LEFT, actor="ann")
    two = catalogue.describe([id], mask=RIGHT, actor="bo", note="that was a hand")
    (change,) = catalogue.changes(two.id)
    assert (change.before, change.after) == (
        {"mask": mask_text(LEFT)},
        {"mask": mask_text(RIGHT)},
    )
    was = mask_told(mask_text(LEFT))
    with pytest.raises(Conflict, match=f"from {was} to mask .{{6}}, by decision 3: undo"):
        catalogue.undo(one.id, actor="ann")
    catalogue.undo(actor="ann")
    assert mask_now(catalogue, id) == LEFT
    catalogue.undo(two.id + 1, actor="ann")
    assert mask_now(catalogue, id) == RIGHT
    catalogue.describe([id], mask="", actor="ann")
    assert mask_now(catalogue, id) is None
    assert [each.actor for each in catalogue.show(id).decisions] == ["ann", *["ann"] * 2, "bo"] + [
        "ann"
    ] * 2
    assert clean(catalogue)


def test_it_lies_in_the_photo_wherever_the_box_goes(catalogue: Catalogue, id: str) -> None:
    catalogue.describe([id], mask=LEFT, actor="ann")
    catalogue.describe([id], box=Box(1, 2, 30, 20), rotation=15, actor="ann")
    assert mask_now(catalogue, id) == LEFT


def test_one_off_the_photo_is_refused(catalogue: Catalogue, id: str, photo: Path) -> None:
    off = Mask.of(np.ones((1, 1), bool), Box(48, 0, 5, 5))
    with pytest.raises(BadFact, match="lies off the 48 x 32 photo"):
        catalogue.describe([id], mask=off, actor="ann")
    assert (
        "lies off"
        in next(catalogue.add(ImportPlan("test", (planned(photo, off),)), actor="ann")).reason
    )
    assert mask_now(catalogue, id) is None
    assert len(catalogue.decisions()) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        replace(LEFT, counts="14"),
        replace(LEFT, counts="1é"),
        replace(LEFT, counts="2"),
        replace(LEFT, rows=300, columns=1, counts=to_text([0, 300])),
        replace(LEFT, box=Box(0, 0, 0, 5)),
        replace(LEFT, box=Box(float("nan"), 0, 5, 5)),
    ],
)
def test_one_that_is_none_is_refused(
    catalogue: Catalogue, id: str, photo: Path, wrong: Mask
) -> None:
    with pytest.raises(BadFact, match=r"mask|runs|counts"):
        catalogue.describe([id], mask=wrong, actor="ann")
    with pytest.raises(ValueError, match=r"mask|runs|counts"):
        planned(photo, wrong)
    assert mask_now(catalogue, id) is None


def test_an_add_is_not_taken_back_over_a_mask_made_since(catalogue: Catalogue, id: str) -> None:
    """Also where the add is of before there were masks, so says nothing of one."""
    catalogue.describe([id], mask=LEFT, actor="ann")
    with pytest.raises(Conflict, match="the mask of annotation"):
        catalogue.undo(1, actor="ann")


def test_photos_come_with_masks_and_are_known_again(catalogue: Catalogue, photo: Path) -> None:
    id = added(catalogue, planned(photo, LEFT))
    assert mask_now(catalogue, id) == LEFT
    added(catalogue, planned(photo, LEFT), "already")
    added(catalogue, planned(photo), "already")
    (outcome,) = catalogue.add(ImportPlan("test", (planned(photo, RIGHT),)), actor="ann")
    assert outcome.status == "conflict"
    assert mask_told(mask_text(RIGHT)) in outcome.reason
    # Somebody corrects the mask: the table that said the old one is right as it was.
    catalogue.describe([id], mask=RIGHT, actor="ann")
    added(catalogue, planned(photo, LEFT), "already")
    catalogue.describe([id], mask="", actor="ann")
    added(catalogue, planned(photo, LEFT), "already")
    assert mask_now(catalogue, id) is None


def test_one_of_another_size_than_its_photo_is_refused(
    catalogue: Catalogue, id: str, tmp_path: Path, photo: Path, draw: Draw
) -> None:
    """Runs are over all of a photo: of a smaller copy they would lie in its corner."""
    with Image.open(photo) as image:
        width, height = image.size
    whole = mask_said({"size": [height, width], "counts": [0, width * height]})
    small = mask_said({"size": [height // 2, width // 2], "counts": [9, width * height // 4 - 9]})
    new = replace(planned(draw(tmp_path / "2.png", 2), small), name="2.png")
    (outcome,) = catalogue.add(ImportPlan("test", (new,)), actor="ann")
    assert (outcome.status, "mask is of a photo of" in outcome.reason) == ("bad", True)
    (outcome,) = catalogue.add(ImportPlan("test", (planned(photo, small),)), actor="ann")
    assert (outcome.status, "mask is of a photo of" in outcome.reason) == ("conflict", True)
    added(catalogue, planned(photo, whole), "updated")


def test_one_of_a_photo_that_was_taken_back_is_checked_too(
    catalogue: Catalogue, id: str, photo: Path
) -> None:
    catalogue.undo(actor="ann")
    far = Mask.of(np.ones((1, 1), bool), Box(5000, 5000, 100, 100))
    (outcome,) = catalogue.add(ImportPlan("test", (planned(photo, far),)), actor="ann")
    assert (outcome.status, "lies off" in outcome.reason) == ("conflict", True)
    assert catalogue.annotations() == ()


def test_it_is_one_text_whatever_numbers_its_box_is_of() -> None:
    cells = np.array([[True, False]])
    texts = {mask_text(Mask.of(cells, Box(*map(kind, (0, 0, 48, 32))))) for kind in (int, float)}
    assert len(texts) == 1


def test_a_mask_is_filled_in_where_there_was_none(
    catalogue: Catalogue, id: str, photo: Path
) -> None:
    added(catalogue, planned(photo, LEFT), "updated")
    assert mask_now(catalogue, id) == LEFT
    catalogue.undo(actor="ann")
    assert mask_now(catalogue, id) is None


def test_it_outlives_a_backup(catalogue: Catalogue, id: str, tmp_path: Path) -> None:
    catalogue.describe([id], mask=LEFT, actor="ann")
    archive = catalogue.backup(tmp_path / "b.zip").path
    with Catalogue.restore(archive, tmp_path / "restored") as restored:
        assert mask_now(restored, id) == LEFT
        restored.undo(actor="ann")
        assert mask_now(restored, id) is None
        assert clean(restored)


def test_check_finds_one_that_no_decision_made(catalogue: Catalogue, id: str) -> None:
    with closing(sqlite3.connect(catalogue.folder / "catalogue.sqlite")) as connection, connection:
        connection.execute("UPDATE annotations SET mask = ?", (mask_text(LEFT),))
    assert [each.severity for each in catalogue.check()] == ["error"]


def test_a_merge_takes_over_what_only_they_drew(two: Two) -> None:
    ours, theirs = two
    (one,), (other,) = ours.find("Crush/1.png"), ours.find("Crush/2.png")
    theirs.describe([one], mask=LEFT, actor="bo")
    ours.describe([other], mask=RIGHT, actor="ann")
    report = ours.merge(theirs.folder, actor="ann")
    assert (report.updated, report.conflicts) == (1, ())
    assert (mask_now(ours, one), mask_now(ours, other)) == (LEFT, RIGHT)
    ours.undo(report.decision.id if report.decision else 0, actor="ann")
    assert (mask_now(ours, one), mask_now(ours, other)) == (None, RIGHT)
    assert clean(ours)


def test_a_merge_lists_what_both_drew_and_leaves_it(two: Two) -> None:
    ours, theirs = two
    (id,) = ours.find("Crush/1.png")
    ours.describe([id], mask=LEFT, actor="ann")
    theirs.describe([id], mask=RIGHT, actor="bo")
    told = (mask_told(mask_text(each)) for each in (LEFT, RIGHT))
    report = ours.merge(theirs.folder, actor="ann")
    assert report.conflicts == (MergeConflict(id, "Crush/1.png", "mask", *told),)
    assert mask_now(ours, id) == LEFT


def test_a_merge_brings_new_photos_with_their_masks(two: Two, draw: Draw, tmp_path: Path) -> None:
    ours, theirs = two
    new = replace(planned(draw(tmp_path / "new.png", 9), LEFT), identity="Dory")
    id = added(theirs, new)
    ours.merge(theirs.folder, actor="ann")
    assert mask_now(ours, id) == LEFT


def keypoints(catalogue: Catalogue, id: str, extractor: Sift) -> np.ndarray:
    (features,) = catalogue.features([id], extractor, long_edge=96)
    assert features is not None
    return features.keypoints


def test_features_lie_on_the_mask_and_follow_it(catalogue: Catalogue, id: str) -> None:
    extractor = Sift()
    entry = catalogue.entries()[0].described
    whole = keypoints(catalogue, id, extractor)
    on_left, on_right = whole[whole[:, 0] < 47.5], whole[whole[:, 0] > 47.5]
    assert min(len(on_left), len(on_right)) > 0
    files = catalogue.features_on_disk()
    for mask, expected in ((LEFT, on_left), (RIGHT, on_right)):
        catalogue.describe([id], mask=mask, actor="ann")
        assert catalogue.not_described([id], extractor, long_edge=96) == {id}
        np.testing.assert_array_equal(keypoints(catalogue, id, extractor), expected)
        assert catalogue.entries()[0].described != entry  # so the shortlist packs it again
    assert catalogue.features_on_disk() > files
    catalogue.describe([id], mask="", actor="ann")
    assert catalogue.not_described([id], extractor, long_edge=96) == frozenset()
    np.testing.assert_array_equal(keypoints(catalogue, id, extractor), whole)
    assert catalogue.entries()[0].described == entry
    catalogue.undo(actor="ann")
    np.testing.assert_array_equal(keypoints(catalogue, id, extractor), on_right)


def test_queries_lie_on_it_too(catalogue: Catalogue, id: str, photo: Path) -> None:
    catalogue.describe([id], mask=LEFT, actor="ann")
    method = Method("sift+nearest", Sift(), NearestNeighbour(), long_edge=96)
    search = PhotoSearch(catalogue=catalogue, method=method)
    for query in (search.read_annotation(id), search.read(photo)):
        assert 0 < query.features.keypoints[:, 0].max() <= 47.5
    assert search.read(photo, box=Box(0, 0, 48, 32)).features.keypoints[:, 0].max() > 47.5


def test_what_is_kept_of_annotations_without_a_mask_is_still_found(
    catalogue: Catalogue, id: str
) -> None:
    """The names that version 0.1.0 gave: nothing is described again after an upgrade."""
    list(catalogue.features([id], Sift(), long_edge=96))
    assert [each.described for each in catalogue.entries()] == [f"{id}/ca6a6a04"]


MASK = '"{""size"": [2, 2], ""counts"": ""13""}"'


def test_a_table_brings_masks(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text(f'path,Mask\na.png,{MASK}\nb.png,\nc.png,"[[0,0,2,0,2,2]]"\nd.png,x.png\n')
    plan = plan_csv(table)
    masks = [photo.mask for photo in plan.photos]
    assert masks[0] == Mask(Box(0, 0, 2, 2), 2, 2, "13")
    assert masks[1] is None
    assert masks[2] is not None
    assert [(bad.source, bad.reason[:17]) for bad in plan.bad] == [
        ("t.csv line 5", "the mask is no CO")
    ]


def test_segmentations_that_nobody_can_read_cost_no_photo(tmp_path: Path) -> None:
    """Metadata of wildlife-datasets have files, Python's own notation and more in this column."""
    table = tmp_path / "t.csv"
    table.write_text(f"path,segmentation\na.png,{MASK}\nb.png,b-mask.png\nc.png,nan\nd.png\n")
    plan = plan_csv(table)
    assert [photo.mask is not None for photo in plan.photos] == [True, False, False, False]
    assert plan.warnings == (
        "t.csv: 1 segmentations are none of COCO's and were left out, the first in line 3",
    )
    assert plan.columns == {"path": "path", "mask": "segmentation"}
