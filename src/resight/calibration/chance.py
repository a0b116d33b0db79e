"""Trials of drawn animals, in units of what chance scores in one's own catalogue.

How alike photos of different animals look depends on the species, the cameras and the water; how
much more alike photos of one animal look, compared with that, does so much less. And what
chance scores can be seen in any catalogue, without one animal known to be seen twice: ask about
each as if it were new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from resight.calibration.trials import SCALED, Trial, Trials
from resight.errors import CalibrationError

#: Individuals that are asked about as strangers at least.
ENOUGH_STRANGERS = 10
#: To so much of their height the scores of drawn animals may be shrunk. They are never stretched:
#: where strangers score more than drawn ones, animals seen again need not (docs/methods.md).
_LEAST = 0.1


def scaled(drawn: Trials, strangers: Sequence[Trial], photos: int) -> Trials:
    """``drawn`` with all scores multiplied by one factor, so that its strangers score no more than
    ``strangers`` do.

    ``strangers`` are novel trials of a catalogue that holds ``photos`` photos. What is compared is
    the median of the best scores of photos that were compared with anybody. A single photo moves it
    hardly and says nothing about who is on which, so it also serves for those photos themselves.

    Raises ``CalibrationError`` for too few trials.
    """
    animals = len({trial.individual for trial in strangers})
    if animals < ENOUGH_STRANGERS:
        raise CalibrationError(
            f"photos of {animals} animals could be compared with others, and of {ENOUGH_STRANGERS} "
            "they are needed to learn what strangers score"
        )
    factor = _chance(strangers) / max(_chance(drawn.trials), 1e-9)
    factor = float(np.clip(factor, _LEAST, 1.0))
    shrunk = (
        replace(trial, scores=tuple(factor * score for score in trial.scores))
        for trial in drawn.trials
    )
    return replace(drawn, origin=SCALED, photos=photos, trials=tuple(shrunk))


def _chance(trials: Sequence[Trial]) -> float:
    return float(np.median([max(trial.scores) for trial in trials if trial.novel]))
