"""Fingerprints: one line that says everything that made a result."""

from __future__ import annotations

import hashlib
from pathlib import Path


def fingerprint(name: str, /, **arguments: object) -> str:
    """``name(argument=value, …)`` with the arguments in alphabetical order.

    Whatever changes a result belongs among the arguments: settings, version of a
    library where it matters, precision, the sha256 of weights.

    >>> fingerprint("nearest.v1", ratio=0.8)
    'nearest.v1(ratio=0.8)'
    """
    return f"{name}({', '.join(f'{key}={arguments[key]}' for key in sorted(arguments))})"


def code_digest() -> str:
    """16 hexadecimal digits over resight's own files as they are, committed or not."""
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()[:16]
