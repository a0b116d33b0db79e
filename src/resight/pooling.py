"""One answer about several photos of one animal.

Each photo is asked on its own and has calibrated probabilities. The encounter's are their mean
over the photos that met anything (a linear opinion pool, Stone 1961, "The opinion pool"). So no
outcome is ever more probable than the photo that speaks most for it says, whatever the number
of photos: one lucky photo is not believed more than it is by itself, and photos of one minute,
which err together, are not counted as if each were another witness. Such a mean is cautious
(Ranjan and Gneiting 2010, "Combining probability forecasts"): ten photos that agree give what
one gives, not more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from resight.types import Candidate, Evidence, Identification

#: How answers became one, for people.
ONE = "one photo was asked about"
MEAN = "mean of the {} of {} photos, each asked on its own"
SILENT = "; {} met no photo to be compared with"


@dataclass(frozen=True, eq=False)
class PooledCandidate:
    """An individual with its evidence, each with the photo asked about, best first.

    ``score`` is the mean over the photos asked. One that did not name it counts as 0, or as the
    lowest score that it gave anybody if that is less: some scores are negative.
    """

    individual: str
    probability: float | None
    score: float
    evidence: tuple[tuple[str, Evidence], ...]


@dataclass(frozen=True, eq=False)
class Pooled:
    """The answer about all photos. ``answer`` has what an ``Identification`` says but for its
    candidates, with counts summed over photos; ``combined`` says how it was made."""

    answer: Identification
    candidates: tuple[PooledCandidate, ...]
    passed_over: tuple[PooledCandidate, ...]
    combined: str

    @property
    def verdict(self) -> str | None:
        """As that of an ``Identification``."""
        return self.answer.verdict


def pool(answers: Mapping[str, Identification]) -> Pooled:
    """The answer about an encounter from those about its photos, by the photo asked about.

    Where one of the answers has no probabilities, there are none, and individuals are ranked
    by their mean score. Raises ``ValueError`` for no answers.
    """
    if not answers:
        raise ValueError("there is no answer to pool")
    heard = {query: each for query, each in answers.items() if each.named} or dict(answers)
    judged = all(each.new_probability is not None for each in heard.values())
    found = _pooled(heard, "candidates", judged)
    named = {each.individual for each in found}
    passed = [each for each in _pooled(heard, "passed_over", False) if each.individual not in named]
    count, silent = len(heard), len(answers) - len(heard)
    how = (
        ONE
        if len(answers) == 1
        else MEAN.format("probabilities" if judged else "scores", count)
        + (SILENT.format(silent) * bool(silent))
    )
    return Pooled(
        _summed(list(answers.values()), list(heard.values()), found, judged),
        tuple(found),
        tuple(passed),
        how,
    )


def _pooled(
    answers: Mapping[str, Identification], which: str, judged: bool
) -> list[PooledCandidate]:
    evidence: dict[str, list[tuple[float, str, Evidence]]] = defaultdict(list)
    scores: dict[str, dict[str, float]] = defaultdict(dict)
    unnamed: dict[str, float] = {}
    chances: dict[str, float] = defaultdict(float)
    for query, answer in answers.items():
        candidates: Sequence[Candidate] = getattr(answer, which)
        unnamed[query] = min((0.0, *(each.score for each in candidates)))
        for candidate in candidates:
            scores[candidate.individual][query] = candidate.score
            chances[candidate.individual] += (candidate.probability or 0.0) / len(answers)
            evidence[candidate.individual] += [
                (each.scores[answer.score] or 0.0, query, each) for each in candidate.evidence
            ]
    found = [
        PooledCandidate(
            name,
            min(1.0, chances[name]) if judged else None,
            fmean(scores[name].get(query, least) for query, least in unnamed.items()),
            tuple((query, each) for _, query, each in sorted(own, key=lambda one: -one[0])),
        )
        for name, own in evidence.items()
    ]
    return sorted(
        found, key=lambda each: (-(each.probability or 0.0), -each.score, each.individual)
    )


def _summed(
    answers: Sequence[Identification],
    heard: Sequence[Identification],
    found: Sequence[PooledCandidate],
    judged: bool,
) -> Identification:
    left_out: dict[str, int] = defaultdict(int)
    for answer in answers:
        for reason, number in answer.left_out.items():
            left_out[reason] += number
    best = found[0] if found else None
    first = [Candidate(best.individual, best.score, (), best.probability)] if best else []
    basis = dict.fromkeys(each.calibration for each in heard if each.calibration)
    return replace(
        answers[0],
        candidates=tuple(first),
        passed_over=(),
        side=answers[0].side if len({each.side for each in answers}) == 1 else "unknown",
        searched=sum(each.searched for each in answers),
        shortlisted=sum(each.shortlisted for each in answers),
        half_matched=sum(each.half_matched for each in answers),
        matched=sum(each.matched for each in answers),
        turned=sum(each.turned for each in answers),
        left_out=dict(left_out),
        seconds=sum(each.seconds for each in answers),
        new_probability=_mean([each.new_probability for each in heard]) if judged else None,
        unlisted_probability=_mean([each.unlisted_probability for each in heard])
        if judged
        else None,
        needed=max(each.needed or 0.0 for each in heard) if judged else None,
        calibration="; ".join(basis),
    )


def _mean(values: Sequence[float | None]) -> float:
    return sum(value or 0.0 for value in values) / len(values)
