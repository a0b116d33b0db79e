"""ALIKED (Zhao 2023, arXiv 2304.03608) for inference."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from onnxscript import opset19
from tools.networks.common import unit_length
from torch import Tensor, nn

#: c1..c4, descriptor dimension and number of deformable positions, from the paper's table 1.
ALIKED = {
    "aliked-t16": ((8, 16, 32, 64), 64, 16),
    "aliked-n16": ((16, 32, 64, 128), 128, 16),
    "aliked-n32": ((16, 32, 64, 128), 128, 32),
}


@torch.library.custom_op("resight::deform_conv", mutates_args=())
def deform_conv(x: Tensor, weight: Tensor, offset: Tensor) -> Tensor:  # noqa: ARG001
    """Stand-in with the right shape; the exporter writes ONNX's DeformConv for it."""
    return x.new_zeros(x.shape[0], weight.shape[0], x.shape[2], x.shape[3])


@deform_conv.register_fake
def _(x: Tensor, weight: Tensor, offset: Tensor) -> Tensor:  # noqa: ARG001
    return x.new_empty(x.shape[0], weight.shape[0], x.shape[2], x.shape[3])


def onnx_deform_conv(x: Tensor, weight: Tensor, offset: Tensor) -> Tensor:
    """ONNX DeformConv v19: stride 1, 3x3, one group, as ALIKED uses it."""
    return opset19.DeformConv(x, weight, offset, kernel_shape=[3, 3], pads=[1, 1, 1, 1])


def selu(x: Tensor) -> Tensor:
    """SELU as a scaled ELU: OpenVINO fuses an Elu with what is before it, but not a Selu."""
    return 1.0507009873554804934193349852946 * F.elu(x, 1.6732632423543772848170429916717)


