"""DeDoDe with random weights of the authors' layout agrees with kornia's."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from kornia.feature import DeDoDe as KorniaDeDoDe

from resight.engine import open_engine
from resight.extractors.dedode import DeDoDe
from resight.models import table
from resight.testing.conformance import drawn_chip
from resight.types import Chip

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

COUNT = 200


@pytest.fixture(scope="module")
def kornia(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """kornia's networks with random weights, which are in the files that resight reads too."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    network = KorniaDeDoDe("L", "B", amp_dtype=torch.float32).eval()
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
    with torch.no_grad():
        for refiner in network.detector.decoder.layers.values():
            refiner.out_conv.weight *= 30  # the best pixels are far from equal
    made = {}
    for model, part in (("detector", network.detector), ("descriptor", network.descriptor)):
        row = table.weights(f"dedode-{model}")
        torch.save(part.state_dict(), folder / row.file)
        content = (folder / row.file).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        made[row.name] = replace(row, bytes=len(content), sha256=digest)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "WEIGHTS", {**table.WEIGHTS, **made})
        patch.setenv("RESIGHT_MODELS", str(folder))
        yield network


def reference(kornia: Any, chip: Chip) -> tuple[Any, Any, Any]:
    """Keypoints at pixels, scores, descriptors of unit length."""
    w, h = chip.size
    photo = torch.tensor(np.array(chip.pixels)).permute(2, 0, 1)[None] / 255
    # kornia would pad to multiples of 14; this is what resight does, with the mean colour too.
    photo = F.pad(kornia.normalizer(photo), (0, -w % 32, 0, -h % 32))
    done: dict[str, Any] = {"apply_imagenet_normalization": False, "pad_if_not_divisible": False}
    done |= {"crop_h": h, "crop_w": w}
    with torch.inference_mode():
        keypoints, scores = kornia.detect(photo, n=COUNT, **done)
        descriptors = F.normalize(kornia.describe(photo, keypoints, **done), dim=2)
    pixels = (keypoints[0].numpy() + 1) * (w, h) / 2 - 0.5
    return pixels, scores[0].numpy(), descriptors[0].numpy()


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_dedode_of_random_weights(name: str, kornia: Any) -> None:
    extractor = DeDoDe(engine=open_engine(name, precision="f32"), max_keypoints=COUNT)
    for chip in (drawn_chip(1, (224, 160)), drawn_chip(2, (150, 83))):
        (ours,) = extractor.extract([chip])
        keypoints, scores, descriptors = reference(kornia, chip)
        distance = np.linalg.norm(ours.keypoints[:, None] - keypoints[None], axis=2)
        same = distance.min(1) < 0.01
        assert len(ours) == len(keypoints) == COUNT
        assert same.mean() >= 0.98
        nearest = distance.argmin(1)[same]
        np.testing.assert_allclose(ours.scores[same], scores[nearest], rtol=1e-3)
        np.testing.assert_allclose(ours.descriptors[same], descriptors[nearest], atol=1e-3)


def test_all_of_kornia_s_steps_agree(kornia: Any) -> None:
    """Of a size that neither has to pad."""
    chip = drawn_chip(3, (224, 224))
    photo = torch.tensor(np.array(chip.pixels)).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        keypoints, _, descriptors = kornia(photo, n=COUNT)
    extractor = DeDoDe(engine=open_engine("openvino", precision="f32"), max_keypoints=COUNT)
    (ours,) = extractor.extract([chip])
    distance = np.linalg.norm(ours.keypoints[:, None] + 0.5 - keypoints[0].numpy(), axis=2)
    same = distance.min(1) < 0.01
    assert same.mean() >= 0.98
    theirs = F.normalize(descriptors[0], dim=1).numpy()[distance.argmin(1)[same]]
    np.testing.assert_allclose(ours.descriptors[same], theirs, atol=1e-3)
