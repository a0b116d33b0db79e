"""Whether one method is better than another, or only luckier: paired over the same queries.

Figures of two evaluations differ by chance too. Asked the same queries, methods can be
compared query by query; photos of one animal succeed and fail together, so it is animals
whose differences are drawn (interval) and turned around (test).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from resight.calibration.quality import auroc
from resight.errors import ProtocolError
from resight.evaluate.metrics import bootstrap_interval, interval, reached
from resight.evaluate.openset import auroc_samples
from resight.evaluate.report import Interval

Floats = NDArray[np.float64]

#: Which p-values, adjusted for the number of methods compared, are called significant.
LEVEL = 0.05
_SIGNS = 20_000


@dataclass(frozen=True)
class Asked:
    """What one method made of one query, as a report's JSON file tells it.

    ``rank`` as in ``MethodReport.ranks``; ``acceptance`` as in ``Answer``: −inf where
    nothing was found; ``read``: whether the photo could be used.
    """

    identity: str
    known: bool
    rank: Optional[int]
    acceptance: float
    read: bool


@dataclass(frozen=True)
class Run:
    """One method of one report: ``label`` says which. ``queries`` by their path and box."""

    label: str
    queries: Mapping[str, Asked]
    seconds: Optional[float]


@dataclass(frozen=True)
class Difference:
    """How much more the other run has of a figure than the reference, over common queries.

    ``ci95`` by bootstrap over animals; ``p`` that of a permutation test over animals (of the
    novelty AUROC: that of the bootstrap), ``p_adjusted`` the same by Holm's method over the
    runs compared; ``significant`` where that is below ``LEVEL``.
    """

    figure: str
    reference: float
    other: float
    difference: float
    ci95: Interval
    p: float
    p_adjusted: float
    significant: bool


@dataclass(frozen=True)
class Comparison:
    """One run beside the reference.

    ``queries`` common to both; ``known`` those of them known in both. Of these,
    ``only_reference`` and ``only_other`` are right first in one run only, and ``mcnemar``
    the exact p-value of McNemar's test on the two counts, which takes queries for
    independent. ``kept``: share of the reference's right answers that the other has too.
    """

    reference: str
    other: str
    queries: int
    known: int
    only_reference: int
    only_other: int
    mcnemar: float
    kept: Optional[float]
    kept_ci95: Interval
    differences: tuple[Difference, ...]
    seconds_reference: Optional[float]
    seconds_other: Optional[float]


def read_runs(path: Path) -> list[Run]:
    """The methods of a report's JSON file.

    Raises ``ProtocolError`` for a file that is none, or is of a version that did not keep
    its queries.
    """
    try:
        report = json.loads(path.read_bytes())
        rows, methods = report["query_rows"], report["methods"]
        return [_run(path, rows, method) for method in methods]
    except OSError as error:
        raise ProtocolError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProtocolError(
            f"{path} is not what `resight evaluate --json` of this version writes, or is damaged; "
            "run the evaluation again"
        ) from error


def compare(reference: Run, others: Sequence[Run]) -> list[Comparison]:
    """Each other run beside the reference, over the queries that both were asked.

    Raises ``ProtocolError`` where two have no query in common.
    """
    found = [_compared(reference, other) for other in others]
    figures = {each.figure for comparison in found for each in comparison.differences}
    adjusted: dict[tuple[int, str], float] = {}
    for figure in figures:
        of_runs = [
            (number, each.p)
            for number, comparison in enumerate(found)
            for each in comparison.differences
            if each.figure == figure
        ]
        for (number, _), p in zip(of_runs, holm([p for _, p in of_runs]), strict=True):
            adjusted[number, figure] = p
    return [_adjusted(comparison, number, adjusted) for number, comparison in enumerate(found)]


def mcnemar(only_one: int, only_other: int) -> float:
    """Exact two-sided p-value that as many differ one way as the other.

    McNemar, Note on the sampling error of the difference between correlated proportions,
    1947, by the binomial distribution.

    >>> mcnemar(1, 9)
    0.021484375
    """
    total = only_one + only_other
    ways = sum(math.comb(total, k) for k in range(min(only_one, only_other) + 1))
    return float(min(Fraction(1), Fraction(2 * ways, 2**total)))


def sign_test(differences: Sequence[float], groups: Sequence[object], *, seed: int = 0) -> float:
    """Two-sided p-value that the sum of differences is no more than chance.

    A permutation test: with nothing between two methods, each group's differences are as
    likely turned around. All ways are tried for up to 14 groups that differ, else
    ``_SIGNS`` random ones.

    >>> sign_test([1, 1, 1, 1, 1], ["Ada", "Ada", "Bo", "Cy", "Di"])
    0.125
    """
    sums: dict[object, float] = {}
    for difference, group in zip(differences, groups, strict=True):
        sums[group] = sums.get(group, 0.0) + difference
    values = np.array([value for value in sums.values() if value])
    if not len(values):
        return 1.0
    observed = abs(values.sum()) * (1 - 1e-9)
    if len(values) <= 14:
        ways = np.arange(2 ** len(values))[:, None] >> np.arange(len(values)) & 1
        return float(np.mean(np.abs((2 * ways - 1) @ values) >= observed))
    signs = np.random.default_rng(seed).integers(0, 2, (_SIGNS, len(values))) * 2 - 1
    return float((np.sum(np.abs(signs @ values) >= observed) + 1) / (_SIGNS + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for their number (Holm, A simple sequentially rejective test, 1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, least = [0.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = least
    return adjusted


def _run(path: Path, rows: Sequence[Mapping[str, Any]], method: Mapping[str, Any]) -> Run:
    queries = {}
    for row, rank, answer in zip(rows, method["ranks"], method["answers"], strict=True):
        queries[json.dumps([row["path"], row["box"]])] = Asked(
            row["identity"], row["known"], rank, _acceptance(answer), not answer["problem"]
        )
    how = ", ".join([method["name"], method["effort"], method["side_policy"]])
    return Run(f"{path}: {how}", queries, method["seconds_per_query_median"])


def _acceptance(answer: Mapping[str, Any]) -> float:
    if answer["new_probability"] is not None:
        return 1.0 - float(answer["new_probability"])
    return float(answer["candidates"][0]["score"]) if answer["candidates"] else -math.inf


def _compared(reference: Run, other: Run) -> Comparison:
    common = [
        (mine, other.queries[key])
        for key, mine in reference.queries.items()
        if key in other.queries and mine.identity == other.queries[key].identity
    ]
    if not common:
        raise ProtocolError(
            f"{reference.label} and {other.label} have no query in common: compare evaluations "
            "of the same photos"
        )
    known = [(a, b) for a, b in common if a.known and b.known]
    animals = [a.identity for a, _ in known]
    first, second = (reached([pair[side].rank for pair in known], 1) for side in (0, 1))
    pairs = list(zip(first, second, strict=True))
    both = [b for a, b in pairs if a]
    whose = [animal for animal, a in zip(animals, first, strict=True) if a]
    return Comparison(
        reference=reference.label,
        other=other.label,
        queries=len(common),
        known=len(known),
        only_reference=pairs.count((True, False)),
        only_other=pairs.count((False, True)),
        mcnemar=mcnemar(pairs.count((True, False)), pairs.count((False, True))),
        kept=sum(both) / len(both) if both else None,
        kept_ci95=bootstrap_interval(both, whose),
        differences=tuple(_differences(known, animals, common)),
        seconds_reference=reference.seconds,
        seconds_other=other.seconds,
    )


def _differences(
    known: Sequence[tuple[Asked, Asked]],
    animals: Sequence[str],
    common: Sequence[tuple[Asked, Asked]],
) -> Iterator[Difference]:
    ranks = [[pair[side].rank for pair in known] for side in (0, 1)]
    figures: dict[str, list[list[float]]] = {
        f"top{k}": [[float(hit) for hit in reached(each, k)] for each in ranks] for k in (1, 3, 5)
    }
    figures["mrr"] = [[0.0 if rank is None else 1 / rank for rank in each] for each in ranks]
    for name, (one, two) in figures.items():
        if known:
            gained = [b - a for a, b in zip(one, two, strict=True)]
            p = sign_test(gained, animals)
            ci95 = bootstrap_interval(gained, animals)
            yield _difference(name, float(np.mean(one)), float(np.mean(two)), ci95, p)
    novel = [(a, b) for a, b in common if not (a.known or b.known) and a.read and b.read]
    if known and novel:
        yield _novelty(known, novel)


def _novelty(
    known: Sequence[tuple[Asked, Asked]], novel: Sequence[tuple[Asked, Asked]]
) -> Difference:
    groups = [a.identity for a, _ in (*known, *novel)]
    areas, samples = [], []
    for side in (0, 1):
        of_known, of_novel = ([pair[side].acceptance for pair in kind] for kind in (known, novel))
        areas.append(auroc(of_known, of_novel))
        samples.append(auroc_samples(of_known, of_novel, groups))
    gained: Floats = samples[1] - samples[0]
    low, high = interval(gained)
    beyond = min(np.sum(gained <= 0), np.sum(gained >= 0))
    p = min(1.0, 2 * (float(beyond) + 1) / (len(gained) + 1))
    return _difference("novelty_auroc", areas[0], areas[1], (float(low), float(high)), p)


def _difference(figure: str, one: float, two: float, ci95: Interval, p: float) -> Difference:
    return Difference(figure, one, two, two - one, ci95, p, p, p < LEVEL)


def _adjusted(
    comparison: Comparison, number: int, adjusted: Mapping[tuple[int, str], float]
) -> Comparison:
    differences = tuple(
        replace(
            each,
            p_adjusted=adjusted[number, each.figure],
            significant=adjusted[number, each.figure] < LEVEL,
        )
        for each in comparison.differences
    )
    return replace(comparison, differences=differences)
