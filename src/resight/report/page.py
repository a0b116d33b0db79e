"""An evaluation as one HTML page that needs nothing else: styles, charts and photos inside.

Names come from users' files: everything passes through ``escaped``.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

from resight.evaluate import MethodReport, Report
from resight.models.table import WEIGHTS
from resight.report import charts
from resight.report.failures import Failure
from resight.report.svg import escaped, style_sheet, swatch
from resight.report.tables import all_figures, scoreboard, uncalibrated

#: Photos that could not be used, shown at most.
_UNREADABLE = 20


def page(report: Report, failures: Mapping[str, Sequence[Failure]]) -> str:
    """The page of a report; ``failures`` by the name of the method."""
    style = style_sheet("page") + style_sheet("chart")
    title = f"Identification on {PurePath(report.protocol).stem}"
    numbers = _Numbers()
    body = [
        f"<h1>{escaped(title)}</h1>",
        f"<p class=lead>{_what_was_asked(report)}</p>",
        scoreboard(report),
        _curves(report, numbers),
        "<h2>What scores say</h2>",
        f"<p class=note>{_SCORES_NOTE}</p>",
        *(_scores(method, numbers) for method in report.methods),
        *_failures(report, failures),
        "<h2>All figures</h2>",
        all_figures(report),
        *_provenance(report),
    ]
    return (
        "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        '<meta name=color-scheme content="light dark">'
        f"<title>{escaped(title)}</title><style>\n{style}</style></head>\n<body><main>\n"
        + "\n".join(body)
        + "\n</main></body></html>\n"
    )


class _Numbers:
    """Numbers of figures, in the order in which they are asked for."""

    def __init__(self) -> None:
        self._last = 0

    def caption(self, text: str) -> str:
        """A caption with the next number."""
        self._last += 1
        return f"<figcaption><b>Figure {self._last}.</b> {text}</figcaption>"


def _what_was_asked(report: Report) -> str:
    novel = (
        f", {report.novel_queries} of them of animals that are not in it"
        if report.novel_queries
        else ", all of them of animals that are in it"
    )
    return (
        f"{report.queries} photos asked of a gallery of {report.gallery} photos of "
        f"{report.gallery_individuals} animals{novel}. No photo meets photos of its own encounter."
    )


def _legend(names: Sequence[str]) -> str:
    items = "".join(
        f"<li>{swatch(series)}{escaped(name)}</li>" for series, name in enumerate(names)
    )
    return f"<ul class=legend>{items}</ul>"


def _curves(report: Report, numbers: _Numbers) -> str:
    figures = []
    closed, opened = charts.match_curves(report), charts.open_set_curves(report)
    if closed:
        shaded = "Shaded: 95 % interval at each <i>k</i>, by bootstrap over animals."
        figures.append(
            f"<figure>{closed}"
            + numbers.caption(
                "Cumulative match: how often the right animal is among the first <i>k</i>. "
                + (shaded if len(report.methods) <= charts.BANDS else "Intervals are in Table 1.")
            )
            + "</figure>"
        )
    if opened:
        figures.append(
            f"<figure>{opened}"
            + numbers.caption(
                "Open set: known animals ranked first <i>and</i> accepted, for every threshold, "
                "over the new animals accepted with it. Dotted: 10 % false alarms."
            )
            + "</figure>"
        )
    if not figures:
        return ""
    legend = _legend([method.name for method in report.methods]) if len(report.methods) > 1 else ""
    return f"<h2>Ranking and recognising</h2>{legend}<div class=pair>{''.join(figures)}</div>"


_SCORES_NOTE = (
    "Scores of each query with each individual compared (its best photo): the further the two "
    "curves lie apart, the surer an answer can be. Reliability: how often the first outcome, an "
    "individual or “new”, was true; on the dotted line probabilities are honest. Its bars are 95 % "
    "intervals as if queries were independent."
)


def _scores(method: MethodReport, numbers: _Numbers) -> str:
    drawn = [
        (charts.cumulative_scores(method), "cumulative distributions of the score"),
        (charts.score_histogram(method), "histograms of the score, each kind as its own shares"),
        (charts.reliability_diagram(method.reliability), "reliability"),
    ]
    there = [(svg, what) for svg, what in drawn if svg]
    told = "; ".join(what for _, what in there)
    caption = numbers.caption(f"{escaped(method.name)}: {told}.") if there else ""
    why = f"<p class=note>{uncalibrated(method)}</p>"
    return (
        f"<figure class=wide>{_legend(['same animal', 'other animals'])}"
        f"<div class=three>{''.join(svg for svg, _ in there)}</div>{caption}</figure>"
        f"{why if method.uncalibrated else ''}"
    )


def _failures(report: Report, failures: Mapping[str, Sequence[Failure]]) -> Iterator[str]:
    yield "<h2>Worst failures</h2>"
    yield (
        "<p class=note>Missed animals whose wrong answer stood out most, then new animals that "
        "looked known. Left the photo asked, right the animal it shows and the one found instead, "
        "each by its best photo; lines are matches that agree with one geometry.</p>"
    )
    for method in report.methods:
        own = failures.get(method.name, ())
        yield f"<h3>{escaped(method.name)}</h3>"
        if own:
            yield f"<div class=failures>{''.join(map(_failure, own))}</div>"
        else:
            yield "<p>None.</p>"


def _failure(failure: Failure) -> str:
    picture = "<p class=note>No picture can be drawn of it.</p>"
    if failure.picture:
        data = base64.b64encode(failure.picture).decode()
        picture = f'<img alt="{escaped(_told(failure))}" src="data:image/jpeg;base64,{data}">'
    return (
        f"<figure>{picture}<figcaption><b>{escaped(failure.query.path)}</b>: "
        f"{escaped(_told(failure))}</figcaption></figure>"
    )


def _told(failure: Failure) -> str:
    own, wrong = failure.answer.right, failure.answer.wrong
    found = (
        f"{wrong.individual} (score {wrong.score:.3g}{_chance(wrong.probability)})" if wrong else ""
    )
    if failure.novel:
        return f"a new animal, {failure.query.identity}, looked like {found}."
    if own is None:
        return f"{failure.query.identity} was not among those compared; found {found}."
    return (
        f"{failure.query.identity} came at rank {failure.rank} "
        f"(score {own.score:.3g}{_chance(own.probability)}); found {found}."
    )


def _chance(probability: float | None) -> str:
    return "" if probability is None else f", {100 * probability:.0f} %"


def _provenance(report: Report) -> Iterator[str]:
    machine = report.machine
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    yield "<h2>How this was measured</h2>"
    yield _list(
        {
            "Protocol": f"{report.protocol}, sha256 {report.protocol_sha256}",
            "Photos": report.photos,
            "resight": f"{report.version}, commit {report.commit or 'unknown (installed)'}",
            "Machine": f"{machine['cpu']}, {machine['cores']} cores, "
            f"{machine.get('memory_gb', '?')} GB, {machine['os']}",
            "Versions": versions,
        }
    )
    for method in report.methods:
        yield f"<h3>{escaped(method.name)}</h3>"
        yield _list(_settings(method))
    yield from _unreadable(report)


def _settings(method: MethodReport) -> dict[str, str]:
    weights = [row for row in WEIGHTS.values() if row.sha256 in method.fingerprint]
    return {
        "Effort, sides": f"{method.effort}, {method.side_policy}",
        "Precision": method.precision or "no networks",
        "Settings": ", ".join(f"{name}={value}" for name, value in method.settings.items()),
        "Weights": "; ".join(
            f"{row.name} ({row.licence}; {row.paper.authors} {row.paper.year}, {row.paper.title})"
            for row in weights
        )
        or "none",
        "Calibration": " ".join(filter(None, [method.calibration, method.uncalibrated])),
        "Fingerprint": method.fingerprint,
    }


def _unreadable(report: Report) -> Iterator[str]:
    problems = dict.fromkeys(
        f"{each.role} {each.path}: {each.reason}"
        for method in report.methods
        for each in method.unreadable
    )
    if problems:
        yield "<h3>Photos that could not be used</h3>"
        shown = "".join(f"<li>{escaped(each)}</li>" for each in list(problems)[:_UNREADABLE])
        rest = len(problems) - _UNREADABLE
        yield f"<ul>{shown}{f'<li>and {rest} more</li>' if rest > 0 else ''}</ul>"


def _list(values: Mapping[str, str]) -> str:
    rows = "".join(
        f"<dt>{escaped(name)}</dt><dd>{escaped(value)}</dd>" for name, value in values.items()
    )
    return f"<dl>{rows}</dl>"
