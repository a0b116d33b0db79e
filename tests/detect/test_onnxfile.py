"""Real small ONNX files of the exports' layouts, on both engines: what they box is bright."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from resight.detect.onnxfile import OnnxDetector, _is_cut
from resight.engine import Engine
from resight.errors import ModelError
from resight.types import Box

_SIDE = 64
_CELL = 8  # pixels; the network calls each cell an animal as far as it is bright
_CELLS = _SIDE // _CELL


def brightness(*, end_to_end: bool = False) -> onnx.ModelProto:
    """A network that boxes each cell of its input with the cell's brightness as score.

    YOLOv8's layout with the kinds dark (score 0) and bright, or YOLOv10's.
    """
    centres = (np.arange(_CELLS) + 0.5) * _CELL
    y, x = (each.reshape(-1) for each in np.meshgrid(centres, centres, indexing="ij"))
    half = np.full_like(x, _CELL / 2)
    rows = [x - half, y - half, x + half, y + half] if end_to_end else [x, y, 2 * half, 2 * half]
    boxes = np.array(rows, np.float32)[None]  # (1, 4, cells)
    rest = np.zeros((1, 1, _CELLS**2), np.float32)
    constants = {
        "boxes": boxes,
        "dark": rest,
        "one": rest + 1,
        "flat": np.array([1, 1, _CELLS**2], np.int64),
    }
    order = ["boxes", "score", "one"] if end_to_end else ["boxes", "dark", "score"]
    nodes = [
        helper.make_node(
            "AveragePool", ["images"], ["pooled"], kernel_shape=[_CELL] * 2, strides=[_CELL] * 2
        ),
        helper.make_node("ReduceMean", ["pooled"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("Reshape", ["grey", "flat"], ["score"]),
        helper.make_node("Concat", order, ["table"], axis=1),
    ]
    shape = [1, 6, _CELLS**2]
    if end_to_end:
        nodes.append(helper.make_node("Transpose", ["table"], ["output0"], perm=[0, 2, 1]))
        shape = [1, _CELLS**2, 6]
    else:
        nodes.append(helper.make_node("Identity", ["table"], ["output0"]))
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, _SIDE, _SIDE])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    helper.set_model_props(model, {"names": "{0: 'dark', 1: 'bright'}"})
    return model


def saved(model: onnx.ModelProto, folder: Path) -> Path:
    onnx.save(model, folder / "detector.onnx")
    return folder / "detector.onnx"


def dark(width: int, height: int) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


@pytest.mark.parametrize("end_to_end", [False, True])
def test_a_bright_cell_is_boxed_where_it_is(
    engine: Engine, tmp_path: Path, end_to_end: bool
) -> None:
    detector = OnnxDetector(saved(brightness(end_to_end=end_to_end), tmp_path), engine=engine)
    photo = dark(128, 96)
    photo[32:48, 64:80] = 255  # a cell is 16 pixels of this photo, which leaves grey below
    found = [each for each in detector.detect(photo) if each.score > 0.6]
    assert [(each.box, each.label) for each in found] == [((64, 32, 16, 16), "bright")]
    assert found[0].score == pytest.approx(1, abs=0.01)


def test_a_large_photo_is_looked_at_in_tiles_too(engine: Engine, tmp_path: Path) -> None:
    detector = OnnxDetector(saved(brightness(), tmp_path), engine=engine)
    photo = dark(640, 480)
    photo[100:132, 200:232] = 255
    whole = detector.detect(photo[:, :128])  # not large: a whole look
    best = detector.detect(photo)[0]
    # A cell of the whole photo is 80 pixels, of a tile a third of that: only there it is full.
    assert best.box.w < 40
    assert best.score > 0.6
    assert all(each.box.w <= 60 for each in whole)


@pytest.mark.parametrize(
    ("low", "high", "cut"),
    [
        ((210, 20), (250, 60), False),
        ((200, 20), (250, 60), True),  # at the tile's left edge
        ((210, 20), (299, 60), True),  # at its right edge, but for a pixel
        ((210, 0), (250, 60), False),  # its upper edge is the photo's
        ((210, 60), (250, 100), True),
    ],
)
def test_a_box_that_ends_at_a_tile_is_cut_unless_the_photo_ends_there(
    low: tuple[int, int], high: tuple[int, int], cut: bool
) -> None:
    tile, photo = Box(200, 0, 100, 100), (640, 640)
    assert _is_cut(np.array(low), np.array(high), tile, photo) is cut


def test_a_file_that_is_no_detector_is_refused(engine: Engine, tmp_path: Path) -> None:
    text = tmp_path / "notes.onnx"
    text.write_text("not a network")
    with pytest.raises(ModelError, match="is no ONNX file"):
        OnnxDetector(text, engine=engine)
    with pytest.raises(ModelError, match="cannot read"):
        OnnxDetector(tmp_path / "missing.onnx", engine=engine)


def test_other_weights_have_another_fingerprint(engine: Engine, tmp_path: Path) -> None:
    one = OnnxDetector(saved(brightness(), tmp_path), engine=engine).fingerprint
    other = OnnxDetector(saved(brightness(end_to_end=True), tmp_path), engine=engine).fingerprint
    assert one != other
