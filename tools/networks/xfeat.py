"""XFeat (Potje 2024, arXiv 2404.19174) for inference."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from tools.networks.common import unit_length
from torch import Tensor, nn


class ConvNormRelu(nn.Module):
    """A convolution that keeps the size (``step`` 1) or halves it, batch norm, ReLU."""

    def __init__(self, c_in: int, c_out: int, *, size: int = 3, step: int = 1) -> None:
        super().__init__()
        self.layer = nn.Sequential(
            nn.Conv2d(c_in, c_out, size, step, size // 2, bias=False),
            nn.BatchNorm2d(c_out, affine=False),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class XFeat(nn.Module):
    """Grey photo (1, 1, H, W), H and W multiples of 32 -> what sparse keypoints are read from.

    Returns ``heat`` (1, 1, H, W), for each pixel the probability of being the keypoint of its
    8x8 pixels, where a 65th outcome is that there is none; ``reliability`` (h, w) in (0, 1) and
    ``features`` (h, w, 64) of unit length, both of 1/8 of the size. The brightness and contrast
    of the photo are normalised here.
    """

    def __init__(self) -> None:
        super().__init__()
        unit = ConvNormRelu
        self.skip1 = nn.Sequential(nn.AvgPool2d(4), nn.Conv2d(1, 24, 1))
        self.block1 = nn.Sequential(unit(1, 4), unit(4, 8, step=2), unit(8, 8), unit(8, 24, step=2))
        self.block2 = nn.Sequential(unit(24, 24), unit(24, 24))
        self.block3 = nn.Sequential(unit(24, 64, step=2), unit(64, 64), unit(64, 64, size=1))
        self.block4 = nn.Sequential(unit(64, 64, step=2), unit(64, 64), unit(64, 64))
        self.block5 = nn.Sequential(
            unit(64, 128, step=2), unit(128, 128), unit(128, 128), unit(128, 64, size=1)
        )
        self.block_fusion = nn.Sequential(unit(64, 64), unit(64, 64), nn.Conv2d(64, 64, 1))
        self.heatmap_head = nn.Sequential(
            unit(64, 64, size=1), unit(64, 64, size=1), nn.Conv2d(64, 1, 1)
        )
        self.keypoint_head = nn.Sequential(
            *(unit(64, 64, size=1) for _ in range(3)), nn.Conv2d(64, 65, 1)
        )

    def forward(self, photo: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        centred = photo - photo.mean((2, 3), keepdim=True)
        x = centred / (centred.square().mean((2, 3), keepdim=True) + 1e-5).sqrt()
        x3 = self.block3(self.block2(self.block1(x) + self.skip1(x)))
        x4 = self.block4(x3)
        x5 = self.block5(x4)
        size = (x3.shape[2], x3.shape[3])
        coarse = (F.interpolate(each, size, mode="bilinear") for each in (x4, x5))
        features = self.block_fusion(x3 + sum(coarse))
        outcomes = self.keypoint_head(F.pixel_unshuffle(x, 8))
        heat = F.pixel_shuffle(torch.softmax(outcomes, 1)[:, :64], 8)
        reliability = torch.sigmoid(self.heatmap_head(features))
        return heat, reliability[0, 0], unit_length(features)[0].permute(1, 2, 0)
