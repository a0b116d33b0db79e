"""Compiled graphs on disk: derived, and never used unless every byte is what was written."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from resight.files import write_whole

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
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, hashlib.sha256(compiled).digest() + compiled, durable=False)
        except OSError as error:
            logger.info("%s cannot be kept: %s", self.path, error)
