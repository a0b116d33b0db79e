"""Compiled graphs on disk: derived, and never used unless every byte is what was written."""

from __future__ import annotations

import hashlib
import logging
import time
from contextlib import suppress
from pathlib import Path

from resight.files import write_whole

logger = logging.getLogger(__name__)

_DIGEST = hashlib.sha256().digest_size
#: Seconds. A file's time of change is when it was used last, to a day; other versions of resight,
#: of the runtime or of the processor leave files that nobody uses any more.
_DAY = 24 * 3600
_UNUSED = 60 * _DAY


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
        with suppress(OSError):  # somebody else's, or on a disk that cannot be written
            if _age(self.path) > _DAY:
                self.path.touch()
        if hashlib.sha256(content[_DIGEST:]).digest() != content[:_DIGEST]:
            logger.warning("%s is damaged; the graph is compiled again", self.path)
            return None
        return content[_DIGEST:]

    def write(self, compiled: bytes) -> None:
        """Keep a compiled graph: all of it or nothing, whoever else writes it at once.

        Others of the folder that were not used for two months are removed.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, hashlib.sha256(compiled).digest() + compiled, durable=False)
        except OSError as error:
            logger.info("%s cannot be kept: %s", self.path, error)
        for other in self.path.parent.glob(f"*{self.path.suffix}"):
            with suppress(OSError):
                if _age(other) > _UNUSED:
                    other.unlink()


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime
