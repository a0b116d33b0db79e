"""What a catalogue tells its callers: plain frozen values, no database behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from resight.masks import Mask
from resight.types import Box, Photo, Place

#: Marks that a review leaves: nobody can tell, looked at later, somebody else should look.
REVIEWS = ("unsure", "skip", "second_opinion")


@dataclass(frozen=True)
class AnnotationRecord:
    """One animal in one photo, as the catalogue knows it now.

    ``name`` is the photo's file name when it was added. ``date``, ``place`` and
    ``position`` are what people said; what the camera wrote is in ``photo``.
    Empty strings and ``None`` mean not known; ``box`` ``None`` the whole photo.
    ``review`` is one of ``REVIEWS``, or empty; ``mask`` what somebody says is the animal.
    ``version`` is another one after each
    change, never one that it had before.
    """

    id: str
    photo: Photo
    name: str
    box: Box | None
    rotation: float
    individual: str
    side: str
    encounter: str
    species: str
    date: str
    place: str
    position: Place | None
    hidden: bool
    review: str = ""
    mask: Mask | None = None
    version: int = field(default=0, compare=False)

    @property
    def encounter_ref(self) -> str:
        """How its encounter is referred to: by its name, or, where the photo is in none and so is
        an encounter of its own, as ``annotation:<id>``."""
        return self.encounter or f"annotation:{self.id}"

    @property
    def shown(self) -> tuple[object, ...]:
        """Another one where it shows another part of its photo, or of that another animal."""
        return self.id, self.box, self.rotation, *([self.mask] if self.mask else [])

    @property
    def seen_on(self) -> str:
        """The day (or month or year) it was seen: as said, else by the camera."""
        if self.date:
            return self.date[:10]
        return self.photo.taken_at.date().isoformat() if self.photo.taken_at else ""


@dataclass(frozen=True)
class IndividualSummary:
    """A named animal in numbers; hidden annotations count only in ``hidden``.

    ``sides`` counts the annotations of each side; ``first_seen`` and
    ``last_seen`` are ISO dates, empty where no photo has one.
    """

    name: str
    annotations: int
    photos: int
    encounters: int
    sides: Mapping[str, int]
    first_seen: str
    last_seen: str
    hidden: int


@dataclass(frozen=True)
class Decision:
    """Who said what, when. ``identification`` says on the strength of which one.

    ``annotations`` counts those it touched; ``undoes`` is the decision it takes
    back; ``undone`` whether it is itself taken back now.
    """

    id: int
    at: datetime
    actor: str
    kind: str
    note: str
    identification: str
    undoes: int | None
    undone: bool
    annotations: int


@dataclass(frozen=True)
class Opinion:
    """Which individual somebody says that an annotation shows; ``at`` is ISO 8601, UTC."""

    decision: int
    at: str
    actor: str
    individual: str


@dataclass(frozen=True)
class Change:
    """What a decision did to one annotation: fields before and after.

    ``before`` is ``None`` where the annotation came to be, ``after`` where it
    ceased; otherwise both hold the fields the decision said something about.
    A change of an individual's notes has ``individual`` and no ``annotation``. With
    ``dismissal`` it is the dismissal of a suspicion about the annotation that came to be or
    ceased; the annotation did not change.
    """

    annotation: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    individual: str = ""
    dismissal: str = ""


@dataclass(frozen=True)
class Dismissal:
    """Annotations of one animal, as their name says: ``others`` is ``None``; or annotations of
    one animal and ``others`` of another. Those that were changed since are left out."""

    annotations: frozenset[str]
    others: frozenset[str] | None


@dataclass(frozen=True)
class MergedDecision:
    """A decision of another catalogue, ``origin``, that ``merge`` took over as history.

    ``id`` is its number there, ``decision`` ours that merged the two.
    """

    decision: int
    origin: str
    id: int
    at: datetime
    actor: str
    kind: str
    note: str


@dataclass(frozen=True)
class Shown:
    """All about an individual, a photo or an annotation; decisions newest first.

    ``merged`` are those of other catalogues about the same photos, before they were merged;
    ``notes`` is what people noted about these individuals, by name.
    """

    annotations: tuple[AnnotationRecord, ...]
    decisions: tuple[Decision, ...]
    merged: tuple[MergedDecision, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MergeConflict:
    """Where two catalogues say different things of one photo: nothing was changed here."""

    annotation: str
    photo: str
    field: str
    ours: Any
    theirs: Any


@dataclass(frozen=True)
class Merged:
    """What a merge did. ``decision`` is ``None`` where there was nothing to take over.

    ``photos``: originals copied; ``added``, ``updated`` and ``already``: annotations. ``refused``
    says by photo why it was not taken over. ``encounters`` renamed and ``individuals`` respelled,
    by the other's name. ``same_names``: individuals called alike in both, of which no photo is
    in both, so nobody has said that they are one animal. ``same_animals``: individuals new here,
    by the name that their photos in both have here; nothing was joined. ``history``: decisions
    taken over.
    """

    decision: Decision | None
    photos: int
    added: int
    updated: int
    already: int
    conflicts: tuple[MergeConflict, ...]
    refused: Mapping[str, str]
    encounters: Mapping[str, str]
    individuals: Mapping[str, str]
    same_names: tuple[str, ...]
    same_animals: Mapping[str, str]
    history: int


AddStatus = Literal["added", "already", "updated", "conflict", "bad"]


@dataclass(frozen=True)
class Likeness:
    """A photo of the catalogue (its sha256 and file name) that another looks like, and the
    individual on it, empty where nobody is known. ``bits`` of 256 tell the two apart."""

    photo: str
    name: str
    individual: str
    bits: int

    def __str__(self) -> str:
        return f"{self.name} ({self.individual})" if self.individual else self.name


@dataclass(frozen=True)
class AddOutcome:
    """What became of one file of an import.

    ``added``: a new annotation; ``already``: all of it was known; ``updated``:
    facts that were not known were filled in; ``conflict``: it contradicts the
    catalogue, nothing was changed; ``bad``: the file or its row cannot be used.
    ``detail`` of a new annotation is that of ``resight.quality``; ``like`` what the catalogue had
    before that its photo is perhaps a copy of; ``decision`` the one that added or filled it in;
    ``damaged`` what is wrong with the data of a new photo, which decodes all the same.
    """

    status: AddStatus
    source: str
    path: Path | None = None
    annotation: str = ""
    reason: str = ""
    detail: float | None = None
    like: Likeness | None = None
    decision: int | None = None
    damaged: str = ""


@dataclass(frozen=True)
class Prepared:
    """Annotations of the gallery whose features were ``made`` now, and those that had some
    (``kept``). ``missing``: the photo is lost, damaged or no longer in the catalogue."""

    made: int
    kept: int
    missing: int


@dataclass(frozen=True)
class Purged:
    """What a purge removed for good."""

    decision: Decision
    photo: str
    name: str
    annotations: int


@dataclass(frozen=True)
class BackupReport:
    """An archive that was written. ``missing`` names originals that could not be
    put into it because they are lost or damaged in the catalogue itself."""

    path: Path
    photos: int
    bytes: int
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """Something ``check`` found. ``error``: data are lost or contradict each
    other; ``warning``: to be put right, nothing is lost; ``info``: good to know.
    ``repaired`` says that this very check put it right."""

    severity: Literal["error", "warning", "info"]
    subject: str
    message: str
    repaired: bool = False
