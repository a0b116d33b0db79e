"""What several networks share."""

from __future__ import annotations

import torch
from torch import Tensor


def unit_length(x: Tensor) -> Tensor:
    """Divided by its Euclidean length along dimension 1."""
    return x / torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp(min=1e-12)
