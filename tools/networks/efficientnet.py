"""EfficientNet-Lite0 (a conversion by ML Illustrated) for inference."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

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
