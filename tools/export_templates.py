"""Make the graph templates in ``src/resight/models/templates``.

Run by a developer who changes a network, never by a user:

    make templates     # = python -m tools.export_templates in the torch environment

Arguments, if any, are the beginnings of the names of templates: only those are made.

A template is an ONNX graph whose weights are left out: each initialiser keeps the
name it has in the authors' checkpoint, its shape and dtype, and no data. `resight`
joins template and checkpoint (``models/graphs.py``). torch's dynamo exporter is used
without its optimiser, which would fold or rename weights.

The networks are in ``networks/``, written here for inference only, so that the graph suits
ONNX engines: masks are additive, and what can be done to weights (permutations, scales, products
of two linear steps) is done to them, where the engine folds it once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import onnx
import onnx_ir
import torch
from tools.networks.aliked import ALIKED, AlikedDense, AlikedDescriptors, onnx_deform_conv
from tools.networks.dedode import (
    DESCRIPTOR_B,
    DETECTOR_L,
    SMALL_DESCRIPTOR,
    SMALL_DETECTOR,
    DedodeDescriptor,
    DedodeDetector,
    Layout,
)
from tools.networks.disk import DISK_DOWN, DISK_UP, DiskDense, DiskDescriptors
from tools.networks.efficientnet import EfficientNetLite0
from tools.networks.lightglue import (
    LIGHTERGLUE,
    LIGHTGLUE,
    LightGlueAssignment,
    LightGlueConfidence,
    LightGlueCross,
    LightGlueInput,
    LightGlueSelf,
    Width,
)
from tools.networks.superpoint import SuperPoint
from tools.networks.xfeat import XFeat
from torch import Tensor, nn

ROOT = Path(__file__).parents[1]
TEMPLATES = ROOT / "src" / "resight" / "models" / "templates"
#: Networks of the same make that are small enough for tests.
SMALL_TEMPLATES = ROOT / "tests" / "extractors" / "templates"
OPSET = 19


def export(
    name: str,
    network: nn.Module,
    arguments: dict[str, Tensor],
    dynamic: dict[str, dict[int, Any]],
    outputs: list[str],
    folder: Path = TEMPLATES,
) -> None:
    """Write ``network`` as template ``name``: no weights, no optimisation."""
    if sys.argv[1:] and not name.startswith(tuple(sys.argv[1:])):
        return
    program = torch.onnx.export(
        network.eval(),
        kwargs=arguments,
        dynamo=True,
        opset_version=OPSET,
        optimize=False,
        verbose=False,
        dynamic_shapes=dynamic,
        output_names=outputs,
        custom_translation_table={torch.ops.resight.deform_conv.default: onnx_deform_conv},
    )
    assert program is not None
    model = onnx_ir.to_proto(program.model)
    weights = set(network.state_dict())
    strip(model, weights)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.onnx"
    path.write_bytes(model.SerializeToString(deterministic=True))
    left = [i.name for i in model.graph.initializer if i.name in weights]
    size, steps = path.stat().st_size, len(model.graph.node)
    print(f"{path.name}: {size} bytes, {steps} nodes, {len(left)} weights")


def strip(model: onnx.ModelProto, weights: set[str]) -> None:
    """Empty the initialisers that are ``weights``; drop unused ones, docs and metadata."""
    used = {name for node in nodes(model) for name in node.input}
    keep = [i for i in model.graph.initializer if i.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(keep)
    for tensor in model.graph.initializer:
        if tensor.name in weights:
            tensor.ClearField("raw_data")
    for node in nodes(model):
        node.doc_string = ""
        del node.metadata_props[:]
    for values in (model.graph.value_info, model.graph.input, model.graph.output):
        for value in values:
            del value.metadata_props[:]
    for function in model.functions:
        del function.metadata_props[:]
        del function.value_info[:]
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
    model.producer_version = ""


def nodes(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    return [*model.graph.node, *(node for f in model.functions for node in f.node)]


def export_matcher(name: str, width: Width, descriptors: int) -> None:
    """The templates of LightGlue with tokens of that width, for such descriptors."""
    free = torch.export.Dim.DYNAMIC
    batch = 3
    tokens = {f"tokens{i}": torch.rand(batch, n, width.dim) for i, n in enumerate((70, 50))}
    bias = {"bias0": torch.zeros(batch, 1, 1, 70), "bias1": torch.zeros(batch, 1, 1, 50)}
    turns = {part: torch.rand(batch, 1, 70, width.head) for part in ("cosines", "sines")}
    counts = {"tokens0": {0: free, 1: free}, "tokens1": {0: free, 1: free}}
    masks = {"bias0": {0: free, 3: free}, "bias1": {0: free, 3: free}}
    export(
        f"{name}-self",
        LightGlueSelf(width),
        {"tokens": tokens["tokens0"], **turns, "bias": bias["bias0"]},
        {"tokens": {0: free, 1: free}, "bias": {0: free, 3: free}}
        | {turn: {0: free, 2: free} for turn in turns},
        ["new_tokens"],
    )
    export(
        f"{name}-cross",
        LightGlueCross(width),
        tokens | bias,
        counts | masks,
        ["new_tokens0", "new_tokens1"],
    )
    export(
        f"{name}-confidence",
        LightGlueConfidence(width.dim),
        tokens,
        counts,
        ["confidence0", "confidence1", "matchability0", "matchability1"],
    )
    export(
        f"{name}-assignment",
        LightGlueAssignment(width.dim),
        tokens | bias,
        counts | masks,
        ["score0", "best0", "best1"],
    )
    export_input(f"{name}-input", width, descriptors, position=2)


def export_input(name: str, width: Width, descriptors: int, *, position: int) -> None:
    free = torch.export.Dim.DYNAMIC
    export(
        name,
        LightGlueInput(width, descriptors, position),
        {"descriptors": torch.rand(3, 70, descriptors), "keypoints": torch.rand(3, 70, position)},
        {"descriptors": {0: free, 1: free}, "keypoints": {0: free, 1: free}},
        ["tokens", "cosines", "sines"],
    )


def export_dedode(detector: Layout, descriptor: Layout, folder: Path) -> None:
    photo = torch.rand(1, 3, 96, 128)
    sides = {2: 8 * torch.export.Dim("h"), 3: 8 * torch.export.Dim("w")}
    export(
        "dedode-detector",
        DedodeDetector(detector),
        {"photo": photo},
        {"photo": sides},
        ["logits"],
        folder,
    )
    export(
        "dedode-descriptor",
        DedodeDescriptor(descriptor),
        {"photo": photo, "pixels": torch.rand(7, 2)},
        {"photo": sides, "pixels": {0: torch.export.Dim.DYNAMIC}},
        ["descriptors"],
        folder,
    )


def main() -> int:
    torch.manual_seed(0)
    free = torch.export.Dim.DYNAMIC
    for name, (channels, dim, positions) in ALIKED.items():
        maps = ["x1", "y2", "y3", "y4"]
        if name != "aliked-n32":  # same dense network as n16
            export(
                f"{name}-dense",
                AlikedDense(channels, dim),
                {"photo": torch.rand(2, 3, 96, 128)},
                {"photo": {0: free, 2: 32 * torch.export.Dim("h"), 3: 32 * torch.export.Dim("w")}},
                ["score_map", *maps],
            )
        export(
            f"{name}-descriptors",
            AlikedDescriptors(channels[0], dim, positions),
            {
                "x1": torch.rand(1, 96, 160, channels[0]),
                **{
                    f"y{i}": torch.rand(1, dim // 4, 96 // s, 160 // s)
                    for i, s in ((2, 2), (3, 8), (4, 32))
                },
                "area": torch.tensor([3.0, 5.0, 120.0, 90.0]),
                "keypoints": torch.rand(7, 2),
                "corners": torch.zeros(7, 2),
            },
            {each: {1: free, 2: free} if each == "x1" else {2: free, 3: free} for each in maps}
            | {"area": {}, "keypoints": {0: free}, "corners": {0: free}},
            ["descriptors"],
        )
    multiples = {2: 32 * torch.export.Dim("h"), 3: 32 * torch.export.Dim("w")}
    export(
        "xfeat",
        XFeat(),
        {"photo": torch.rand(1, 1, 96, 128)},
        {"photo": multiples},
        ["heat", "reliability", "features"],
    )
    export(
        "disk-dense",
        DiskDense(),
        {"photo": torch.rand(1, 3, 96, 128)},
        {"photo": {2: 16 * torch.export.Dim("h"), 3: 16 * torch.export.Dim("w")}},
        ["heat", "inputs"],
    )
    export(
        "disk-descriptors",
        DiskDescriptors(),
        {"patches": torch.rand(7, 25 * (DISK_UP[-1] + DISK_DOWN[0]))},
        {"patches": {0: free}},
        ["descriptors"],
    )
    export(
        "superpoint",
        SuperPoint(),
        {"photo": torch.rand(1, 1, 96, 128)},
        {"photo": {2: 8 * torch.export.Dim("h"), 3: 8 * torch.export.Dim("w")}},
        ["heat", "features"],
    )
    export(
        "efficientnet-lite0",
        EfficientNetLite0(),
        {"photo": torch.rand(1, 3, 224, 224)},
        {"photo": {}},
        ["features"],
    )
    export_dedode(DETECTOR_L, DESCRIPTOR_B, TEMPLATES)
    export_dedode(SMALL_DETECTOR, SMALL_DESCRIPTOR, SMALL_TEMPLATES)
    export_matcher("lightglue", LIGHTGLUE, 128)
    export_input("lightglue-oriented-input", LIGHTGLUE, 128, position=4)
    export_input("lightglue-plain-input", LIGHTGLUE, LIGHTGLUE.dim, position=2)
    export_matcher("lighterglue", LIGHTERGLUE, 64)
    return 0


if __name__ == "__main__":
    sys.exit(main())
