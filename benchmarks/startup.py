"""Cold start: seconds and memory of the command line on a catalogue of 1,000 photos.

    python benchmarks/startup.py [--photos 1000]
    python benchmarks/startup.py --catalogue DIR --query PHOTO

The second way also asks who is in a photo, of your own catalogue on which `resight prepare` ran:
the first answer, with graphs and index loaded from the disk. Each command runs in a process of its
own; the fastest of five runs counts, beside that of `python -c pass`, the least a Python program
can take.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from resight.catalogue import Catalogue, plan_folders

ROUNDS = 5


def make_catalogue(folder: Path, count: int) -> Path:
    """``count`` small photos of noise, ten to an animal."""
    source = folder / "photos"
    rng = np.random.default_rng(0)
    for number in range(count):
        path = source / f"Animal {number // 10:03}" / f"{number:04}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), rng.integers(0, 256, (48, 64, 3), dtype=np.uint8))
    with Catalogue.init(folder / "catalogue") as catalogue:
        for _ in catalogue.add(plan_folders(source), actor="benchmark"):
            pass
    return folder / "catalogue"


# Run from a process as small as can be: a child begins with the memory of its parent.
LAUNCHER = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def measure(command: list[str]) -> tuple[float, float]:
    """Seconds of the fastest run, and megabytes of the last."""
    best, memory = float("inf"), 0.0
    for _ in range(ROUNDS):
        started = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)  # noqa: S603
        best = min(best, time.perf_counter() - started)
        launched = [sys.executable, "-S", "-E", "-c", LAUNCHER, *command]
        memory = float(subprocess.check_output(launched)) / 1024  # noqa: S603
    return best, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--catalogue", type=Path)
    parser.add_argument("--query", type=Path)
    arguments = parser.parse_args()
    count = arguments.photos
    if (arguments.catalogue is None) != (arguments.query is None):
        parser.error("--catalogue and --query go together")
    table = Table(title="cold start")
    for column in ("command", "seconds", "MB"):
        table.add_column(column, justify="left" if column == "command" else "right")
    with tempfile.TemporaryDirectory() as name:
        catalogue = arguments.catalogue or make_catalogue(Path(name), count)
        resight = [sys.executable, "-m", "resight"]
        of = ["--catalogue", str(catalogue)]
        commands = [
            ("python -c pass", [sys.executable, "-c", "pass"]),
            ("resight --version", [*resight, "--version"]),
            ("resight --help", [*resight, "--help"]),
            ("resight list", [*resight, *of, "list"]),
        ]
        if arguments.query:
            asked = [*of, "identify", "--quiet", str(arguments.query)]
            commands.append(("resight identify", [*resight, *asked]))
        for label, command in commands:
            seconds, memory = measure(command)
            table.add_row(label, f"{seconds:.2f}", f"{memory:.0f}")
    Console(width=90).print(table)


if __name__ == "__main__":
    main()