class Selu(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return selu(x)


class DeformableConv(nn.Module):
    """A 3x3 convolution whose taps are displaced by a predicted offset (Dai 2017)."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.offset_conv = nn.Conv2d(c_in, 18, 3, padding=1)
        self.regular_conv = nn.Conv2d(c_in, c_out, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        limit = torch.sym_max(x.shape[2], x.shape[3]) / 4.0
        offset = self.offset_conv(x).clamp(-limit, limit)
        return deform_conv(x, self.regular_conv.weight, offset)


def convolution(c_in: int, c_out: int, *, deformable: bool) -> nn.Module:
    if deformable:
        return DeformableConv(c_in, c_out)
    return nn.Conv2d(c_in, c_out, 3, padding=1, bias=False)


class Block(nn.Module):
    """Two convolutions with batch norm and SELU; residual if it has a ``downsample``."""

    def __init__(self, c_in: int, c_out: int, *, residual: bool, deformable: bool) -> None:
        super().__init__()
        self.conv1 = convolution(c_in, c_out, deformable=deformable)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.conv2 = convolution(c_out, c_out, deformable=deformable)
        self.bn2 = nn.BatchNorm2d(c_out)
        self.downsample = nn.Conv2d(c_in, c_out, 1) if residual else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(selu(self.bn1(self.conv1(x)))))
        return selu(y if self.downsample is None else y + self.downsample(x))


class AlikedDense(nn.Module):
    """Photo (B, 3, H, W) in [0, 1], H and W multiples of 32 -> score map and four maps.

    Returns scores (B, 1, H, W) in (0, 1) and the maps that features are sampled from: ``x1``
    (B, H, W, c1), as rows of it are gathered, and of 1/2, 1/8 and 1/32 of its size the branches
    ``y2``, ``y3`` and ``y4`` (B, D / 4, h, w).

    The paper's feature map, all branches enlarged to the photo's size, is never made: it is
    only needed around keypoints, where ``AlikedDescriptors`` computes it. The score head begins
    with a convolution of 1x1, which is applied to each branch before it is enlarged: both are
    linear, so their order is free.
    """

    def __init__(self, channels: tuple[int, int, int, int], dim: int) -> None:
        super().__init__()
        c1, c2, c3, c4 = channels
        self.block1 = Block(3, c1, residual=False, deformable=False)
        self.block2 = Block(c1, c2, residual=True, deformable=False)
        self.block3 = Block(c2, c3, residual=True, deformable=True)
        self.block4 = Block(c3, c4, residual=True, deformable=True)
        for i, c in enumerate(channels, 1):
            setattr(self, f"conv{i}", nn.Conv2d(c, dim // 4, 1, bias=False))
        self.score_head = nn.Sequential(
            nn.Conv2d(dim, 8, 1, bias=False),
            Selu(),
            nn.Conv2d(8, 4, 3, padding=1, bias=False),
            Selu(),
            nn.Conv2d(4, 4, 3, padding=1, bias=False),
            Selu(),
            nn.Conv2d(4, 1, 3, padding=1, bias=False),
        )

    def forward(self, photo: Tensor) -> tuple[Tensor, ...]:
        x1 = self.block1(photo)
        x2 = self.block2(F.avg_pool2d(x1, 2))
        x3 = self.block3(F.avg_pool2d(x2, 4))
        x4 = self.block4(F.avg_pool2d(x3, 4))
        size = (photo.shape[2], photo.shape[3])
        to_score = self.score_head[0].weight.chunk(4, 1)
        score = F.conv2d(selu(self.conv1(x1)), to_score[0])
        branches = [
            selu(conv(x)) for conv, x in ((self.conv2, x2), (self.conv3, x3), (self.conv4, x4))
        ]
        for y, weight in zip(branches, to_score[1:], strict=True):
            score = score + F.interpolate(
                F.conv2d(y, weight), size, mode="bilinear", align_corners=True
            )
        scores = torch.sigmoid(self.score_head[1:](score))
        return scores, x1.permute(0, 2, 3, 1), *branches


class AlikedDescriptors(nn.Module):
    """Sparse deformable descriptor head (SDDH) at given keypoints.

    ``x1``, ``y2``, ``y3``, ``y4`` as ``AlikedDense`` returns them for one photo; ``area`` (4,)
    left, top, width and height of the photo in its padded map; ``keypoints`` (N, 2) xy in the
    photo and ``corners`` (N, 2), upper left of the 3x3 pixels around each, all float32
    -> descriptors (N, D), unit length.

    Channels come first and points last: every step is then one matrix product or works on
    long rows.
    """

    def __init__(self, c1: int, dim: int, positions: int) -> None:
        super().__init__()
        self.positions = positions
        self.conv1 = nn.Conv2d(c1, dim // 4, 1, bias=False)
        self.desc_head = nn.Module()
        self.desc_head.offset_conv = nn.Sequential(
            nn.Conv2d(dim, 2 * positions, 3), Selu(), nn.Conv2d(2 * positions, 2 * positions, 1)
        )
        self.desc_head.sf_conv = nn.Conv2d(dim, dim, 1, bias=False)
        self.desc_head.agg_weights = nn.Parameter(torch.rand(positions, dim, dim))

    def forward(
        self,
        x1: Tensor,
        y2: Tensor,
        y3: Tensor,
        y4: Tensor,
        area: Tensor,
        keypoints: Tensor,
        corners: Tensor,
    ) -> Tensor:
        maps = (x1, y2, y3, y4)
        n, d, m = keypoints.shape[0], self.desc_head.sf_conv.weight.shape[0], self.positions
        start, size = area[:2, None, None], area[2:, None, None]
        points = keypoints.T
        patch = torch.stack([torch.arange(9.0) % 3, torch.floor(torch.arange(9.0) / 3)])
        patches = self.features(maps, corners.T[:, None] + patch[:, :, None] + start)
        first, _, second = self.desc_head.offset_conv
        hidden = selu(
            first.weight.reshape(2 * m, 9 * d) @ patches.reshape(9 * d, n) + first.bias[:, None]
        )
        offset = second.weight[:, :, 0, 0] @ hidden + second.bias[:, None]
        limit = size.max() / 4.0
        offset = torch.minimum(torch.maximum(offset.reshape(2, m, n), -limit), limit)
        # Samples of one keypoint lie near each other, in the maps and so in this order too.
        sampled = self.between(maps, points[:, :, None] + offset.permute(0, 2, 1), start, size)
        features = selu(self.desc_head.sf_conv.weight[:, :, 0, 0] @ sampled)
        features = features.reshape(d, n, m).permute(1, 0, 2).reshape(n, d * m)
        weights = self.desc_head.agg_weights.permute(1, 0, 2).reshape(d * m, d)
        return unit_length(features @ weights)

    def between(self, maps: tuple[Tensor, ...], at: Tensor, start: Tensor, size: Tensor) -> Tensor:
        """Features (D, K * N) at any positions (2, K, N) of the photo: bilinear, zero off it."""
        low = torch.floor(at)
        part = at - low
        steps = torch.tensor([[0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]])[:, :, None, None]
        pixels = low[:, None] + steps
        inside = torch.minimum(torch.maximum(pixels, torch.zeros(1)), (size - 1.0)[:, None])
        near = torch.where(pixels == inside, 1.0 - (part[:, None] - steps).abs(), 0.0)
        weight = (near[0] * near[1]).reshape(1, 4, -1)
        features = self.features(maps, inside.reshape(2, 4, -1) + start)
        return (features.reshape(features.shape[0], 4, -1) * weight).sum(1)

    def features(self, maps: tuple[Tensor, ...], pixels: Tensor) -> Tensor:
        """Unit-length features (D, K * N) of whole pixels (2, K, N) of the padded photo."""
        x1, *branches = maps
        h, w, c1 = x1.shape[1], x1.shape[2], x1.shape[3]
        pixels = pixels.reshape(2, -1)
        x, y = pixels.to(torch.int32).unbind(0)
        fine = F.embedding(y * w + x, x1.reshape(h * w, c1))
        parts = [selu(self.conv1.weight[:, :, 0, 0] @ fine.T)]
        grid = pixels.T[None, None] * (2.0 / torch.tensor([w - 1.0, h - 1.0])) - 1.0
        for branch in branches:
            sampled = F.grid_sample(
                branch, grid, mode="bilinear", padding_mode="border", align_corners=True
            )
            parts.append(sampled.reshape(branch.shape[1], -1))
        features = torch.cat(parts, 0)
        return features / torch.linalg.vector_norm(features, dim=0, keepdim=True).clamp(min=1e-12)
