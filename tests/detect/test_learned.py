"""What boxes hold, learned from made-up cells and from boxed photos in a catalogue."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from resight.boxing import boxed, kept_detector, learned_detector
from resight.catalogue import Catalogue, plan_csv
from resight.detect.cells import Cells
from resight.detect.learned import Look, PartModel, Sums
from resight.errors import CalibrationError, ModelError
from resight.settings import Settings
from resight.testing import DrawnAnimal, DrawnPhoto, drawn_animals, photograph, write_jpeg
from resight.testing.turtle import EYE
from resight.types import Box

SIDE = 384


def cells_with(box: Box, seed: int) -> Cells:
    """24 x 18 cells; those in the box lean one way, and what is known says where its middle is."""
    random = np.random.default_rng(seed)
    ys, xs = np.mgrid[:18, :24]
    points = np.stack([xs, ys], -1) * 16 + 7.5
    inside = np.all((points >= box[:2]) & (points <= np.add(box[:2], box[2:])), axis=-1)
    away = (points - np.array(box[:2]) - np.array(box[2:]) / 2) / SIDE * inside[..., None]
    known = random.normal(scale=0.1, size=(2, 18, 24, 400))  # as a network's, much says the same
    known[..., :100] += inside[..., None]
    known[..., 100:200] += 10 * away[..., :1] * np.array([1, -1])[:, None, None, None]
    known[..., 200:300] += 10 * away[..., 1:]
    return Cells(points, known.astype(np.float32))


def made(seed: int) -> Box:
    x, y = np.random.default_rng(seed).uniform((10, 10), (250, 160))
    return Box(float(x), float(y), 110, 90)


def learned(seeds: range) -> Sums:
    first, *more = (Sums.of(cells_with(made(seed), seed), made(seed), SIDE) for seed in seeds)
    assert first
    for each in more:
        assert each
        first = first + each
    return first


def test_a_look_finds_boxes_that_it_was_not_taught() -> None:
    look = Look.learned(learned(range(20)))
    for seed in range(20, 25):
        found, _ = look.box(cells_with(made(seed), seed), SIDE)
        np.testing.assert_allclose(found, made(seed), atol=16)


def test_each_picture_weighs_the_same_however_large_its_box() -> None:
    small, large = Box(100, 100, 40, 40), Box(20, 20, 300, 200)
    weights = [Sums.of(cells_with(box, 0), box, SIDE) for box in (small, large)]
    assert weights[0]
    assert weights[1]
    assert weights[0].box_cells[-1, -1] == pytest.approx(weights[1].box_cells[-1, -1])
    assert weights[0].inside[-1, 0] == pytest.approx(weights[1].inside[-1, 0])


def test_a_picture_that_is_all_box_teaches_nothing() -> None:
    assert Sums.of(cells_with(made(0), 0), Box(-10, -10, 1000, 1000), SIDE) is None


def model() -> PartModel:
    look = Look(np.arange(15.0).reshape(3, 5))
    return PartModel(look, Look(look.weights * 2), "n.v1()", 30, 6, 0.75)


def test_what_was_learned_is_the_same_when_read(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    model().write(path)
    read = PartModel.read(path)
    np.testing.assert_array_equal(read.second.weights, model().second.weights)
    assert (read.network, read.boxes, read.animals, read.found) == ("n.v1()", 30, 6, 0.75)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="is damaged"):
        PartModel.read(path)


def test_too_few_boxes_are_refused(catalogue: Path, tmp_path: Path) -> None:
    photo = next(catalogue.parent.glob("*.jpg"))
    (tmp_path / "one.csv").write_text(f"path,identity,x,y,w,h\n{photo},Ann,9,9,90,90\n")
    with Catalogue.init(tmp_path / "it") as opened:
        list(opened.add(plan_csv(tmp_path / "one.csv"), actor="Ann"))
        with pytest.raises(CalibrationError, match="1 boxed photos of 1 animals are too few"):
            learned_detector(opened, Settings())


def eye_of(photo: DrawnPhoto) -> Box:
    """The part around a drawn turtle's eye, in photo pixels."""
    corners = np.array([(dx, dy) for dx in (-80, 80) for dy in (-70, 70)], np.float64) + EYE
    x, y, w, h = cv2.boundingRect(
        cv2.perspectiveTransform(corners[None], photo.homography)[0].astype(np.float32)
    )
    return Box(float(max(x, 0)), float(max(y, 0)), float(w), float(h))


def taken(animal: DrawnAnimal, seed: int) -> DrawnPhoto:
    return photograph(animal, seed=seed, difficulty=0.2)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("boxed")
    rows = ["path,identity,x,y,w,h"]
    for animal in drawn_animals(10):
        for seed in (1, 2):
            photo = taken(animal, seed)
            name = f"{animal.name}-{seed}.jpg"
            write_jpeg(folder / name, photo, taken_at=datetime(2021, 6, seed))
            rows.append(",".join(map(str, (name, animal.name, *eye_of(photo)))))
    (folder / "boxes.csv").write_text("\n".join(rows), encoding="utf-8")
    with Catalogue.init(folder / "it") as opened:
        outcomes = list(opened.add(plan_csv(folder / "boxes.csv"), actor="Ann"))
    assert {each.status for each in outcomes} == {"added"}
    return folder / "it"


def test_the_part_that_a_catalogue_boxes_is_found_on_new_animals(catalogue: Path) -> None:
    with Catalogue.open(catalogue) as opened:
        assert kept_detector(opened, Settings()) is None
        told: list[tuple[int, int]] = []
        detector, _ = learned_detector(
            opened, Settings(), progress=lambda done, total: told.append((done, total))
        )
        again, model = learned_detector(opened, Settings(), progress=lambda *_: pytest.fail("kept"))
    assert told == [(each, 40) for each in range(40)]
    assert again.fingerprint == detector.fingerprint
    assert model.boxes == 20
    with Catalogue.open(catalogue) as opened:
        opened.describe([opened.annotations()[0].id], box=Box(0, 0, 640, 400), actor="Ann")
        kept = kept_detector(opened, Settings())
        opened.undo(actor="Ann")
    assert kept
    assert kept.fingerprint == detector.fingerprint, "though a box has changed since"
    right = 0
    for animal in drawn_animals(14)[10:]:
        photo = taken(animal, seed=3)
        found, eye = detector.detect(photo.pixels)[0].box, eye_of(photo)
        shared = [
            max(0.0, min(found[side] + found[side + 2], eye[side] + eye[side + 2]) - start)
            for side, start in enumerate(np.maximum(found[:2], eye[:2]).tolist())
        ]
        both = shared[0] * shared[1]
        right += both >= 0.5 * (found.w * found.h + eye.w * eye.h - both)
    assert right >= 3


def test_boxes_around_whole_animals_teach_nothing(catalogue: Path) -> None:
    with Catalogue.open(catalogue) as opened:
        records = opened.annotations()
        assert len(boxed(records)) == 20
        opened.describe([records[0].id], box=Box(0, 0, 640, 400), actor="Ann")
        opened.describe([records[1].id], rotation=40, actor="Ann")
        opened.hide([records[2].id], actor="Ann")
        kept = {each.id for each in boxed(opened.annotations())}
        for _ in range(3):
            opened.undo(actor="Ann")
    assert kept == {each.id for each in records[3:]}
