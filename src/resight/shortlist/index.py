"""The shortlist of one gallery: kept up to date as photos come and go, asked by queries."""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from resight.shortlist.packed import PackedDescriptors, unit_vectors
from resight.shortlist.scan import scan
from resight.types import Features

#: Gives the features of annotations, in order; ``None`` where they are not to be had.
Describe = Callable[[Sequence[str]], Iterator[Features | None]]

#: The file is written anew when more than this share of it is of photos that have gone.
_GONE = 0.25


class Shortlist:
    """Scores of gallery photos by their descriptors alone, some 0.2 ms a photo.

    ``folder`` keeps what was packed for the next process; without one it is temporary.
    What it holds is of one extractor and one size of chips: the caller names the folder
    accordingly. Safe to use from several threads and processes.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._shared = folder is not None
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="resight-shortlist-"))
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._folder = folder
        self._packed = PackedDescriptors(self._folder)
        self._lock = threading.RLock()

    @property
    def bytes_on_disk(self) -> int:
        """What the folder takes."""
        return self._packed.bytes_on_disk

    def update(self, annotations: Sequence[str], describe: Describe) -> None:
        """Hold exactly these annotations, but for those that cannot be described."""
        with self._lock:
            new = [name for name in annotations if name not in self._packed.slots]
            gone = len(self._packed.slots) - (len(annotations) - len(new))
            if not new and gone <= _GONE * len(self._packed.slots):
                return
            with self._writing():
                self._packed = packed = PackedDescriptors(self._folder)  # as others left it
                if len(packed.slots) > (1 + _GONE) * len(annotations):
                    packed.keep(annotations)
                new = [name for name in annotations if name not in packed.slots]
                pairs = zip(new, describe(new), strict=True)
                packed.add((name, each) for name, each in pairs if each is not None)

    def scores(self, query: Features, annotations: Sequence[str]) -> NDArray[np.float32]:
        """(A,) one score each, higher for more alike.

        NaN for an annotation that is not held, -inf for one without keypoints.
        """
        with self._lock:
            packed = self._packed
        slots = np.array([packed.slots.get(name, -1) for name in annotations], np.int64)
        scores = np.full(len(slots), np.nan, np.float32)
        held = slots >= 0
        found = scan(unit_vectors(query), packed.descriptors, packed.counts, slots[held])
        scores[held] = np.where(packed.counts[slots[held]] > 0, found, -np.inf)
        return scores

    def _writing(self) -> AbstractContextManager[object]:
        if not self._shared:
            return nullcontext()
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(f"{self._folder}.lock")
