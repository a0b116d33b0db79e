"""Votes of a query's descriptors for the photos whose descriptors lie nearest, by FAISS.

A scan of everything takes time in proportion to the gallery. Here each descriptor of the
query looks only into the lists of an inverted file whose centroids are nearest to it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resight.files import writing_whole

logger = logging.getLogger(__name__)

#: Told how many photos have been added, and how many are to be.
Progress = Callable[[int, int], None]

#: Indexed of each photo: its best.
DESCRIPTORS = 128
#: Lists that each descriptor of the query looks into, and neighbours that get its votes.
PROBES = 16
NEIGHBOURS = 20

_FEWEST = 256  # descriptors that codes can be learned from: each has 256 values
_LISTS = (16, 8192)  # fewest and most: finding a descriptor's list is most of the work of adding it
_SAMPLE, _SAMPLE_OF_CODES = 40, 64  # descriptors to learn each centroid and each code from
_ROUNDS = 8  # of k-means
_PER_BYTE = 4  # components of a descriptor in a byte of its code
_SAMPLE_OF_PHOTO = 16  # so that the sample is of many photos, though few pages are read
_SEED = 1
_AT_ONCE = 512  # photos
_GROWN, _GONE = 4, 0.25
_MAGIC = b"resight-votes.v1"
_LENGTH = 4  # bytes of the length of the notes, before the magic
_DIGEST = 32


class VoteIndex:
    """Which photos have descriptors near a query's.

    An inverted file of product codes (Jégou, Douze, Schmid, "Product Quantization for
    Nearest Neighbor Search", 2011), D / 4 bytes and an 8-byte slot for each descriptor,
    in memory. Votes are those of local naive Bayes nearest neighbours (McCann, Lowe, 2012,
    https://doi.org/10.1109/CVPR.2012.6248093), as HotSpotter counts them (Crall et al.,
    2013, https://doi.org/10.1109/WACV.2013.6475023): a neighbour's weight is how much
    nearer it is than the first that is no neighbour any more. We differ in that distances
    are approximate, and squared, not normalised, and that a descriptor votes for a photo once.

    Photos are known by slots, numbers from 0 up as of ``PackedDescriptors``. ``mark`` is
    any text that is saved with the index: what tells whose slots these are. ``threads`` is
    how many ``build`` and ``add`` use; votes take one: at 1,600 photos some tens of milliseconds.

    Several threads may ask for votes at once, but not while another changes the index.
    """

    def __init__(self, index: Any, *, notes: dict[str, Any], threads: int) -> None:
        self._index = index
        self._trained = int(notes["trained"])  # descriptors there when the centroids were learned
        self._removed = int(notes["removed"])  # descriptors since then
        self.slots = int(notes["slots"])  #: one more than the highest slot added
        self.mark = str(notes["mark"])
        self.threads = threads

    @classmethod
    def build(
        cls,
        descriptors: NDArray[np.float16],
        counts: NDArray[np.int64],
        *,
        mark: str = "",
        threads: int = 1,
        progress: Progress | None = None,
    ) -> VoteIndex:
        """An index of photos in slots 0 to P - 1.

        ``descriptors`` (P, K, D) float16, best first, of which the first ``counts`` (P,)
        are real; may be memory-mapped, and is read a few photos at a time.
        The same input gives the same index. It can be interrupted.

        Raises ``ValueError`` for what ``can_vote`` refuses: scan these.
        """
        faiss = _faiss()
        total = int(np.minimum(counts, DESCRIPTORS).sum())
        if not can_vote(descriptors, counts):
            raise ValueError(
                f"{total} descriptors of length {descriptors.shape[2]} cannot be indexed: it takes "
                f"{_FEWEST}, and a length that is a multiple of {_PER_BYTE}"
            )
        faiss.omp_set_num_threads(threads)
        dimensions = descriptors.shape[2]
        lists = _lists(total)
        coarse = faiss.IndexFlatL2(dimensions)
        index = faiss.IndexIVFPQ(coarse, dimensions, lists, dimensions // _PER_BYTE, 8)
        for clustering in (index.cp, index.pq.cp):
            clustering.seed = _SEED
            clustering.niter = _ROUNDS
            clustering.min_points_per_centroid = 1  # says so on stderr if there are fewer
        index.pq.cp.max_points_per_centroid = _SAMPLE_OF_CODES
        index.train(_sample(descriptors, counts, max(_SAMPLE * lists, _SAMPLE_OF_CODES * _FEWEST)))
        notes = {"trained": total, "removed": 0, "slots": 0, "mark": mark}
        built = cls(index, notes=notes, threads=threads)
        built.add(descriptors, counts, np.arange(len(counts)), progress=progress)
        return built

    def __len__(self) -> int:
        """How many descriptors there are."""
        return int(self._index.ntotal)

    @property
    def stale(self) -> bool:
        """Whether another build is due: the centroids are not those of what is there now."""
        return len(self) > _GROWN * self._trained or self._removed > _GONE * self._trained

    def add(
        self,
        descriptors: NDArray[np.float16],
        counts: NDArray[np.int64],
        slots: NDArray[np.int64],
        *,
        progress: Progress | None = None,
    ) -> None:
        """Add photos, as of ``build``, in ``slots`` (P,) that are not taken.

        If it is interrupted, some are there and others not.
        """
        faiss = _faiss()
        faiss.omp_set_num_threads(self.threads)
        for start in range(0, len(slots), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            real = np.arange(min(DESCRIPTORS, descriptors.shape[1])) < counts[some, None]
            vectors = descriptors[some, :DESCRIPTORS][real].astype(np.float32)
            ids = np.broadcast_to(slots[some, None], real.shape)[real]
            self._index.add_with_ids(vectors, ids.astype(np.int64))
            self.slots = max(self.slots, int(slots[some].max()) + 1)
            if progress:
                progress(min(start + _AT_ONCE, len(slots)), len(slots))

    def keep(self, slots: NDArray[np.int64]) -> None:
        """Remove all other photos, and number these anew: ``slots[i]`` becomes ``i``."""
        faiss = _faiss()
        number = np.full(self.slots, -1, np.int64)
        number[slots] = np.arange(len(slots))
        self._removed += self._index.remove_ids(faiss.IDSelectorBitmap(_bits(number < 0)))
        for ids in self._ids():
            ids[:] = number[ids]
        self.slots = len(slots)

    def votes(
        self,
        query: NDArray[np.float32],
        allowed: NDArray[np.bool_],
        *,
        neighbours: int = NEIGHBOURS,
        probes: int = PROBES,
    ) -> NDArray[np.float32]:
        """(S,) votes for the photos in slots 0 to S - 1, at least 0, by an ``allowed`` (S,).

        ``query`` (N, D) float32, best first. A photo that is not allowed gets no votes and
        is no neighbour either: those behind it move up.
        """
        faiss = _faiss()
        if not len(query) or not allowed.any():
            return np.zeros(len(allowed), np.float32)
        faiss.omp_set_num_threads(1)
        asked = faiss.SearchParametersIVF(nprobe=probes, sel=faiss.IDSelectorBitmap(_bits(allowed)))
        # One more: the background that the others are compared with.
        distances, slots = self._index.search(
            np.ascontiguousarray(query, np.float32), neighbours + 1, params=asked
        )
        return count_votes(distances, slots, len(allowed))

    def save(self, path: Path) -> None:
        """Write a file that ``load`` reads, whole or not at all. Raises ``OSError``."""
        faiss = _faiss()
        notes = {
            "trained": self._trained,
            "removed": self._removed,
            "slots": self.slots,
            "mark": self.mark,
        }
        text = json.dumps(notes).encode()
        with writing_whole(path, durable=False) as part:
            try:
                faiss.write_index(self._index, str(part))
            except RuntimeError as error:
                raise OSError(f"cannot write {path}: {error}") from error
            digest = hashlib.sha256()
            with part.open("r+b") as file:
                for block in _blocks(file, part.stat().st_size):
                    digest.update(block)
                digest.update(text)
                file.write(text + digest.digest() + len(text).to_bytes(_LENGTH, "big") + _MAGIC)

    @classmethod
    def load(cls, path: Path, *, threads: int = 1) -> VoteIndex | None:
        """The index that was saved; ``None`` without a file or, logged, for a damaged one."""
        faiss = _faiss()
        try:
            notes = _checked(path)
            index = faiss.read_index(str(path))  # reads its own part, not what follows
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RuntimeError) as error:
            logger.warning("%s is damaged and will be made again (%s)", path, error)
            return None
        return cls(index, notes=notes, threads=threads)

    def _ids(self) -> Iterator[NDArray[np.int64]]:
        """The slots of each list: its own memory, which may be written to."""
        faiss = _faiss()
        lists = self._index.invlists
        for number in range(lists.nlist):
            if size := lists.list_size(number):
                yield faiss.rev_swig_ptr(lists.get_ids(number), size)


def can_vote(descriptors: NDArray[np.float16], counts: NDArray[np.int64]) -> bool:
    """Whether an index can be built of these, as of ``VoteIndex.build``."""
    enough = np.minimum(counts, DESCRIPTORS).sum() >= _FEWEST
    return bool(enough) and descriptors.shape[2] % _PER_BYTE == 0


def count_votes(
    distances: NDArray[np.float32], slots: NDArray[np.int64], size: int
) -> NDArray[np.float32]:
    """(size,) the votes of N descriptors whose nearest, in ascending distance, are given.

    ``distances``, ``slots`` (N, k + 1); a slot of -1 is of no neighbour. The last real one of
    each row is the background and gets nothing.

    >>> count_votes(np.float32([[1, 2, 5, 6]]), np.array([[0, 0, 1, 2]]), 3)
    array([5., 1., 0.], dtype=float32)
    """
    real = slots >= 0
    background = np.max(distances, axis=1, initial=0, where=real, keepdims=True)
    weights = np.where(real, background - distances, 0)
    # The nearest of each photo only: a stable sort by slot puts it before its others.
    order = np.argsort(slots, axis=1, kind="stable")
    slots = np.take_along_axis(slots, order, 1)
    weights = np.take_along_axis(weights, order, 1)
    weights[:, 1:][slots[:, 1:] == slots[:, :-1]] = 0
    counted = weights > 0
    votes = np.bincount(slots[counted], weights[counted], minlength=size)
    return votes.astype(np.float32)


def _faiss() -> Any:
    """FAISS: its types do not know what its Python wrappers accept."""
    import faiss

    return faiss


def _lists(descriptors: int) -> int:
    """Of an inverted file: about twice the square root, as a power of two."""
    fewest, most = _LISTS
    return min(max(1 << round(math.log2(2 * math.sqrt(descriptors))), fewest), most)


def _sample(
    descriptors: NDArray[np.float16], counts: NDArray[np.int64], size: int
) -> NDArray[np.float32]:
    """About ``size`` descriptors of photos chosen at random, or all if there are not as many."""
    random = np.random.default_rng(_SEED)
    real = np.minimum(counts, DESCRIPTORS)
    each = _SAMPLE_OF_PHOTO
    if np.minimum(real, each).sum() < size:
        each = DESCRIPTORS
    chosen = []
    for photo in random.permutation(len(counts)):
        rows = random.permutation(real[photo])[:each]
        chosen.append(descriptors[photo, :DESCRIPTORS][np.sort(rows)])
        size -= len(rows)
        if size <= 0:
            break
    return np.concatenate(chosen).astype(np.float32)


def _bits(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.packbits(mask, bitorder="little")


def _checked(path: Path) -> dict[str, Any]:
    """What was noted at the end of a file whose content is as it was written."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        end = _DIGEST + _LENGTH + len(_MAGIC)
        if size < end:
            raise ValueError("it is too short")
        file.seek(size - end)
        expected, length, magic = file.read(_DIGEST), file.read(_LENGTH), file.read()
        start = size - end - int.from_bytes(length, "big")
        if magic != _MAGIC or start < 0:
            raise ValueError("it is no such file")
        file.seek(0)
        digest = hashlib.sha256()
        for block in _blocks(file, start):
            digest.update(block)
        notes = file.read(size - end - start)
        digest.update(notes)
    if digest.digest() != expected:
        raise ValueError("its checksum differs")
    read: dict[str, Any] = json.loads(notes)
    return read


def _blocks(file: Any, size: int) -> Iterator[bytes]:
    """The next ``size`` bytes of a file."""
    while size and (block := file.read(min(size, 1 << 20))):
        size -= len(block)
        yield block
