"""Run the commands and the Python of a README, as its reader would, after `make demo`.

    python tools/run_readme.py README.md

Every ``sh`` block but those that call make runs in order in one temporary folder with a copy
of what the demo made; then every ``python`` block. This is what keeps the page true.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from resight.models import models_folder


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def run(command: list[str], folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "RESIGHT_MODELS": str(models_folder())}
    subprocess.run(command, cwd=folder, env=environment, check=True)  # noqa: S603


def main() -> int:
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree("demo", folder / "demo")
        for block in blocks(text, "sh"):
            if "make " not in block:
                print(f"$ {block.strip()}", flush=True)
                run(["bash", "-euo", "pipefail", "-c", block], folder)
        for block in blocks(text, "python"):
            run([sys.executable, "-W", "error", "-c", block], folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
