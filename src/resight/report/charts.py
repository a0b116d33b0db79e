"""The charts of a report: what each draws and how it is read."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from resight.calibration import Calibration
from resight.calibration.reliability import ReliabilityBin
from resight.evaluate import MethodReport, Report
from resight.evaluate.answers import by_kind
from resight.evaluate.metrics import cumulative_curve
from resight.evaluate.openset import identification_curve
from resight.report.svg import HALF, THIRD, Axis, Chart, linear, percent, stretched

#: Ranks shown of the cumulative match characteristic, and which of them are named.
_LONGEST, _NAMED = 20, (1, 3, 5, 10, 15, 20)
_BINS = 40
#: Methods whose intervals are shaded: more shades hide the lines.
BANDS = 4
#: Series of the two kinds of pairs.
RIGHT, WRONG = 0, 1


def match_curves(report: Report) -> str:
    """Cumulative match characteristics of all methods; empty without known queries."""
    animals = [query.identity for query in report.query_rows if query.known]
    longest = min(_LONGEST, report.gallery_individuals)
    if not animals or longest < 2:
        return ""
    curves = []
    for method in report.methods:
        ranks = [r for r, q in zip(method.ranks, report.query_rows, strict=True) if q.known]
        curves.append(cumulative_curve(ranks, animals, longest=longest))
    floor = min(float(low.min()) for _, low, _ in curves)
    ranks_axis = Axis("k", 1, longest, [(k, str(k)) for k in _NAMED if k <= longest])
    chart = Chart(ranks_axis, percent("right animal among the first k (%)", _below(floor)))
    xs = np.arange(1, longest + 1)
    for series, (_, low, high) in enumerate(curves if len(curves) <= BANDS else ()):
        chart.band(xs, low, high, series)
    for series, (share, _, _) in enumerate(curves):
        chart.line(xs, share, series)
    return chart.svg("Share of queries whose animal is among the first k, for each method")


def open_set_curves(report: Report) -> str:
    """Detection and identification over false alarms; empty without known or novel queries."""
    chart = Chart(
        percent("new animals taken for known ones (%)"),
        percent("known animals named right (%)"),
    )
    drawn = False
    for series, method in enumerate(report.methods):
        outcome, _ = by_kind(report.query_rows, method.answers, method.ranks)
        false_alarms, found = identification_curve(outcome)
        if len(false_alarms):
            ends = [*false_alarms, 1.0], [*found, found[-1]]
            chart.line(*ends, series, steps=True)
            drawn = True
    chart.guide([0.1, 0.1], [0, 1])
    return chart.svg("Known animals named right over new ones taken for known") if drawn else ""


def cumulative_scores(method: MethodReport) -> str:
    """Cumulative distributions of the scores of right and wrong pairs; empty without."""
    if not method.right_scores and not method.wrong_scores:
        return ""
    axis = _score_axis(method)
    chart = Chart(axis, percent("pairs up to this score (%)"), THIRD)
    for series, scores in ((WRONG, method.wrong_scores), (RIGHT, method.right_scores)):
        if scores:
            shares = np.arange(1, len(scores) + 1) / len(scores)
            chart.line([axis.low, *scores, axis.high], [0.0, *shares, 1.0], series, steps=True)
    return chart.svg("Cumulative distributions of scores of right and wrong pairs")


def score_histogram(method: MethodReport) -> str:
    """Histograms of the same scores, each as shares of its own kind; empty without scores."""
    if not method.right_scores and not method.wrong_scores:
        return ""
    axis = _score_axis(method)
    low, high = axis.scale(axis.low), axis.scale(axis.high)
    fewest = min(len(each) for each in (method.right_scores, method.wrong_scores) if each)
    bins = min(max(round(2 * math.sqrt(fewest)), 8), _BINS)
    inner = np.linspace(low, high, bins + 1)
    edges = np.interp(inner, [axis.scale(v) for v in _dense(axis)], _dense(axis))
    heights = {}
    for series, scores in ((WRONG, method.wrong_scores), (RIGHT, method.right_scores)):
        if scores:
            scaled = [axis.scale(score) for score in scores]
            heights[series] = np.histogram(scaled, inner)[0] / len(scores)
    top = max((float(each.max()) for each in heights.values()), default=1.0)
    shares = linear("", 0, 100 * top)
    ticks = [(value / 100, label) for value, label in shares.ticks]
    chart = Chart(axis, Axis("pairs of its kind (%)", 0, top * 1.05, ticks), THIRD)
    for series, each in heights.items():
        chart.bars(edges, each, series)
    return chart.svg("Histograms of scores of right and wrong pairs")


def reliability_diagram(bins: Sequence[ReliabilityBin]) -> str:
    """How often first outcomes were true, over their probability; empty without bins."""
    if not bins:
        return ""
    return _reliability(bins, THIRD).svg("How often the first outcome was true, by its probability")


def reliability_file(calibration: Calibration) -> str:
    """The same as an SVG file, of a calibration's trials, each predicted from other animals'."""
    found, trials = calibration.predicted, calibration.trials
    return _reliability(found.reliability, HALF).file(
        f"{trials.method}, effort {trials.effort}",
        f"ECE {found.ece:.3f} · {trials.individuals} individuals · {len(trials.trials)} trials "
        f"from {trials.origin}",
    )


def _reliability(bins: Sequence[ReliabilityBin], size: tuple[int, int]) -> Chart:
    """A dot for each bin, with the 95 % interval of how often it was true; all well on the line."""
    chart = Chart(
        percent("probability of the first outcome (%)"), percent("first outcome true (%)"), size
    )
    chart.guide([0, 1], [0, 1])
    for each in bins:
        low, high = _wilson(each.held, each.queries)
        chart.line([each.predicted] * 2, [low, high], RIGHT)
    chart.dots([each.predicted for each in bins], [each.held for each in bins], RIGHT)
    return chart


def _score_axis(method: MethodReport) -> Axis:
    """Logarithmic where most scores would else lie in a corner."""
    scores = [*method.right_scores, *method.wrong_scores]
    low, high = min(scores), max(scores)
    if low == high:
        low, high = low - 0.5, high + 0.5
    if low >= 0 and high > 10 and high > 5 * float(np.median(method.wrong_scores or [high])):
        return stretched(f"score ({method.score})", high)
    return linear(f"score ({method.score})", 0.0 if 0 <= low < 0.3 * high else low, high)


def _dense(axis: Axis) -> Sequence[float]:
    """Values from the axis's end to end, close enough to invert its scale."""
    return [float(value) for value in np.linspace(axis.low, axis.high, 20_001)]


def _below(share: float) -> float:
    """A round share a little below, from which differences can still be seen."""
    return 0.5 if share > 0.55 else 0.0


def _wilson(share: float, count: int) -> tuple[float, float]:
    """95 % interval of a share of ``count`` independent ones (Wilson, 1927)."""
    z = 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    half /= 1 + z * z / count
    return max(0.0, middle - half), min(1.0, middle + half)
