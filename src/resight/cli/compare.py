"""The command that tells better methods from luckier ones."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from resight.cli.options import AsJson, Quiet
from resight.cli.output import Column, Output, count

if TYPE_CHECKING:
    from resight.evaluate.compare import Comparison

_NAMES = {"top1": "Top 1", "top3": "Top 3", "top5": "Top 5", "mrr": "MRR"}
_NAMES["novelty_auroc"] = "New or known: AUROC"


def compare(
    reports: Annotated[
        list[Path], typer.Argument(metavar="A.json [B.json …]", help="Files of `evaluate --json`.")
    ],
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say which differences between methods are more than chance.

    The first method of the first file is the reference; every other one, of this file and
    the others, is compared with it query by query, over the queries both were asked.

    Examples:
      resight compare sift.json aliked.json
      resight compare exhaustive.json normal.json quick.json --json

    Next: resight evaluate P.csv --photos DIR --report DIR, for the worst failures
    """
    from resight.evaluate.compare import compare as compare_runs
    from resight.evaluate.compare import read_runs

    out = Output(quiet=quiet, as_json=as_json)
    runs = [run for path in reports for run in read_runs(path)]
    if len(runs) < 2:
        raise typer.BadParameter(
            f"{reports[0]} has {count(len(runs), 'method')}: name another file to compare with"
        )
    reference, *others = runs
    found = compare_runs(reference, others)
    out.json([asdict(each) for each in found])
    for each in found:
        _print(out, each)


def _print(out: Output, each: Comparison) -> None:
    out.say(f"Reference: {each.reference}")
    out.say(f"Other:     {each.other}")
    kept = "" if each.kept is None else f"; {100 * each.kept:.1f} % of its right answers are kept"
    out.say(
        f"{count(each.queries, 'common query', 'common queries')}, {each.known} of known animals: "
        f"{each.only_reference} right in the reference only, {each.only_other} in the other only "
        f"(McNemar p = {each.mcnemar:.2g}){kept}{_interval(each.kept_ci95)}"
    )
    columns = ("Reference", "Other", "Difference", "95 % interval", "p")
    out.table(
        [Column(""), *(Column(title, right=True) for title in columns), Column("")],
        [
            (
                _NAMES[difference.figure],
                f"{difference.reference:.3f}",
                f"{difference.other:.3f}",
                f"{difference.difference:+.3f}",
                "–"
                if difference.ci95 is None
                else f"{difference.ci95[0]:+.3f} to {difference.ci95[1]:+.3f}",
                f"{difference.p_adjusted:.2g}",
                "significant" if difference.significant else "may be chance",
            )
            for difference in each.differences
        ],
    )
    if each.seconds_reference and each.seconds_other:
        out.say(f"Seconds a query: {each.seconds_reference:.2f} and {each.seconds_other:.2f}")
    out.say()


def _interval(ci95: Optional[tuple[float, float]]) -> str:
    return "" if ci95 is None else f" (95 %: {100 * ci95[0]:.1f} to {100 * ci95[1]:.1f})"
