"""The command that measures methods."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from resight.cli.options import HERE, CatalogueFolder, Quiet, Set
from resight.cli.output import Column, ExitCode, Output, count, stopped, to_stderr

if TYPE_CHECKING:
    from resight.evaluate import MethodReport, Report

_EFFORTS = ("quick", "normal", "thorough", "exhaustive")


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
    method: Annotated[
        Optional[list[str]],
        typer.Option(
            "--method",
            metavar="NAME",
            help="Extractor+matcher, such as sift+nearest; may be repeated.",
            show_default=False,
        ),
    ] = None,
    effort: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="How much is compared; this release knows exhaustive only."
        ),
    ] = "exhaustive",
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
    set_: Set = None,
    catalogue: CatalogueFolder = HERE,
    quiet: Quiet = False,
) -> None:
    """Measure how often methods find the right animal, on photos whose animals are known.

    The protocol has the columns path, role (gallery or query), identity, side,
    encounter, date, x, y, w, h. A query never meets photos of its own encounter.
    After Ctrl-C the same command continues, if --json was given.

    Example:
      resight evaluate turtles.csv --photos photos/ --json out.json --method sift+nearest

    Next: read out.json; try another --method or --set max_keypoints=512
    """
    from resight.evaluate import evaluate as run
    from resight.evaluate import read_protocol
    from resight.registry import build_method
    from resight.settings import load_settings

    if effort not in _EFFORTS:
        raise typer.BadParameter(f"--effort {effort!r} is not one of {', '.join(_EFFORTS)}")
    if effort != "exhaustive":
        raise typer.BadParameter(
            f"--effort {effort} needs a shortlist, which this release does not have: "
            "use --effort exhaustive"
        )
    out = Output(quiet=quiet)
    assignments = [*(set_ or ()), *([f"side_policy={side}"] if side else ())]
    values = load_settings(assignments, catalogue=catalogue)
    wanted = read_protocol(protocol)
    if limit is not None:
        wanted = wanted.limited(limit)
    methods = [build_method(name, values) for name in method or [values.method]]
    try:
        with out.progress("Evaluating") as step:
            report = run(
                wanted,
                photos,
                methods,
                values,
                output=json,
                progress=lambda what, done, total: step(done, total, what),
            )
    except KeyboardInterrupt:
        kept = f"finished queries are kept beside {json}; the same command continues"
        raise stopped(
            kept if json else "nothing was kept; with --json OUT.json it can be"
        ) from None
    _print(out, report)
    if json:
        out.note(f"wrote {json}")
    problems = [problem for each in report.methods for problem in each.unreadable]
    for problem in dict.fromkeys((each.path, each.role, each.reason) for each in problems):
        to_stderr(f"bad: {problem[1]} photo {problem[0]}: {problem[2]}")
    if problems:
        raise typer.Exit(ExitCode.PARTLY)


def _print(out: Output, report: Report) -> None:
    out.say(
        f"{report.protocol}: {count(report.gallery, 'gallery photo')} of "
        f"{count(report.gallery_individuals, 'individual')}, "
        f"{count(report.queries, 'query', 'queries')}, {report.novel_queries} of them novel"
    )
    out.table(
        [
            Column("Method", fold=True),
            Column("Top 1", right=True),
            Column("95 % interval", right=True),
            Column("Top 3", right=True),
            Column("Top 5", right=True),
            Column("Top 10", right=True),
            Column("MRR", right=True),
            Column("s/query", right=True),
        ],
        [_row(each) for each in report.methods],
    )


def _row(each: MethodReport) -> tuple[str, ...]:
    interval = each.top1_ci95
    return (
        each.name,
        _percent(each.top1),
        "" if interval is None else f"{100 * interval[0]:.1f}–{100 * interval[1]:.1f}",
        _percent(each.top3),
        _percent(each.top5),
        _percent(each.top10),
        "–" if each.mrr is None else f"{each.mrr:.3f}",
        "–" if each.seconds_per_query_median is None else f"{each.seconds_per_query_median:.2f}",
    )


def _percent(share: Optional[float]) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
