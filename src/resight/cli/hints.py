"""Commands as they are advised: ready to be pasted into the shell they are read in."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Optional


def command(*words: object, catalogue: Optional[Path] = None) -> str:
    """A command of resight, quoted for a shell.

    ``catalogue`` is the one it is about; it is named unless the variable or the
    current folder means it anyway.

    >>> command("assign", "IMG 1.jpg", "--to", "NAME").partition(" ")[2]
    "assign 'IMG 1.jpg' --to NAME"
    """
    named = [] if catalogue is None or _is_meant_anyway(catalogue) else ["-c", str(catalogue)]
    return shlex.join([*_program(), *map(str, words), *named])


def _is_meant_anyway(catalogue: Path) -> bool:
    return catalogue.resolve() == Path(os.environ.get("RESIGHT_CATALOGUE", "")).resolve()


def _program() -> list[str]:
    """How to run resight here: in an environment that is not active its name alone is not found."""
    if shutil.which("resight"):
        return ["resight"]
    running = Path(sys.argv[0]).absolute()
    if running.name == "__main__.py" and running.parent.name == "resight":
        return [sys.executable, "-m", "resight"]
    if running.stem != "resight":
        return ["resight"]
    here = Path.cwd()
    if not running.is_relative_to(here):
        return [str(running)]
    return [os.path.join(os.curdir, running.relative_to(here))]  # noqa: PTH118 (keeps the ./)
