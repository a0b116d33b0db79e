"""How true probabilities are: Brier score, and another prior of "new".

An *outcome* of a query is one of the candidates, ``NEW``, or ``UNLISTED``; a prediction is a
probability for each, summing to one (those left out have probability 0). ``weights``
say how much each query counts, all alike if not given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Optional

import numpy as np

#: The outcomes "an animal that is not in the gallery" and "one that is, but is no candidate";
#: no individual is called so: a name is never empty nor has a space at its end.
NEW, UNLISTED = "", " "

Prediction = Mapping[str, float]


def with_prior(prediction: Prediction, before: float, after: float) -> dict[str, float]:
    """A prediction made under one prior of "new", as it would be under another.

    The odds of "new" change as the prior's do; individuals keep their proportions. Both
    priors lie in (0, 1), but ``after`` may be 0: a closed set.

    >>> with_prior({"Ada": 0.4, "Bo": 0.1, NEW: 0.5}, before=0.5, after=0.2)
    {'Ada': 0.64, 'Bo': 0.16, '': 0.2}
    """
    factor = after / (1 - after) * (1 - before) / before
    new = prediction.get(NEW, 0.0)
    rest = sum(value for name, value in prediction.items() if name != NEW)
    total = new * factor + rest
    if not total:  # certain to be new, where nothing can be
        return dict(prediction)
    changed = {name: value / total for name, value in prediction.items() if name != NEW}
    return {**changed, NEW: new * factor / total}


def first_outcome(prediction: Prediction) -> tuple[str, float]:
    """The most probable outcome and its probability; of equal ones the first named.

    >>> first_outcome({"Ada": 0.3, "Bo": 0.1, NEW: 0.6})
    ('', 0.6)
    """
    return max(prediction.items(), key=lambda item: item[1])


def brier(
    predictions: Sequence[Prediction],
    truths: Sequence[str],
    weights: Optional[Sequence[float]] = None,
) -> Optional[float]:
    """Mean squared distance between predictions and what is true, over all outcomes.

    Brier, Verification of Forecasts Expressed in Terms of Probability, 1950: 0 is perfect,
    2 is certain and wrong always.

    >>> brier([{"Ada": 1.0}, {"Ada": 1.0}], ["Ada", "Bo"])
    1.0
    """
    if not predictions:
        return None
    losses = [
        sum(value**2 for value in prediction.values()) + 1 - 2 * prediction.get(truth, 0.0)
        for prediction, truth in zip(predictions, truths, strict=True)
    ]
    return float(np.average(losses, weights=weights))
