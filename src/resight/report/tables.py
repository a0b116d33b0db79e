"""The tables of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Optional

from resight.evaluate import MethodReport, Report
from resight.evaluate.metrics import cumulative_curve
from resight.evaluate.report import Interval
from resight.report.svg import escaped

NONE = "–"


def scoreboard(report: Report) -> str:
    """One row for each method: accuracy at 1, 3 and 5, novelty, seconds a query."""
    heads = ("Method", "Top 1 %", "Top 3 %", "Top 5 %", "New or known %", "Seconds a query")
    rows = [_scores(report, method) for method in report.methods]
    best = [
        _best([row[column][0] for row in rows], least=column == len(heads) - 2)
        for column in range(len(heads) - 1)
    ]
    body = []
    for method, row in zip(report.methods, rows, strict=True):
        marked = [
            " class=best" if len(rows) > 1 and value is not None and value == top else ""
            for (value, _), top in zip(row, best, strict=True)
        ]
        cells = "".join(
            f"<td{mark}>{shown}</td>" for (_, shown), mark in zip(row, marked, strict=True)
        )
        body.append(f"<tr><th scope=row>{escaped(method.name)}</th>{cells}</tr>")
    return _table(heads, body, _scoreboard_caption(report))


def all_figures(report: Report) -> str:
    """Every figure, one column for each method."""
    columns = [list(_figures(method)) for method in report.methods]
    body = [
        f"<tr><th scope=row>{label}</th>"
        + "".join(f"<td>{column[index][1]}</td>" for column in columns)
        + "</tr>"
        for index, (label, _) in enumerate(columns[0])
        if any(column[index][1] != NONE for column in columns)
    ]
    heads = ["", *(escaped(method.name) for method in report.methods)]
    return _table(
        heads,
        body,
        "<b>Table 2.</b> All figures; small print is the 95 % interval. Known queries only, but "
        "for those about new animals. <i>Brier</i> runs from 0 to 2.",
    )


def _scores(report: Report, method: MethodReport) -> list[tuple[Optional[float], str]]:
    animals = [query.identity for query in report.query_rows if query.known]
    ranks = [r for r, q in zip(method.ranks, report.query_rows, strict=True) if q.known]
    share, low, high = cumulative_curve(ranks, animals)
    cells: list[tuple[Optional[float], str]] = []
    for k in (1, 3, 5):
        if len(share):
            value = float(share[k - 1])
            cells.append((value, _share(value, (float(low[k - 1]), float(high[k - 1])))))
        else:
            cells.append((None, NONE))
    seconds = method.seconds_per_query_median
    return [
        *cells,
        (method.novelty_accuracy, _share(method.novelty_accuracy)),
        (seconds, _number(seconds)),
    ]


def _scoreboard_caption(report: Report) -> str:
    known = report.queries - report.novel_queries
    told = [
        f"<b>Table 1.</b> Accuracy over {known} queries of known animals; small print is the "
        "95 % interval, by bootstrap over animals. Seconds are medians, from file to ranked list."
    ]
    if report.novel_queries:
        told.append(
            f"<i>New or known</i>: mean of {report.novel_queries} queries of new animals called "
            "new and the others called known; the threshold comes from the gallery alone."
        )
    else:
        told.append("No query is of a new animal.")
    alike: dict[str, list[str]] = {}
    for method in report.methods:
        if method.uncalibrated:
            alike.setdefault(uncalibrated(method), []).append(f"<i>{escaped(method.name)}</i>")
    told += [
        f"{', '.join(names)}: {why}" if len(names) < len(report.methods) else why
        for why, names in alike.items()
    ]
    told += [
        f"<i>{escaped(name)}</i> was left out: {escaped(why)}"
        for name, why in report.left_out.items()
    ]
    return " ".join(told)


def _figures(each: MethodReport) -> Iterator[tuple[str, str]]:
    yield "Top 1 %", _share(each.top1, each.top1_ci95)
    yield "Top 3 %", _share(each.top3)
    yield "Top 5 %", _share(each.top5, each.top5_ci95)
    yield "Top 10 %", _share(each.top10)
    yield "Top 20 %", _share(each.top20)
    yield "Top 1, each animal weighing the same %", _share(each.top1_macro, each.top1_macro_ci95)
    yield "Top 1 of encounters %", _share(each.top1_encounter, each.top1_encounter_ci95)
    yield "Mean reciprocal rank", _number(each.mrr)
    yield "New or known: area under ROC %", _share(each.novelty_auroc, each.novelty_auroc_ci95)
    yield "New or known: balanced accuracy %", _share(each.novelty_accuracy)
    yield "Named right at 10 % false alarms %", _share(each.dir_at_fpir_10)
    yield "Calibration error %", _share(each.ece)
    yield "Calibration error, half of all new %", _share(each.ece_prior_half)
    yield "Brier score", _number(each.brier)
    yield "Brier score of guessing the prior", _number(each.brier_constant)
    yield "Seconds a query, median", _number(each.seconds_per_query_median)
    yield "Seconds a query, 95th percentile", _number(each.seconds_per_query_p95)
    yield "Photos matched in full a query", _number(each.pairs_matched_per_query)
    yield "Seconds to describe a photo", _number(each.extract_seconds_per_photo)
    yield "Peak memory, MB", f"{each.peak_rss_mb:.0f}"


def _best(values: Sequence[Optional[float]], *, least: bool) -> Optional[float]:
    choose: Callable[[list[float]], float] = min if least else max
    there = [value for value in values if value is not None]
    return choose(there) if there else None


def _share(value: Optional[float], interval: Interval = None) -> str:
    if value is None:
        return NONE
    shown = f"{100 * value:.1f}"
    if interval:
        shown += f"<small>{100 * interval[0]:.1f}–{100 * interval[1]:.1f}</small>"
    return shown


def _number(value: Optional[float]) -> str:
    return NONE if value is None else f"{value:.3g}"


def _table(heads: Sequence[str], body: Sequence[str], caption: str) -> str:
    row = "".join(f"<th scope=col>{head}</th>" for head in heads)
    return (
        f"<figure class=board><div class=scroll><table><thead><tr>{row}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table></div><figcaption>{caption}</figcaption></figure>"
    )


def uncalibrated(method: MethodReport) -> str:
    """What a method's probabilities are where nothing was learned from the gallery, as HTML."""
    given = "Probabilities are of drawn animals" if method.calibration else "No probabilities"
    return f"{given}: {escaped(method.uncalibrated)}."
