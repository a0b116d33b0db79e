"""Ask a gallery about its own photos, to learn what the scores of its answers mean.

A *known* trial asks about an animal seen in two encounters, without the photo's own
encounter; a *novel* one about any animal, without all photos of it. Both go through the same
cascade as a user's photo, so what that misses counts.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from resight.calibration.chance import ENOUGH_STRANGERS, scaled
from resight.calibration.prior import asked_by, prior_for
from resight.calibration.trials import (
    CATALOGUE,
    ENOUGH_INDIVIDUALS,
    Trial,
    Trials,
    as_row,
    trial_of,
)
from resight.errors import CalibrationError, TooLittleLearned
from resight.fingerprints import code_digest
from resight.identify import Identifier, calibrated_score
from resight.matchers import LearnedMatcher
from resight.types import Candidate, GalleryEntry

#: Told how many trials are finished, and how many there are.
Progress = Callable[[int, int], None]

#: Photos asked about at most where only strangers' scores are wanted.
_STRANGERS = 60
#: Candidates whose evidence is looked at for leaks, and named in the trial.
_LOOKED_AT = 5


@dataclass(frozen=True)
class Question:
    """One trial to make: an annotation to ask about, with or without its individual."""

    entry: GalleryEntry
    novel: bool


@dataclass(frozen=True)
class _Listed:
    """What a trial keeps of a candidate: hundreds of answers with all matches fill the memory."""

    individual: str
    score: float
    annotations: tuple[str, ...]


def learn(
    identifier: Identifier,
    *,
    limit: int = 400,
    origin: str = CATALOGUE,
    journal: Path | None = None,
    pinned: str = "",
    progress: Progress | None = None,
) -> Trials:
    """Up to ``limit`` trials of an identifier's gallery, half of them novel.

    The same gallery gives the same ones, spread over the individuals. ``journal`` is a file
    that keeps what is finished: the same call continues there, unless gallery, resight's code or
    what is ``pinned`` (all else that makes the trials) has changed since. It is left for the
    caller to remove.

    With fewer than 20 individuals seen in two encounters the trials are those of drawn animals, in
    units of what 10 individuals or more of the gallery score as strangers (``scaled``).

    Raises ``CalibrationError`` with fewer of either, or where there are no drawn animals for the
    method; where an answer holds what was to be left out, or while another process is writing the
    journal.
    """
    entries = [entry for entry in identifier.gallery.entries() if entry.individual]
    questions = plan(entries, limit)
    asked_twice = len({each.entry.individual for each in questions if not each.novel})
    twice = len({entry.individual for entry in _seen_twice(entries)})
    if asked_twice < ENOUGH_INDIVIDUALS <= twice:
        raise CalibrationError(
            f"a limit of {limit} asks about {asked_twice} of {twice} individuals seen in two "
            f"encounters, and {ENOUGH_INDIVIDUALS} are needed: set it to {2 * ENOUGH_INDIVIDUALS} "
            "or more"
        )
    drawn = None
    if asked_twice < ENOUGH_INDIVIDUALS:
        questions = [each for each in questions if each.novel][:_STRANGERS]
        drawn = _drawn_for(identifier, questions, asked_twice)
    asked_with = asked_by(identifier.method, identifier.effort)
    asked = [(each.entry.annotation, each.novel) for each in questions]
    made_by = (
        identifier.fingerprint,
        identifier.side_policy,
        pinned,
        code_digest() if journal else "",
    )
    header = _digest((*made_by, sorted(map(repr, entries)), asked))
    with _Journal(journal, header).open() as kept:
        trials = _ask_all(identifier, entries, questions, kept, progress)
    if drawn:
        shrunk = scaled(drawn, trials, len(entries))
        return replace(shrunk, side_policy=identifier.side_policy)
    return Trials(
        method=identifier.method.name,
        fingerprint=asked_with,
        effort=identifier.effort.name,
        side_policy=identifier.side_policy,
        origin=origin,
        photos=len(entries),
        trials=tuple(trials),
    )


def _drawn_for(identifier: Identifier, strangers: Sequence[Question], twice: int) -> Trials:
    """Trials of drawn animals, if there are some and enough strangers to scale them by."""
    drawn = prior_for(identifier.method, identifier.effort)
    if drawn and len({each.entry.individual for each in strangers}) >= ENOUGH_STRANGERS:
        return drawn
    raise CalibrationError(
        f"{twice} individuals were seen in two encounters, and {ENOUGH_INDIVIDUALS} are needed to "
        f"learn probabilities, or {ENOUGH_STRANGERS} seen once to learn what strangers score; "
        "until then they are learned from drawn animals, if there are any for this method"
    )


def plan(entries: Sequence[GalleryEntry], limit: int) -> list[Question]:
    """Which photos to ask about: of each individual one, then of each a second, and so on.

    Known and novel trials take photos in one order, so that they are of the same ones where
    that is possible.
    """
    known = [Question(entry, novel=False) for entry in _spread(_seen_twice(entries), limit // 2)]
    novel = [Question(entry, novel=True) for entry in _spread(entries, limit // 2)]
    return [*known, *novel]


def _seen_twice(entries: Sequence[GalleryEntry]) -> list[GalleryEntry]:
    """Those that have an encounter, of individuals that were seen in two."""
    encounters: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        if entry.encounter:
            encounters[entry.individual].add(entry.encounter)
    return [entry for entry in entries if entry.encounter and len(encounters[entry.individual]) > 1]


def _spread(entries: Iterable[GalleryEntry], limit: int) -> list[GalleryEntry]:
    of: dict[str, list[GalleryEntry]] = defaultdict(list)
    for entry in sorted(entries, key=_shuffled):
        of[entry.individual].append(entry)
    turns = sorted(
        ((turn, entry) for own in of.values() for turn, entry in enumerate(own)),
        key=lambda pair: (pair[0], _shuffled(pair[1])),
    )
    return [entry for _, entry in turns[:limit]]


def _shuffled(entry: GalleryEntry) -> str:
    """The same order in every process, and for the same photos after others were added."""
    return hashlib.sha256(f"{entry.photo} {entry.annotation}".encode()).hexdigest()


def _ask_all(
    identifier: Identifier,
    entries: Sequence[GalleryEntry],
    questions: Sequence[Question],
    journal: _Journal,
    progress: Progress | None,
) -> list[Trial]:
    by_id = {entry.annotation: entry for entry in entries}
    answers: dict[str, tuple[_Listed, ...]] = {}
    trials = []
    for number, question in enumerate(questions):
        if number not in journal.done:
            trial = _ask(identifier, question, by_id, answers)
            journal.add(number, trial)
        found = journal.done[number]
        if found is not None:
            trials.append(found)
        if progress:
            progress(number + 1, len(questions))
    return trials


def _ask(
    identifier: Identifier,
    question: Question,
    by_id: dict[str, GalleryEntry],
    answers: dict[str, tuple[_Listed, ...]],
) -> Trial | None:
    """One trial; ``None`` for a photo that is not available or cannot be compared with others.

    Where everything is matched and nothing was learned from the gallery (known pairs, or by the
    matcher), leaving an individual out changes nothing about the others: ``answers`` keeps what
    was asked without leaving it out.
    """
    own = question.entry
    method = identifier.method
    learned = identifier.known_pairs or isinstance(method.matcher, LearnedMatcher)
    reused = identifier.effort.matches_all and not learned
    candidates = answers.get(own.annotation) if reused else None
    if candidates is None:
        (features,) = identifier.gallery.features(
            [own.annotation], method.extractor, long_edge=method.long_edge, margin=method.margin
        )
        if features is None:
            return None
        try:
            answer = identifier.identify(
                features,
                chip=lambda: identifier.chip(own.annotation),
                side=own.side,
                encounter=own.encounter,
                photo=own.photo,
                without_individual=own.individual if question.novel and not reused else "",
            )
        except TooLittleLearned:
            return None
        candidates = tuple(_listed(each, method.score) for each in answer.candidates)
    if reused:
        answers[own.annotation] = candidates
        if question.novel:
            candidates = tuple(each for each in candidates if each.individual != own.individual)
    return _trial_from(question, candidates, by_id) if candidates else None


def _listed(candidate: Candidate, score: str) -> _Listed:
    shown = tuple(item.annotation for item in candidate.evidence)
    return _Listed(candidate.individual, calibrated_score(candidate, score), shown)


def _trial_from(
    question: Question, candidates: Sequence[_Listed], by_id: dict[str, GalleryEntry]
) -> Trial:
    """The trial that an answer makes. Raises ``CalibrationError`` for a leak."""
    own = question.entry
    names = [each.individual for each in candidates]
    right = names.index(own.individual) if own.individual in names else None
    looked_at = [*candidates[:_LOOKED_AT], *([candidates[right]] if right is not None else [])]
    shown = [by_id[annotation] for each in looked_at for annotation in each.annotations]
    return Trial(
        individual=own.individual,
        encounter=own.encounter,
        photo=own.photo,
        side=own.side,
        novel=question.novel,
        scores=tuple(each.score for each in candidates),
        right=right,
        compared=frozenset(
            name for entry in shown for name in (entry.photo, entry.encounter) if name
        ),
    )


def _digest(values: object) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()


class _Journal:
    """Finished trials in a file, one JSON value per line, or in memory only."""

    def __init__(self, path: Path | None, header: str) -> None:
        self._path = path
        self._header = json.dumps({"trials_of": header}).encode() + b"\n"
        self.done: dict[int, Trial | None] = {}

    @contextmanager
    def open(self) -> Iterator[_Journal]:
        """Read what there is, and keep other processes off it meanwhile."""
        if self._path is None:
            yield self
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self._path.with_name(f"{self._path.name}.lock"), timeout=0):
                self._read(self._path)
                yield self
        except Timeout as error:
            raise CalibrationError(
                f"another process is writing {self._path} now: wait for it"
            ) from error

    def _read(self, path: Path) -> None:
        content = path.read_bytes() if path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]  # a line that a crash cut off is made again
        header, *lines = whole.splitlines(keepends=True) or [b""]
        try:
            if header != self._header:
                raise ValueError("it is of other questions")
            rows = [json.loads(line) for line in lines]
            done = {row["number"]: row["trial"] and trial_of(row["trial"]) for row in rows}
        except (ValueError, KeyError, TypeError, CalibrationError):  # also what a crash garbled
            path.write_bytes(self._header)
            return
        self.done.update(done)
        with path.open("r+b") as file:
            file.truncate(len(whole))

    def add(self, number: int, trial: Trial | None) -> None:
        """Keep a trial as it will be read back."""
        row = as_row(trial) if trial else None
        self.done[number] = trial_of(row) if row else None
        if self._path is not None:
            with self._path.open("ab") as file:
                file.write(json.dumps({"number": number, "trial": row}).encode() + b"\n")
