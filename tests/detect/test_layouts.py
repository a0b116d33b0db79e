"""Every layout says the same two boxes."""

import numpy as np
import pytest

from resight.detect.layouts import read_outputs
from resight.errors import ModelError

#: x1 y1 x2 y2 in an input of 640, kinds 1 and 0, and how sure.
BOXES = np.array([[100, 50, 300, 250], [400, 300, 500, 340]], np.float32)
KINDS, SCORES = (1, 0), (0.9, 0.4)


def centred(boxes: np.ndarray) -> np.ndarray:
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], 1)


def chances(kinds: int, fill: float = 0.0) -> np.ndarray:
    made = np.full((2, kinds), fill, np.float32)
    made[(0, 1), KINDS] = SCORES
    return made


def long(rows: np.ndarray, count: int) -> np.ndarray:
    return np.concatenate([rows, np.zeros((count - len(rows), rows.shape[1]), np.float32)])


def yolo5() -> dict[str, np.ndarray]:
    rows = np.concatenate([centred(BOXES), np.ones((2, 1), np.float32), chances(3)], 1)
    heads = np.zeros((1, 3, 80, 80, 8), np.float32)  # as older exports have beside it
    return {"output": long(rows, 25200)[None], "head": heads}


def yolo8(more: int = 0) -> dict[str, np.ndarray]:
    rows = [centred(BOXES), chances(3), np.full((2, more), 0.99, np.float32)]
    return {"output0": long(np.concatenate(rows, 1), 8400).T[None]}


def yolo10() -> dict[str, np.ndarray]:
    rows = np.concatenate([BOXES, np.array([SCORES, KINDS], np.float32).T], 1)
    return {"output0": long(rows, 300)[None]}


def rtdetr(kinds: int = 3) -> dict[str, np.ndarray]:
    rows = np.concatenate([centred(BOXES) / 640, chances(kinds)], 1)
    return {"output0": long(rows, 300)[None]}


def rtdetr_transformers() -> dict[str, np.ndarray]:
    chance = chances(3, fill=1e-6)
    return {
        "logits": np.log(chance / (1 - chance))[None],
        "pred_boxes": centred(BOXES)[None] / 640,
    }


def rtdetr_authors() -> dict[str, np.ndarray]:
    return {
        "labels": np.array([KINDS], np.int64),
        "boxes": BOXES[None],
        "scores": np.array([SCORES], np.float32),
    }


@pytest.mark.parametrize(
    ("outputs", "kinds", "unit"),
    [
        pytest.param(yolo5(), 0, "input", id="yolov5"),
        pytest.param(yolo8(), 0, "input", id="yolov8"),
        pytest.param(yolo8(more=32), 3, "input", id="yolov8 that segments"),
        pytest.param(yolo10(), 0, "input", id="yolov10"),
        pytest.param(rtdetr(), 0, "parts", id="rt-detr"),
        pytest.param(rtdetr(kinds=2), 0, "parts", id="rt-detr of two kinds"),
        pytest.param(rtdetr_transformers(), 0, "parts", id="rt-detr, transformers"),
        pytest.param(rtdetr_authors(), 0, "photo", id="rt-detr, authors"),
    ],
)
def test_a_layout_is_known_by_its_outputs(
    outputs: dict[str, np.ndarray], kinds: int, unit: str
) -> None:
    raw = read_outputs(outputs, kinds)
    (sure,) = np.nonzero(raw.scores > 0.1)
    scale = 640 if unit == "parts" else 1
    assert raw.unit == unit
    np.testing.assert_allclose(raw.boxes[sure] * scale, BOXES, rtol=1e-5)
    np.testing.assert_allclose(raw.scores[sure], SCORES, rtol=1e-4)
    assert tuple(raw.kinds[sure]) == KINDS


def test_an_export_that_found_nothing_has_no_boxes() -> None:
    for rows in (np.zeros((1, 300, 6)), np.zeros((1, 300, 84))):
        raw = read_outputs({"output0": rows.astype(np.float32)}, 0)
        assert not (raw.scores > 0).any()


@pytest.mark.parametrize(
    "outputs",
    [
        {"class": np.zeros((1, 1000), np.float32)},
        {"map": np.zeros((1, 1, 192, 192), np.float32)},
        {"a": np.zeros((1, 300, 6), np.float32), "b": np.zeros((1, 300, 6), np.float32)},
        {"narrow": np.zeros((1, 300, 3), np.float32)},
        {"pixels": np.full((1, 300, 9), 100, np.float32)},
    ],
)
def test_what_is_no_detector_is_refused(outputs: dict[str, np.ndarray]) -> None:
    with pytest.raises(ModelError, match=r"resight knows|layout"):
        read_outputs(outputs, 0)
