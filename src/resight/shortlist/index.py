"""The shortlist of one gallery: kept up to date as photos come and go, asked by queries."""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from resight.engine import available_cores
from resight.files import remove_parts
from resight.fingerprints import fingerprint
from resight.shortlist.packed import KEYPOINTS, PackedDescriptors, Removed, unit_vectors
from resight.shortlist.scan import RATIO, scan
from resight.shortlist.votes import DESCRIPTORS, NEIGHBOURS, PROBES, VoteIndex, can_vote
from resight.types import Features

logger = logging.getLogger(__name__)

#: Gives the features of annotations, in order; ``None`` where they are not to be had.
Describe = Callable[[Sequence[str]], Iterator[Features | None]]
#: Told what is under way (a stage's name), how many photos it has dealt with, how many there are.
Progress = Callable[[str, int, int], None]

#: Stages: descriptors of photos are packed, the vote index is made.
PACKING, INDEXING = "packing", "indexing"

#: All that changes which photos have the highest scores.
SHORTLIST = fingerprint(
    "shortlist.v1",
    keypoints=KEYPOINTS,
    neighbours=NEIGHBOURS,
    probes=PROBES,
    ratio=RATIO,
    voting=DESCRIPTORS,
)
#: The files are written anew when more than this share of them is of photos that have gone.
_GONE = 0.25
#: From so many photos on there is a vote index: fewer are scanned in less than a second.
_VOTES_FROM = 500
#: Times as many as are to be scanned: to scan a few more takes less time than the votes.
_MANY_MORE = 1.5
#: The vote index is saved again when this share of it is new; less is added in milliseconds.
_NEW = 0.05
_SILENT = 1.0  # seconds for which another process is waited for before that is said


