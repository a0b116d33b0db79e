"""SuperPoint (DeTone 2017, arXiv 1712.07629) for inference."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from tools.networks.common import unit_length
from torch import Tensor, nn


class SuperPoint(nn.Module):
    """Grey photo (1, 1, H, W) in [0, 1], H and W multiples of 8 -> ``heat`` and ``features``.

    ``heat`` (1, 1, H, W): for each pixel the probability of being the keypoint of its 8x8
    pixels, where a 65th outcome is that there is none; ``features`` (h, w, 256) of unit length,
    of 1/8 of the size.
    """

    def __init__(self) -> None:
        super().__init__()
        c_in = 1
        for i, c_out in enumerate((64, 64, 128, 128), 1):
            setattr(self, f"conv{i}a", nn.Conv2d(c_in, c_out, 3, padding=1))
            setattr(self, f"conv{i}b", nn.Conv2d(c_out, c_out, 3, padding=1))
            c_in = c_out
        self.convPa = nn.Conv2d(c_in, 256, 3, padding=1)
        self.convPb = nn.Conv2d(256, 65, 1)
        self.convDa = nn.Conv2d(c_in, 256, 3, padding=1)
        self.convDb = nn.Conv2d(256, 256, 1)

    def forward(self, photo: Tensor) -> tuple[Tensor, Tensor]:
        x = photo
        for i in range(1, 5):
            x = F.max_pool2d(x, 2) if i > 1 else x
            for half in "ab":
                x = F.relu(getattr(self, f"conv{i}{half}")(x))
        outcomes = self.convPb(F.relu(self.convPa(x)))
        heat = F.pixel_shuffle(torch.softmax(outcomes, 1)[:, :64], 8)
        features = self.convDb(F.relu(self.convDa(x)))
        return heat, unit_length(features)[0].permute(1, 2, 0)
