"""What the probabilities of an answer amount to, in words: on a screen and above pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional, Protocol


class _Named(Protocol):
    @property
    def individual(self) -> str: ...
    @property
    def probability(self) -> Optional[float]: ...


class Judged(Protocol):
    """An answer as far as its probabilities go, of this computer or of a desk."""

    @property
    def verdict(self) -> Optional[str]: ...
    @property
    def new_probability(self) -> Optional[float]: ...
    @property
    def unlisted_probability(self) -> Optional[float]: ...
    @property
    def needed(self) -> Optional[float]: ...
    @property
    def calibration(self) -> str: ...
    @property
    def candidates(self) -> Sequence[_Named]: ...


def verdict(answer: Judged) -> str:
    """What the probabilities amount to, or why this photo has none; empty without a calibration."""
    from resight.types import KNOWN, NEW

    if answer.verdict is None or answer.new_probability is None or answer.needed is None:
        return answer.calibration and f"No probabilities for this photo: {answer.calibration}."
    first = answer.candidates[0]
    name, probability = first.individual, percent(first.probability or 0.0)
    new = percent(answer.new_probability)
    other = f"a known animal not listed {percent(answer.unlisted_probability or 0.0)}"
    if answer.verdict == KNOWN:
        return f"It is {name} ({probability}). Else: a new animal {new}, {other}."
    if answer.verdict == NEW:
        return f"It is a new animal ({new}). Else: {name} {probability}, {other}."
    needed = percent(answer.needed)
    quite = "quite " if needed in (probability, new) else ""  # as they are rounded
    why = f"nothing {quite}reaches the {needed} that is needed"
    if answer.needed >= 1:
        why = (
            "what was learned shows no answer to err so rarely (more animals, or a larger setting "
            "wanted_error)"
        )
    return f"Undecided: {why}. {name} {probability}, a new animal {new}, {other}."


def percent(probability: float) -> str:
    """A probability as people read it; never 0 or 100 %, which nothing here can be.

    >>> percent(0.934), percent(0.9999), percent(0.0001)
    ('93 %', '> 99 %', '< 1 %')
    """
    if probability > 0.99:
        return "> 99 %"
    return "< 1 %" if probability < 0.01 else f"{100 * probability:.0f} %"
