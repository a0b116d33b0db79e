"""Make the graph templates in ``src/resight/models/templates``.

Run by a developer who changes a network, never by a user:

    make templates     # = python tools/export_templates.py in the torch environment

Arguments, if any, are the beginnings of the names of templates: only those are made.

A template is an ONNX graph whose weights are left out: each initialiser keeps the
name it has in the authors' checkpoint, its shape and dtype, and no data. `resight`
joins template and checkpoint (``models/graphs.py``). torch's dynamo exporter is used
without its optimiser, which would fold or rename weights.

The networks are ALIKED (Zhao 2023, arXiv 2304.03608), DISK (Tyszkiewicz 2020, arXiv
2006.13566), XFeat (Potje 2024, arXiv 2404.19174), SuperPoint (DeTone 2017, arXiv 1712.07629)
and LightGlue (Lindenberger 2023, arXiv 2306.13643), written here for inference only, so that
the graph suits ONNX engines: masks are additive, and what can be done to weights
(permutations, scales, products of two linear steps) is done to them, where the engine folds
it once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

import onnx
import onnx_ir
import torch
import torch.nn.functional as F
from onnxscript import opset19
from torch import Tensor, nn

TEMPLATES = Path(__file__).parents[1] / "src" / "resight" / "models" / "templates"
OPSET = 19
#: c1..c4, descriptor dimension and number of deformable positions, from the paper's table 1.
ALIKED = {
    "aliked-t16": ((8, 16, 32, 64), 64, 16),
    "aliked-n16": ((16, 32, 64, 128), 128, 16),
    "aliked-n32": ((16, 32, 64, 128), 128, 32),
}


# --- ALIKED ------------------------------------------------------------------------------


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


def unit_length(x: Tensor) -> Tensor:
    """Divided by its Euclidean length along dimension 1."""
    return x / torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp(min=1e-12)


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


# --- XFeat -------------------------------------------------------------------------------


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


# --- DISK --------------------------------------------------------------------------------

DISK_DOWN = (16, 32, 64, 64, 64)
DISK_UP = (64, 64, 64)
DISK_DESCRIPTOR = 128


def instance_norm(x: Tensor) -> Tensor:
    """Each channel of each photo with mean 0 and variance 1."""
    centred = x - x.mean((2, 3), keepdim=True)
    return centred / ((centred**2).mean((2, 3), keepdim=True) + 1e-5).sqrt()


class DiskConv(nn.Module):
    """Instance norm, PReLU and a 5x5 convolution, numbered as in the checkpoint."""

    def __init__(self, c_in: int, c_out: int, *, gate: bool = True) -> None:
        super().__init__()
        if gate:
            self.add_module("1", nn.PReLU(c_in))
        self.add_module("3", nn.Conv2d(c_in, c_out, 5, padding=2))

    def gated(self, x: Tensor) -> Tensor:
        gate = self._modules.get("1")
        return x if gate is None else gate(instance_norm(x))

    def forward(self, x: Tensor) -> Tensor:
        return self._modules["3"](self.gated(x))


def disk_last() -> DiskConv:
    return DiskConv(DISK_UP[-1] + DISK_DOWN[0], DISK_DESCRIPTOR + 1)


class DiskDense(nn.Module):
    """Photo (1, 3, H, W) in [0, 1], H and W multiples of 16 -> ``heat`` and ``inputs``.

    ``heat`` (1, 1, H, W) are logits. The last convolution, of 5x5x80 to 129 channels, would
    take four fifths of the time for descriptors of which few are used: here it gives only the
    heat, and ``inputs`` (80, H, W) are returned for ``DiskDescriptors``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unet = nn.Module()
        self.unet.path_down = nn.ModuleList()
        for i, (c_in, c_out) in enumerate(zip((3, *DISK_DOWN), DISK_DOWN, strict=False)):
            self.unet.path_down.append(
                nn.ModuleList([nn.Identity(), DiskConv(c_in, c_out, gate=i > 0)])
            )
        self.unet.path_up = nn.ModuleList()
        below = DISK_DOWN[-1]
        for beside, c_out in zip(DISK_DOWN[-2::-1], DISK_UP, strict=False):
            step = nn.Module()
            step.conv = DiskConv(below + beside, c_out)
            self.unet.path_up.append(step)
            below = c_out
        last = nn.Module()
        last.conv = disk_last()
        self.unet.path_up.append(last)

    def forward(self, photo: Tensor) -> tuple[Tensor, Tensor]:
        x, maps = photo, []
        for i, (_, conv) in enumerate(self.unet.path_down):
            x = conv(F.avg_pool2d(x, 2) if i else x)
            maps.append(x)
        *steps, last = self.unet.path_up
        for step, beside in zip(steps, maps[-2:0:-1], strict=True):
            x = step.conv(self.joined(x, beside))
        inputs = last.conv.gated(self.joined(x, maps[0]))
        conv = last.conv._modules["3"]
        heat = F.conv2d(
            inputs, conv.weight[DISK_DESCRIPTOR:], conv.bias[DISK_DESCRIPTOR:], padding=2
        )
        return heat, inputs[0]

    @staticmethod
    def joined(below: Tensor, beside: Tensor) -> Tensor:
        return torch.cat([F.interpolate(below, scale_factor=2, mode="bilinear"), beside], 1)


