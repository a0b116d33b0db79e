"""Which photos of the catalogue a new one resembles: copies in another size, saved anew, brighter.

Only whoever adds photos can say whether a likeness is a copy, so it is told and nothing is done.
How each photo looks is kept in one file among the features; what is not there is looked at again.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from resight.catalogue.originals import Originals, writing_to
from resight.catalogue.records import Likeness
from resight.catalogue.store import Store, annotations_table, changes, listed, photos
from resight.files import write_whole
from resight.looks import BYTES, COPY_BITS, Look, differing, glimpsed, look_of_file

_WORKERS = min(4, os.cpu_count() or 1)


class Looks:
    """How the photos of a catalogue look, by sha256. Safe to use from several threads."""

    def __init__(self, catalogue: Path) -> None:
        self._file = _file_in(catalogue)
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._read_of: tuple[int, int] = (0, 0)  # the file and how much of it
        self._names: list[str] = []
        self._at: dict[str, int] = {}
        self._bits = bytearray()

    def _update(self) -> None:
        """Read what this or another process has written since."""
        try:
            status = self._file.stat()
        except FileNotFoundError:  # deleted, as all of features may be
            return self._forget()
        which, begin = self._read_of
        if which != status.st_ino or status.st_size < begin:
            self._forget()
            begin = 0
        if status.st_size > begin:
            with self._file.open("rb") as file:
                file.seek(begin)
                new = file.read()
            whole = new.rfind(b"\n") + 1
            for line in new[:whole].splitlines():
                self._take(line)
            begin += whole
        self._read_of = (status.st_ino, begin)

    def _take(self, line: bytes) -> None:
        sha256, _, bits = line.partition(b" ")
        try:
            name, look = sha256.decode(), bytes.fromhex(bits.decode())
        except ValueError:  # a crash cut it off
            return
        if len(look) == BYTES and len(name) == 64 and name not in self._at:
            self._at[name] = len(self._names)
            self._names.append(name)
            self._bits += look

    def known(self) -> frozenset[str]:
        """The photos whose look is kept."""
        with self._lock:
            self._update()
            return frozenset(self._at)

    def of(self, sha256: str) -> Look | None:
        """The look of a photo, if it is kept."""
        with self._lock:
            self._update()
            at = self._at.get(sha256)
            if at is None:
                return None
            return np.frombuffer(bytes(self._bits[at * BYTES : (at + 1) * BYTES]), np.uint8)

    def near(self, look: Look) -> list[tuple[int, str]]:
        """Photos by how many bits they differ in, ``COPY_BITS`` at most, the nearest first."""
        with self._lock:
            self._update()
            # A copy: bytes that an array looks at cannot grow.
            looks = np.frombuffer(bytes(self._bits), np.uint8).reshape(-1, BYTES)
            bits = differing(looks, look)
            near = np.flatnonzero(bits <= COPY_BITS)
            return sorted((int(bits[at]), self._names[at]) for at in near)

    def add(self, looks: Mapping[str, Look]) -> None:
        """Keep looks. Raises ``CatalogueError`` where they cannot be written."""
        if not looks:
            return
        lines = "".join(f"{sha256} {look.tobytes().hex()}\n" for sha256, look in looks.items())
        with writing_to(self._file):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("ab") as file:
                file.write(b"\n" + lines.encode())  # whatever a crash left of the last line


def forget_looks(catalogue: Path, photos: Sequence[str]) -> None:
    """Remove how these photos (sha256) look."""
    path = _file_in(catalogue)
    gone = {photo.encode() for photo in photos}
    with writing_to(path):
        if path.exists():
            lines = path.read_bytes().splitlines(keepends=True)
            kept = [line for line in lines if line.partition(b" ")[0] not in gone]
            if len(kept) < len(lines):
                write_whole(path, b"".join(kept))


def _file_in(catalogue: Path) -> Path:
    return catalogue / "features" / "looks.v1.txt"


def look_at(
    store: Store,
    originals: Originals,
    looks: Looks,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Look at the catalogue's photos whose look is not kept; returns how many they were.

    What was looked at is kept as it is. A photo that is lost or damaged is left out.
    """
    with store.reading() as connection:
        there = sa.select(annotations_table.c.photo)
        rows = connection.execute(
            sa.select(photos.c.sha256, photos.c.format).where(photos.c.sha256.in_(there))
        ).all()
    known = looks.known()
    lacking = [originals.path(row.sha256, row.format) for row in rows if row.sha256 not in known]
    for done, (path, look) in enumerate(_seen(lacking), start=1):
        if look is not None:
            looks.add({path.stem: look})
        if progress:
            progress(done, len(lacking))
    return len(lacking)


