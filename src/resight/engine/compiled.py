"""Compiled graphs on disk: derived, and never used unless every byte is what was written."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
from pathlib import Path

logger = logging.getLogger(__name__)

_DIGEST = hashlib.sha256().digest_size


class CompiledFile:
    """The sha256 of a compiled graph and then the graph.

    A runtime does not notice all damage to what it compiled, and would compute something
    else, so a file that does not agree with its sha256 counts as absent. Where the folder
    cannot be written nothing is kept: graphs are then compiled each time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> bytes | None:
        """The compiled graph, or ``None`` where there is none or it is damaged."""
        try:
            content = self.path.read_bytes()
        except OSError:
            return None
        if hashlib.sha256(content[_DIGEST:]).digest() != content[:_DIGEST]:
            logger.warning("%s is damaged; the graph is compiled again", self.path)
            return None
        return content[_DIGEST:]

    def write(self, compiled: bytes) -> None:
        """Keep a compiled graph: all of it or nothing, whoever else writes it at once."""
        part = self.path.with_name(f".{secrets.token_hex(8)}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("xb") as file:
                file.write(hashlib.sha256(compiled).digest() + compiled)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)
        except OSError as error:
            logger.info("%s cannot be kept: %s", self.path, error)
            with contextlib.suppress(OSError):
                part.unlink()
