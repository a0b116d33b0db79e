"""The figures of an evaluation, and the JSON file they are written to.

Field names are the keys of the file. They are read by other programs: a key may
be added, but none renamed or taken away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Optional

from resight.calibration.reliability import ReliabilityBin
from resight.evaluate.answers import Answer, Query
from resight.evaluate.journal import writing_to
from resight.files import write_whole

Interval = Optional[tuple[float, float]]


@dataclass(frozen=True)
class Unreadable:
    """A photo of the protocol that could not be used, and why."""

    path: str
    role: str
    reason: str


@dataclass(frozen=True)
class MethodReport:
    """The figures of one method.

    Shares are in [0, 1] and of the *known* queries; ``None`` where there are
    none. Intervals are 95 % bootstraps over individuals. ``ranks`` has one place
    for each query in the order of the protocol: the rank of its individual, ties
    counted against it; ``None`` for novel queries, individuals never compared
    and photos that could not be read (which count as misses).
    ``top1_encounter``: an individual's score for an encounter is its best over
    the encounter's queries; queries without encounter count one by one.

    Seconds per query are from the file to the ranked list. ``precision`` is of
    the networks, ``None`` where there are none. ``peak_rss_mb`` is of the
    process from its start: measure one method per process to compare.

    ``calibration`` is the fingerprint of what turns scores into probabilities, learned from
    the gallery alone, and ``new_prior`` the prior of "new" that they were made under. Where
    nothing can be learned ``uncalibrated`` says why; then it is that of drawn animals, as in
    ``resight identify``, or ``None``, as are ``novelty_accuracy``, ``ece`` and ``brier``.
    ``novelty_by`` tells what decided whether an animal is new: ``probability`` or ``score``.
    ``ece`` and ``brier`` (0 to 2) are at the protocol's share of novel queries,
    ``ece_prior_half`` at one half; ``brier_constant`` is that of guessing the prior always;
    ``reliability`` the bins of ``ece``.
    ``right_scores`` and ``wrong_scores`` are samples in rising order of the scores of queries
    with their own animal and with others. ``answers`` follow the queries.
    """

    name: str
    fingerprint: str
    effort: str
    side_policy: str
    score: str
    settings: Mapping[str, Any]
    precision: Optional[str]
    top1: Optional[float]
    top3: Optional[float]
    top5: Optional[float]
    top10: Optional[float]
    top20: Optional[float]
    top1_macro: Optional[float]
    top1_encounter: Optional[float]
    mrr: Optional[float]
    top1_ci95: Interval
    top5_ci95: Interval
    top1_macro_ci95: Interval
    top1_encounter_ci95: Interval
    calibration: Optional[str]
    new_prior: Optional[float]
    uncalibrated: str
    novelty_by: str
    novelty_auroc: Optional[float]
    novelty_auroc_ci95: Interval
    novelty_accuracy: Optional[float]
    dir_at_fpir_10: Optional[float]
    ece: Optional[float]
    ece_prior_half: Optional[float]
    brier: Optional[float]
    brier_constant: Optional[float]
    reliability: tuple[ReliabilityBin, ...]
    seconds_per_query_median: Optional[float]
    seconds_per_query_p95: Optional[float]
    pairs_matched_per_query: Optional[float]
    extract_seconds_per_photo: Optional[float]
    peak_rss_mb: float
    unreadable: tuple[Unreadable, ...]
    ranks: tuple[Optional[int], ...]
    right_scores: tuple[float, ...]
    wrong_scores: tuple[float, ...]
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Report:
    """Figures of one or more methods on one protocol.

    ``queries`` counts those evaluated (all of the protocol unless limited), and
    ``query_rows`` are they;
    ``novel_queries`` can meet no photo of their individual, because there is none
    or, for ``novel_though_in_gallery`` of them, because all are of their own
    encounter;
    ``commit`` is ``None`` where resight does not run from a checkout; ``left_out`` says by
    method why it could not be measured.
    """

    protocol: str
    protocol_sha256: str
    photos: str
    gallery: int
    gallery_individuals: int
    queries: int
    novel_queries: int
    novel_though_in_gallery: int
    machine: Mapping[str, Any]
    commit: Optional[str]
    version: str
    query_rows: tuple[Query, ...]
    methods: tuple[MethodReport, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> str:
        """The report as JSON text; it never holds NaN."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def write(self, path: Path) -> None:
        """Write the JSON file; a crash leaves the old file or the new, whole.

        Raises ``ResightError`` if it cannot be written.
        """
        with writing_to(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # A folder's name that is no UTF-8 has characters which only JSON's escapes can say.
            write_whole(path, self.as_json().encode(errors="backslashreplace"))