class Shortlist:
    """Scores of gallery photos by their descriptors alone.

    Of a large gallery, votes choose which photos are compared exactly. ``folder`` keeps
    what was made for the next process; without one it is temporary. What it holds is of
    one extractor and one size of chips: the caller names the folder accordingly. Safe to
    use from several threads and processes.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._shared = folder is not None
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="resight-shortlist-"))
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._folder = folder
        self._packed = PackedDescriptors(folder / "packed")
        self._votes: VoteIndex | None = None
        self._lock = threading.RLock()
        self._updated: list[str] = []  # what the last update was to hold
        self._lacking: tuple[str, ...] = ()
        self._rebuilding: threading.Thread | None = None
        self._rebuilt = (0, 0)  # photos, as of Progress

    @property
    def bytes_on_disk(self) -> int:
        """What the folder takes."""
        return sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file())

    def damaged(self) -> bool:
        """Whether descriptors are not those that were written; reads them all.

        A damaged vote index needs no looking for: it is made again when it is loaded.
        """
        return bool(self._packed.problem or self._packed.damaged())

    @property
    def lacking(self) -> tuple[str, ...]:
        """What the last update was to hold, and could not since it was not described."""
        return self._lacking

    def try_again(self) -> None:
        """Have what is lacking described at the next update, though that be of the same."""
        with self._lock:
            self._updated = []

    def update(
        self, annotations: Sequence[str], describe: Describe, progress: Progress | None = None
    ) -> None:
        """Hold exactly these annotations, but for those that cannot be described.

        These are tried again when other annotations are to be held, or after ``try_again``. What
        is made for a photo is made once; a repeated call after a stop goes on. Another process
        that updates the same folder is waited for, with a logged warning.
        """
        with self._lock:
            wanted = list(annotations)
            if wanted == self._updated:
                return
            new = [name for name in wanted if name not in self._packed.slots]
            gone = len(self._packed.slots) - (len(wanted) - len(new))
            if new or gone > _GONE * len(self._packed.slots):
                with self._writing("lock"):
                    self._pack(wanted, describe, progress)
            packed = self._packed
            if len(packed.slots) >= _VOTES_FROM and can_vote(packed.descriptors, packed.counts):
                self._update_votes(progress)
            self._lacking = tuple(name for name in wanted if name not in self._packed.slots)
            self._updated = wanted

    def wait(self, progress: Progress | None = None) -> None:
        """Until what is made in the background is there; a process that ends gives it up."""
        while self._rebuilding and self._rebuilding.is_alive():
            if progress:
                progress(INDEXING, *self._rebuilt)
            self._rebuilding.join(_SILENT)

    def scores(
        self, query: Features, annotations: Sequence[str], *, scanned: int, closely: int
    ) -> NDArray[np.float32]:
        """(A,) one score each, higher for more alike.

        Of many more annotations than ``scanned`` only as many with the most votes are compared,
        and the others score 0; of those that are compared so many ``closely``
        (``scan``). NaN for an annotation that is not held, -inf
        for one without keypoints.
        """
        vectors = unit_vectors(query)
        with self._lock:  # neither slots nor votes may change between the two
            packed = self._packed
            slots, scores, there = self._to_scan(vectors, annotations, scanned)
        scores[there] = scan(
            vectors,
            packed.descriptors,
            packed.counts,
            slots[there],
            closely=closely,
            threads=available_cores(),
        )
        return scores

    def _to_scan(
        self, vectors: NDArray[np.float32], annotations: Sequence[str], scanned: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.intp]]:
        """Slots of the annotations, their scores before the scan, and which to scan."""
        packed, votes = self._packed, self._votes
        slots = np.array([packed.slots.get(name, -1) for name in annotations], np.int64)
        scores = np.full(len(slots), np.nan, np.float32)
        held = np.flatnonzero(slots >= 0)
        scores[held] = np.where(packed.counts[slots[held]] > 0, 0, -np.inf)
        there = np.flatnonzero(scores == 0)
        if votes is not None and len(there) > _MANY_MORE * scanned:
            allowed = np.zeros(len(packed.counts), bool)
            allowed[slots[there]] = True
            given = votes.votes(vectors, allowed[: votes.slots])
            own = np.zeros(len(allowed), np.float32)
            own[: len(given)] = given
            there = there[np.argsort(-own[slots[there]], kind="stable")[:scanned]]
        return slots, scores, there

    def _pack(
        self, annotations: Sequence[str], describe: Describe, progress: Progress | None
    ) -> None:
        while True:
            packed = PackedDescriptors(self._packed.folder)  # as others left it
            if len(packed.slots) > (1 + _GONE) * len(annotations):
                self._keep(packed, annotations)
            new = [name for name in annotations if name not in packed.slots]
            try:
                packed.add(_described(new, describe, progress))
                return
            except Removed:  # by a purge: what it left is packed from the beginning
                continue
            finally:
                self._packed = packed
                if self._votes and self._votes.mark != _mark(packed, self._votes.slots):
                    self._votes = None  # of slots that have other numbers now

    def _keep(self, packed: PackedDescriptors, annotations: Sequence[str]) -> None:
        """Drop what has gone from descriptors and votes, without making either anew."""
        before, votes = packed.slots, self._votes_of(packed)
        packed.keep(annotations)
        if votes is not None:
            left = np.array([before[name] for name in packed.slots], np.int64)
            votes.keep(left[left < votes.slots])  # slots keep their order: new ones come last
            votes.mark = _mark(packed, votes.slots)
            self._save(votes)
        self._votes = votes

    def _votes_of(self, packed: PackedDescriptors) -> VoteIndex | None:
        """The index at hand, or else the one on the disk, if it is of these slots."""
        votes = self._votes or VoteIndex.load(
            self._folder / "votes.faiss", threads=available_cores()
        )
        return votes if votes and votes.mark == _mark(packed, votes.slots) else None

    def _update_votes(self, progress: Progress | None) -> None:
        packed = self._packed
        if self._votes is None:
            self._votes = self._votes_of(packed)
        if self._votes is None:
            self._votes = self._built(packed, progress)
        elif self._votes.slots < len(packed.counts):
            self._add_votes(self._votes, progress)
        if self._votes.stale and not (self._rebuilding and self._rebuilding.is_alive()):
            self._rebuilding = threading.Thread(
                target=self._rebuild, name="resight-votes", daemon=True
            )
            self._rebuilding.start()

    def _built(self, packed: PackedDescriptors, progress: Progress | None) -> VoteIndex:
        """A new index of all slots, which is kept for the next process too."""
        slots = len(packed.counts)
        tell = partial(progress, INDEXING) if progress else None
        if tell:
            tell(0, slots)  # centroids are learned first, which may take a minute
        votes = VoteIndex.build(
            packed.descriptors,
            packed.counts,
            mark=_mark(packed, slots),
            threads=available_cores(),
            progress=tell,
        )
        self._save(votes)
        return votes

    def _add_votes(self, votes: VoteIndex, progress: Progress | None = None) -> None:
        packed = self._packed
        first, end = votes.slots, len(packed.counts)
        new = np.arange(first, end)
        tell = partial(progress, INDEXING) if progress else None
        votes.add(packed.descriptors[first:], packed.counts[first:], new, progress=tell)
        votes.mark = _mark(packed, end)
        if end - first > _NEW * end:
            self._save(votes)

    def _rebuild(self) -> None:
        """In the background: searches use the old index until the new one is there."""
        packed = self._packed
        votes = self._built(packed, self._note_rebuilt)
        with self._lock:
            if self._packed.folder == packed.folder and votes.mark == _mark(
                self._packed, votes.slots
            ):
                self._votes = votes
                if votes.slots < len(self._packed.counts):  # added meanwhile
                    self._add_votes(votes)

    def _note_rebuilt(self, _: str, done: int, total: int) -> None:
        self._rebuilt = done, total

    def _save(self, votes: VoteIndex) -> None:
        path = self._folder / "votes.faiss"
        try:
            with self._writing("votes.lock"):
                remove_parts(path)
                votes.save(path)
        except OSError as error:
            logger.info("the vote index in %s is not kept: %s", self._folder, error)

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        """No other process is in here meanwhile, if others know the folder."""
        if not self._shared:
            yield
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._folder / name)
        try:
            lock.acquire(timeout=_SILENT)
        except Timeout:
            logger.warning(
                "waiting for another process that is writing the shortlist in %s", self._folder
            )
            lock.acquire()
        try:
            yield
        finally:
            lock.release()


def _described(
    names: Sequence[str], describe: Describe, progress: Progress | None
) -> Iterator[tuple[str, Features]]:
    """The features that are to be had, each told as it comes."""
    pairs = zip(names, describe(names), strict=True)
    for done, (name, features) in enumerate(pairs, start=1):
        if progress:
            progress(PACKING, done, len(names))
        if features is not None:
            yield name, features


def _mark(packed: PackedDescriptors, slots: int) -> str:
    """Tells whose descriptors the first ``slots`` are."""
    names = "\n".join(list(packed.slots)[:slots])
    return hashlib.sha256(names.encode()).hexdigest()
