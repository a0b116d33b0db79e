"""Trials whose scores follow a law that a reader knows."""

from __future__ import annotations

import numpy as np

from resight.calibration import Trial, Trials


def trials(
    individuals: int = 30, *, seed: int = 0, side: str = "left", separation: float = 30.0
) -> tuple[Trial, ...]:
    """Two known and two novel trials of each; every tenth known one was missed."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(individuals):
        for turn in range(4):
            novel, missed = turn > 1, (2 * number + turn) % 10 == 9
            wrong = random.gamma(4, 3, 3).tolist()
            own = [float(random.gamma(4, 3) + separation)] if not novel and not missed else []
            scores = sorted([*wrong, *own], reverse=True)
            made.append(
                Trial(
                    individual=f"animal {number}",
                    encounter=f"animal {number} visit {turn % 2}",
                    photo=f"photo {number} {turn % 2}",
                    side=side,
                    novel=novel,
                    scores=tuple(scores),
                    right=scores.index(own[0]) if own else None,
                    compared=frozenset({f"animal {(number + 1) % individuals} visit 0"}),
                )
            )
    return tuple(made)


def of_catalogue(made: tuple[Trial, ...], origin: str = "catalogue", photos: int = 60) -> Trials:
    return Trials("sift+nearest", "f", "normal", "compatible", origin, photos, made)
