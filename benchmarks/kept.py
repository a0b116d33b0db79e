"""What a faster search keeps: the right first answers of one evaluation that another has too.

    resight evaluate P.csv --photos DIR --effort exhaustive --json all.json
    resight evaluate P.csv --photos DIR --effort normal --json normal.json
    python benchmarks/kept.py P.csv all.json normal.json ...

Of the queries whose animal the first evaluation ranks first, the share that each other one
ranks first, with a 95 % interval by bootstrap over individuals; beside it seconds per query
and photos matched in full.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from resight.evaluate import read_protocol

_DRAWS = 10_000


def kept(reference: list[int | None], other: list[int | None], who: list[str]) -> list[float]:
    """[share, low, high] of the reference's right answers that the other has."""
    by_individual: dict[str, list[bool]] = defaultdict(list)
    for first, second, name in zip(reference, other, who, strict=True):
        if first == 1:
            by_individual[name].append(second == 1)
    groups = list(by_individual.values())
    right = np.array([sum(group) for group in groups])
    count = np.array([len(group) for group in groups])
    drawn = np.random.default_rng(0).integers(len(groups), size=(_DRAWS, len(groups)))
    shares = right[drawn].sum(1) / count[drawn].sum(1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return [float(right.sum() / count.sum()), float(low), float(high)]


def methods_of(path: Path, protocol: Path) -> list[dict[str, Any]]:
    """The methods of a report, if it is one of this protocol."""
    report: dict[str, Any] = json.loads(path.read_text())
    queries = read_protocol(protocol).queries
    if report["queries"] != len(queries):
        raise SystemExit(f"{path} has {report['queries']} queries, {protocol} has {len(queries)}")
    return list(report["methods"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("protocol", type=Path)
    parser.add_argument("reference", type=Path)
    parser.add_argument("others", type=Path, nargs="+")
    arguments = parser.parse_args()
    who = [row.identity for row in read_protocol(arguments.protocol).queries]
    (reference,) = methods_of(arguments.reference, arguments.protocol)
    table = Table(title=f"Right answers of {reference['effort']} {reference['name']} kept")
    for column in ("", "side", "effort", "kept", "95 %", "top-1", "median s", "p95 s", "matched"):
        table.add_column(column, justify="left" if column in ("", "side", "effort") else "right")
    for path in (arguments.reference, *arguments.others):
        for method in methods_of(path, arguments.protocol):
            share, low, high = kept(reference["ranks"], method["ranks"], who)
            table.add_row(
                path.stem,
                method["side_policy"],
                method["effort"],
                f"{share:.3f}",
                f"{low:.3f} to {high:.3f}",
                f"{method['top1']:.3f}",
                f"{method['seconds_per_query_median']:.2f}",
                f"{method['seconds_per_query_p95']:.2f}",
                f"{method['pairs_matched_per_query']:.1f}",
            )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
