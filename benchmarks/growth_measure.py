"""What an identification costs, and finds, in galleries that grow.

    python -m benchmarks.growth --work DIR --photos DIR --protocol CSV
    python -m benchmarks.growth_measure --work DIR --photos DIR --protocol CSV \\
        [--sizes 1000 10000 100000] [--kinds drawn derived mixed] [--effort normal ...] \\
        [--queries 40] [--reference EXHAUSTIVE.json] [--json OUT.json]

Of each kind of distractors (``benchmarks.growth``) there are galleries of all sizes at once,
and each query is put to one after the other, in an order that turns: what else the machine does
hits all sizes alike. Seconds are those of decoding the photo, extraction and identification.

Exhaustive matching in 10,000 photos takes most of an hour for one query. So *kept* refers to
``--reference``, the exhaustive answers of the protocol's own gallery, which
``resight evaluate CSV --photos DIR --effort exhaustive --json EXHAUSTIVE.json`` wrote: of the asked
queries that it ranks right first, the share that is still right first among all
distractors, with a 95 % interval by bootstrap over individuals. That is the stricter
figure: in a larger gallery exhaustive matching too can only lose right answers.

The index (packed descriptors, votes) is made anew in ``--work``/index, and removed in the end:
at 100,000 photos it takes 14 GB. Its memory, the peak and the first answer are those of a process
of its own, for which the system most likely still has the index in RAM; in memory are the votes,
numbers of slots, and FAISS itself (some 20 MB).
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.growth import KINDS, gallery, growth_method, protocol_gallery
from benchmarks.growth_index import Measured, index_figures
from rich.console import Console
from rich.table import Table

from resight.evaluate.gallery import read_chip
from resight.evaluate.machine import commit, machine
from resight.evaluate.metrics import bootstrap_interval, rank_of
from resight.evaluate.protocol import EvaluationProtocol, read_protocol
from resight.identify import Gallery, Identifier
from resight.method import EFFORTS, Method

#: Distractors are of unknown side, so that every query meets them.
SIDE_POLICY = "same"
SEED = 1
_PATHS = ("work", "photos", "protocol")


@dataclass(frozen=True)
class SearchFigures:
    """Queries to a gallery; ``per_10x`` is the growth of the median from the size before.

    ``ranks`` of the right individuals and ``seconds`` are in the order of the queries.
    """

    kind: str
    size: int
    effort: str
    median: float
    p95: float
    per_10x: float | None
    top1: float
    kept: list[float] | None
    half_matched: float
    matched: float
    ranks: list[int | None]
    seconds: list[float]


def chosen_queries(protocol: EvaluationProtocol, count: int) -> list[int]:
    """Numbers of known queries: always the same ones of a protocol."""
    known = [number for number, known in enumerate(protocol.known) if known]
    drawn = np.random.default_rng(SEED).permutation(len(known))[:count]
    return [known[i] for i in drawn]


@dataclass
class Asked:
    """The answers of one gallery at one effort."""

    identifier: Identifier
    ranks: list[int | None]
    seconds: list[float]
    half_matched: list[int]
    matched: list[int]

    def ask(self, protocol: EvaluationProtocol, photos: Path, number: int) -> None:
        """One query, from the file to the answer."""
        row = protocol.queries[number]
        began = time.perf_counter()
        chip, _ = read_chip(row, photos, self.identifier.method)
        answer = self.identifier.identify(chip, side=row.side, encounter=row.encounter)
        self.seconds.append(time.perf_counter() - began)
        scores = {each.individual: each.score for each in answer.candidates}
        self.ranks.append(rank_of(row.identity, scores))
        self.half_matched.append(answer.half_matched)
        self.matched.append(answer.matched)


def search(
    made: dict[int, Measured],
    efforts: Sequence[str],
    protocol: EvaluationProtocol,
    photos: Path,
    numbers: Sequence[int],
    tell: Callable[[int], None],
) -> dict[tuple[int, str], Asked]:
    """Put each query to every size at every effort, beginning with another each time."""
    asked = {
        (size, effort): Asked(
            Identifier(
                gallery=each.gallery,
                method=each.method,
                side_policy=SIDE_POLICY,
                effort=effort,
                shortlist=each.shortlist,
            ),
            *([], [], [], []),
        )
        for size, each in made.items()
        for effort in efforts
    }
    for each in asked.values():  # the first meets cold caches: it does not count
        Asked(each.identifier, [], [], [], []).ask(protocol, photos, numbers[0])
    turns = list(asked.values())
    for done, number in enumerate(numbers):
        for each in (*turns[done % len(turns) :], *turns[: done % len(turns)]):
            each.ask(protocol, photos, number)
        tell(done + 1)
    return asked


def figures_of(
    kind: str,
    asked: dict[tuple[int, str], Asked],
    who: list[str],
    reference: list[int | None] | None,
) -> Iterator[SearchFigures]:
    """One row for each effort and size, the sizes of an effort one after the other."""
    before: dict[str, tuple[int, float]] = {}
    for size, effort in sorted(asked, key=lambda key: (list(EFFORTS).index(key[1]), key[0])):
        each = asked[size, effort]
        median = float(np.median(each.seconds))
        smaller, fewer = before.get(effort, (size, median))
        before[effort] = size, median
        yield SearchFigures(
            kind=kind,
            size=size,
            effort=effort,
            median=median,
            p95=float(np.percentile(each.seconds, 95)),
            per_10x=(median / fewer) ** (1 / math.log10(size / smaller))
            if smaller < size
            else None,
            top1=each.ranks.count(1) / len(each.ranks),
            kept=kept_share(reference, each.ranks, who) if reference else None,
            half_matched=float(np.mean(each.half_matched)),
            matched=float(np.mean(each.matched)),
            ranks=each.ranks,
            seconds=each.seconds,
        )


def kept_share(
    reference: list[int | None], other: list[int | None], who: list[str]
) -> list[float] | None:
    """[share, low, high] of the reference's right answers that the other has."""
    right = [number for number, rank in enumerate(reference) if rank == 1]
    same = [float(other[number] == 1) for number in right]
    limits = bootstrap_interval(same, [who[number] for number in right])
    return [sum(same) / len(same), *limits] if limits else None


