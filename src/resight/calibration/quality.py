"""How good probabilities are, on trials that they were not fitted on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resight.calibration.logit import Floats, Question, fit
from resight.calibration.reliability import ReliabilityBin, calibration_error, reliability
from resight.calibration.trials import Trial

#: Parts that the individuals are divided into; each is predicted from the others.
_FOLDS = 10


@dataclass(frozen=True, eq=False)
class Predicted:
    """What each trial would have been answered by a fit without its individual.

    All arrays are (T,): ``best`` probability of the likelier of the first candidate and
    "new", whether that was ``right``, the probability ``new`` of a new animal, the ``brier``
    score (0 to 2), whether the animal was ``novel``, and ``weight``: each individual's
    count the same, and novel ones ``new_prior`` in all. ``individuals`` is how many were asked
    about. There are novel and known ones.
    """

    best: Floats
    right: NDArray[np.bool_]
    new: Floats
    brier: Floats
    novel: NDArray[np.bool_]
    weight: Floats
    new_prior: float
    individuals: int

    @property
    def ece(self) -> float:
        """Expected calibration error of ``best``."""
        return calibration_error(self.reliability)

    @property
    def reliability(self) -> list[ReliabilityBin]:
        """How often ``best`` was right, in ten bins of equal weight."""
        return reliability(self.best, self.right, self.weight)

    @property
    def mean_brier(self) -> float:
        """Multiclass Brier score; 0 is perfect."""
        return float(np.average(self.brier, weights=self.weight))

    @property
    def constant_brier(self) -> float:
        """That of who never looks."""
        return constant_brier(self.new_prior, self.individuals)

    @property
    def accuracy(self) -> float:
        """Share of trials where the likelier of first candidate and "new" is right."""
        return float(np.average(self.right, weights=self.weight))

    @property
    def novelty_auroc(self) -> float:
        """How often a novel animal has a higher P(new) than a known one; ties count half."""
        return auroc(
            self.new[self.novel],
            self.new[~self.novel],
            (self.weight[self.novel], self.weight[~self.novel]),
        )

    def needed(self, wanted_error: float) -> float:
        """The least probability at which verdicts err in at most that share; 1 if none.

        The error rate is the mean of its posterior with Jeffreys' prior, half an individual's
        error in one more individual: few trials prove little.
        """
        order = np.argsort(-self.best, kind="stable")
        weight = self.weight[order]
        errors = np.cumsum(weight * ~self.right[order]) + 0.5
        good = errors <= wanted_error * (np.cumsum(weight) + 1)
        best = self.best[order]
        last_of_equal = np.append(best[1:] != best[:-1], True)
        reached = np.flatnonzero(good & last_of_equal)
        return float(best[reached[-1]]) if len(reached) else 1.0


def auroc(high: ArrayLike, low: ArrayLike, weights: tuple[Floats, Floats] | None = None) -> float:
    """Chance that one of ``high`` exceeds one of ``low``, ties counting half.

    The area under the receiver operating characteristic. ``weights`` of either, all alike if
    not given; there must be some of both.

    >>> auroc([3, 2, 1], [0, 2])
    0.75
    """
    of_high, of_low = weights or (None, None)
    won = np.average(wins(high, low), axis=0, weights=of_high)
    return float(np.average(won, weights=of_low))


def wins(high: ArrayLike, low: ArrayLike) -> Floats:
    """(high, low): 1 where one of ``high`` exceeds one of ``low``, ½ at ties."""
    a, b = np.asarray(high, float)[:, None], np.asarray(low, float)[None, :]
    return np.asarray((a > b) + 0.5 * (a == b), np.float64)


def constant_brier(new: float, individuals: int) -> float:
    """Brier score of who always guesses the prior: ``new``, and all individuals alike.

    Where they are as common as that guess says.

    >>> constant_brier(0.5, 1)
    0.5
    """
    each = (1 - new) / individuals
    spread = new**2 + individuals * each**2
    return spread + 1 - 2 * (new * new + (1 - new) * each)


def questions(trials: Sequence[Trial]) -> list[Question]:
    """Trials for ``fit``: those of an individual weigh one in all, of either kind."""
    counted = Counter((trial.individual, trial.novel) for trial in trials)
    return [
        Question(
            np.array(trial.scores, np.float64),
            trial.right,
            trial.novel,
            1.0 / counted[trial.individual, trial.novel],
        )
        for trial in trials
    ]


def cross_validate(trials: Sequence[Trial], *, new_prior: float) -> Predicted:
    """Every trial predicted from the trials of other individuals.

    Raises ``ValueError`` where one kind of trials is of one individual only.
    """
    asked = questions(trials)
    fold = _folds(trials)
    best, right, new, brier = (np.zeros(len(trials)) for _ in range(4))
    for number in sorted(set(fold)):
        model = fit([each for each, own in zip(asked, fold, strict=True) if own != number])
        for index in (index for index, own in enumerate(fold) if own == number):
            each, other, novel = model.probabilities(asked[index].scores, new_prior=new_prior)
            outcomes = np.append(each, [other, novel])
            outcome = asked[index].outcome
            first = float(each[0]) if len(each) else 0.0
            best[index], new[index] = max(first, novel), novel
            right[index] = outcome == (0 if first > novel else len(each) + 1)
            brier[index] = ((outcomes - np.eye(len(outcomes))[outcome]) ** 2).sum()
    novel_ones = np.array([trial.novel for trial in trials], bool)
    weight = np.array([each.weight for each in asked])
    total = weight.sum()
    for kind, share in ((novel_ones, new_prior), (~novel_ones, 1 - new_prior)):
        weight[kind] *= share * total / weight[kind].sum()
    individuals = len({trial.individual for trial in trials})
    return Predicted(
        best, right.astype(bool), new, brier, novel_ones, weight, new_prior, individuals
    )


def _folds(trials: Sequence[Trial]) -> list[int]:
    """A fold for each trial: all of an individual are in one, and all folds about as large."""
    known = {trial.individual for trial in trials if not trial.novel}
    # Those known first, so that each fold has about as many of either kind.
    ordered = sorted(
        {trial.individual for trial in trials}, key=lambda name: (name not in known, name)
    )
    place = {name: number % _FOLDS for number, name in enumerate(ordered)}
    return [place[trial.individual] for trial in trials]
