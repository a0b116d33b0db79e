"""SuperPoint with random weights of the authors' layout agrees with another way to write it."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from resight.engine import open_engine
from resight.extractors.superpoint import SuperPoint
from resight.models import table
from resight.testing.conformance import drawn_chip
from resight.types import Chip

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

LAYERS = {
    **{f"conv{i}a": (c_in, c_out, 3) for i, c_in, c_out in ((1, 1, 64), (2, 64, 64))},
    **{f"conv{i}a": (c_in, 128, 3) for i, c_in in ((3, 64), (4, 128))},
    **{f"conv{i}b": (c, c, 3) for i, c in ((1, 64), (2, 64), (3, 128), (4, 128))},
    "convPa": (128, 256, 3),
    "convPb": (256, 65, 1),
    "convDa": (128, 256, 3),
    "convDb": (256, 256, 1),
}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Random weights, in the file that resight reads as superpoint's."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, (c_in, c_out, size) in LAYERS.items():
        spread = (2 / (c_in * size * size)) ** 0.5
        state[f"{name}.weight"] = spread * torch.randn(c_out, c_in, size, size, generator=generator)
        state[f"{name}.bias"] = 0.1 * torch.randn(c_out, generator=generator)
    row = table.weights("superpoint")
    path = tmp_path / row.file
    torch.save(state, path)
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    made = replace(row, bytes=len(content), sha256=digest)
    monkeypatch.setattr(table, "WEIGHTS", {**table.WEIGHTS, "superpoint": made})
    monkeypatch.setenv("RESIGHT_MODELS", str(tmp_path))
    return state


def reference(state: dict[str, Any], chip: Chip, count: int) -> tuple[Any, Any, Any]:
    """Keypoints, scores and descriptors, by the formulas of the authors' demo."""

    def conv(name: str, x: Any) -> Any:
        weight = state[f"{name}.weight"]
        return F.conv2d(x, weight, state[f"{name}.bias"], padding=weight.shape[-1] // 2)

    grey = (chip.pixels @ np.array([0.299, 0.587, 0.114])).astype(np.float32) / 255
    x = torch.tensor(grey)[None, None]
    for block in ("1", "2", "3", "4"):
        x = conv(f"conv{block}b", conv(f"conv{block}a", x).relu()).relu()
        if block != "4":
            x = F.max_pool2d(x, 2, 2)
    cells = torch.softmax(conv("convPb", conv("convPa", x).relu()), 1)[0, :-1]
    _, h, w = cells.shape
    heat = cells.permute(1, 2, 0).reshape(h, w, 8, 8).permute(0, 2, 1, 3).reshape(8 * h, 8 * w)

    def highest(values: Any) -> Any:
        return F.max_pool2d(values[None, None], 9, stride=1, padding=4)[0, 0]

    peak = heat == highest(heat)
    for _ in range(2):
        covered = highest(peak.float()) > 0
        rest = heat.masked_fill(covered, 0)
        peak = peak | ((rest == highest(rest)) & ~covered)
    peak[:4] = peak[-4:] = False
    peak[:, :4] = peak[:, -4:] = False
    ys, xs = torch.nonzero(peak & (heat > 0.0005), as_tuple=True)
    order = heat[ys, xs].argsort(descending=True)[:count]
    keypoints = torch.stack([xs[order], ys[order]], 1).float()
    dense = F.normalize(conv("convDb", conv("convDa", x).relu()), dim=1)
    grid = (keypoints - 3.5) / (torch.tensor([8.0 * w, 8.0 * h]) - 4.5) * 2 - 1
    sampled = F.grid_sample(dense, grid[None, None], align_corners=True)[0, :, 0].T
    return keypoints.numpy(), heat[ys, xs][order].numpy(), F.normalize(sampled, dim=1).numpy()


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_superpoint_of_random_weights(name: str, state: dict[str, Any]) -> None:
    extractor = SuperPoint(engine=open_engine(name, precision="f32"), max_keypoints=200)
    for chip in (drawn_chip(1), drawn_chip(2, (312, 152))):
        (ours,) = extractor.extract([chip])
        keypoints, scores, descriptors = reference(state, chip, 200)
        distance = np.linalg.norm(ours.keypoints[:, None] - keypoints[None], axis=2)
        same = distance.min(1) < 0.01
        assert len(ours) == len(keypoints) == 200
        assert same.mean() >= 0.98
        nearest = distance.argmin(1)[same]
        np.testing.assert_allclose(ours.scores[same], scores[nearest], atol=1e-4)
        np.testing.assert_allclose(ours.descriptors[same], descriptors[nearest], atol=1e-3)


def test_any_size_gives_finite_features(state: dict[str, Any]) -> None:
    extractor = SuperPoint(engine=open_engine("openvino", precision="f32"))
    for size in ((1, 1), (5, 70), (33, 17), (201, 99)):
        (features,) = extractor.extract([drawn_chip(3, size)])
        assert np.isfinite(features.descriptors).all()
        assert (features.keypoints < size).all()
        assert features.descriptors.shape[1] == 256
