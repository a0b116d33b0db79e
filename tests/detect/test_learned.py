"""What boxes hold, learned from made-up keypoints and from boxed photos in a catalogue."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from resight.boxing import boxed, kept_detector, learned_detector
from resight.catalogue import Catalogue, plan_csv
from resight.detect.learned import Example, PartModel, learn_part
from resight.errors import CalibrationError, ModelError
from resight.settings import Settings
from resight.testing import DrawnAnimal, DrawnPhoto, drawn_animals, photograph, write_jpeg
from resight.testing.turtle import EYE
from resight.types import Box, Features


def example(seed: int, animal: str) -> Example:
    """400 keypoints; those in a box anywhere have descriptors that lean one way."""
    random = np.random.default_rng(seed)
    points = random.uniform(0, 500, (400, 2)).astype(np.float32)
    box = Box(float(random.uniform(20, 330)), float(random.uniform(20, 330)), 150, 120)
    inside = np.all((points >= box[:2]) & (points <= np.add(box[:2], box[2:])), axis=1)
    descriptors = random.normal(size=(400, 16)).astype(np.float32)
    descriptors[inside, :4] += 1.2
    scores = np.ones(400, np.float32)
    return Example(
        Features(points, descriptors, scores, (500, 500), "f", "l2", "f.v1()"), box, animal
    )


@pytest.fixture(scope="module")
def model() -> PartModel:
    return learn_part([example(seed, f"animal {seed % 6}") for seed in range(30)])


def test_boxes_of_animals_left_out_are_found_again(model: PartModel) -> None:
    assert model.found > 0.5
    assert (model.boxes, model.animals) == (30, 6)


def test_keypoints_that_tell_nothing_find_nothing() -> None:
    examples = [example(seed, f"animal {seed % 6}") for seed in range(30)]
    elsewhere = [each.box for each in examples[1:] + examples[:1]]
    blind = [
        Example(each.features, box, each.animal)
        for each, box in zip(examples, elsewhere, strict=True)
    ]
    assert learn_part(blind).found < 0.3


def test_what_was_learned_is_the_same_when_read(model: PartModel, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    model.write(path)
    read = PartModel.read(path)
    np.testing.assert_array_equal(read.weights, model.weights)
    assert (read.threshold, read.offset, read.extractor) == (
        model.threshold,
        model.offset,
        "f.v1()",
    )
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="is damaged"):
        PartModel.read(path)


@pytest.mark.parametrize(("boxes", "animals"), [(19, 6), (30, 2)])
def test_too_few_boxes_are_refused(boxes: int, animals: int) -> None:
    with pytest.raises(CalibrationError, match="too few to learn from"):
        learn_part([example(seed, f"animal {seed % animals}") for seed in range(boxes)])


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
    assert told == [(each, 20) for each in range(1, 21)]
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
        middle = (found.x + found.w / 2, found.y + found.h / 2)
        right += eye.x < middle[0] < eye.x + eye.w and eye.y < middle[1] < eye.y + eye.h
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
