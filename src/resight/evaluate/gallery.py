"""A protocol's gallery in memory: its photos decoded and described once."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Optional

import numpy as np

from resight.errors import PhotoError
from resight.evaluate.protocol import Row
from resight.evaluate.report import Unreadable
from resight.extractors import Extractor
from resight.method import Method
from resight.photos import read_photo
from resight.types import Chip, Features, GalleryEntry


def read_chip(row: Row, photos: Path, method: Method) -> tuple[Chip, str]:
    """The chip of a protocol's row, and the sha256 of its photo.

    Raises ``PhotoError`` if the photo cannot be read or the box is off it.
    """
    decoded = read_photo(photos / row.path)
    return method.chip(decoded.pixels, row.box), decoded.photo.sha256


def photo_of(row: Row, photos: Path) -> str:
    """The sha256 of a row's photo, as ``read_chip`` tells; empty where there is no such file."""
    try:
        with (photos / row.path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


class MemoryGallery:
    """Features of a protocol's gallery rows by one method; a ``Gallery``.

    Descriptors have the precision that a catalogue keeps, or the evaluation
    would measure another search than people have.
    ``unreadable`` are the photos that could not be used; ``extract_seconds`` is
    the mean time from chip to features, ``None`` if every photo was unreadable.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        photos: Path,
        method: Method,
        progress: Optional[Callable[[int, int], None]] = None,
    ) -> None:
        self._method = method
        self._photos = photos
        self._entries: list[GalleryEntry] = []
        self._features: dict[str, Features] = {}
        self._rows: dict[str, Row] = {}
        unreadable: list[Unreadable] = []
        seconds = 0.0
        for number, row in enumerate(rows, start=1):
            try:
                chip, sha256 = read_chip(row, photos, method)
            except PhotoError as error:
                unreadable.append(Unreadable(row.path, row.role, str(error)))
            else:
                started = time.perf_counter()
                (features,) = method.extractor.extract([chip])
                seconds += time.perf_counter() - started
                self._add(row, sha256, features)
            if progress:
                progress(number, len(rows))
        self.unreadable = tuple(unreadable)
        self.extract_seconds = seconds / len(self._entries) if self._entries else None

    def _add(self, row: Row, sha256: str, features: Features) -> None:
        annotation = f"{row.path} (line {row.line})"
        self._entries.append(
            GalleryEntry(annotation, row.identity, sha256, row.side, row.encounter)
        )
        self._features[annotation] = _as_kept(features)
        self._rows[annotation] = row

    def row(self, annotation: str) -> Row:
        """The protocol's row of an annotation."""
        return self._rows[annotation]

    def entries(self) -> Sequence[GalleryEntry]:
        """The rows whose photos could be used."""
        return self._entries

    def features(
        self,
        annotations: Sequence[str],
        extractor: Extractor,
        /,
        *,
        long_edge: int,
        margin: float,
    ) -> Iterator[Features]:
        """Features of these rows; only of the method the gallery was made for."""
        own = self._method
        if (extractor.fingerprint, long_edge, margin) != (
            own.extractor.fingerprint,
            own.long_edge,
            own.margin,
        ):
            raise ValueError(f"this gallery was described by {own.matching_fingerprint} only")
        return map(self._features.__getitem__, annotations)

    def chip(self, annotation: str) -> Optional[Chip]:
        """Cut again: all of a protocol's chips would take much memory."""
        try:
            return read_chip(self._rows[annotation], self._photos, self._method)[0]
        except PhotoError:  # readable before, and gone meanwhile
            return None


def _as_kept(features: Features) -> Features:
    """Features as a catalogue gives them back."""
    kept = features.kept_descriptors()
    if kept.dtype == np.uint8:
        return features
    return replace(features, descriptors=kept.astype(np.float32))
