"""Learn what scores mean from drawn animals, for catalogues with too few of their own.

    python tools/learn_priors.py --method sift+nearest --effort normal exhaustive
    python tools/learn_priors.py --method aliked-n16+lightglue --effort quick normal
    python tools/learn_priors.py --method aliked-n16+lightglue --effort exhaustive --animals 20
    python tools/learn_priors.py --method aliked-n16+lightglue --demo --animals 30

Writes src/resight/calibration/priors/METHOD-EFFORT[-demo].jsonl. Animals of both kinds are
photographed in two encounters each, one side of each, in conditions from easy to very hard:
the photos of real catalogues are harder than a drawing is. ``--demo`` takes the demo's small chips.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from resight.calibration.trials import DRAWN
from resight.demo import QUICK
from resight.extractors import Extractor
from resight.identify import Identifier
from resight.learning import learn
from resight.method import Method
from resight.registry import build_method
from resight.settings import Settings
from resight.testing import drawn_animals, photograph
from resight.types import Chip, Features, GalleryEntry

PRIORS = Path(__file__).parents[1] / "src/resight/calibration/priors"
DIFFICULTIES = (0.3, 0.45, 0.6, 0.75, 0.9)


class Drawn:
    """Drawn photos in memory, as a ``Gallery``."""

    def __init__(self, described: Sequence[tuple[GalleryEntry, Chip, Features]]) -> None:
        self._entries = [entry for entry, _, _ in described]
        self._features = {entry.annotation: features for entry, _, features in described}
        self.chips = {entry.annotation: chip for entry, chip, _ in described}

    def entries(self) -> Sequence[GalleryEntry]:
        return self._entries

    def features(
        self,
        annotations: Sequence[str],
        extractor: Extractor,  # noqa: ARG002 (there is one)
        /,
        *,
        long_edge: int,  # noqa: ARG002
        margin: float,  # noqa: ARG002
    ) -> Iterator[Features]:
        return map(self._features.__getitem__, annotations)


def draw(method: Method, count: int) -> list[tuple[GalleryEntry, Chip, Features]]:
    """Two photos each of ``count`` animals, half of them turtles, described by the method."""
    animals = [
        *drawn_animals((count + 1) // 2, seed=1, kind="scutes"),
        *(
            replace(each, name=f"Striped {each.name}")
            for each in drawn_animals(count // 2, seed=1, kind="stripes")
        ),
    ]
    described = []
    for number, animal in enumerate(animals):
        side = ("left", "right")[number % 2]
        for visit in range(2):
            difficulty = DIFFICULTIES[(number // 2 + 2 * visit) % len(DIFFICULTIES)]
            photo = photograph(
                animal, seed=10 * number + visit, side=side, size=(640, 480), difficulty=difficulty
            )
            chip = method.chip(photo.pixels)
            (features,) = method.extractor.extract([chip])
            name = f"{animal.name} {visit}"
            entry = GalleryEntry(name, animal.name, f"drawn {name}", side, f"encounter {name}")
            described.append((entry, chip, features))
    return described


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--method", required=True)
    parser.add_argument("--effort", nargs="+", default=["normal"])
    parser.add_argument("--animals", type=int, default=40)
    parser.add_argument("--demo", action="store_true")
    asked = parser.parse_args()
    settings = Settings(method=asked.method).model_copy(update=QUICK if asked.demo else {})
    method = build_method(asked.method, settings)
    gallery = Drawn(draw(method, asked.animals))
    PRIORS.mkdir(exist_ok=True)
    for effort in asked.effort:
        identifier = Identifier(
            gallery=gallery, method=method, effort=effort, chips=gallery.chips.__getitem__
        )
        trials = learn(
            identifier,
            limit=4 * asked.animals,
            origin=DRAWN,
            progress=lambda done, total: print(f"\r{done}/{total}", end="", file=sys.stderr),
        )
        name = f"{asked.method.replace('+', '-')}-{effort}{'-demo' if asked.demo else ''}.jsonl"
        # No query of a catalogue has to do with a drawing, so what was compared is not needed.
        few = (
            replace(each, encounter="", photo="", compared=frozenset()) for each in trials.trials
        )
        replace(trials, trials=tuple(few)).write(PRIORS / name)
        right = sum(trial.right == 0 for trial in trials.trials)
        known = sum(not trial.novel for trial in trials.trials)
        print(f"\n{name}: {right} of {known} known animals found first")
    return 0


if __name__ == "__main__":
    sys.exit(main())
