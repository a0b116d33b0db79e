"""Adds photos and decides about them for ever, saying each thing when it is done.

Run as ``python restless_worker.py CATALOGUE PHOTOS SEED``; ends by being killed.
Lines: ``photo ANNOTATION SHA256`` and ``decision ID KIND``.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

from resight.catalogue import Catalogue, plan_folders
from resight.errors import Conflict, NotFound


def main(folder: Path, photos: Path, seed: int) -> None:
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
                        decision = catalogue.assign(chosen, dice.choice("ABCD"), actor=actor)
                    case 1:
                        decision = catalogue.hide(chosen, actor=actor, hidden=dice.random() < 0.5)
                    case 2:
                        last = catalogue.decisions(limit=10)
                        decision = catalogue.undo(dice.choice(last).id, actor=actor)
                    case _:
                        decision = catalogue.assign(chosen, None, actor=actor)
            except (Conflict, NotFound):  # others are at work too, and some undos are refused
                continue
            say("decision", decision.id, decision.kind)


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
