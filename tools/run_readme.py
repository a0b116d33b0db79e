"""Run the commands and the Python of a README, as its reader would, on drawn animals.

    python tools/run_readme.py README.md

Every ``sh`` block but those that call make runs in order in one temporary folder with
``photos/`` (a folder per individual) and ``new/``; then every ``python`` block. The
commands must exist as written: this is what keeps the page true.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from resight.models import models_folder
from resight.testing import drawn_animals, photograph, write_jpeg, write_photos


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def run(command: list[str], folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "RESIGHT_MODELS": str(models_folder())}
    subprocess.run(command, cwd=folder, env=environment, check=True)  # noqa: S603


def draw_photos(folder: Path) -> None:
    """``photos/NAME/…`` of three drawn turtles and ``new/new-1.jpg``, another one of Donatello."""
    animals = drawn_animals(3)
    write_photos(folder / "photos", animals, difficulty=0.2)
    (folder / "new").mkdir()
    photo = photograph(animals[0], seed=5, difficulty=0.3)
    write_jpeg(folder / "new" / "new-1.jpg", photo, taken_at=datetime(2025, 7, 1, 9, 30))


def main() -> int:
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_photos(folder)
        for block in blocks(text, "sh"):
            if "make " not in block:
                print(f"$ {block.strip()}", flush=True)
                run(["bash", "-euo", "pipefail", "-c", block], folder)
        for block in blocks(text, "python"):
            run([sys.executable, "-W", "error", "-c", block], folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
