"""From raw scores to probabilities: of each candidate, and of a new animal.

``trials`` are questions with known answers, ``logit`` the model fitted on them, ``quality``
says how good it is, ``judging`` applies it, and ``prior`` has trials of drawn animals.
``resight.learning`` asks the questions. docs/methods.md explains it all.
"""

from resight.calibration.judging import Calibration, Judgement
from resight.calibration.prior import asked_by, prior_for
from resight.calibration.quality import Predicted, cross_validate
from resight.calibration.trials import ENOUGH_INDIVIDUALS, Trial, Trials

__all__ = [
    "ENOUGH_INDIVIDUALS",
    "Calibration",
    "Judgement",
    "Predicted",
    "Trial",
    "Trials",
    "asked_by",
    "cross_validate",
    "prior_for",
]
