"""Kill the restless worker at random moments, again and again, and look what is left.

Run as ``python random_kills.py FOLDER PHOTOS KILLS``. Each worker is forked from
this process, so that a round takes no longer than what is being tested. After
each kill the catalogue is checked, and so is all that any worker ever said.
Prints how many photos and decisions were acknowledged.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

import restless_worker

from resight.catalogue import Catalogue

# Files that never became known, and photos whose adding was undone, are no harm.
_HARMLESS = ("it lies among the originals", "copies were left", "are kept in no annotation")


def acknowledged_until_killed(folder: Path, photos: Path, seed: int) -> list[str]:
    """The whole lines a worker said before it was killed."""
    dice = random.Random(seed)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(write, 1)
        try:
            restless_worker.main(folder, photos, seed)
        except BaseException as error:
            os.write(2, f"the worker failed: {error!r}\n".encode())
            os._exit(1)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = [pipe.readline() for _ in range(dice.randrange(20))]
        time.sleep(dice.random() * 0.1)
        os.kill(child, signal.SIGKILL)
        said.append(pipe.read())
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        raise RuntimeError(f"worker {seed} ended by itself")
    return [line for line in "".join(said).splitlines(keepends=True) if line.endswith("\n")]


def verify(folder: Path, said: list[str]) -> None:
    """Nothing is wrong, and all that was ever said is there."""
    with Catalogue.open(folder) as catalogue:
        for finding in catalogue.check():
            if not any(text in finding.message for text in _HARMLESS):
                raise RuntimeError(f"check found {finding}")
        kinds = {str(decision.id): decision.kind for decision in catalogue.decisions()}
        touched = {c.annotation for id in kinds for c in catalogue.changes(int(id))}
    for line in said:
        word, id, *rest = line.split()
        if word == "photo" and id not in touched:
            raise RuntimeError(f"photo {id} was acknowledged and is lost")
        if word == "decision" and kinds.get(id) != rest[0]:
            raise RuntimeError(f"decision {id} was acknowledged and is lost")


def main(folder: Path, photos: Path, kills: int) -> None:
    said: list[str] = []
    for seed in range(kills):
        said += acknowledged_until_killed(folder, photos, seed)
        verify(folder, said)
    counts = [sum(line.startswith(word) for line in said) for word in ("photo", "decision")]
    sys.stdout.write(f"{counts[0]} {counts[1]}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
