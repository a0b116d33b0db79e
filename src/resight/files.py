"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_whole(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a file by renaming a finished one into place.

    Whoever reads sees the old file or the new one, whoever else writes at once. ``durable``
    flushes the content to the disk first, so that a power cut leaves it whole too; derived
    files that are checked when read can do without. Raises ``OSError``, leaving nothing behind.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
