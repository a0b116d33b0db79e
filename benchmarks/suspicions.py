"""How many planted duplicates and mix-ups are found among drawn animals, and what else is.

    python benchmarks/suspicions.py FOLDER [--animals 40] [--seed 7] [--method NAME]

Each animal is met four times, in conditions from easy to hard, and photographed from one side.
Then mistakes are made on purpose. A sixth of the animals get a second name for two of their
encounters (duplicates). A sixth of the others are given an encounter that is not theirs: of
another animal of the catalogue, or of a stranger, in turns (mix-ups). FOLDER keeps the catalogue
and its answers, so that a repeated call goes on.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from resight.catalogue import Catalogue, ImportPlan, PlannedPhoto
from resight.registry import build_method
from resight.search import PhotoSearch
from resight.settings import Settings
from resight.suspicions import Suspicions, find_suspicions
from resight.testing import DrawnAnimal, drawn_animals, photograph, write_jpeg

VISITS = 4
EASIEST, HARDEST = 0.2, 0.75


@dataclass(frozen=True)
class Meeting:
    """An encounter: which animal it shows, and which name it is given."""

    animal: DrawnAnimal
    visit: int
    side: str
    name: str

    @property
    def encounter(self) -> str:
        return f"{self.animal.kind}-{self.animal.name}-{self.visit}"


@dataclass(frozen=True)
class Planted:
    """What is wrong on purpose: pairs of names, and encounters with a wrong name."""

    meetings: tuple[Meeting, ...]
    duplicates: frozenset[frozenset[str]]
    mixups: frozenset[str]


def plant(count: int, seed: int) -> Planted:
    """``count`` animals of both kinds and a few strangers, with mistakes."""
    chance = random.Random(seed)  # noqa: S311 (no secret)
    animals: list[DrawnAnimal] = []
    for kind in ("scutes", "stripes"):
        animals += drawn_animals(count // 2 + count // 12 + 1, seed=seed, kind=kind)
    chance.shuffle(animals)
    strangers = animals[count:]
    own = {animal: list(_visits(animal, chance)) for animal in animals[:count]}
    doubled = animals[: count // 6]
    wrong = animals[count // 6 : count // 3]
    for animal in doubled:
        for each in own[animal][VISITS // 2 :]:
            own[animal][each.visit] = replace(each, name=f"{each.name} again")
    mixups = []
    for number, animal in enumerate(wrong):
        if number % 2:
            moved = replace(own[animals[count // 3 + number]].pop(), name=_name(animal))
        else:
            moved = replace(next(_visits(strangers[number // 2], chance)), name=_name(animal))
        own[animal][-1] = replace(moved, side=own[animal][0].side)
        mixups.append(own[animal][-1].encounter)
    return Planted(
        tuple(each for meetings in own.values() for each in meetings),
        frozenset(frozenset((_name(each), f"{_name(each)} again")) for each in doubled),
        frozenset(mixups),
    )


def _name(animal: DrawnAnimal) -> str:
    return f"{animal.name} ({animal.kind})"


def _visits(animal: DrawnAnimal, chance: random.Random) -> Iterator[Meeting]:
    side = chance.choice(("left", "right"))
    return (Meeting(animal, visit, side, _name(animal)) for visit in range(VISITS))


def draw(meetings: Sequence[Meeting], folder: Path, seed: int) -> ImportPlan:
    folder.mkdir(parents=True, exist_ok=True)
    photos = []
    for each in meetings:
        chance = random.Random(f"{seed} {each.encounter}")  # noqa: S311
        path = folder / f"{each.encounter}.jpg"
        if not path.exists():
            photo = photograph(
                each.animal,
                seed=chance.randrange(1 << 30),
                side=each.side,
                difficulty=chance.uniform(EASIEST, HARDEST),
            )
            write_jpeg(path, photo, taken_at=datetime(2022, 1, 1) + timedelta(days=each.visit))
        photos.append(
            PlannedPhoto(
                path,
                path.name,
                path.name,
                identity=each.name,
                side=each.side,
                encounter=each.encounter,
            )
        )
    return ImportPlan("drawn", tuple(photos))


def report(found: Suspicions, planted: Planted, catalogue: Catalogue) -> Iterator[str]:
    encounter = {each.id: each.encounter for each in catalogue.annotations()}
    pairs = [(each.probability, frozenset((each.a, each.b))) for each in found.duplicates]
    groups = [
        (each.probability, {encounter[one] for one in each.annotations}, each.looks_like)
        for each in found.mixups
    ]
    right = sum(pair in planted.duplicates for _, pair in pairs)
    yield f"duplicates: {right} of {len(planted.duplicates)} found, {len(pairs) - right} others"
    for chance, pair in pairs:
        yield f"  {chance:.3f} {pair in planted.duplicates!s:5} {' | '.join(sorted(pair))}"
    shows = {each.encounter: _name(each.animal) for each in planted.meetings}
    named = {each.encounter: each.name for each in planted.meetings}
    # A photo under an animal's second name is rightly said to look like the first.
    wrong = [{one for one in group if shows[one] != named[one]} == group for _, group, _ in groups]
    planted_ones = sum(group <= planted.mixups for _, group, _ in groups)
    yield (
        f"mix-ups: {planted_ones} of {len(planted.mixups)} found, {sum(wrong) - planted_ones} that "
        f"are one of two names, {len(groups) - sum(wrong)} others"
    )
    for (chance, group, like), right_one in zip(groups, wrong, strict=True):
        yield f"  {chance:.3f} {right_one!s:5} {', '.join(sorted(group))} {like}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--animals", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--method", default="aliked-n16+lightglue")
    asked = parser.parse_args()
    planted = plant(asked.animals, asked.seed)
    plan = draw(planted.meetings, asked.folder / "photos", asked.seed)
    home = asked.folder / "catalogue"
    with Catalogue.open(home) if home.exists() else Catalogue.init(home) as catalogue:
        for outcome in catalogue.add(plan, actor="benchmark"):
            if outcome.status in ("bad", "conflict"):
                raise SystemExit(f"{outcome.source}: {outcome.reason}")
        method = build_method(asked.method, Settings(method=asked.method))
        search = PhotoSearch(catalogue=catalogue, method=method)
        began = time.perf_counter()
        found = find_suspicions(
            search, progress=lambda done, total: print(f"\r{done}/{total}", end="", file=sys.stderr)
        )
        seconds = time.perf_counter() - began
        print(f"\n{len(plan.photos)} photos, {seconds / max(1, found.asked):.2f} s each")
        print("\n".join(report(found, planted, catalogue)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
