"""The long work there is: import, prepare, identify, suspicions, calibrate, boxes, sides, weakest.

Each goes on where it was, since what it makes is kept as it is made: photos and features by the
catalogue, trials and answers in journals beside the features.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from resight.boxing import learned_detector
from resight.calibration.trials import CATALOGUE
from resight.catalogue import AddOutcome, Catalogue, ImportPlan
from resight.errors import CatalogueDamaged, ImportFileError, NotFound, PhotoError
from resight.formats import Reading, plan_sources
from resight.jobs.worker import Kind, Task
from resight.search import PhotoSearch
from resight.settings import Settings
from resight.siding import learned_sides
from resight.suspicions import find_suspicions
from resight.weakest import keep, measure

#: Files of an import, or encounters, that a job's result names as failed, copies or damaged.
_NAMED = 200


def bulk_kinds(
    catalogue: Catalogue,
    search: Callable[[], PhotoSearch],
    *,
    ask: Callable[[str, str], object] | None = None,
    settings: Settings | None = None,
    local: bool = False,
) -> dict[str, Kind]:
    """The kinds of jobs for ``Jobs``, the most urgent first.

    ``search`` makes a search of this catalogue for bulk work alone: not the one that
    people's questions go to, whose calibration must not change meanwhile, but of the
    same method, whose networks both use. ``ask`` identifies an unresolved encounter, given
    by its reference (as ``unresolved`` gives it) and by who wants it, and keeps the answer;
    without it there are no ``identify`` jobs. ``settings`` are what boxes and sides are learned
    with; without them there are no ``boxes`` and ``sides`` jobs. ``local``: jobs may name files of
    this machine, which only its own user may: without it there are no ``import`` jobs.
    """
    work = _Work(catalogue, search)
    kinds = {
        "import": Kind(work.import_, {"path": str, "pattern": str, "dates": str, "note": str}),
        "prepare": Kind(work.prepare),
        "identify": Kind(lambda task: work.identify(task, ask) if ask else {}),
        "suspicions": Kind(work.suspicions),
        "calibrate": Kind(work.calibrate, {"limit": int}),
        "boxes": Kind(lambda task: work.boxes(task, settings) if settings else {}),
        "sides": Kind(lambda task: work.sides(task, settings) if settings else {}),
        "weakest": Kind(work.weakest),
    }
    taught = settings is not None
    offered = {"import": local, "identify": ask is not None, "boxes": taught, "sides": taught}
    return {name: kind for name, kind in kinds.items() if offered.get(name, True)}


def unresolved(catalogue: Catalogue) -> tuple[str, ...]:
    """``encounter_ref`` of the encounters whose animal is not known, hidden photos left out. In the
    order of their annotations' ids."""
    found = {
        record.encounter_ref: None
        for record in catalogue.annotations()
        if not record.individual and not record.hidden
    }
    return tuple(found)


def look_at_photos(catalogue: Catalogue, task: Task) -> None:
    """Look at photos that were added by an older version, so that copies of them are noticed."""
    catalogue.look_at_photos(lambda done, total: task.tell("looking at photos", done, total))


