"""Run methods over a protocol: every query against the gallery, one at a time."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np

import resight
from resight.calibration import Calibration, prior_for
from resight.calibration.trials import CATALOGUE
from resight.distributions import match_known_pairs
from resight.errors import CalibrationError, PhotoError, ResightError, SettingsError
from resight.evaluate.answers import answer_of, query_rows, score_samples
from resight.evaluate.calibrated import novelty_figures, probability_figures
from resight.evaluate.figures import cost_figures, identification_figures
from resight.evaluate.gallery import MemoryGallery, photo_of, read_chip
from resight.evaluate.journal import Journal, QueryResult
from resight.evaluate.machine import commit, machine, peak_rss_mb
from resight.evaluate.protocol import EvaluationProtocol, Row, check_photos
from resight.evaluate.report import MethodReport, Report, Unreadable
from resight.fingerprints import code_digest
from resight.identify import Identifier
from resight.learning import learn
from resight.method import Method, effort_for
from resight.scoring import CONFIDENCE_SCORES, DISTRIBUTION_SCORES, SCORE_NAMES
from resight.settings import Settings
from resight.teaching import taught_by
from resight.types import Chip, Identification

#: Told what is under way, how many items of it are finished, and how many there are.
Progress = Callable[[str, int, int], None]


def evaluate(
    protocol: EvaluationProtocol,
    photos: Path,
    methods: Sequence[Method],
    settings: Settings,
    *,
    calibrate: bool = True,
    output: Optional[Path] = None,
    progress: Optional[Progress] = None,
) -> Report:
    """Figures of each method on a protocol whose paths start from ``photos``.

    ``settings`` are those that the methods were built from; of them side policy and
    effort are used here, and all are written into the report.

    With ``calibrate``, probabilities are learned first by asking the gallery about its own photos,
    if it holds enough animals seen in two encounters; that takes as long as up to 400 queries.

    ``output`` is the JSON file to write. Until that is done, finished queries
    are kept in ``OUTPUT.partial`` beside it, and what was learned in ``OUTPUT.partial.*.trials``:
    after an interruption the same call continues there, having described the gallery again.

    Of several methods one that the gallery cannot teach is left out, and the report says why.
    A photo that cannot be decoded, or asked about (``TooLittleLearned``), is listed in the report
    and the rest goes on: as a query it is a miss, as a gallery photo it is not there to be found.

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
    header = _header(protocol, photos, methods, settings, system)
    journal = Journal(partial, {**header, "calibrate": calibrate})
    with journal.open():
        run = _Run(protocol, photos, settings, calibrate, partial, journal, progress)
        reports, left_out = _all_that_can(run, methods)
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
            query_rows=query_rows(protocol),
            methods=reports,
            left_out=left_out,
        )
        if output:
            report.write(output)
        journal.remove()
        for method in methods:
            if partial:
                trials = _trials_file(partial, method.name)
                trials.unlink(missing_ok=True)
                trials.with_name(f"{trials.name}.lock").unlink(missing_ok=True)
    return report


def _all_that_can(
    run: _Run, methods: Sequence[Method]
) -> tuple[tuple[MethodReport, ...], dict[str, str]]:
    """What was measured of each method, and by name why others could not be."""
    reports: list[MethodReport] = []
    left_out: dict[str, str] = {}
    for method in methods:
        gallery = run.gallery(method)
        try:
            identifier = run.identifier(method, gallery)
        except SettingsError as error:  # the gallery has too little to teach it
            left_out[method.name] = str(error)
            if len(left_out) == len(methods):
                raise
        else:
            reports.append(run.report(identifier, gallery))
    return tuple(reports), left_out


