"""LightGlue for SIFT and SuperPoint, with random weights of the authors' layout, and kornia's."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from kornia.feature import LightGlue as KorniaLightGlue

from resight.engine import open_engine
from resight.errors import IncompatibleFeatures
from resight.extractors.sift import Sift
from resight.matchers.lightglue import LightGlue
from resight.models import table
from resight.testing.conformance import drawn_chip, random_features
from resight.types import Features

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

ALL: Any = {"depth_confidence": -1, "width_confidence": -1, "filter_threshold": 0.0}


def kornia_with_random_weights(
    family: str, folder: Path, patch: pytest.MonkeyPatch, **layout: Any
) -> Any:
    """kornia's network; its weights are in the file that resight reads, named as the authors do."""
    torch.manual_seed(0)
    network = KorniaLightGlue(None, **layout, **ALL).eval()
    state = network.state_dict()
    if family == "superpoint":  # one of the first two files, which kornia renames as it loads
        state = {re.sub(r"transformers\.(\d)\.(\w+)", r"\2.\1", k): v for k, v in state.items()}
        assert "self_attn.0.Wqkv.weight" in state
    row = table.weights(f"{family}-lightglue")
    torch.save(state, folder / row.file)
    content = (folder / row.file).read_bytes()
    made = replace(row, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    patch.setattr(table, "WEIGHTS", {**table.WEIGHTS, row.name: made})
    patch.setenv("RESIGHT_MODELS", str(folder))
    return network


@pytest.fixture
def kornia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    return kornia_with_random_weights(
        "sift", tmp_path, monkeypatch, input_dim=128, add_scale_ori=True
    )


def as_torch(features: Features) -> dict[str, Any]:
    values: dict[str, Any] = {
        "keypoints": torch.tensor(features.keypoints)[None],
        "descriptors": torch.tensor(features.descriptors)[None],
        "image_size": torch.tensor([features.size]),
    }
    if features.scales is not None and features.orientations is not None:
        clockwise = np.deg2rad((360 - features.orientations) % 360)
        values["scales"] = torch.tensor(features.scales)[None]
        values["oris"] = torch.tensor(clockwise.astype(np.float32))[None]
    return values


def assert_agrees(kornia: Any, query: Features, gallery: list[Features], *, least: int) -> None:
    matcher = LightGlue(
        engine=open_engine("openvino", precision="f32"), model=f"{query.family}-lightglue", **ALL
    )
    for ours, features in zip(matcher.match(query, gallery), gallery, strict=True):
        with torch.inference_mode():
            theirs = kornia({"image0": as_torch(query), "image1": as_torch(features)})
        expected = {tuple(pair) for pair in theirs["matches"][0].tolist()}
        found = {tuple(pair) for pair in ours.pairs.tolist()}
        assert len(expected) > least
        assert len(found & expected) >= 0.98 * len(found | expected)
        scores = theirs["matching_scores0"][0].numpy()
        assert ours.confidences is not None
        assert float(ours.confidences.sum()) == pytest.approx(float(scores.sum()), rel=0.01)


def test_lightglue_for_sift_of_random_weights(kornia: Any) -> None:
    chips = [drawn_chip(seed, (256, 192)) for seed in (1, 1, 2)]
    query, *gallery = Sift(max_keypoints=100).extract(chips)
    assert_agrees(kornia, query, gallery, least=10)


def test_lightglue_for_superpoint_of_random_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kornia = kornia_with_random_weights("superpoint", tmp_path, monkeypatch, input_dim=256)
    query, *gallery = (
        random_features(seed, n, family="superpoint", dimensions=256)
        for seed, n in ((1, 100), (2, 120), (3, 40))
    )
    assert_agrees(kornia, query, [query, *gallery], least=10)


def test_scales_and_orientations_matter(kornia: Any) -> None:
    (query,) = Sift(max_keypoints=100).extract([drawn_chip(1, (256, 192))])
    assert query.orientations is not None
    matcher = LightGlue(
        engine=open_engine("openvino", precision="f32"), model="sift-lightglue", **ALL
    )
    turned = replace(query, orientations=(query.orientations + 90) % 360)
    same, other = (matcher.match(query, [each])[0].confidences for each in (query, turned))
    assert same is not None
    assert other is not None
    assert not np.allclose(same, other, rtol=1e-3)
    with pytest.raises(IncompatibleFeatures, match="no scales and orientations"):
        matcher.match(query, [replace(query, orientations=None)])
