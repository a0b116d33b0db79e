"""The photos themselves, byte for byte, each file named by the sha256 of its content.

A photo is first copied into ``incoming``, flushed to the disk there, and then
renamed into place while the transaction that makes it known is open. Whatever
holds the database's write lock therefore sees no file that is about to become
known, and a crash leaves at most files that nothing refers to.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from resight.errors import CatalogueError, PhotoUnreadable

_CHUNK = 1 << 20
_LOCK_SECONDS = 60
_SUFFIXES = {"jpeg": "jpg", "tiff": "tif"}
_NAME = re.compile(r"([0-9a-f]{64})\.[a-z0-9]+")


def sha256_of(path: Path) -> str:
    """Hexadecimal sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Originals:
    """The folder of originals in a catalogue's folder."""

    def __init__(self, catalogue: Path) -> None:
        self.folder = catalogue / "originals"
        self._incoming = catalogue / "incoming"

    def create(self) -> None:
        """Make the folders."""
        self.folder.mkdir(exist_ok=True)
        self._incoming.mkdir(exist_ok=True)

    def path(self, sha256: str, format: str) -> Path:
        """Where the original of a photo is."""
        kind = format.lower()
        return self.folder / sha256[:2] / f"{sha256}.{_SUFFIXES.get(kind, kind)}"

    def holds(self, sha256: str, format: str, size: int) -> bool:
        """Whether the original is there in its full length in bytes."""
        path = self.path(sha256, format)
        return path.is_file() and path.stat().st_size == size

    def files(self) -> Iterator[tuple[str, Path]]:
        """Every file in the folder with the sha256 its name states (empty: none)."""
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                named = _NAME.fullmatch(path.name)
                yield (named[1] if named else ""), path

    @contextmanager
    def staging(self) -> Iterator[Staging]:
        """A private folder for copies on their way in; removed afterwards.

        What crashed runs left behind in theirs is removed as well.
        """
        with writing_to(self._incoming):
            self._incoming.mkdir(exist_ok=True)
            with self._doorway():
                self._remove_abandoned()
                name = secrets.token_hex(8)
                lock = _lock(self._incoming / f"{name}.lock")
                lock.acquire()
                folder = self._incoming / name
                folder.mkdir()
        try:
            yield Staging(folder, self)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()
            Path(lock.lock_file).unlink(missing_ok=True)

    def abandoned(self, *, remove: bool) -> int:
        """How many copies of crashed runs lie in ``incoming``."""
        if not self._incoming.is_dir():
            return 0
        with writing_to(self._incoming), self._doorway():
            return self._remove_abandoned(remove=remove)

    def _doorway(self) -> FileLock:
        # Without it a run's lock could be taken for an abandoned one in the
        # moment between its making and its locking.
        return _lock(self._incoming / ".doorway")

    def _remove_abandoned(self, *, remove: bool = True) -> int:
        count = 0
        entries = [path for path in self._incoming.iterdir() if not path.name.startswith(".")]
        for name in sorted({path.stem for path in entries}):
            folder, path = self._incoming / name, self._incoming / f"{name}.lock"
            lock = _lock(path)
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            count += sum(1 for _ in folder.glob("*"))
            if remove:
                shutil.rmtree(folder, ignore_errors=True)
            lock.release()
            if remove:
                path.unlink(missing_ok=True)
        return count


def _lock(path: Path) -> FileLock:
    # Not bound to a thread: a server may go through an iterator in several.
    return FileLock(path, timeout=_LOCK_SECONDS, thread_local=False)


class Staging:
    """One run's private folder for copies on their way in."""

    def __init__(self, folder: Path, originals: Originals) -> None:
        self._folder = folder
        self._originals = originals
        self._unsettled: set[Path] = set()

    def copy(self, source: Path, sha256: str) -> Path:
        """Copy a file, flushed to the disk and read-only.

        Raises ``OSError`` where the source cannot be read, ``PhotoUnreadable``
        where it no longer has the given content, ``CatalogueError`` where the
        copy cannot be written.
        """
        digest = hashlib.sha256()
        staged = self._folder / secrets.token_hex(8)
        with source.open("rb") as original:
            with writing_to(staged):
                copy = staged.open("xb")
            with copy:
                while chunk := original.read(_CHUNK):
                    digest.update(chunk)
                    with writing_to(staged):
                        copy.write(chunk)
                with writing_to(staged):
                    copy.flush()
                    os.fsync(copy.fileno())
                    staged.chmod(0o444)
        if digest.hexdigest() != sha256:
            staged.unlink()
            raise PhotoUnreadable(f"{source} changed while it was read: add it again")
        return staged

    def publish(self, staged: Path, sha256: str, format: str) -> None:
        """Rename a copy to where originals are; ``settle`` makes that last."""
        path = self._originals.path(sha256, format)
        with writing_to(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            staged.replace(path)
        self._unsettled |= {path.parent, self._originals.folder}

    def settle(self) -> None:
        """Flush the folders that copies were renamed into to the disk."""
        for folder in self._unsettled:
            with writing_to(folder):
                flush_folder(folder)
        self._unsettled.clear()


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Turn the disk's errors while writing to ``path`` into ``CatalogueError``."""
    try:
        yield
    except OSError as error:
        raise CatalogueError(
            f"cannot write {path}: {error.strerror or error}: check the free space and the "
            "permissions of the catalogue's folder, then run the same again"
        ) from error


def flush_folder(folder: Path) -> None:
    """Make renames and removals in a folder last through a power cut."""
    if os.name != "posix":  # pragma: no cover - other systems cannot, and need not
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