def _trials_file(partial: Path, method: str) -> Path:
    """Where what was learned for a method is kept until the evaluation is done."""
    return partial.with_name(f"{partial.name}.{re.sub(r'[^A-Za-z0-9+.-]', '_', method)}.trials")


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
        calibrate: bool,
        partial: Optional[Path],
        journal: Journal,
        progress: Optional[Progress],
    ) -> None:
        self._protocol = protocol
        self._photos = photos
        self._settings = settings
        self._calibrate = calibrate
        self._partial = partial
        self._journal = journal
        self._progress = progress

    def gallery(self, method: Method) -> MemoryGallery:
        """The protocol's gallery, described by a method."""
        return MemoryGallery(
            self._protocol.gallery,
            self._photos,
            method,
            lambda done, total: self._tell(f"{method.name}: gallery", done, total),
        )

    def report(self, identifier: Identifier, gallery: MemoryGallery) -> MethodReport:
        """Run one method, or what is left of it, and sum it up."""
        method = identifier.method
        uncalibrated = self._learn(identifier)
        calibration = identifier.calibration
        if not identifier.effort.matches_all:
            # Once for the gallery: it is no query's time.
            identifier.shortlist(lambda stage, *step: self._tell(f"{method.name}: {stage}", *step))
        results = self._results(identifier, gallery)
        settings = self._settings.model_copy(update={"method": method.name})
        return MethodReport(
            name=method.name,
            fingerprint=identifier.fingerprint,
            effort=self._settings.effort,
            side_policy=self._settings.side_policy,
            score=method.score,
            settings=settings.model_dump(),
            precision=method.precision,
            calibration=calibration.trials.digest if calibration else None,
            new_prior=calibration.new_prior if calibration else None,
            uncalibrated=uncalibrated,
            extract_seconds_per_photo=gallery.extract_seconds,
            unreadable=(*gallery.unreadable, *_unreadable(self._protocol, results)),
            **self._figures(results, calibration.new_prior if calibration else None),
        )

    def _figures(self, results: Sequence[QueryResult], prior: Optional[float]) -> dict[str, Any]:
        """All that follows from what became of each query; ``prior`` of "new", if calibrated."""
        protocol = self._protocol
        rows = zip(protocol.queries, protocol.known, results, strict=True)
        answers = tuple(answer_of(row, known, result) for row, known, result in rows)
        ranked = identification_figures(protocol, results)
        right, wrong = score_samples(protocol, results)
        return {
            **ranked,
            **cost_figures(results),
            **novelty_figures(query_rows(protocol), answers, ranked["ranks"], prior),
            **probability_figures(protocol, results, prior),
            "right_scores": right,
            "wrong_scores": wrong,
            "answers": answers,
        }

    def _results(self, identifier: Identifier, gallery: MemoryGallery) -> list[QueryResult]:
        queries, name = self._protocol.queries, identifier.method.name
        results = []
        for number, row in enumerate(queries):
            result = self._journal.get(name, number)
            if result is None:
                result = self._ask(identifier, gallery, row)
                self._journal.add(name, number, result)
            results.append(result)
            self._tell(f"{name}: queries", number + 1, len(queries))
        return results

    def identifier(self, method: Method, gallery: MemoryGallery) -> Identifier:
        """What searches the gallery, by which the method was taught. Raises ``SettingsError``."""
        policy = self._settings.side_policy
        method = taught_by(gallery, method)
        known = None
        if method.score in DISTRIBUTION_SCORES:
            known = match_known_pairs(gallery, method, side_policy=policy)
        return Identifier(
            gallery=gallery,
            method=method,
            side_policy=policy,
            effort=self._settings.effort,
            known_pairs=known,
            chips=gallery.chip,
        )

    def _learn(self, identifier: Identifier) -> str:
        """Let it give probabilities; why not of this gallery, empty if they are.

        Then they are those that ``resight identify`` would give: of drawn animals, if there are
        any for this method.
        """
        if not self._calibrate:
            return "none were asked for"
        odds = {
            "new_prior": self._settings.new_prior,
            "wanted_error": self._settings.wanted_error,
        }
        name = identifier.method.name
        try:
            trials = learn(
                identifier,
                journal=_trials_file(self._partial, name) if self._partial else None,
                pinned=self._journal.pinned,
                progress=lambda done, total: self._tell(f"{name}: learning", done, total),
            )
            calibration = Calibration(trials, **odds)
            of_photos = {row.path: photo_of(row, self._photos) for row in self._protocol.queries}
            for side, encounter, photo in sorted(
                {(row.side, row.encounter, of_photos[row.path]) for row in self._protocol.queries}
            ):
                calibration.check(side=side, encounter=encounter, photo=photo)
        except CalibrationError as error:
            drawn = prior_for(identifier.method, identifier.effort)
            identifier.calibration = Calibration(drawn, **odds) if drawn else None
            return str(error)
        identifier.calibration = calibration
        return "" if trials.origin == CATALOGUE else calibration.basis()

    def _ask(self, identifier: Identifier, gallery: MemoryGallery, row: Row) -> QueryResult:
        started = time.perf_counter()
        try:
            chip, sha256 = read_chip(row, self._photos, identifier.method)
            answer = identifier.identify(chip, side=row.side, encounter=row.encounter, photo=sha256)
        except PhotoError as error:
            seconds = time.perf_counter() - started
            return QueryResult({}, {}, 0, seconds, peak_rss_mb(), problem=str(error))
        return QueryResult(
            scores={each.individual: each.score for each in answer.candidates},
            lines={
                each.individual: gallery.row(each.evidence[0].annotation).line
                for each in answer.candidates
            },
            pairs=answer.matched,
            seconds=time.perf_counter() - started,
            peak_rss_mb=peak_rss_mb(),
            probabilities=_probabilities(answer),
            new_probability=answer.new_probability,
            passed_over=tuple(each.individual for each in answer.passed_over),
        )

    def _tell(self, stage: str, done: int, total: int) -> None:
        if self._progress:
            self._progress(stage, done, total)


def _unreadable(protocol: EvaluationProtocol, results: Sequence[QueryResult]) -> list[Unreadable]:
    rows = zip(protocol.queries, results, strict=True)
    return [
        Unreadable(row.path, row.role, result.problem) for row, result in rows if result.problem
    ]


def _probabilities(answer: Identification) -> Optional[dict[str, float]]:
    """Of each candidate, if the answer has probabilities."""
    if answer.new_probability is None:
        return None
    return {each.individual: each.probability or 0.0 for each in answer.candidates}
