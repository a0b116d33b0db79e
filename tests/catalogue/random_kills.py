"""A restless worker, killed at random moments again and again.

``python random_kills.py CATALOGUE PHOTOS work SEED`` works for ever. It prints
``photo ANNOTATION`` and ``decision ID KIND`` when each is done.

``python random_kills.py CATALOGUE PHOTOS kill TIMES`` forks workers from itself,
so that a round takes no longer than what is being tested. After each kill the
catalogue is checked, and so is all that any worker ever said. It prints how
many photos and decisions were acknowledged.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from resight.catalogue import Catalogue, Decision, plan_folders
from resight.errors import Conflict, NotFound

# Files that never became known, and photos whose adding was undone, are no harm.
_HARMLESS = ("it lies among the originals", "copies were left", "are kept in no annotation")


def work(folder: Path, photos: Path, seed: int) -> None:
    """Add photos and decide about them for ever, saying each thing when it is done."""
    dice = random.Random(seed)
    catalogue = Catalogue.open(folder)
    plan = plan_folders(photos)
    actor = f"worker {seed}"
    while True:
        some = tuple(dice.sample(plan.photos, 6))
        for outcome in catalogue.add(replace(plan, photos=some), actor=actor):
            if outcome.annotation:
                say("photo", outcome.annotation)
        for _ in range(4):
            ids = [record.id for record in catalogue.annotations()]
            try:
                chosen = dice.sample(ids, min(2, len(ids))) or ["none yet"]
                match dice.randrange(4):
                    case 0:
                        decision: Decision | None = catalogue.assign(
                            chosen, dice.choice("ABCD"), actor=actor
                        )
                    case 1:
                        decision = catalogue.hide(chosen, actor=actor, hidden=dice.random() < 0.5)
                    case 2:
                        last = catalogue.decisions(limit=10)
                        decision = catalogue.undo(dice.choice(last).id, actor=actor)
                    case _:
                        decision = catalogue.assign(chosen, None, actor=actor)
            except (Conflict, NotFound):  # others are at work too, and some undos are refused
                continue
            if decision is not None:  # hidden already, perhaps by another
                say("decision", decision.id, decision.kind)


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def acknowledged_until_killed(folder: Path, photos: Path, seed: int) -> list[str]:
    """The whole lines a worker said before it was killed."""
    dice = random.Random(seed)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(write, 1)
        try:
            work(folder, photos, seed)
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


def kill(folder: Path, photos: Path, times: int) -> None:
    said: list[str] = []
    for seed in range(times):
        said += acknowledged_until_killed(folder, photos, seed)
        verify(folder, said)
    counts = [sum(line.startswith(word) for line in said) for word in ("photo", "decision")]
    sys.stdout.write(f"{counts[0]} {counts[1]}\n")


if __name__ == "__main__":
    action = {"work": work, "kill": kill}[sys.argv[3]]
    action(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[4]))