class DiskDescriptors(nn.Module):
    """5x5 ``patches`` (N, 80 * 25) of ``DiskDense``'s ``inputs`` -> (N, 128), unit length."""

    def __init__(self) -> None:
        super().__init__()
        self.unet = nn.Module()
        self.unet.path_up = nn.ModuleDict({"3": nn.ModuleDict({"conv": disk_last()})})

    def forward(self, patches: Tensor) -> Tensor:
        conv = self.unet.path_up["3"]["conv"]._modules["3"]
        weight = conv.weight[:DISK_DESCRIPTOR].flatten(1)
        return unit_length(patches @ weight.T + conv.bias[:DISK_DESCRIPTOR])


# --- SuperPoint --------------------------------------------------------------------------


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


# --- LightGlue ---------------------------------------------------------------------------


class Width(NamedTuple):
    """Numbers of a token, and heads that share them."""

    dim: int
    heads: int

    @property
    def head(self) -> int:
        return self.dim // self.heads

    @property
    def scale(self) -> float:
        """Of the product of query and key."""
        return self.head**-0.5


LIGHTGLUE = Width(256, 4)
LIGHTERGLUE = Width(96, 1)


def split_heads(x: Tensor, heads: int) -> Tensor:
    return x.unflatten(-1, (heads, x.shape[-1] // heads)).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(2)


class FeedForward(nn.Sequential):
    def __init__(self, dim: int) -> None:
        super().__init__(
            nn.Linear(2 * dim, 2 * dim), nn.LayerNorm(2 * dim), nn.GELU(), nn.Linear(2 * dim, dim)
        )


def update(x: Tensor, attended: Tensor, out: nn.Linear, ffn: FeedForward) -> Tensor:
    """``x`` plus the feed-forward network's view of it and of what it attended to.

    The authors project ``attended`` by ``out`` first. Nothing stands between that and the
    network's first linear step, so both are one product of weights, which the engine folds.
    """
    dim = x.shape[2]
    own, message = ffn[0].weight[:, :dim], ffn[0].weight[:, dim:]
    hidden = F.linear(
        torch.cat([x, join_heads(attended)], -1),
        torch.cat([own, message @ out.weight], 1),
        message @ out.bias + ffn[0].bias,
    )
    return x + ffn[3](ffn[2](ffn[1](hidden)))


class SelfAttention(nn.Module):
    """Attention within one photo, positions encoded by rotation (Su 2021).

    The checkpoint interleaves q, k, v and the two halves of each rotated pair; both are
    undone on the weights, so that a rotation is a swap of two contiguous halves. q and k
    are permuted alike, which leaves their product unchanged. The scale of that product is
    applied to q's weights; where it is a power of two (LightGlue) nothing is rounded.
    """

    def __init__(self, width: Width) -> None:
        super().__init__()
        self.width = width
        self.Wqkv = nn.Linear(width.dim, 3 * width.dim)
        self.out_proj = nn.Linear(width.dim, width.dim)
        self.ffn = FeedForward(width.dim)

    def forward(self, x: Tensor, cosines: Tensor, sines: Tensor, bias: Tensor) -> Tensor:
        dim, heads, head = *self.width, self.width.head
        weight = self.Wqkv.weight.reshape(heads, head // 2, 2, 3, dim)
        offset = self.Wqkv.bias.reshape(heads, head // 2, 2, 3)
        q, k = (
            self.rotate(
                F.linear(
                    x,
                    scale * weight[:, :, :, i].transpose(1, 2).reshape(dim, dim),
                    scale * offset[..., i].transpose(1, 2).reshape(dim),
                ),
                cosines,
                sines,
            )
            for i, scale in ((0, self.width.scale), (1, 1.0))
        )
        v = split_heads(
            F.linear(x, weight[:, :, :, 2].reshape(dim, dim), offset[..., 2].reshape(dim)), heads
        )
        attention = torch.softmax(q @ k.transpose(2, 3) + bias, -1)
        return update(x, attention @ v, self.out_proj, self.ffn)

    def rotate(self, x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        x = split_heads(x, self.width.heads)
        half = self.width.head // 2
        return x * cosines + torch.cat([-x[..., half:], x[..., :half]], -1) * sines


class CrossAttention(nn.Module):
    """Attention between two photos, in both directions; the scale is applied to weights."""

    def __init__(self, width: Width) -> None:
        super().__init__()
        self.width = width
        self.to_qk = nn.Linear(width.dim, width.dim)
        self.to_v = nn.Linear(width.dim, width.dim)
        self.to_out = nn.Linear(width.dim, width.dim)
        self.ffn = FeedForward(width.dim)

    def forward(
        self, x0: Tensor, x1: Tensor, bias0: Tensor, bias1: Tensor
    ) -> tuple[Tensor, Tensor]:
        heads, scale = self.width.heads, self.width.scale
        qk0 = split_heads(F.linear(x0, scale * self.to_qk.weight, scale * self.to_qk.bias), heads)
        qk1 = split_heads(self.to_qk(x1), heads)
        v0, v1 = split_heads(self.to_v(x0), heads), split_heads(self.to_v(x1), heads)
        attended0 = torch.softmax(qk0 @ qk1.transpose(2, 3) + bias1, -1) @ v1
        attended1 = torch.softmax(qk1 @ qk0.transpose(2, 3) + bias0, -1) @ v0
        return (
            update(x0, attended0, self.to_out, self.ffn),
            update(x1, attended1, self.to_out, self.ffn),
        )


def first_layer(network: nn.Module) -> nn.ModuleList:
    """A list of one, so that weights are named as the checkpoint names those of layer 0."""
    return nn.ModuleList([network])


class LightGlueSelf(nn.Module):
    """First half of a layer: tokens (B, N, D) of either photo -> the same.

    ``cosines``/``sines`` (B, 1, N, D / heads); ``bias`` (B, 1, 1, N): 0 for a keypoint, very
    negative for padding.
    """

    def __init__(self, width: Width) -> None:
        super().__init__()
        layer = nn.Module()
        layer.self_attn = SelfAttention(width)
        self.transformers = first_layer(layer)

    def forward(self, tokens: Tensor, cosines: Tensor, sines: Tensor, bias: Tensor) -> Tensor:
        return self.transformers[0].self_attn(tokens, cosines, sines, bias)


class LightGlueCross(nn.Module):
    """Second half of a layer: tokens (B, M, D) and (B, N, D) -> the same."""

    def __init__(self, width: Width) -> None:
        super().__init__()
        layer = nn.Module()
        layer.cross_attn = CrossAttention(width)
        self.transformers = first_layer(layer)

    def forward(
        self, tokens0: Tensor, tokens1: Tensor, bias0: Tensor, bias1: Tensor
    ) -> tuple[Tensor, Tensor]:
        return self.transformers[0].cross_attn(tokens0, tokens1, bias0, bias1)


class LightGlueConfidence(nn.Module):
    """After a layer: is each token's prediction final, and can it be matched at all?

    Tokens (B, M, D) and (B, N, D) -> ``confidence0`` (B, M), ``confidence1`` (B, N),
    ``matchability0`` (B, M), ``matchability1`` (B, N), all in (0, 1).
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        confidence = nn.Module()
        confidence.token = nn.Sequential(nn.Linear(dim, 1), nn.Sigmoid())
        self.token_confidence = first_layer(confidence)
        assignment = nn.Module()
        assignment.matchability = nn.Linear(dim, 1)
        self.log_assignment = first_layer(assignment)

    def forward(self, tokens0: Tensor, tokens1: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        token = self.token_confidence[0].token
        matchability = self.log_assignment[0].matchability
        return (
            token(tokens0)[..., 0],
            token(tokens1)[..., 0],
            torch.sigmoid(matchability(tokens0))[..., 0],
            torch.sigmoid(matchability(tokens1))[..., 0],
        )


class LightGlueInput(nn.Module):
    """Descriptors (B, N, D) and keypoints (B, N, 2) in [-1, 1] -> tokens and rotations."""

    def __init__(self, width: Width, descriptors: int) -> None:
        super().__init__()
        self.input_proj = nn.Linear(descriptors, width.dim)
        self.posenc = nn.Module()
        self.posenc.Wr = nn.Linear(2, width.head // 2, bias=False)

    def forward(self, descriptors: Tensor, keypoints: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        angles = self.posenc.Wr(keypoints)
        angles = torch.cat([angles, angles], -1)[:, None]
        return self.input_proj(descriptors), angles.cos(), angles.sin()


class LightGlueAssignment(nn.Module):
    """Tokens of both photos -> each keypoint's best partner.

    Returns ``score0`` (B, M) the best log assignment of each query keypoint, ``best0`` (B, M)
    its index in the gallery photo and ``best1`` (B, N) the other way round.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        assignment = nn.Module()
        assignment.matchability = nn.Linear(dim, 1)
        assignment.final_proj = nn.Linear(dim, dim)
        self.log_assignment = first_layer(assignment)

    def forward(
        self, tokens0: Tensor, tokens1: Tensor, bias0: Tensor, bias1: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        project = self.log_assignment[0].final_proj
        matchability = self.log_assignment[0].matchability
        row_bias, column_bias = bias1[:, 0], bias0[:, 0].transpose(1, 2)
        similarity = (project(tokens0) * tokens0.shape[2] ** -0.5) @ project(tokens1).transpose(
            1, 2
        )
        rows = torch.log_softmax(similarity + row_bias, 2)
        columns = torch.log_softmax(similarity + column_bias, 1)
        certain0 = -F.softplus(-matchability(tokens0))
        certain1 = -F.softplus(-matchability(tokens1)).transpose(1, 2)
        scores = rows + columns + certain0 + certain1 + row_bias + column_bias
        return scores.amax(2), scores.argmax(2), scores.argmax(1)


# --- EfficientNet-Lite0 -------------------------------------------------------------------

#: Repeats, kernel, stride, expansion, channels of each stage: table 1 of the paper.
LITE0 = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow does: with an odd pixel, more at the right and below.

    Maps must have even sides where ``stride`` is 2.
    """

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, groups: int = 1) -> None:
        super().__init__(c_in, c_out, kernel, stride, groups=groups, bias=False)
        total = kernel - stride
        self.margin = (total // 2, total - total // 2) * 2

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.margin))


class InvertedBottleneck(nn.Module):
    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = c_in * expansion
        self.residual = stride == 1 and c_in == c_out
        self.expands = expansion > 1
        if self.expands:
            self._expand_conv = nn.Conv2d(c_in, wide, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(wide, eps=1e-3)
        self._depthwise_conv = SameConv(wide, wide, kernel, stride, groups=wide)
        self._bn1 = nn.BatchNorm2d(wide, eps=1e-3)
        self._project_conv = nn.Conv2d(wide, c_out, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(c_out, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    """Photo (1, 3, 224, 224) in [-1, 1] -> features (1, 1280) before the classifier.

    Names are those of the checkpoint, a conversion of the authors' by ML Illustrated.
    """

    def __init__(self) -> None:
        super().__init__()
        channels = 32
        self._conv_stem = SameConv(3, channels, 3, 2)
        self._bn0 = nn.BatchNorm2d(channels, eps=1e-3)
        blocks = []
        for repeats, kernel, stride, expansion, c_out in LITE0:
            for each in range(repeats):
                step = stride if each == 0 else 1
                blocks.append(InvertedBottleneck(channels, c_out, kernel, step, expansion))
                channels = c_out
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = nn.Conv2d(channels, 1280, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(1280, eps=1e-3)

    def forward(self, photo: Tensor) -> Tensor:
        x = F.relu6(self._bn0(self._conv_stem(photo)))
        for block in self._blocks:
            x = block(x)
        return F.relu6(self._bn1(self._conv_head(x))).mean((2, 3))


# --- export ------------------------------------------------------------------------------


def export(
    name: str,
    network: nn.Module,
    arguments: dict[str, Tensor],
    dynamic: dict[str, dict[int, Any]],
    outputs: list[str],
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
    TEMPLATES.mkdir(parents=True, exist_ok=True)
    path = TEMPLATES / f"{name}.onnx"
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
    export(
        f"{name}-input",
        LightGlueInput(width, descriptors),
        {
            "descriptors": torch.rand(batch, 70, descriptors),
            "keypoints": torch.rand(batch, 70, 2),
        },
        {"descriptors": {0: free, 1: free}, "keypoints": {0: free, 1: free}},
        ["tokens", "cosines", "sines"],
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
    export_matcher("lightglue", LIGHTGLUE, 128)
    export_matcher("lighterglue", LIGHTERGLUE, 64)
    return 0


if __name__ == "__main__":
    sys.exit(main())
