"""Files that appear whole or not at all."""

from __future__ import annotations

import glob
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def writing_whole(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """The path of a new file to write, renamed to ``path`` in the end if nothing failed.

    Whoever reads sees the old file or the new one, whoever else writes at once. ``durable``
    flushes the content to the disk first, so that a power cut leaves it whole too; derived
    files that are checked when read can do without. Raises ``OSError``, leaving nothing behind.
    """
    part = path.with_name(_part(path.name, secrets.token_hex(4)))
    try:
        yield part
        if durable:
            with part.open("rb") as file:
                os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_whole(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a file as ``writing_whole`` does."""
    with writing_whole(path, durable=durable) as part, part.open("xb") as file:
        file.write(data)


def remove_parts(path: Path) -> None:
    """Remove what killed writers of ``path`` left: nobody else may be writing it."""
    for part in path.parent.glob(_part(glob.escape(path.name), "*")):
        part.unlink(missing_ok=True)


def _part(name: str, number: str) -> str:
    return f".{name}.{number}.part"
