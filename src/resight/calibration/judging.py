"""What the candidates of an answer amount to: probabilities, and the one needed to act."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from resight.calibration.logit import Floats, Logit, fit
from resight.calibration.quality import Predicted, cross_validate, questions
from resight.calibration.trials import CATALOGUE, DRAWN, ENOUGH_INDIVIDUALS, Trial, Trials
from resight.errors import CalibrationError

#: A side has a fit of its own from so many individuals seen in two encounters on.
_OWN_FIT = 2 * ENOUGH_INDIVIDUALS
#: A catalogue that has grown or shrunk by more than this since is told to calibrate again.
_STALE = 0.2


@dataclass(frozen=True, eq=False)
class Judgement:
    """Probabilities of (C,) ``candidates``, of an ``unlisted`` known animal and of a ``new`` one.

    They sum to one. ``needed`` is the least probability to act on, and ``basis`` says from
    what it was learned.
    """

    candidates: Floats
    unlisted: float
    new: float
    needed: float
    basis: str


class Calibration:
    """Turns scores of one method at one effort into probabilities.

    ``new_prior``: how probable it is that a photo shows a new animal, before anybody looks;
    ``wanted_error``: how many verdicts in all may be wrong. Both are between 0 and 1. Never
    uses a trial that shows anything of the query's own encounter or photo. Safe to use from
    several threads.

    Raises ``CalibrationError`` where there are no trials of known animals or none of new ones.
    """

    def __init__(
        self, trials: Trials, *, new_prior: float = 0.5, wanted_error: float = 0.05
    ) -> None:
        if not (0 < new_prior < 1 and 0 < wanted_error < 1):
            raise CalibrationError(
                f"new_prior and wanted_error must be between 0 and 1, got {new_prior} and "
                f"{wanted_error}"
            )
        self.trials = trials
        self.new_prior = new_prior
        self.wanted_error = wanted_error
        self._lock = threading.Lock()
        self._fits = {"": self._fit_of(trials.trials)}  # "" of all sides together

    @property
    def predicted(self) -> Predicted:
        """How good it is: each trial predicted from those of other individuals."""
        return self._fits[""].predicted

    def judge(
        self,
        scores: Sequence[float],
        *,
        side: str = "",
        encounter: str = "",
        photo: str = "",
        photos: int | None = None,
    ) -> Judgement:
        """Probabilities of candidates with these scores, best first.

        ``side``, ``encounter`` and ``photo`` are the query's; ``photos`` is how many the
        gallery holds now. Raises what ``check`` raises.
        """
        found, pooled = self._fit_for(side, encounter, photo)
        each, unlisted, new = found.model.probabilities(scores, new_prior=self.new_prior)
        needed = found.predicted.needed(self.wanted_error)
        return Judgement(each, unlisted, new, needed, self.basis(photos, "" if pooled else side))

    def check(self, *, side: str = "", encounter: str = "", photo: str = "") -> None:
        """Raise ``CalibrationError`` if a query's encounter or photo is in too many trials."""
        self._fit_for(side, encounter, photo)

    def _fit_for(self, side: str, encounter: str, photo: str) -> tuple[_Fit, bool]:
        """What may be applied to a query, and whether it is of all sides together."""
        trials, pooled = self._trials_for(side)
        allowed = tuple(trial for trial in trials if not trial.concerns(encounter, photo))
        if len(allowed) < len(trials):
            try:
                return self._fit_of(allowed), pooled
            except CalibrationError as error:
                own = len(trials) - len(allowed)
                raise CalibrationError(
                    f"its encounter {encounter!r} or its photo is in {own} of the {len(trials)} "
                    "trials to learn from, and is not learned from"
                ) from error
        key = "" if pooled else side
        with self._lock:
            if key not in self._fits:
                self._fits[key] = self._fit_of(trials)
            return self._fits[key], pooled

    def _trials_for(self, side: str) -> tuple[tuple[Trial, ...], bool]:
        """Those of the side if they are of enough individuals, else of all sides."""
        own = tuple(trial for trial in self.trials.trials if trial.side == side)
        fewest = min(
            len({trial.individual for trial in own if trial.novel is novel})
            for novel in (False, True)
        )
        enough = fewest >= _OWN_FIT and len(own) < len(self.trials.trials)
        return (own, False) if enough else (self.trials.trials, True)

    def _fit_of(self, trials: Sequence[Trial]) -> _Fit:
        try:
            model = fit(questions(trials))
            return _Fit(model, cross_validate(trials, new_prior=self.new_prior))
        except ValueError as error:
            raise CalibrationError(
                f"too few trials to learn probabilities of {self.trials.method} from: {error}"
            ) from error

    def basis(self, photos: int | None = None, side: str = "") -> str:
        """From what it was learned, in words, and whether that is out of date.

        ``photos`` is how many the gallery holds now; ``side`` that of a fit of its own.
        """
        trials = self.trials
        if trials.origin == DRAWN:
            return f"learned from {trials.origin}, not from your catalogue ({trials.digest})"
        of = f"side {side} alone" if side else "all sides together"
        if trials.origin == CATALOGUE:
            origin = f"{trials.individuals} individuals of this catalogue, {of}"
        else:
            origin = trials.origin
        text = f"learned from {origin} ({trials.digest})"
        if photos is not None and abs(photos - trials.photos) > _STALE * trials.photos:
            text += (
                f"; it had {trials.photos} photos then and has {photos} now: run "
                "`resight calibrate` again"
            )
        return text


@dataclass(frozen=True)
class _Fit:
    model: Logit
    predicted: Predicted
