"""LightGlue (Lindenberger 2023, arXiv 2306.13643) for inference."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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
    """Descriptors (B, N, D) and keypoints (B, N, P) -> tokens and rotations.

    P is 2, in [-1, 1], or 4 with scale and orientation. Descriptors as wide as tokens are tokens.
    """

    def __init__(self, width: Width, descriptors: int, position: int = 2) -> None:
        super().__init__()
        if descriptors != width.dim:
            self.input_proj = nn.Linear(descriptors, width.dim)
        self.posenc = nn.Module()
        self.posenc.Wr = nn.Linear(position, width.head // 2, bias=False)

    def forward(self, descriptors: Tensor, keypoints: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        angles = self.posenc.Wr(keypoints)
        angles = torch.cat([angles, angles], -1)[:, None]
        # A copy, as an output that is an input would take its name.
        project = getattr(self, "input_proj", torch.clone)
        return project(descriptors), angles.cos(), angles.sin()


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
