"""The folder that holds the weights files, and whether each is there and right."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Optional

from resight.errors import WeightsCorrupt, WeightsMissing
from resight.models.table import WeightsFile, weights

State = Literal["present", "missing", "corrupt"]


@dataclass(frozen=True)
class WeightsStatus:
    """Where a weights file belongs and what is there.

    ``problem`` says what is wrong with a corrupt file; empty otherwise.
    """

    weights: WeightsFile
    path: Path
    state: State
    problem: str = ""


def models_folder() -> Path:
    """``RESIGHT_MODELS`` if set, else ``models`` in the user's data folder."""
    chosen = os.environ.get("RESIGHT_MODELS")
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_data_path

    return user_data_path("resight", appauthor=False) / "models"


def status(name: str, *, folder: Optional[Path] = None) -> WeightsStatus:
    """Whether the file is there with the right size: quick, reads no content."""
    row = weights(name)
    path = (models_folder() if folder is None else folder) / row.file
    if not path.is_file():
        return WeightsStatus(row, path, "missing")
    problem = row.size_problem(path.stat().st_size)
    return WeightsStatus(row, path, "corrupt" if problem else "present", problem)


def verify(name: str, *, folder: Optional[Path] = None) -> WeightsStatus:
    """As ``status``, but reads the whole file and compares its sha256."""
    found = status(name, folder=folder)
    if found.state != "present":
        return found
    problem = content_problem(found.path, found.weights)
    return WeightsStatus(found.weights, found.path, "corrupt" if problem else "present", problem)


def weights_path(name: str, *, folder: Optional[Path] = None) -> Path:
    """Path of a weights file whose sha256 has just been verified.

    Reading 48 MB for that costs about 50 ms, a fraction of building a graph
    from them. Raises ``WeightsMissing`` naming the command that fetches the
    file, or ``WeightsCorrupt``.
    """
    found = verify(name, folder=folder)
    command = f"run `resight models fetch {name}`"
    if found.state == "missing":
        raise WeightsMissing(
            f"weights of {name} are not in {found.path.parent} ({found.path.name}): {command}"
        )
    if found.state == "corrupt":
        raise WeightsCorrupt(f"weights of {name} in {found.path}: {found.problem}; {command}")
    return found.path


def content_problem(path: Path, row: WeightsFile) -> str:
    """What distinguishes the file's content from the table's; empty if nothing."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            size += len(block)
    if problem := row.size_problem(size):
        return problem
    if digest.hexdigest() != row.sha256:
        return f"its sha256 is {digest.hexdigest()} instead of {row.sha256}"
    return ""
