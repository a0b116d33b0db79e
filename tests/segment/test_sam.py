"""Small real ONNX files with the inputs and outputs of the authors' export."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from resight.engine import Engine
from resight.errors import ModelError
from resight.segment.sam import Sam
from resight.testing.conformance import chip_of

_SIDE = 128


def _save(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: Mapping[str, Sequence[int | str]],
    outputs: Mapping[str, Sequence[int | str]],
    constants: dict[str, np.ndarray],
) -> None:
    def said(shapes: Mapping[str, Sequence[int | str]]) -> list[onnx.ValueInfoProto]:
        return [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in shapes.items()
        ]

    arrays = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, path.stem, said(inputs), said(outputs), arrays)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, path)


def _without_effect(inputs: list[str]) -> list[onnx.NodeProto]:
    """From ``mask0`` to ``mask``: engines drop inputs that nothing uses."""
    nodes, last = [], "mask0"
    for number, name in enumerate(inputs, start=1):
        after = "mask" if number == len(inputs) else f"mask{number}"
        nodes += [
            helper.make_node("ReduceSum", [name], [f"sum {name}"], keepdims=0),
            helper.make_node("Mul", [f"sum {name}", "nothing"], [f"no {name}"]),
            helper.make_node("Add", [last, f"no {name}"], [after]),
        ]
        last = after
    return nodes


def write_family(folder: Path) -> Path:
    """An encoder that keeps how bright places are, and a decoder with three masks.

    The second, which it is surest of, is 20 x (brightness - a half) + x of the box's upper left
    corner; the others are empty.
    """
    _save(
        folder / "encoder.onnx",
        [helper.make_node("ReduceMean", ["images"], ["embeddings"], axes=[1], keepdims=1)],
        {"images": [1, 3, _SIDE, _SIDE]},
        {"embeddings": [1, 1, _SIDE, _SIDE]},
        {},
    )
    nodes = [
        helper.make_node("Mul", ["image_embeddings", "many"], ["bright"]),
        helper.make_node("Slice", ["point_coords", "0", "1", "1"], ["corner"]),
        helper.make_node("Slice", ["corner", "0", "1", "2"], ["x"]),
        helper.make_node("Reshape", ["x", "flat"], ["shift"]),
        helper.make_node("Add", ["bright", "shift"], ["mask0"]),
        *_without_effect(["point_labels", "mask_input", "has_mask_input", "orig_im_size"]),
        helper.make_node("Mul", ["mask", "nothing"], ["zero"]),
        helper.make_node("Sub", ["zero", "many"], ["empty"]),
        helper.make_node("Concat", ["empty", "mask", "empty"], ["low_res_masks"], axis=1),
        helper.make_node("Identity", ["sure"], ["iou_predictions"]),
        # A mask of the photo's own size is there too, but not asked for.
        helper.make_node("Identity", ["low_res_masks"], ["masks"]),
    ]
    _save(
        folder / "decoder.onnx",
        nodes,
        {
            "image_embeddings": [1, 1, _SIDE, _SIDE],
            "point_coords": [1, "points", 2],
            "point_labels": [1, "points"],
            "mask_input": [1, 1, 256, 256],
            "has_mask_input": [1],
            "orig_im_size": [2],
        },
        {
            "masks": [1, 3, _SIDE, _SIDE],
            "iou_predictions": [1, 3],
            "low_res_masks": [1, 3, _SIDE, _SIDE],
        },
        {
            "many": np.array(20, np.float32),
            "nothing": np.array(0, np.float32),
            "sure": np.array([[0.1, 0.9, 0.3]], np.float32),
            "0": np.array([0], np.int64),
            "1": np.array([1], np.int64),
            "2": np.array([2], np.int64),
            "flat": np.array([1, 1, 1, 1], np.int64),
        },
    )
    return folder


def test_the_surest_mask_covers_the_chip_and_no_padding(engine: Engine, tmp_path: Path) -> None:
    sam = Sam(write_family(tmp_path), engine=engine)
    pixels = np.zeros((60, 120, 3), np.uint8)
    pixels[20:40, 30:90] = 255
    (found,) = sam.masks([chip_of(pixels)])
    assert found.shape == (64, 128)
    truth = np.zeros((64, 128), bool)
    truth[22:42, 32:96] = True
    assert ((found > 0.5) == truth).mean() > 0.97


def test_files_of_another_network_are_refused(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot read .*decoder\.onnx"):
        Sam(tmp_path, engine=engine)
    write_family(tmp_path)
    (tmp_path / "decoder.onnx").write_bytes((tmp_path / "encoder.onnx").read_bytes())
    with pytest.raises(ModelError, match="is no decoder of Segment Anything"):
        Sam(tmp_path, engine=engine)
