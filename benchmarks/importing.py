"""Import 10,000 small files of all formats, 3 % of them bad, interrupted five times.

``python -m benchmarks.importing FOLDER [FILES]`` makes the files in a new folder (drawn turtles,
each file with noise of its own), adds them with the command line, kills it (SIGKILL) five times,
lets it finish, and counts: photos a second, whether anything is lost, whether each bad file is
named. Raises where one is not.
"""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from resight.catalogue import Catalogue
from resight.testing import drawn_animals, photograph

_ANIMALS = 40
_BAD = 0.03
_KILLS = 5
_SUFFIXES = (".jpg", ".jpg", ".jpg", ".png", ".webp", ".tif")


def main(folder: Path, files: int) -> None:
    """Make the files, add them, count."""
    folder.mkdir(parents=True)
    began = time.perf_counter()
    bad = _make(folder / "photos", files)
    print(f"made {files} files, {len(bad)} bad, in {time.perf_counter() - began:.0f} s")
    command = [sys.executable, "-m", "resight", "-c", str(folder / "it")]
    subprocess.run([*command, "init", "-q"], check=True)  # noqa: S603
    adding = [*command, "add", str(folder / "photos"), "--json"]
    dice = random.Random(1)  # noqa: S311
    killed_after = []
    for part in range(1, _KILLS + 1):
        reached = files * part / (_KILLS + 2) * dice.uniform(0.8, 1.2)
        killed_after.append(_killed_at(adding, folder / "it", int(reached)))
    began = time.perf_counter()
    done = _added(adding)
    last = time.perf_counter() - began
    _verify(folder / "it", done, bad, files)
    left = files - killed_after[-1][1]
    seconds = sum(each[0] for each in killed_after) + last
    print(f"killed when {', '.join(str(each[1]) for each in killed_after)} photos were there")
    print(f"in all {seconds:.0f} s: {files / seconds:.0f} files/s; the last run {last:.0f} s")
    print(f"of which some {left} were new to it: {left / last:.0f} a second")
    began = time.perf_counter()
    again = _added(adding)
    seconds = time.perf_counter() - began
    print(f"once more, all known: {files / seconds:.0f} files/s")
    if again["counts"]["already"] != files - len(bad):
        raise RuntimeError("the second time not all were known")


def _make(folder: Path, files: int) -> set[str]:
    """The files; returns the names of bad ones."""
    random_ = np.random.default_rng(7)
    drawn = [
        photograph(animal, seed=number, side="left", size=(240, 180), difficulty=0.3).pixels
        for number, animal in enumerate(drawn_animals(_ANIMALS))
    ]
    wrong = set(map(int, random_.choice(files, int(files * _BAD), replace=False)))
    names = set()
    for number in range(files):
        suffix = _SUFFIXES[number % len(_SUFFIXES)]
        path = folder / f"turtle {number % _ANIMALS:02}" / f"{number:05}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = random_.integers(-9, 10, drawn[0].shape)
        pixels = np.clip(drawn[number % _ANIMALS] + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(path)
        if number in wrong:
            names.add(str(path))
            data = path.read_bytes()
            match number % 4:
                case 0:
                    path.write_bytes(data[: len(data) // 2])
                case 1:
                    path.write_bytes(b"")
                case 2:
                    path.write_bytes(b"GIF89a" + data)
                case _:
                    path.write_text("no picture")
    return names


def _added(command: list[str]) -> dict[str, Any]:
    """Run to the end; what was said of each file."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _killed_at(command: list[str], catalogue: Path, photos: int) -> tuple[float, int]:
    """Run until so many photos are known, kill; the seconds it took and how many were known."""
    began = time.perf_counter()
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet)  # noqa: S603
    while process.poll() is None and _known(catalogue) < photos:
        time.sleep(0.25)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return time.perf_counter() - began, _known(catalogue)


def _known(catalogue: Path) -> int:
    """Straight from the table: opening the catalogue each time would be half of the load."""
    with closing(sqlite3.connect(catalogue / "catalogue.sqlite", timeout=60)) as connection:
        return int(connection.execute("SELECT count(*) FROM annotations").fetchone()[0])


def _verify(folder: Path, told: dict[str, Any], bad: set[str], files: int) -> None:
    named = {each["source"] for each in told["outcomes"] if each["status"] == "bad"}
    if named != bad:
        raise RuntimeError(f"bad files not named: {bad - named}; wrongly named: {named - bad}")
    with Catalogue.open(folder) as catalogue:
        records = catalogue.annotations()
        if len(records) != files - len(bad):
            raise RuntimeError(f"{len(records)} annotations of {files - len(bad)}")
        list(catalogue.check(repair=True))
        if left := list(catalogue.check()):
            raise RuntimeError(f"check finds {left}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10_000)
