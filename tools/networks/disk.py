"""DISK (Tyszkiewicz 2020, arXiv 2006.13566) for inference."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from tools.networks.common import unit_length
from torch import Tensor, nn

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
