"""The index of a growing gallery: made, updated, and used by a process of its own.

Part of ``benchmarks.growth_measure``.
"""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.growth import DIMENSIONS, GrownGallery

from resight.method import Method
from resight.shortlist.index import INDEXING, Describe, Shortlist
from resight.shortlist.packed import KEYPOINTS
from resight.types import Features

UPDATES = 5  # of which the median counts
COLD = 3  # processes, of which the fastest counts
_BYTES = KEYPOINTS * DIMENSIONS * 2  # packed, of a photo

# A process's peak begins with that of the one that started it: it is started by a small one.
LAUNCHER = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"


@dataclass(frozen=True)
class IndexFigures:
    """An index: photos a second, milliseconds, bytes a photo; of a process: MiB, seconds."""

    kind: str
    size: int
    pack_per_second: float
    votes_per_second: float | None
    add_ms: float
    remove_ms: float
    packed_bytes: float
    votes_bytes: float
    memory_bytes: float
    peak_rss_mb: float
    first_answer_seconds: float


class Stages:
    """Times the stages of ``Shortlist.update``."""

    def __init__(self, describe: Callable[[Sequence[str]], Iterator[Features | None]]) -> None:
        self._describe = describe
        self.describing = 0.0
        self.began = time.perf_counter()
        self.indexing: float | None = None  # when it began

    def describe(self, names: Sequence[str]) -> Iterator[Features | None]:
        """The features, timed."""
        photos = self._describe(names)
        while True:
            began = time.perf_counter()
            photo = next(photos, self)
            self.describing += time.perf_counter() - began
            if isinstance(photo, Stages):
                return
            yield photo

    def tell(self, stage: str, _done: int, _total: int) -> None:
        """Progress of the update."""
        if stage == INDEXING and self.indexing is None:
            self.indexing = time.perf_counter()


class Measured:
    """A gallery of one size with its index in a folder."""

    def __init__(self, grown: GrownGallery, method: Method, folder: Path) -> None:
        self.gallery, self.method, self.folder = grown, method, folder
        self.names = [entry.annotation for entry in grown.entries()]
        needed = 1.1 * len(self.names) * _BYTES
        folder.mkdir(parents=True)
        if shutil.disk_usage(folder).free < needed:
            raise SystemExit(f"{folder} needs {needed / 1e9:.0f} GB, which are not free")
        self.shortlist = Shortlist(folder)
        stages = Stages(self.describe)
        self.shortlist.update(self.names, stages.describe, stages.tell)
        end = time.perf_counter()
        indexing = stages.indexing or end
        self.pack_per_second = len(self.names) / (indexing - stages.began - stages.describing)
        self.votes_per_second = (
            None if stages.indexing is None else len(self.names) / (end - indexing)
        )
        votes = folder / "votes.faiss"
        self.votes_bytes = votes.stat().st_size / len(self.names) if votes.exists() else 0.0
        self.packed_bytes = self.shortlist.bytes_on_disk / len(self.names) - self.votes_bytes

    def describe(self, names: Sequence[str]) -> Iterator[Features | None]:
        """Features of the gallery's photos."""
        return self.gallery.features(
            names,
            self.method.extractor,
            long_edge=self.method.long_edge,
            margin=self.method.margin,
        )

    def updated(self) -> tuple[float, float]:
        """Milliseconds to add a photo, and to remove it."""
        adding, removing = [], []
        photo = list(self.describe(self.names[-1:]))
        for number in range(UPDATES):
            more = [*self.names, f"added {number}"]
            adding.append(self._update(more, lambda _: iter(photo)))
            removing.append(self._update(self.names, self.describe))
        return float(np.median(adding)), float(np.median(removing))

    def _update(self, names: list[str], describe: Describe) -> float:
        began = time.perf_counter()
        self.shortlist.update(names, describe)
        return 1000 * (time.perf_counter() - began)


def cold(asked: dict[str, Any]) -> tuple[dict[str, Any], float]:
    """What a process says that identifies one query, and seconds until it does."""
    program = [sys.executable, "-m", "benchmarks.growth_cold", json.dumps(asked)]
    best, said = math.inf, b""
    for _ in range(COLD):
        began = time.perf_counter()
        with subprocess.Popen(  # noqa: S603
            [sys.executable, "-S", "-E", "-c", LAUNCHER, *program], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            said = process.stdout.readline()
            best = min(best, time.perf_counter() - began)
        if process.returncode:
            raise SystemExit(f"the process that identifies one query ended with {said!r}")
    return json.loads(said), best


def index_figures(kind: str, made: Measured, asked: dict[str, Any]) -> IndexFigures:
    """How the index was made, what it takes, and what a process takes that uses it."""
    said, seconds = cold(asked)
    add, remove = made.updated()
    size = len(made.names)
    return IndexFigures(
        kind=kind,
        size=size,
        pack_per_second=made.pack_per_second,
        votes_per_second=made.votes_per_second,
        add_ms=add,
        remove_ms=remove,
        packed_bytes=made.packed_bytes,
        votes_bytes=made.votes_bytes,
        memory_bytes=said["index_bytes"] / size,
        peak_rss_mb=said["peak_rss_mb"],
        first_answer_seconds=seconds,
    )
