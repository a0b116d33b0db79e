"""LightGlue for SIFT with random weights of the authors' layout agrees with kornia's."""

import hashlib
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
from resight.testing.conformance import drawn_chip
from resight.types import Features

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

ALL: Any = {"depth_confidence": -1, "width_confidence": -1, "filter_threshold": 0.0}


@pytest.fixture
def kornia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """kornia's network with random weights, which are in the file that resight reads too."""
    torch.manual_seed(0)
    network = KorniaLightGlue(None, input_dim=128, add_scale_ori=True, **ALL).eval()
    row = table.weights("sift-lightglue")
    path = tmp_path / row.file
    torch.save(network.state_dict(), path)
    content = path.read_bytes()
    made = replace(row, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(table, "WEIGHTS", {**table.WEIGHTS, row.name: made})
    monkeypatch.setenv("RESIGHT_MODELS", str(tmp_path))
    return network


def as_torch(features: Features) -> dict[str, Any]:
    assert features.scales is not None
    assert features.orientations is not None
    clockwise = np.deg2rad((360 - features.orientations) % 360)
    return {
        "keypoints": torch.tensor(features.keypoints)[None],
        "descriptors": torch.tensor(features.descriptors)[None],
        "scales": torch.tensor(features.scales)[None],
        "oris": torch.tensor(clockwise.astype(np.float32))[None],
        "image_size": torch.tensor([features.size]),
    }


def test_lightglue_for_sift_of_random_weights(kornia: Any) -> None:
    chips = [drawn_chip(seed, (256, 192)) for seed in (1, 1, 2)]
    query, *gallery = Sift(max_keypoints=100).extract(chips)
    matcher = LightGlue(
        engine=open_engine("openvino", precision="f32"), model="sift-lightglue", **ALL
    )
    for ours, features in zip(matcher.match(query, gallery), gallery, strict=True):
        with torch.inference_mode():
            theirs = kornia({"image0": as_torch(query), "image1": as_torch(features)})
        expected = {tuple(pair) for pair in theirs["matches"][0].tolist()}
        found = {tuple(pair) for pair in ours.pairs.tolist()}
        assert len(expected) > 10
        assert len(found & expected) >= 0.98 * len(found | expected)
        scores = theirs["matching_scores0"][0].numpy()
        assert ours.confidences is not None
        assert float(ours.confidences.sum()) == pytest.approx(float(scores.sum()), rel=0.01)


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
