"""Kill a process at every file operation and every SQL statement of a working day.

Run as ``python crash_points.py FOLDER``. The n-th round forks a child that does
the day's work and kills itself (SIGKILL) before its n-th operation. Then this
process opens what is left, checks it, checks that all that was acknowledged is
there, and lets the work be finished. Prints the number of kills.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from PIL import Image

from resight.catalogue import Catalogue, plan_folders
from resight.errors import CatalogueExists, NotACatalogue, NotFound
from resight.masks import Mask
from resight.types import Box

Say = Callable[[str], None]
_EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.chmod", "os.rmdir", "os.link"}
_EVERY = int(os.environ.get("RESIGHT_CRASH_EVERY", "1"))


class Bomb:
    """Kills this process at the n-th operation below a folder."""

    def __init__(self, fuse: int, folder: Path) -> None:
        self._left = fuse
        self._folder = str(folder)
        self._lock = threading.Lock()

    def arm(self) -> None:
        sys.addaudithook(self._file_operation)
        sa.event.listen(
            sa.Engine, "connect", lambda connection, _: connection.set_trace_callback(self._tick)
        )

    def _file_operation(self, event: str, args: tuple[Any, ...]) -> None:
        if event in _EVENTS and str(args[0]).startswith(self._folder):
            self._tick(event)

    def _tick(self, _what: str) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def work(place: Path, say: Say) -> None:
    """A day's work, which can be begun again wherever it was cut off."""
    try:
        catalogue = Catalogue.open(place / "catalogue")
    except NotACatalogue:
        catalogue = Catalogue.init(place / "catalogue")
    say("made")
    for outcome in catalogue.add(plan_folders(place.parent / "herd"), actor="ann"):
        say(f"photo {outcome.annotation}")
    first = [*catalogue.find("Crush/1.png"), *catalogue.find("Crush/2.png")]
    say(f"decision {catalogue.assign(first, 'Myrtle', actor='ann').id}")
    hidden = catalogue.hide(first[:1], actor="ann")
    if hidden:  # no decision where an interrupted run's was kept
        say(f"decision {hidden.id}")
    say(f"decision {catalogue.undo(actor='ann').id}")
    say(f"decision {catalogue.assign(first, 'Crush', actor='ann').id}")
    mask = Mask.of(np.eye(3, dtype=bool), Box(0, 0, 8, 8))
    say(f"decision {catalogue.describe(first, mask=mask, actor='ann').id}")
    try:
        purged = catalogue.purge("Squirt/3.png", confirm="3.png", actor="ann")
        say(f"purged {purged.photo}")
    except NotFound:
        pass
    archive = place / "backup.zip"
    if not archive.exists():
        catalogue.backup(archive)
    say("archive")
    catalogue.close()
    try:
        Catalogue.restore(archive, place / "restored").close()
    except CatalogueExists:
        Catalogue.open(place / "restored").close()
    say("restored")


def verify(place: Path, said: list[str]) -> None:
    """All that was said is so, and nothing is lost or contradicts itself."""
    for folder, word in (("catalogue", "made"), ("restored", "restored")):
        try:
            catalogue = Catalogue.open(place / folder)
        except NotACatalogue:
            if word in said:
                raise
            continue
        with catalogue:
            wrong = [finding for finding in catalogue.check() if finding.severity == "error"]
            if wrong:
                raise RuntimeError(f"{folder}: {wrong}")
            if folder == "catalogue":
                _verify_words(catalogue, said)


def _verify_words(catalogue: Catalogue, said: list[str]) -> None:
    decisions = {decision.id for decision in catalogue.decisions()}
    touched = {c.annotation for id in decisions for c in catalogue.changes(id)}
    for line in said:
        word, _, value = line.partition(" ")
        if word == "decision" and int(value) not in decisions:
            raise RuntimeError(f"decision {value} was acknowledged and is lost")
        # A photo in "already" may have an empty id where it was purged before.
        if word == "photo" and value and value not in touched:
            raise RuntimeError(f"annotation {value} was acknowledged and is lost")
        if word == "purged" and list(catalogue.folder.rglob(f"*{value}*")):
            raise RuntimeError(f"photo {value} was purged and is still there")


def round_of(place: Path, fuse: int) -> bool:
    """One child's work, cut off at the fuse's end; whether it was cut off."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read)
            Bomb(fuse, place).arm()
            with os.fdopen(write, "w", buffering=1) as pipe:
                work(place, lambda line: print(line, file=pipe))
            os._exit(0)
        except BaseException as error:
            os.write(2, f"the child failed: {error!r}\n".encode())
            os._exit(1)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read().splitlines()
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError(f"round {fuse}: the child failed")
    verify(place, said)
    work(place, said.append)
    verify(place, said)
    with Catalogue.open(place / "catalogue") as catalogue:
        if any(bool(each.mask) != (each.individual == "Crush") for each in catalogue.annotations()):
            raise RuntimeError(f"round {fuse} ended with other masks")
        names = sorted(record.individual for record in catalogue.annotations())
        if names != ["", "Crush", "Crush"]:
            raise RuntimeError(f"round {fuse} ended with {names}")
        list(catalogue.check(repair=True))
        if left := list(catalogue.check()):
            raise RuntimeError(f"round {fuse} left {left}")
    return os.WIFSIGNALED(status)


def draw_photo(path: Path, seed: int) -> None:
    """A photo of noise, equal for equal seeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def main(folder: Path) -> None:
    for seed, name in enumerate(("Crush/1.png", "Crush/2.png", "Squirt/3.png", "unknown/4.png")):
        draw_photo(folder / "herd" / name, seed)
    fuse = kills = 1
    while round_of(folder / "place", fuse):
        fuse += _EVERY
        kills += 1
    sys.stdout.write(f"{kills - 1}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