def reference_ranks(path: Path, protocol: Path, numbers: Sequence[int]) -> list[int | None]:
    """Exhaustive ranks of these queries."""
    report = json.loads(path.read_text())
    (method,) = report["methods"]
    if report["protocol_sha256"] != read_protocol(protocol).sha256:
        raise SystemExit(f"{path} is not an evaluation of {protocol}")
    if (method["effort"], method["side_policy"]) != ("exhaustive", SIDE_POLICY):
        raise SystemExit(
            f"{path} is of effort {method['effort']}, side {method['side_policy']}: a reference is "
            f"of effort exhaustive, side {SIDE_POLICY}"
        )
    return [method["ranks"][number] for number in numbers]


def measure(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Measure kind after kind; after each, all so far is written to ``--json``."""
    protocol, method = read_protocol(arguments.protocol), growth_method()
    numbers = chosen_queries(protocol, arguments.queries)
    reference = (
        reference_ranks(arguments.reference, arguments.protocol, numbers)
        if arguments.reference
        else None
    )
    base = protocol_gallery(protocol, arguments.photos, arguments.work, method, console)
    report: dict[str, Any] = {
        "commit": commit(),
        "machine": machine(),
        "method": method.fingerprint,
        "protocol_sha256": protocol.sha256,
        "queries": numbers,
        "reference_right": reference and reference.count(1),
        "distinct": arguments.rows or arguments.count // 2,
        "search": [],
        "index": [],
    }
    for kind in arguments.kinds:
        made = indexes(kind, base, method, arguments, console)
        tell = partial(console.print, f"{kind}: queries asked:")
        asked = search(made, arguments.effort, protocol, arguments.photos, numbers, tell)
        who = [protocol.queries[number].identity for number in numbers]
        report["search"] += map(asdict, figures_of(kind, asked, who, reference))
        for size, each in made.items():
            question = {"kind": kind, "size": size, "index": str(each.folder), "query": numbers[0]}
            question |= {name: str(getattr(arguments, name)) for name in _PATHS}
            question |= {"count": arguments.count, "rows": arguments.rows}
            question |= {"effort": arguments.effort[0]}
            report["index"].append(asdict(index_figures(kind, each, question)))
        shutil.rmtree(arguments.work / "index")
        if arguments.json:
            arguments.json.write_text(json.dumps(report, indent=1))
    return report


def indexes(
    kind: str, base: Gallery, method: Method, arguments: argparse.Namespace, console: Console
) -> dict[int, Measured]:
    """Galleries of all sizes with their indexes, made anew."""
    folder = arguments.work / "index"
    shutil.rmtree(folder, ignore_errors=True)
    made = {}
    for size in sorted(arguments.sizes):
        console.print(f"{kind}: index of {size:,} photos")
        grown = gallery(
            base,
            kind,
            size,
            work=arguments.work,
            count=arguments.count,
            rows=arguments.rows,
            method=method,
        )
        made[size] = Measured(grown, method, folder / str(size))
    return made


def tables(report: dict[str, Any]) -> Iterator[Table]:
    """What was found and how long it took; what the index takes."""
    searched = Table(title=f"{len(report['queries'])} queries")
    for column in ("kind", "photos", "effort", "median s", "p95 s", "per 10x", "top-1"):
        searched.add_column(column, justify="left" if column in ("kind", "effort") else "right")
    for column in ("kept", "95 %", "screened", "matched"):
        searched.add_column(column, justify="right")
    for row in report["search"]:
        share = row["kept"]
        searched.add_row(
            *(row["kind"], f"{row['size']:,}", row["effort"]),
            *(f"{row['median']:.2f}", f"{row['p95']:.2f}"),
            f"{row['per_10x']:.2f}" if row["per_10x"] else "",
            f"{row['top1']:.3f}",
            *((f"{share[0]:.3f}", f"{share[1]:.2f} to {share[2]:.2f}") if share else ("", "")),
            *(f"{row['half_matched']:.1f}", f"{row['matched']:.1f}"),
        )
    yield searched
    index = Table(title="index")
    columns = "kind photos packed/s indexed/s add remove packed votes memory peak first"
    for column in columns.split():
        index.add_column(column, justify="left" if column == "kind" else "right")
    for row in report["index"]:
        votes = row["votes_per_second"]
        index.add_row(
            *(row["kind"], f"{row['size']:,}", f"{row['pack_per_second']:.0f}"),
            "" if votes is None else f"{votes:.0f}",
            *(f"{row['add_ms']:.1f} ms", f"{row['remove_ms']:.1f} ms"),
            *(f"{row[name]:,.0f} B" for name in ("packed_bytes", "votes_bytes", "memory_bytes")),
            *(f"{row['peak_rss_mb']:.0f} MB", f"{row['first_answer_seconds']:.1f} s"),
        )
    yield index


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    for name in _PATHS:
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--rows", type=int, help="distinct photos of a kind, if not all are done")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--effort", nargs="+", choices=EFFORTS, default=["normal"])
    parser.add_argument("--queries", type=int, default=40)
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--json", type=Path)
    console = Console(width=120)
    for table in tables(measure(parser.parse_args(), console)):
        console.print(table)


if __name__ == "__main__":
    main()