def _seen(paths: Sequence[Path]) -> Iterator[tuple[Path, Look | None]]:
    def one(path: Path) -> Look | None:
        try:
            with glimpsed(path) as opened:
                return look_of_file(*opened)
        except Exception:  # decoders answer damage with whatever broke, see photos.py
            return None

    ahead: deque[tuple[Path, Future[Look | None]]] = deque()
    pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="resight-look")
    try:
        for path in paths:
            ahead.append((path, pool.submit(one, path)))
            if len(ahead) > _WORKERS:  # no further, or who pauses would pause nothing
                first, seen = ahead.popleft()
                yield first, seen.result()
        for first, seen in ahead:
            yield first, seen.result()
    finally:
        pool.shutdown(cancel_futures=True)


def likeness(
    connection: Connection,
    near: Iterable[tuple[int, str]],
    sha256: str,
    encounter: str,
    decision: int | None,
) -> Likeness | None:
    """The photo of the catalogue that a new one resembles most, if one does.

    ``near`` is what ``Looks.near`` gives for it. Not told are photos that ``decision`` added (they
    are of the same import), those of the same encounter, which count once anyway, and those that
    were taken at another time by their cameras: shots of a burst, or of a camera that stands still.
    """
    (taken_at,) = connection.execute(
        sa.select(photos.c.taken_at).where(photos.c.sha256 == sha256)
    ).scalars()
    bits = {other: number for number, other in near if other != sha256}
    if not bits:
        return None
    found = _annotated(connection, list(bits))
    new = _made_by(connection, decision, [row.id for rows in found.values() for row in rows])
    for other, number in bits.items():  # the nearest first
        rows = found.get(other)
        if not rows or (encounter and encounter in {row.encounter for row in rows}):
            continue
        if _at_another_time(taken_at, rows[0].taken_at) or new.issuperset(row.id for row in rows):
            continue
        return Likeness(other, rows[0].name, rows[0].individual, number)
    return None


def _annotated(connection: Connection, sha256s: Sequence[str]) -> dict[str, list[Any]]:
    """By photo its annotations, those with a name first: of thousands at once, since the frames of
    a camera that stands still are all alike."""
    found: dict[str, list[Any]] = {}
    for row in connection.execute(
        sa.select(
            annotations_table.c.id, annotations_table.c.photo, annotations_table.c.individual,
            annotations_table.c.encounter, photos.c.name, photos.c.taken_at,
        )
        .join(photos, photos.c.sha256 == annotations_table.c.photo)
        .where(annotations_table.c.photo.in_(listed(sha256s)))
        .order_by(annotations_table.c.individual.desc())
    ):  # fmt: skip
        found.setdefault(row.photo, []).append(row)
    return found


def _at_another_time(one: str, other: str) -> bool:
    """Whether two ISO times, empty where not known, tell two shots; to the second."""

    def second(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(microsecond=0)

    return bool(one and other) and second(one) != second(other)


def _made_by(connection: Connection, decision: int | None, annotations: Sequence[str]) -> set[str]:
    """Those of these annotations that came to be by a decision."""
    if decision is None:
        return set()
    made = sa.select(changes.c.annotation).where(
        changes.c.decision == decision,
        changes.c.before.is_(None),
        changes.c.annotation.in_(listed(annotations)),
    )
    return set(connection.execute(made).scalars())
