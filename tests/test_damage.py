"""Damage that decoders pass over is told; sound files of any kind are not called damaged."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from resight.damage import damage
from resight.testing import drawn_animals, photograph


def jpeg(mode: str, **how: Any) -> bytes:
    """A drawn photo as a JPEG file."""
    photo = photograph(drawn_animals(1)[0], seed=3, size=(320, 240)).pixels
    file = io.BytesIO()
    Image.fromarray(photo).convert(mode).save(file, how.pop("format", "JPEG"), **how)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        jpeg("RGB"),
        jpeg("L"),
        jpeg("CMYK"),
        jpeg("RGB", progressive=True, quality=30),
        jpeg("RGB", restart_marker_rows=1),
        jpeg("RGB", subsampling=0) + b"what a phone writes behind a picture" * 99,
        jpeg("RGB", format="MPO", save_all=True, append_images=[Image.new("RGB", (9, 9))]),
    ],
    ids=[
        "colour",
        "grey",
        "four inks",
        "progressive",
        "restarts",
        "more behind it",
        "two pictures",
    ],
)
def test_sound_files_are_not_called_damaged(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    assert damage(path, "JPEG") == ""


@pytest.mark.parametrize("how", [{}, {"progressive": True}, {"restart_marker_rows": 2}])
def test_nearly_all_files_with_changed_bytes_are_told(tmp_path: Path, how: dict[str, Any]) -> None:
    sound, told = jpeg("RGB", **how), 0
    path = tmp_path / "photo.jpg"
    for seed in range(30):
        rng = np.random.default_rng(seed)
        broken = bytearray(sound)
        for place in rng.integers(len(sound) // 5, len(sound) - 2, 30):
            broken[place] = rng.integers(256)
        path.write_bytes(broken)
        told += bool(damage(path, "JPEG"))
    assert told >= 27
