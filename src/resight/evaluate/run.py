"""Run methods over a protocol: every query against the gallery, one at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np

import resight
from resight.distributions import match_known_pairs
from resight.errors import PhotoError, ResightError, SettingsError
from resight.evaluate.figures import cost_figures, identification_figures
from resight.evaluate.gallery import MemoryGallery, read_chip
from resight.evaluate.journal import Journal, QueryResult
from resight.evaluate.machine import code_digest, commit, machine, peak_rss_mb
from resight.evaluate.protocol import EvaluationProtocol, Row, check_photos
from resight.evaluate.report import MethodReport, Report, Unreadable
from resight.identify import Identifier
from resight.learning import learn_from
from resight.method import Method, effort_for
from resight.scoring import CONFIDENCE_SCORES, DISTRIBUTION_SCORES, SCORE_NAMES
from resight.settings import Settings
from resight.types import Chip

#: Told what is under way, how many items of it are finished, and how many there are.
Progress = Callable[[str, int, int], None]


def evaluate(
    protocol: EvaluationProtocol,
    photos: Path,
    methods: Sequence[Method],
    settings: Settings,
    *,
    output: Optional[Path] = None,
    progress: Optional[Progress] = None,
) -> Report:
    """Figures of each method on a protocol whose paths start from ``photos``.

    ``settings`` are those that the methods were built from; of them side policy and
    effort are used here, and all are written into the report.

    ``output`` is the JSON file to write. Until that is done, finished queries
    are kept in ``OUTPUT.partial`` beside it: after an interruption the same call
    continues there, having described the gallery again.

    A photo that cannot be decoded is listed in the report and the rest goes on:
    as a query it is a miss, as a gallery photo it is not there to be found.

    Raises ``ProtocolError`` naming photos that do not exist, ``SettingsError``
    where a score cannot be had, two methods have one name, or the partial file is
    of another evaluation or in use by one, ``ResightError`` where the output
    cannot be written.
    """
    check_photos(protocol, photos)
    _check_names(methods)
    for method in methods:
        effort_for(method, settings.effort)
        _check_score(method)
    if output and output.is_dir():
        raise ResightError(f"cannot write {output}: it is a folder; name a file in it")
    revision, system = commit(), machine()
    partial = output.with_name(output.name + ".partial") if output else None
    journal = Journal(partial, _header(protocol, photos, methods, settings, system))
    with journal.open():
        run = _Run(protocol, photos, settings, journal, progress)
        report = Report(
            protocol=protocol.name,
            protocol_sha256=protocol.sha256,
            photos=str(photos),
            gallery=len(protocol.gallery),
            gallery_individuals=len({row.identity for row in protocol.gallery}),
            queries=len(protocol.queries),
            novel_queries=protocol.known.count(False),
            novel_though_in_gallery=protocol.novel_though_in_gallery,
            machine=system,
            commit=revision,
            version=resight.__version__,
            methods=tuple(run.report(method) for method in methods),
        )
        if output:
            report.write(output)
        journal.remove()
    return report


def _check_names(methods: Sequence[Method]) -> None:
    names = [method.name for method in methods]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"the method {name} is named twice; name each method once")


def _check_score(method: Method) -> None:
    """Try on a blank chip whether there are confidences, not after hours of describing."""
    if method.score not in CONFIDENCE_SCORES:
        return
    (blank,) = method.extractor.extract([Chip(np.zeros((64, 64, 3), np.uint8), np.eye(2, 3))])
    (matches,) = method.matcher.match(blank, [blank])
    if matches.confidences is None:
        others = [name for name in SCORE_NAMES if name not in CONFIDENCE_SCORES]
        raise SettingsError(
            f"{method.name} has no score {method.score!r}: its matcher gives no confidences; "
            f"use one of {', '.join(others)}"
        )


def _header(
    protocol: EvaluationProtocol,
    photos: Path,
    methods: Sequence[Method],
    settings: Settings,
    system: Mapping[str, Any],
) -> dict[str, Any]:
    """All that makes the figures: where any of it differs, it is another evaluation.

    Not the commit: what has not been committed is code too, and a commit of notes is not.
    """
    return {
        "protocol": protocol.sha256,
        "queries": len(protocol.queries),
        "photos": str(photos.resolve()),
        "methods": {method.name: method.fingerprint for method in methods},
        "settings": settings.model_dump(exclude={"method"}),
        "version": resight.__version__,
        "code": code_digest(),
        "cpu": system["cpu"],
        "versions": system["versions"],
    }


class _Run:
    """One protocol, ready to be run with one method after another."""

    def __init__(
        self,
        protocol: EvaluationProtocol,
        photos: Path,
        settings: Settings,
        journal: Journal,
        progress: Optional[Progress],
    ) -> None:
        self._protocol = protocol
        self._photos = photos
        self._settings = settings
        self._journal = journal
        self._progress = progress

    def report(self, method: Method) -> MethodReport:
        """Run one method, or what is left of it, and sum it up."""
        gallery = MemoryGallery(
            self._protocol.gallery,
            self._photos,
            method,
            lambda done, total: self._tell(f"{method.name}: gallery", done, total),
        )
        identifier = self._identifier(method, gallery)
        if identifier.effort.shortlisted is not None:
            identifier.shortlist()  # once for the gallery: it is no query's time
        results = self._results(identifier)
        queries = zip(self._protocol.queries, results, strict=True)
        unreadable = [
            Unreadable(row.path, row.role, result.problem)
            for row, result in queries
            if result.problem
        ]
        settings = self._settings.model_copy(update={"method": method.name})
        return MethodReport(
            name=method.name,
            fingerprint=identifier.fingerprint,
            effort=self._settings.effort,
            side_policy=self._settings.side_policy,
            score=method.score,
            settings=settings.model_dump(),
            precision=method.precision,
            novelty_auroc=None,
            novelty_accuracy=None,
            dir_at_fpir_10=None,
            ece=None,
            brier=None,
            extract_seconds_per_photo=gallery.extract_seconds,
            unreadable=(*gallery.unreadable, *unreadable),
            **identification_figures(self._protocol, results),
            **cost_figures(results),
        )

    def _results(self, identifier: Identifier) -> list[QueryResult]:
        queries, name = self._protocol.queries, identifier.method.name
        results = []
        for number, row in enumerate(queries):
            result = self._journal.get(name, number)
            if result is None:
                result = self._ask(identifier, row)
                self._journal.add(name, number, result)
            results.append(result)
            self._tell(f"{name}: queries", number + 1, len(queries))
        return results

    def _identifier(self, method: Method, gallery: MemoryGallery) -> Identifier:
        policy = self._settings.side_policy
        method = learn_from(gallery, method)
        known = None
        if method.score in DISTRIBUTION_SCORES:
            known = match_known_pairs(gallery, method, side_policy=policy)
        return Identifier(
            gallery=gallery,
            method=method,
            side_policy=policy,
            effort=self._settings.effort,
            known_pairs=known,
        )

    def _ask(self, identifier: Identifier, row: Row) -> QueryResult:
        started = time.perf_counter()
        try:
            chip, sha256 = read_chip(row, self._photos, identifier.method)
        except PhotoError as error:
            seconds = time.perf_counter() - started
            return QueryResult({}, 0, seconds, peak_rss_mb(), problem=str(error))
        answer = identifier.identify(chip, side=row.side, encounter=row.encounter, photo=sha256)
        return QueryResult(
            scores={each.individual: each.score for each in answer.candidates},
            pairs=answer.matched,
            seconds=time.perf_counter() - started,
            peak_rss_mb=peak_rss_mb(),
        )

    def _tell(self, stage: str, done: int, total: int) -> None:
        if self._progress:
            self._progress(stage, done, total)
