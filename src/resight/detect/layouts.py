"""What a detection network's outputs mean: the layouts that exports of the usual families have.

    family                                   output
    YOLOv5, YOLOv7, MegaDetector v5          (1, many, 5 + kinds): cx cy w h, objectness, kinds
    YOLOv8, YOLOv9, YOLOv11                  (1, 4 + kinds, many): cx cy w h, kinds
    YOLOv10 and exports with suppression     (1, few, 6): x1 y1 x2 y2, score, kind
    RT-DETR, Ultralytics' export             (1, few, 4 + kinds): cx cy w h in parts of 1, kinds
    RT-DETR, transformers' export            logits (1, few, kinds), pred_boxes (1, few, 4)
    RT-DETR, authors' export                 labels, boxes (x1 y1 x2 y2 in photo pixels), scores

All but the last two are in pixels of the network's input. Facts: the export code and
documentation of https://github.com/ultralytics/yolov5, https://docs.ultralytics.com/modes/export
and https://github.com/lyuwenyu/RT-DETR.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resight.errors import ModelError

Values = NDArray[np.float32]

#: Rows of an export that has kept the best; those that keep all have thousands.
_FEW = 1000
#: A box in parts of 1 may reach a little over the edge.
_PARTS = 1.5


@dataclass(frozen=True, eq=False)
class Raw:
    """What a network found: ``boxes`` (N, 4) x1 y1 x2 y2, ``scores`` (N,), ``kinds`` (N,) int.

    ``unit``: boxes are in ``input`` pixels, in ``parts`` of the input's size, or in ``photo``
    pixels.
    """

    boxes: Values
    scores: Values
    kinds: NDArray[np.intp]
    unit: str


def read_outputs(outputs: Mapping[str, Values], kinds: int) -> Raw:
    """What outputs, by name, say. ``kinds``: how many the file names; 0 if it does not.

    Raises ``ModelError`` where they have none of the layouts.
    """
    if {"logits", "pred_boxes"} <= outputs.keys():
        chance = 1 / (1 + np.exp(-outputs["logits"][0]))
        return _of_kinds(_corners(outputs["pred_boxes"][0]), chance, "parts")
    if {"labels", "boxes", "scores"} <= outputs.keys():
        labels = outputs["labels"][0].astype(np.intp)
        return Raw(outputs["boxes"][0], outputs["scores"][0], labels, "photo")
    tables = [each[0] for each in outputs.values() if each.ndim == 3 and len(each) == 1]
    if len(tables) != 1 or min(tables[0].shape) < 5:
        shapes = ", ".join(f"{name} {each.shape}" for name, each in outputs.items())
        raise ModelError(
            f"is no YOLO (v5 to v11), RT-DETR or MegaDetector v5 that resight knows by its "
            f"outputs ({shapes}); export it with one photo a batch"
        )
    return _read_table(tables[0], kinds)


def _read_table(table: Values, kinds: int) -> Raw:
    rows, columns = table.shape
    if columns > rows:  # YOLOv8: a column for each place
        return _of_kinds(_corners(table[:4].T), _only(table[4:].T, kinds), "input")
    if rows > _FEW:  # YOLOv5
        scores = table[:, 4:5] * _only(table[:, 5:], kinds)
        return _of_kinds(_corners(table[:, :4]), scores, "input")
    if float(np.abs(table[:, :4]).max(initial=0)) <= _PARTS and table[:, :4].any():
        return _of_kinds(_corners(table[:, :4]), _only(table[:, 4:], kinds), "parts")
    if columns == 6:
        return Raw(table[:, :4], table[:, 4], table[:, 5].astype(np.intp), "input")
    if not table[:, :4].any():  # nothing found
        return _of_kinds(table[:0, :4], table[:0, 4:], "input")
    raise ModelError(
        f"has an output ({rows}, {columns}) that is neither of YOLO's nor of RT-DETR's layout"
    )


def _only(scores: Values, kinds: int) -> Values:
    """The columns of kinds; networks that segment too have more behind them."""
    return scores[:, :kinds] if kinds else scores


def _of_kinds(boxes: Values, scores: Values, unit: str) -> Raw:
    best = scores.argmax(1) if scores.size else np.zeros(len(scores), np.intp)
    return Raw(boxes, scores[np.arange(len(scores)), best], best, unit)


def _corners(centred: Values) -> Values:
    """From cx cy w h to x1 y1 x2 y2."""
    half = centred[:, 2:4] / 2
    return np.concatenate([centred[:, :2] - half, centred[:, :2] + half], axis=1)
