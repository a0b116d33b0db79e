"""A report of queries that nobody asked, with all that a page can show."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from resight.evaluate import EvaluationProtocol, MethodReport, Report, Unreadable
from resight.evaluate.answers import answer_of, query_rows, score_samples
from resight.evaluate.calibrated import novelty_figures, probability_figures
from resight.evaluate.figures import cost_figures, identification_figures
from resight.evaluate.journal import QueryResult
from resight.evaluate.protocol import Row

MACHINE = {"cpu": "A processor", "cores": 2, "os": "An OS", "versions": {"python": "3.11"}}


def made_up_protocol(
    animals: int = 30, queries: int = 120, novel: int = 40, name: str = "Animal"
) -> EvaluationProtocol:
    gallery = [Row(n + 2, f"{n}.png", "gallery", f"{name} {n}") for n in range(animals)]
    asked = [
        Row(1000 + n, f"q{n}.png", "query", f"{name} {n % animals if n >= novel else 900 + n}")
        for n in range(queries)
    ]
    return EvaluationProtocol("made-up.csv", "0" * 64, tuple(gallery), tuple(asked))


def made_up_results(
    protocol: EvaluationProtocol, strength: float, *, calibrated: bool, seed: int = 0
) -> list[QueryResult]:
    """Scores of strangers are exponential, those of the own animal ``strength`` times that."""
    random = np.random.default_rng(seed)
    results = []
    for row, known in zip(protocol.queries, protocol.known, strict=True):
        scores = {
            each.identity: float(random.exponential(4) + random.random())
            for each in protocol.gallery
        }
        if known:
            scores[row.identity] += float(random.exponential(4 * strength))
        lines = {each.identity: each.line for each in protocol.gallery}
        chances, new = None, None
        if calibrated:
            weights = {name: float(np.exp(min(score / 3, 40))) for name, score in scores.items()}
            total = sum(weights.values()) + 3000
            chances = {name: weight / total for name, weight in weights.items()}
            new = 3000 / total
        seconds = 0.2 + float(random.random())
        results.append(QueryResult(scores, lines, len(scores), seconds, 300.0, chances, new))
    return results


def made_up_method(
    name: str,
    protocol: EvaluationProtocol,
    results: Sequence[QueryResult],
    *,
    prior: float | None = None,
    unreadable: Sequence[Unreadable] = (),
) -> MethodReport:
    rows = zip(protocol.queries, protocol.known, results, strict=True)
    answers = tuple(answer_of(*row) for row in rows)
    ranked = identification_figures(protocol, results)
    right, wrong = score_samples(protocol, results)
    return MethodReport(
        name=name,
        fingerprint=f"{name}(weights=5be8704840ed662d9d8c561bf7279c222092674e7eb05fd0feab94899e9d82f2)",
        effort="normal",
        side_policy="compatible",
        score="sum",
        settings={"method": name, "max_keypoints": 512},
        precision="bf16",
        calibration=None if prior is None else "calibration.v1",
        new_prior=prior,
        uncalibrated="too few animals" if prior is None else "",
        extract_seconds_per_photo=0.1,
        unreadable=tuple(unreadable),
        right_scores=right,
        wrong_scores=wrong,
        answers=answers,
        **ranked,
        **cost_figures(results),
        **novelty_figures(query_rows(protocol), answers, ranked["ranks"], prior),
        **probability_figures(protocol, results, prior),
    )


def made_up_report(protocol: EvaluationProtocol, methods: Sequence[MethodReport]) -> Report:
    return Report(
        protocol=protocol.name,
        protocol_sha256=protocol.sha256,
        photos="photos",
        gallery=len(protocol.gallery),
        gallery_individuals=len({row.identity for row in protocol.gallery}),
        queries=len(protocol.queries),
        novel_queries=protocol.known.count(False),
        novel_though_in_gallery=protocol.novel_though_in_gallery,
        machine=MACHINE,
        commit=None,
        version="0.1",
        query_rows=query_rows(protocol),
        methods=tuple(methods),
    )


@cache
def three_methods() -> Report:
    """A good, a fair and an uncalibrated poor one."""
    protocol = made_up_protocol()
    methods = [
        made_up_method(
            name,
            protocol,
            made_up_results(protocol, strength, calibrated=prior is not None, seed=seed),
            prior=prior,
        )
        for seed, (name, strength, prior) in enumerate(
            [
                ("aliked-n16+lightglue", 20, 0.4),
                ("xfeat+lighterglue", 6, 0.4),
                ("orb+nearest", 2, None),
            ]
        )
    ]
    return made_up_report(protocol, methods)