class _Work:
    def __init__(self, catalogue: Catalogue, search: Callable[[], PhotoSearch]) -> None:
        self._catalogue = catalogue
        self._search = search

    def import_(self, task: Task) -> Mapping[str, Any]:
        """Add whatever ``resight add`` takes; a second run knows what the first has added."""
        with TemporaryDirectory(prefix="resight-frames-") as frames:
            return self._add(task, _plan(task.arguments, Path(frames)))

    def _add(self, task: Task, plan: ImportPlan) -> Mapping[str, Any]:
        total = len(plan.photos) + len(plan.bad)
        files = _ImportedFiles(self._catalogue, task)
        added: list[AddOutcome] = []
        note = task.arguments.get("note", "")
        look_at_photos(self._catalogue, task)
        outcomes = self._catalogue.add(plan, actor=task.actor, note=note, decision=files.decision)
        for done, outcome in enumerate(outcomes, start=1):
            added.append(outcome)
            files.take(outcome)
            task.tell("adding", done, total)
        keep(self._catalogue, added)
        task.also("prepare")
        return {**files.result(), "warnings": list(plan.warnings)}

    def prepare(self, task: Task) -> Mapping[str, Any]:
        """Describe what the catalogue lacks of the search's method."""
        look_at_photos(self._catalogue, task)
        return self._prepared(task, self._search())

    def identify(self, task: Task, ask: Callable[[str, str], object]) -> Mapping[str, Any]:
        """Ask about every unresolved encounter; one that cannot be asked about is named."""
        self._prepared(task, self._search())
        references = unresolved(self._catalogue)
        left = [each for each in references if each not in task.finished]
        before, failed = len(references) - len(left), []
        for done, reference in enumerate(left):
            task.tell("identifying", before + done, len(references))
            try:
                ask(reference, task.actor)
            except (PhotoError, NotFound, CatalogueDamaged) as error:
                # Resolved or purged meanwhile, say, or its original is lost.
                failed.append({"source": reference, "reason": str(error)})
            else:  # one that failed is asked about again after an interruption
                task.finish(reference)
        return {"identified": len(references) - len(failed), "failed": failed[:_NAMED]}

    def suspicions(self, task: Task) -> Mapping[str, Any]:
        """Look for duplicates and mix-ups."""
        search = self._search()
        self._prepared(task, search)
        found = find_suspicions(
            search, progress=lambda done, total: task.tell("comparing", done, total)
        )
        return {"duplicates": len(found.duplicates), "mixups": len(found.mixups)}

    def calibrate(self, task: Task) -> Mapping[str, Any]:
        """Learn what scores mean in this catalogue."""
        search = self._search()
        self._prepared(task, search)
        learned = search.calibrate(
            **task.arguments, progress=lambda done, total: task.tell("asking", done, total)
        )
        if learned.trials.origin != CATALOGUE:
            return {"origin": learned.trials.origin}
        return {"individuals": learned.trials.individuals, "ece": learned.predicted.ece}

    def boxes(self, task: Task, settings: Settings) -> Mapping[str, Any]:
        """Learn from the catalogue's boxes where the same part is on other photos."""
        _, model = learned_detector(
            self._catalogue,
            settings,
            progress=lambda done, total: task.tell("looking", done, total),
        )
        return {"boxes": model.boxes, "animals": model.animals, "found": round(model.found, 3)}

    def sides(self, task: Task, settings: Settings) -> Mapping[str, Any]:
        """Learn from the photos whose side is known which side others show."""
        model = learned_sides(
            self._catalogue,
            settings,
            progress=lambda done, total: task.tell("looking", done, total),
        ).model
        return {"photos": model.pictures, "animals": model.animals, "right": round(model.right, 3)}

    def weakest(self, task: Task) -> Mapping[str, Any]:
        """Look how much detail photos show; what was looked at is kept as it is."""
        found = measure(
            self._catalogue,
            self._catalogue.annotations(),
            lambda done, total: task.tell("looking at photos", done, total),
        )
        return {"photos": len(found)}

    def _prepared(self, task: Task, search: PhotoSearch) -> Mapping[str, Any]:
        """Done first by all that search: described under the shortlist's lock, photos would
        keep people's searches waiting. Only the first stage holds no lock."""

        def tell(stage: str, done: int, total: int) -> None:
            task.tell(stage, done, total, waits=stage == "describing")

        method = search.method
        report = self._catalogue.prepare(
            method.extractor, long_edge=method.long_edge, margin=method.margin, progress=tell
        )
        return asdict(report)


class _ImportedFiles:
    """What became of the files of an import, those before an interruption too.

    What was taken in is known by the import's ``decision``; it, likenesses and damage are kept
    with the job.
    """

    def __init__(self, catalogue: Catalogue, task: Task) -> None:
        self._task = task
        self._counted: Counter[str] = Counter()
        self._failed: list[dict[str, str]] = []
        before = [json.loads(item) for item in task.finished]
        self._copies = [each["copy"] for each in before if each["copy"]]
        self._damaged = [each["damaged"] for each in before if each.get("damaged")]
        self.decision: int | None = max((each["decision"] for each in before), default=None)
        changes = () if self.decision is None else catalogue.changes(self.decision)
        self._before: dict[str, deque[str]] = defaultdict(deque)
        for each in changes:  # an animal that two rows tell of was changed by both
            self._before[each.annotation].append("added" if each.before is None else "updated")

    def take(self, outcome: AddOutcome) -> None:
        """Count one, and keep what the catalogue does not tell after an interruption."""
        status: str = outcome.status
        if status == "already" and self._before[outcome.annotation]:
            status = self._before[outcome.annotation].popleft()
        self._counted[status] += 1
        if status in ("bad", "conflict") and len(self._failed) < _NAMED:
            self._failed.append({"source": outcome.source, "reason": outcome.reason})
        copy = outcome.like and {"source": outcome.source, **asdict(outcome.like)}
        if copy:
            self._copies.append(copy)
        damaged = outcome.damaged and {"source": outcome.source, "reason": outcome.damaged}
        if damaged:
            self._damaged.append(damaged)
        told = {"decision": outcome.decision, "copy": copy, "damaged": damaged}
        if outcome.decision is not None and (copy or damaged or outcome.decision != self.decision):
            self.decision = outcome.decision
            self._task.finish(json.dumps(told))

    def result(self) -> dict[str, Any]:
        """How many of each status, and which failed, look like others or are damaged in part."""
        return {
            **self._counted,
            "failed": self._failed,
            "copies": self._copies[:_NAMED],
            "damaged": self._damaged[:_NAMED],
        }


def _plan(arguments: Mapping[str, Any], frames: Path) -> ImportPlan:
    """What an import's arguments mean. Raises ``ImportFileError``."""
    if not arguments.get("path"):
        raise ImportFileError("an import needs the path of a folder, table or package")
    patterns = tuple(filter(None, [arguments.get("pattern", "")]))
    reading = Reading(patterns=patterns, dates=arguments.get("dates", ""), frames=frames)
    return plan_sources([Path(arguments["path"])], reading)
