"""Where models are kept that a catalogue taught: beside what else is derived from its photos."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from resight.catalogue import Catalogue
from resight.errors import ModelError

T = TypeVar("T")


def model_file(catalogue: Catalogue, kind: str, learned_from: Iterable[str]) -> Path:
    """Where a model of that kind belongs: another name for all else that it is learned from."""
    digest = hashlib.sha256("\n".join(learned_from).encode()).hexdigest()
    return _folder(catalogue, kind) / f"{digest[:16]}.safetensors"


def kept_models(catalogue: Catalogue, kind: str) -> tuple[Path, ...]:
    """The models of that kind, the newest first; what they were learned from may have changed."""
    files = _folder(catalogue, kind).glob("*.safetensors")
    models = ((path.stat().st_mtime, path) for path in files)
    return tuple(path for _, path in sorted(models, reverse=True))


def newest(models: Iterable[Path], read: Callable[[Path], T]) -> T | None:
    """The first that can be read; ``None`` where none can."""
    for path in models:
        try:
            return read(path)
        except (FileNotFoundError, ModelError):  # damaged, or of other settings
            continue
    return None


def _folder(catalogue: Catalogue, kind: str) -> Path:
    return catalogue.folder / "features" / kind
