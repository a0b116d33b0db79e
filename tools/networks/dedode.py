"""DeDoDe (Edstedt 2024, arXiv 2308.08479) for inference: detector L and descriptor B.

Two networks of one kind: the first stages of VGG19 and, from the coarsest scale to the finest,
a refiner that adds to what the coarser ones found.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from tools.networks.common import unit_length
from torch import Tensor, nn

SCALES = ("8", "4", "2", "1")


class Layout(NamedTuple):
    """Channels from the finest stage to the coarsest; refiners from the coarsest to the finest.

    ``repeats``: convolutions of each stage. ``found``: what all refiners add up; ``context``:
    what each tells the next.
    """

    stages: tuple[int, ...]
    repeats: tuple[int, ...]
    hidden: tuple[int, ...]
    context: tuple[int, ...]
    blocks: int
    found: int


VGG19 = ((64, 128, 256, 512), (2, 2, 4, 4))
DETECTOR_L = Layout(*VGG19, (512, 256, 128, 64), (256, 128, 64, 1), 8, 1)
DESCRIPTOR_B = Layout(*VGG19, (512, 256, 64, 32), (256, 128, 32, 1), 5, 256)
#: The same in little, for tests.
SMALL = ((4, 4, 8, 8), (1, 1, 1, 1))
SMALL_DETECTOR = Layout(*SMALL, (8, 8, 8, 4), (8, 4, 4, 1), 1, 1)
SMALL_DESCRIPTOR = Layout(*SMALL, (8, 8, 8, 8), (8, 4, 4, 1), 1, 16)


class Encoder(nn.Module):
    """Photo (1, 3, H, W) -> features of each stage, each of half the size of the one before."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        c_in = 3
        for stage, (c_out, repeats) in enumerate(zip(layout.stages, layout.repeats, strict=True)):
            if stage:
                layers.append(nn.MaxPool2d(2))
            for _ in range(repeats):
                layers += [nn.Conv2d(c_in, c_out, 3, padding=1), nn.BatchNorm2d(c_out), nn.ReLU()]
                c_in = c_out
        self.layers = nn.ModuleList(layers)

    def forward(self, photo: Tensor) -> list[Tensor]:
        features = []
        x = photo
        for layer in self.layers:
            if isinstance(layer, nn.MaxPool2d):
                features.append(x)
            x = layer(x)
        return [*features, x]


def block(c_in: int, c_out: int, kernel: int, groups: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, groups=groups),
        nn.BatchNorm2d(c_out),
        nn.ReLU(),
        nn.Conv2d(c_out, c_out, 1),
    )


class Refiner(nn.Module):
    def __init__(self, c_in: int, hidden: int, c_out: int, blocks: int) -> None:
        super().__init__()
        self.block1 = block(c_in, hidden, 1, 1)
        self.hidden_blocks = nn.Sequential(
            *(block(hidden, hidden, 5, hidden) for _ in range(blocks))
        )
        self.out_conv = nn.Conv2d(hidden, c_out, 1)

    def hidden(self, x: Tensor) -> Tensor:
        first = self.block1(x)
        return (self.hidden_blocks(first) + first) / 1.4

    def forward(self, x: Tensor) -> Tensor:
        return self.out_conv(self.hidden(x))


class Decoder(nn.Module):
    """The refiners by the name of their scale."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        before = (0, *layout.context[:-1])
        self.layers = nn.ModuleDict(
            {
                scale: Refiner(features + told, hidden, layout.found + tells, layout.blocks)
                for scale, features, told, hidden, tells in zip(
                    SCALES, layout.stages[::-1], before, layout.hidden, layout.context, strict=True
                )
            }
        )


class _Network(nn.Module):
    enlarged: str  # how what was found is brought to the next scale

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.encoder = Encoder(layout)
        self.decoder = Decoder(layout)
        self.found = layout.found

    def coarse(self, photo: Tensor) -> tuple[Tensor, Tensor]:
        """All but the finest scale: what was found, of half the size, and what the finest reads."""
        *coarser, finest = zip(SCALES, self.encoder(photo)[::-1], strict=True)
        found = context = None
        for scale, feature in coarser:
            told = feature if context is None else torch.cat([feature, context], 1)
            out = self.decoder.layers[scale](told)
            found = (
                out[:, : self.found] if found is None else self.twice(found) + out[:, : self.found]
            )
            context = F.interpolate(out[:, self.found :], scale_factor=2, mode="bilinear")
        assert found is not None
        return found, torch.cat([finest[1], context], 1)

    def twice(self, found: Tensor) -> Tensor:
        return F.interpolate(found, scale_factor=2, mode=self.enlarged)


class DedodeDetector(_Network):
    """Photo (1, 3, H, W), H and W multiples of 8 -> logits (1, 1, H, W)."""

    enlarged = "bicubic"

    def forward(self, photo: Tensor) -> Tensor:
        found, told = self.coarse(photo)
        return self.twice(found) + self.decoder.layers["1"](told)[:, : self.found]


class DedodeDescriptor(_Network):
    """Photo as above, pixels (N, 2) in [-1, 1] from edge to edge -> (N, D) of unit length.

    The authors' map of descriptors of the photo's size is never made: the finest refiner ends
    in a step for each pixel alone, taken here where the pixels are and nowhere else.
    """

    enlarged = "bilinear"

    def forward(self, photo: Tensor, pixels: Tensor) -> Tensor:
        found, told = self.coarse(photo)
        finest = self.decoder.layers["1"]

        def read(values: Tensor) -> Tensor:
            return F.grid_sample(
                values, pixels[None, None], padding_mode="border", align_corners=False
            )

        added = finest.out_conv(read(finest.hidden(told)))[:, : self.found]
        return unit_length(read(found) + added)[0, :, 0].T
