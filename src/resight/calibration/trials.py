"""Questions put to a gallery of which the answer is known: what a calibration is fitted on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from resight.errors import CalibrationError
from resight.files import write_whole

VERSION = "calibration.v1"
CATALOGUE, DRAWN = "catalogue", "drawn animals"
SCALED = "drawn animals, in units of what strangers score in this catalogue"
#: Individuals seen in two encounters, from which on a catalogue's own trials are used.
ENOUGH_INDIVIDUALS = 20


@dataclass(frozen=True)
class Trial:
    """One photo of a known animal, asked of the gallery without its encounter.

    ``individual``, ``encounter``, ``photo`` (sha256) and ``side`` are the query's. Where
    ``novel``, all photos of the individual were left out as well. ``scores`` are those of
    the candidates, best first, and ``right`` the index of the individual among them; ``None``
    if it is not: it was left out, or the search missed it. ``compared`` names encounters
    and photos (sha256) of the evidence about the right candidate and the first five.

    Raises ``CalibrationError`` for a leak: a query that was compared with its own photo or
    encounter, or found although it was left out.
    """

    individual: str
    encounter: str
    photo: str
    side: str
    novel: bool
    scores: tuple[float, ...]
    right: int | None
    compared: frozenset[str] = field(default=frozenset(), compare=False)

    def __post_init__(self) -> None:
        if self.novel and self.right is not None:
            raise CalibrationError(
                f"{self.individual} was found in a trial that it was to be left out of"
            )
        if self.right is not None and not 0 <= self.right < len(self.scores):
            raise CalibrationError(f"candidate {self.right} of {len(self.scores)} cannot be right")
        for own in filter(None, (self.photo, self.encounter)):
            if own in self.compared:
                raise CalibrationError(
                    f"a trial of {self.individual} was compared with its own {own}: nothing can "
                    "be learned from that"
                )

    def concerns(self, encounter: str, photo: str) -> bool:
        """Whether it shows anything of an encounter or photo (empty: none)."""
        own = {self.encounter, self.photo} | self.compared
        return bool({encounter, photo} - {""} & own)


@dataclass(frozen=True)
class Trials:
    """All trials of one gallery and what made them.

    ``fingerprint`` is of method and effort, without what is learned from a gallery; ``origin`` says
    whose animals they are; ``photos`` how many the gallery held.
    """

    method: str
    fingerprint: str
    effort: str
    side_policy: str
    origin: str
    photos: int
    trials: tuple[Trial, ...]

    @cached_property
    def individuals(self) -> int:
        """Animals seen in two encounters: those that were asked about as known ones."""
        return len({trial.individual for trial in self.trials if not trial.novel})

    @cached_property
    def digest(self) -> str:
        """12 hexadecimal digits, equal for equal trials."""
        text = json.dumps(_header(self), sort_keys=True)
        text += "".join(sorted(_line(trial) for trial in self.trials))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def write(self, path: Path) -> None:
        """Write a file that ``read`` reads; whole or not at all."""
        lines = [json.dumps(_header(self)), *map(_line, self.trials)]
        body = "".join(f"{line}\n" for line in lines)
        end = json.dumps({"sha256": hashlib.sha256(body.encode()).hexdigest()})
        write_whole(path, f"{body}{end}\n".encode())

    @classmethod
    def read(cls, path: Path) -> Trials:
        """What ``write`` wrote. Raises ``CalibrationError`` if it is damaged, ``OSError``."""
        return cls.parse(path.read_bytes(), str(path))

    @classmethod
    def parse(cls, content: bytes, name: str) -> Trials:
        """As ``read``, from bytes; ``name`` is said in errors."""
        try:
            *lines, end = content.splitlines(keepends=True)
            if json.loads(end)["sha256"] != hashlib.sha256(b"".join(lines)).hexdigest():
                raise ValueError("its checksum differs")
            about, *rows = map(json.loads, lines)
            if about.pop("version") != VERSION:
                raise ValueError("another version made it")
            return cls(**about, trials=tuple(map(trial_of, rows)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CalibrationError(
                f"the calibration {name} is damaged ({error}): run `resight calibrate` again"
            ) from error


def as_row(trial: Trial) -> dict[str, Any]:
    """A trial as JSON has it."""
    return {
        "individual": trial.individual,
        "encounter": trial.encounter,
        "photo": trial.photo,
        "side": trial.side,
        "novel": trial.novel,
        "right": trial.right,
        "scores": [float(f"{score:.5g}") for score in trial.scores],
        "compared": sorted(trial.compared),
    }


def trial_of(row: Mapping[str, Any]) -> Trial:
    """The trial that ``as_row`` wrote."""
    scores, compared = tuple(row["scores"]), frozenset(row["compared"])
    return Trial(**{**row, "scores": scores, "compared": compared})


def _line(trial: Trial) -> str:
    return json.dumps(as_row(trial))


def _header(trials: Trials) -> dict[str, Any]:
    return {
        "version": VERSION,
        "method": trials.method,
        "fingerprint": trials.fingerprint,
        "effort": trials.effort,
        "side_policy": trials.side_policy,
        "origin": trials.origin,
        "photos": trials.photos,
    }
