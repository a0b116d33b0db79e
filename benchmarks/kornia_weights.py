"""kornia is measured, and compared with, with the weights that resight fetched."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from resight.models import weights_path

#: Weights by the file name under which kornia has torch.hub keep them.
_FILES = {
    "aliked-t16.pth": "aliked-t16",
    "aliked-n16.pth": "aliked-n16",
    "aliked-n16rot.pth": "aliked-n16rot",
    "aliked-n32.pth": "aliked-n32",
    "xfeat.pt": "xfeat",
    "depth-save.pth": "disk",
    "aliked_lightglue_v0-1_arxiv-pth": "aliked-lightglue",  # the odd ending is right
    "disk_lightglue_v0-1_arxiv-pth": "disk-lightglue",
    "xfeat-lighterglue.pt": "xfeat-lighterglue",
}


def link_weights(home: Path, names: Collection[str] = tuple(_FILES.values())) -> None:
    """Let kornia find these where it would download them, if TORCH_HOME is ``home``."""
    folder = home / "hub" / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    for file, name in _FILES.items():
        if name in names and not (folder / file).exists():
            (folder / file).symlink_to(weights_path(name).resolve())
