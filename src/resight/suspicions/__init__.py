"""What in a catalogue looks wrong: one animal under two names, two animals under one.

``asking`` compares each photo with all others and keeps the scores, ``judging`` says what
they amount to. docs/methods.md explains it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from resight.calibration import Calibration
from resight.catalogue import Catalogue, Decision
from resight.errors import CalibrationError, NotFound
from resight.files import write_whole
from resight.search import PhotoSearch
from resight.suspicions.asking import ask_all
from resight.suspicions.judging import Duplicate, Mixup, Pair, Suspicions, judge

__all__ = [
    "Duplicate",
    "Mixup",
    "Pair",
    "Suspicions",
    "dismiss",
    "find_suspicions",
    "kept_suspicions",
]

#: How probable it is, before anybody looks, that nobody else in the catalogue is this animal. Too
#: low for most catalogues, so that what few trials taught, never sure of anything, tells too.
_ALONE = 0.9
_FORMAT = "suspicions.v1"


def find_suspicions(
    search: PhotoSearch, *, progress: Callable[[int, int], None] | None = None
) -> Suspicions:
    """Compare all photos with each other, judge, and keep the result for ``kept_suspicions``.

    Takes about as long as asking about every photo of the catalogue. Stopping (or killing) and
    repeating is safe: photos that were asked about are not asked again, but where something about
    them changed. ``progress`` is told how many of all are done.

    Raises ``CalibrationError`` where no probabilities were learned for the method.
    """
    learned = search.identifier.calibration
    if learned is None:
        raise CalibrationError(
            f"what looks wrong is told by probabilities, and none were learned for "
            f"{search.method.name} with effort {search.identifier.effort.name} as it is set now: "
            "calibrate first"
        )
    answers = ask_all(search, _answers_file(search), progress)
    entries = search.catalogue.entries()  # named anew meanwhile, perhaps
    alone = Calibration(learned.trials, new_prior=_ALONE)
    even = Calibration(learned.trials, new_prior=0.5)
    found = replace(
        judge(entries, answers, alone=_odds(alone), even=_odds(even)),
        basis=search.basis,
        computed_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    kept = json.dumps({"format": _FORMAT, **asdict(found)})
    write_whole(_result_file(search.catalogue), kept.encode())
    return found.standing(entries, search.catalogue.dismissals())


def dismiss(catalogue: Catalogue, id: str, *, actor: str, note: str = "") -> Decision:
    """Say of a suspicion that stands that it is none: two animals are two, photos are named right.

    It stays away, also when it is found again, as long as its photos show the same under the same
    names, or until the decision is undone.

    Raises ``NotFound`` where no suspicion of this id stands.
    """
    found = kept_suspicions(catalogue)
    known = catalogue.individuals
    for duplicate in found.duplicates if found else ():
        if duplicate.id == id:
            return known.tell_apart(duplicate.a, duplicate.b, actor=actor, note=note)
    for mixup in found.mixups if found else ():
        if mixup.id == id:
            return known.confirm(mixup.individual, mixup.annotations, actor=actor, note=note)
    raise NotFound(f"no suspicion {id!r} stands: look again, and at its photos first")


def kept_suspicions(catalogue: Catalogue) -> Suspicions | None:
    """Those found last, by whatever method, that still stand after what was decided since;
    ``None`` if none were looked for, or what was kept cannot be read."""
    try:
        kept = json.loads(_result_file(catalogue).read_bytes())
        if kept.pop("format") != _FORMAT:
            return None
        found = Suspicions(
            **{
                **kept,
                "duplicates": tuple(
                    Duplicate(**{**each, "pairs": tuple(Pair(**one) for one in each["pairs"])})
                    for each in kept["duplicates"]
                ),
                "mixups": tuple(
                    Mixup(**{**each, "annotations": tuple(each["annotations"])})
                    for each in kept["mixups"]
                ),
            }
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return found.standing(catalogue.entries(), catalogue.dismissals())


def _odds(calibration: Calibration) -> Callable[[str, list[float]], tuple[float, ...]]:
    """Probabilities of candidates with these scores, best first, for a photo of a side.

    The fit is that of all trials: that this very photo may be one of hundreds that a few numbers
    were fitted on does no harm to a suspicion that people look at.
    """
    return lambda side, scores: tuple(
        calibration.judge(scores, side=side).candidates.tolist() if scores else ()
    )


def _result_file(catalogue: Catalogue) -> Path:
    return catalogue.folder / "features" / "suspicions.json"  # deleted with all that is derived


def _answers_file(search: PhotoSearch) -> Path:
    """Among the features that the scores are of."""
    method, identifier = search.method, search.identifier
    folder = search.catalogue.calibrations(
        method.extractor, long_edge=method.long_edge, margin=method.margin
    )
    asked = f"answers.v3 | {identifier.fingerprint} | {identifier.side_policy}"
    return folder.parent / "suspicions" / f"{sha256(asked.encode()).hexdigest()[:16]}.jsonl"
