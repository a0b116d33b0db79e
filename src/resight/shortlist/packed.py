"""The first descriptors of every gallery photo, side by side in one memory-mapped file.

Derived from features, so the folder may be deleted at any time::

    descriptors.f16   (slots, 512, D) float16, zeros after a photo's own
    slots.txt         "resight-packed.v1 D", then for each slot: count, crc32, annotation

A slot's line is written after its descriptors, and what is not complete does not count and is
cut off by the next writer, so a process may be killed at any instant. A slot whose annotation
has gone stays until ``keep`` writes a smaller file.
"""

from __future__ import annotations

import logging
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resight.types import Features

logger = logging.getLogger(__name__)

#: Kept of each photo: its best. (Of the queries that LightGlue got right, a scan with 512 has
#: the animal among the first 24 of 160 photos for 97.5 %, with 256 for 92.6 %.)
KEYPOINTS = 512
_LAYOUT = "resight-packed.v1"
_AT_ONCE = 64  # photos written together


@dataclass(frozen=True)
class _Slot:
    annotation: str
    count: int
    crc32: int

    @property
    def line(self) -> str:
        return f"{self.count} {self.crc32} {self.annotation}\n"


class Removed(Exception):
    """Somebody removed the files while they were being added to: open and add again."""


class PackedDescriptors:
    """Descriptors by slot, in ``folder``.

    A writer must have opened it since others wrote, and be the only one meanwhile.
    ``slots`` maps an annotation to its slot, ``descriptors`` is (slots, 512, D) float16
    of unit length, memory-mapped and read-only, ``counts`` (slots,) int64 how many of
    them are a photo's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lines = folder / "slots.txt"
        self._array = folder / "descriptors.f16"
        #: Why ``slots.txt`` cannot be read, empty if it can.
        self.problem = ""
        self._kept: list[_Slot] = []
        self._dimensions = 0
        self._bytes = 0  # of slots.txt that count
        self._file: int | None = None
        self.slots: dict[str, int] = {}
        self.counts: NDArray[np.int64] = np.zeros(0, np.int64)
        self.descriptors: NDArray[np.float16] = np.zeros((0, KEYPOINTS, 0), np.float16)
        self._open()

    @property
    def bytes_on_disk(self) -> int:
        """Size of both files."""
        return sum(path.stat().st_size for path in (self._lines, self._array) if path.exists())

    def add(self, photos: Iterable[tuple[str, Features]]) -> None:
        """Append annotations that are not there yet, a few at a time as they come.

        Those of an earlier few are kept if the iterable fails or is interrupted.
        Raises ``Removed``.
        """
        self._add((name, _packed(features)) for name, features in photos)

    def keep(self, annotations: Iterable[str]) -> None:
        """Drop all other annotations, and close the gaps they leave."""
        wanted = set(annotations)
        kept = [name for name in self.slots if name in wanted]
        smaller = PackedDescriptors(self.folder.with_name(f"{self.folder.name}.smaller"))
        smaller.clear()
        numbers = ((name, self.slots[name]) for name in kept)
        smaller._add((name, self.descriptors[i, : self.counts[i]]) for name, i in numbers)
        self.clear()
        if smaller.folder.exists():
            smaller.folder.replace(self.folder)
        self._open()

    def clear(self) -> None:
        """Forget everything."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._open()

    def damaged(self) -> list[str]:
        """Annotations whose descriptors are not those that were written."""
        return [
            slot.annotation
            for slot, packed in zip(self._kept, self.descriptors, strict=True)
            if zlib.crc32(np.ascontiguousarray(packed).data) != slot.crc32
        ]

    def _add(self, photos: Iterator[tuple[str, NDArray[np.float16]]]) -> None:
        try:
            while some := list(islice(photos, _AT_ONCE)):
                self._append(some)
        finally:  # once, since it takes time in proportion to all slots
            if _file_at(self._array) == self._file:
                self._map()
            else:
                self._open()

    def _append(self, photos: Sequence[tuple[str, NDArray[np.float16]]]) -> None:
        dimensions = photos[0][1].shape[1]
        packed = np.zeros((len(photos), KEYPOINTS, dimensions), np.float16)
        new = []
        for row, (name, descriptors) in zip(packed, photos, strict=True):
            row[: len(descriptors)] = descriptors
            new.append(_Slot(name, len(descriptors), zlib.crc32(row.data)))
        first = not self._kept
        if first:
            # Removed, not cut off: others may have mapped what is there.
            shutil.rmtree(self.folder, ignore_errors=True)
            self._bytes = 0
        elif _file_at(self._array) != self._file:
            raise Removed
        self.folder.mkdir(parents=True, exist_ok=True)
        # What a stopped writer left behind the last whole slot is cut off.
        with self._array.open("ab") as file:
            file.truncate(len(self._kept) * packed[0].nbytes)
            file.write(packed.data)
        lines = _bytes_of(new, _header(dimensions) if first else "")
        with self._lines.open("ab") as file:
            file.truncate(self._bytes)
            file.write(lines)
        self._kept += new
        self._bytes += len(lines)
        self._dimensions = dimensions
        if first:
            self._map()  # so that the file keeps its number

    def _open(self) -> None:
        self.problem = ""
        try:
            self._read()
            self._map()
            return
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            # Left to the next writer: another may be writing it at this moment.
            logger.warning("%s is damaged and will be made again (%s)", self.folder, error)
            self.problem = str(error)
        self._kept, self._dimensions = [], 0
        self._map()

    def _read(self) -> None:
        """The slots whose line and descriptors are whole, and D."""
        self._kept, self._dimensions = [], 0
        header, *lines = self._lines.read_bytes().decode().split("\n")[:-1] or [""]
        if not header:  # of a writer that has only begun
            return
        layout, dimensions = header.split(" ")
        if layout != _LAYOUT or int(dimensions) < 1:
            raise ValueError(f"it begins with {header}")
        size = KEYPOINTS * int(dimensions) * 2
        whole = lines[: self._array.stat().st_size // size]
        fields = (line.split(" ", 2) for line in whole)
        kept = [_Slot(annotation, int(count), int(crc32)) for count, crc32, annotation in fields]
        self._kept, self._dimensions = kept, int(dimensions)
        self._bytes = len("\n".join([header, *whole, ""]).encode())

    def _map(self) -> None:
        self.slots = {slot.annotation: i for i, slot in enumerate(self._kept)}
        self.counts = np.array([slot.count for slot in self._kept], np.int64)
        shape = (len(self._kept), KEYPOINTS, self._dimensions)
        if not self._kept:
            self.descriptors, self._file = np.zeros(shape, np.float16), None
            return
        with self._array.open("rb") as file:
            self.descriptors = np.memmap(file, np.float16, "r", shape=shape)
            # The number is nobody else's as long as the file is mapped.
            self._file = os.fstat(file.fileno()).st_ino


def unit_vectors(features: Features, count: int = KEYPOINTS) -> NDArray[np.float32]:
    """(N, D) float32 of unit length whose products order pairs as the metric does.

    Of bit strings, the bits as plus and minus: their product falls with differing bits.
    """
    descriptors = features.descriptors[:count]
    if features.metric == "hamming":
        descriptors = 2 * np.unpackbits(descriptors, axis=1).astype(np.int8) - 1
    vectors = descriptors.astype(np.float32)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.maximum(length, np.finfo(np.float32).tiny)
    return vectors


def _packed(features: Features) -> NDArray[np.float16]:
    return unit_vectors(features).astype(np.float16)


def _file_at(path: Path) -> int | None:
    """Which file it is, whatever its name."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _header(dimensions: int) -> str:
    return f"{_LAYOUT} {dimensions}\n"


def _bytes_of(slots: Iterable[_Slot], header: str) -> bytes:
    return f"{header}{''.join(slot.line for slot in slots)}".encode()
