"""The command that measures methods."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from resight.cli.options import HERE, CatalogueFolder, Effort, Quiet, Set, effort_of
from resight.cli.output import Column, ExitCode, Output, count, stopped, to_stderr

if TYPE_CHECKING:
    from resight.evaluate import EvaluationProtocol, MethodReport, Report

#: Missed queries printed; more are counted.
_MISSED = 10
#: Methods printed beside each other; more have a row each, with these figures.
_BESIDE = 3
_BRIEFLY = ("Top 1", "Top 3", "Top 5", "MRR", "Seconds a query")


def evaluate(
    protocol: Annotated[
        Path, typer.Argument(metavar="PROTOCOL.csv", help="Who is the truth in which photo.")
    ],
    photos: Annotated[
        Path,
        typer.Option("--photos", metavar="DIR", help="Folder the protocol's paths start from."),
    ],
    json: Annotated[
        Optional[Path],
        typer.Option(
            "--json", metavar="OUT.json", help="Write all figures to a file.", show_default=False
        ),
    ] = None,
    report: Annotated[
        Optional[Path],
        typer.Option(
            "--report",
            metavar="DIR",
            help="Write a page with charts and the worst failures to this folder; "
            "without --json the figures too.",
            show_default=False,
        ),
    ] = None,
    method: Annotated[
        Optional[list[str]],
        typer.Option(
            "--method",
            metavar="NAME",
            help="Extractor+matcher, such as sift+nearest; may be repeated.",
            show_default=False,
        ),
    ] = None,
    effort: Effort = "",
    limit: Annotated[
        Optional[int],
        typer.Option(metavar="N", help="Ask the first N queries only.", min=1, show_default=False),
    ] = None,
    side: Annotated[
        str,
        typer.Option(
            metavar="same|compatible|any",
            help="Which gallery photos a query meets; compatible if not set.",
            show_default=False,
        ),
    ] = "",
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate/--no-calibration",
            help="Learn probabilities from the gallery first, which takes as long as up to 400 "
            "queries.",
        ),
    ] = True,
    set_: Set = None,
    catalogue: CatalogueFolder = HERE,
    quiet: Quiet = False,
) -> None:
    """Measure how often methods find the right animal, on photos whose animals are known.

    The protocol has the columns path, role (gallery or query), identity, side,
    encounter, date, x, y, w, h. A query never meets photos of its own encounter.
    After Ctrl-C the same command continues, if --json or --report was given.

    Examples:
      resight evaluate turtles.csv --photos photos/ --report sift --method sift+nearest
      resight evaluate turtles.csv --photos photos/ --json out.json

    Next: open sift/report.html; try another --method or --set max_keypoints=512
    """
    from resight.evaluate import evaluate as run
    from resight.evaluate import read_protocol
    from resight.registry import build_method
    from resight.report import write_report
    from resight.settings import load_settings

    out = Output(quiet=quiet)
    chosen = {"side_policy": side, "effort": effort_of(effort)}
    assignments = [*(set_ or ()), *(f"{name}={value}" for name, value in chosen.items() if value)]
    values = load_settings(assignments, catalogue=catalogue)
    wanted = read_protocol(protocol)
    if limit is not None:
        wanted = wanted.limited(limit)
    methods = [build_method(name, values) for name in method or [values.method]]
    if report and not json:
        json = report / "report.json"
    if json and json.exists() and json.samefile(protocol):
        raise typer.BadParameter(f"--json names the protocol itself, {protocol}: name another file")
    if json:
        _tell_what_is_there(out, json)
    figures = None
    try:
        with out.progress("Evaluating") as step:

            def tell(what: str, done: int, total: int) -> None:
                step(done, total, what)

            figures = run(
                wanted, photos, methods, values, calibrate=calibrate, output=json, progress=tell
            )
            methods = [each for each in methods if each.name not in figures.left_out]
            page = write_report(figures, wanted, photos, methods, report, tell) if report else None
    except KeyboardInterrupt:
        raise stopped(_kept(json, whole=figures is not None)) from None
    _print(out, figures)
    if len(figures.methods) <= _BESIDE:
        for each in figures.methods:
            _print_missed(out, wanted, each)
    for path in (json, page):
        if path:
            out.note(f"wrote {path}")
    problems = [problem for each in figures.methods for problem in each.unreadable]
    for problem in dict.fromkeys((each.path, each.role, each.reason) for each in problems):
        to_stderr(f"bad: {problem[1]} photo {problem[0]}: {problem[2]}")
    for name, why in figures.left_out.items():
        to_stderr(f"left out: {name}: {why}")
    if problems or figures.left_out:
        raise typer.Exit(ExitCode.PARTLY)


def _kept(json: Optional[Path], *, whole: bool) -> str:
    if json is None:
        return "nothing was kept; with --json OUT.json it can be"
    if whole:
        return f"all is measured and in {json}; the page is not written"
    return f"finished queries are kept beside {json}; the same command continues"


def _tell_what_is_there(out: Output, json: Path) -> None:
    """Say whether this begins anew or continues; ``evaluate`` refuses a foreign partial file."""
    partial = json.with_name(json.name + ".partial")
    try:
        kept = partial.read_bytes().count(b"\n") - 1  # the first line pins what is measured
    except FileNotFoundError:
        kept = 0
    if kept > 0:
        out.note(f"{count(kept, 'query', 'queries')} kept from {partial}: going on from there")
    if json.exists():
        again = "" if kept > 0 else "all is measured again, and then "
        out.note(f"{json} is of an earlier run: {again}it is replaced")


def _print(out: Output, report: Report) -> None:
    out.say(
        f"{report.protocol}: {count(report.gallery, 'gallery photo')} of "
        f"{count(report.gallery_individuals, 'individual')}, "
        f"{count(report.queries, 'query', 'queries')}, {report.novel_queries} of them novel"
    )
    known = report.queries - report.novel_queries
    if len(report.methods) > _BESIDE:
        out.table(
            [Column("Method", fold=True), *(Column(name, right=True) for name in _BRIEFLY)],
            [(each.name, *_briefly(each)) for each in report.methods],
        )
        return
    figures = [dict(_figures(each, known)) for each in report.methods]
    out.table(
        [Column(""), *(Column(each.name, right=True, fold=True) for each in report.methods)],
        [(figure, *(of[figure] for of in figures)) for figure in figures[0]],
    )


def _briefly(each: MethodReport) -> Iterator[str]:
    """The figures of ``_BRIEFLY``."""
    for share in (each.top1, each.top3, each.top5):
        yield "–" if share is None else f"{100 * share:.1f} %"
    yield _number(each.mrr, 3)
    yield _number(each.seconds_per_query_median, 2)


def _number(value: Optional[float], digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _figures(each: MethodReport, known: int) -> Iterator[tuple[str, str]]:
    """Figures by name; ``known`` queries are those that shares are of."""
    interval = each.top1_ci95
    yield "Top 1", _share(each, 1, known)
    yield (
        "  95 % interval",
        "–" if interval is None else f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f} %",
    )
    for k in (3, 5, 10):
        yield f"Top {k}", _share(each, k, known)
    yield "MRR", _number(each.mrr, 3)
    yield "Seconds a query", _number(each.seconds_per_query_median, 2)


def _share(each: MethodReport, k: int, known: int) -> str:
    if not known:
        return "–"
    right = sum(rank is not None and rank <= k for rank in each.ranks)
    return f"{right} of {known}  {100 * right / known:5.1f} %"


def _print_missed(out: Output, protocol: EvaluationProtocol, each: MethodReport) -> None:
    """The known queries whose individual does not come first."""
    missed = [
        (row.path, row.identity, "not found" if rank is None else f"rank {rank}")
        for row, known, rank in zip(protocol.queries, protocol.known, each.ranks, strict=True)
        if known and rank != 1
    ]
    if not missed:
        return
    out.say()
    out.say(f"Missed by {each.name}:")
    out.table(
        [Column("Query", fold=True), Column("Shows", fold=True), Column("Found at")],
        missed[:_MISSED],
    )
    if len(missed) > _MISSED:
        out.say(f"… and {count(len(missed) - _MISSED, 'other')}; the ranks in the JSON file tell")
