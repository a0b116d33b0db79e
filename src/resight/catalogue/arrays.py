"""Features on the disk, outside SQL: derived data that may be deleted at any time.

``features/<key of the method>/<ab>/<photo>-<key of the annotation>.safetensors``,
with the method's fingerprint in plain text beside them. Descriptors are kept as
float16 (bit strings as they are), all else as float32. Each file has a checksum
over its arrays, so damage is noticed and never matched.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from resight.calibration import Trials
from resight.catalogue.originals import writing_to
from resight.errors import CalibrationError
from resight.files import write_whole
from resight.shortlist.index import Shortlist
from resight.types import Features

logger = logging.getLogger(__name__)

_LAYOUT = "resight-features.v1"
_OPTIONAL = ("scales", "orientations")


class FeatureStore:
    """The features of one method, identified by everything that made them."""

    def __init__(self, catalogue: Path, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        self._folder = catalogue / "features" / _key(fingerprint, 16)

    @property
    def shortlist(self) -> Path:
        """The folder where a shortlist of these features is kept."""
        return self._folder / "shortlist"

    @property
    def calibrations(self) -> Path:
        """The folder where calibrations of methods that use these features are kept."""
        return self._folder / "calibration"

    def load(self, photo: str, region: str) -> Features | None:
        """Features of a part of a photo; ``None`` where there are none.

        A damaged file counts as none, with a logged warning.
        """
        path = self._path(photo, region)
        try:
            return _read(path, self._fingerprint)
        except FileNotFoundError:
            return None
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            logger.warning("%s is damaged and will be made again (%s)", path, error)
            return None

    def holds(self, photo: str, region: str) -> bool:
        """Whether there is a file of features; not whether it is whole, which ``load`` sees."""
        return self._path(photo, region).is_file()

    def save(self, photo: str, region: str, features: Features) -> Features:
        """Keep features, and give them back as they will be loaded."""
        path = self._path(photo, region)
        tensors = _tensors(features)
        about = {
            "layout": _LAYOUT,
            "made_by": self._fingerprint,
            "fingerprint": features.fingerprint,
            "family": features.family,
            "metric": features.metric,
            "size": json.dumps(list(features.size)),
        }
        data = save(tensors, {**about, "crc32": str(_checksum(tensors, about))})
        with writing_to(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            said = self._folder / "fingerprint.txt"
            if not said.exists():
                write_whole(said, self._fingerprint.encode())
            # What a power cut spoils is noticed when it is read, and made again.
            write_whole(path, data, durable=False)
        return _features(tensors, about)

    def remove(self, photo: str, region: str) -> None:
        """Remove features, if they are there."""
        path = self._path(photo, region)
        with writing_to(path):
            path.unlink(missing_ok=True)

    def _path(self, photo: str, region: str) -> Path:
        return self._folder / photo[:2] / f"{photo}-{_key(region, 12)}.safetensors"


def files_of(catalogue: Path, photo: str) -> list[Path]:
    """Every file of features of a photo, by whatever method."""
    return sorted((catalogue / "features").glob(f"*/{photo[:2]}/*{photo}-*"))


def damaged(catalogue: Path) -> list[Path]:
    """Feature files that cannot be read back."""
    found = []
    for path in sorted((catalogue / "features").glob("*/*/*.safetensors")):
        try:
            _read(path, None)
        except (OSError, SafetensorError, ValueError, KeyError, TypeError):
            found.append(path)
    return found


def damaged_shortlists(catalogue: Path) -> list[Path]:
    """Folders of shortlists that cannot be read or hold other descriptors than were written."""
    folders = sorted((catalogue / "features").glob("*/shortlist"))
    return [folder for folder in folders if Shortlist(folder).damaged()]


def damaged_calibrations(catalogue: Path) -> list[Path]:
    """Calibration files that cannot be read back."""
    found = []
    for path in sorted((catalogue / "features").glob("*/calibration/*.jsonl")):
        try:
            Trials.read(path)
        except (OSError, CalibrationError):
            found.append(path)
    return found


def forget_calibrations(catalogue: Path, photos: Sequence[str]) -> None:
    """Remove calibrations, finished or begun, that name one of these photos (sha256)."""
    names = [photo.encode() for photo in photos]
    for path in (catalogue / "features").glob("*/calibration/*.jsonl*"):
        with writing_to(path):
            content = path.read_bytes()
            if any(name in content for name in names):
                path.unlink(missing_ok=True)


def bytes_on_disk(catalogue: Path) -> int:
    """Size of all features together, and of their shortlists."""
    files = (catalogue / "features").rglob("*")
    return sum(path.stat().st_size for path in files if path.is_file())


def delete_shortlists(catalogue: Path) -> None:
    """Remove the shortlists of all methods; they are packed again from features."""
    for folder in (catalogue / "features").glob("*/shortlist"):
        with writing_to(folder):
            shutil.rmtree(folder)


def delete_all(catalogue: Path) -> None:
    """Remove all features; they are made again when they are next needed."""
    folder = catalogue / "features"
    if folder.exists():
        with writing_to(folder):
            shutil.rmtree(folder)


def _key(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _tensors(features: Features) -> dict[str, NDArray[np.generic]]:
    tensors: dict[str, NDArray[np.generic]] = {
        "keypoints": features.keypoints,
        "descriptors": features.kept_descriptors(),
        "scores": features.scores.astype(np.float32),
    }
    for name in _OPTIONAL:
        values = getattr(features, name)
        if values is not None:
            tensors[name] = values.astype(np.float32)
    return {name: np.ascontiguousarray(values) for name, values in tensors.items()}


def _features(tensors: Mapping[str, NDArray[np.generic]], about: Mapping[str, str]) -> Features:
    descriptors = tensors["descriptors"]
    width, height = json.loads(about["size"])
    return Features(
        keypoints=tensors["keypoints"].astype(np.float32),
        # float32 for use: NumPy multiplies float16 matrices without BLAS.
        descriptors=(
            descriptors.copy() if descriptors.dtype == np.uint8 else descriptors.astype(np.float32)
        ),
        scores=tensors["scores"].astype(np.float32),
        size=(width, height),
        family=about["family"],
        metric=about["metric"],
        fingerprint=about["fingerprint"],
        **{name: tensors[name].astype(np.float32) for name in _OPTIONAL if name in tensors},
    )


def _read(path: Path, made_by: str | None) -> Features:
    path.stat()  # safe_open tells a missing file from a damaged one by its text only
    with safe_open(path, "numpy") as file:
        about = dict(file.metadata() or {})
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    stated = about.pop("crc32")
    if about["layout"] != _LAYOUT or made_by not in (None, about["made_by"]):
        raise ValueError("made by another method")
    if int(stated) != _checksum(tensors, about):
        raise ValueError("its checksum differs")
    return _features(tensors, about)


def _checksum(tensors: Mapping[str, NDArray[np.generic]], about: Mapping[str, str]) -> int:
    value = zlib.crc32(json.dumps(dict(sorted(about.items()))).encode())
    for name in sorted(tensors):
        array = tensors[name]
        value = zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), value)
        value = zlib.crc32(np.ascontiguousarray(array).data, value)
    return value
