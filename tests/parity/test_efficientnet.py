"""EfficientNet-Lite0 agrees with the package efficientnet-lite-pytorch, which is by others."""

import numpy as np
import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet

from resight.engine import open_engine
from resight.extractors.efficientnet import EfficientNetLite0
from resight.models.folder import weights_path
from resight.testing.conformance import chip_of, drawn_chip

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_embeddings_agree(engine: str) -> None:
    network = EfficientNet.from_name("efficientnet-lite0").eval()
    network.load_state_dict(torch.load(weights_path("efficientnet-lite0"), weights_only=True))
    chips = [chip_of(drawn_chip(seed, (224, 224)).pixels) for seed in range(3)]
    photos = np.stack([chip.pixels.transpose(2, 0, 1) for chip in chips]).astype(np.float32)
    with torch.inference_mode():
        maps = network.extract_features(torch.tensor((photos - 127) / 128))
        expected = torch.nn.functional.normalize(maps.mean((2, 3))).numpy()
    found = EfficientNetLite0(engine=open_engine(engine, precision="f32")).extract(chips)
    vectors = np.concatenate([features.descriptors for features in found])
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    assert (expected @ expected.T)[0, 1] < 0.99  # other drawings, other vectors
