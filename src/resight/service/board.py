"""The catalogue as the desk shows it: encounters in the order in which to look at them,
individuals with their numbers. Made from memory, and again only after a decision."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any

from resight.catalogue import AnnotationRecord, Catalogue, Opinion, version_of
from resight.catalogue import State as CatalogueState
from resight.catalogue.names import name_key
from resight.errors import NotFound
from resight.service import models
from resight.service.store import DeskStore


@dataclass(frozen=True)
class EncounterGroup:
    """Visible photos of one animal on one occasion. ``name`` is empty for a photo alone."""

    ref: str
    name: str
    records: tuple[AnnotationRecord, ...]

    @cached_property
    def individual(self) -> str:
        """Who it is, as far as one of its photos says."""
        return next((each.individual for each in self.records if each.individual), "")

    @cached_property
    def state(self) -> models.State:
        """Someone else should look; nobody could tell; nobody has said; or all is said."""
        marks = {each.review for each in self.records}
        if "second_opinion" in marks:
            return "second_opinion"
        if "unsure" in marks:
            return "unsure"
        return "resolved" if all(each.individual for each in self.records) else "unresolved"

    @property
    def skipped(self) -> bool:
        """Whether somebody put it off."""
        return any(each.review == "skip" for each in self.records)

    @property
    def seen_on(self) -> str:
        """The first day of its photos that have one."""
        return min((each.seen_on for each in self.records if each.seen_on), default="")

    @property
    def place(self) -> str:
        """Where, as far as one of its photos says."""
        return next((each.place for each in self.records if each.place), "")


@dataclass(frozen=True)
class IndividualGroup:
    """A named animal and all its annotations, hidden ones too."""

    name: str
    records: tuple[AnnotationRecord, ...]
    notes: str

    @property
    def visible(self) -> list[AnnotationRecord]:
        """Those that are shown."""
        return [each for each in self.records if not each.hidden]

    @property
    def version(self) -> str:
        """As ``Individuals.version``."""
        return version_of([each.version for each in self.records], self.notes)

    @property
    def sides(self) -> dict[str, int]:
        """Annotations of each side."""
        return dict(sorted(Counter(each.side for each in self.visible).items()))

    def best(self) -> dict[str, str]:
        """The annotation of each side that shows the animal in most pixels."""
        best: dict[str, AnnotationRecord] = {}
        for each in self.visible:
            if each.side not in best or _pixels(each) > _pixels(best[each.side]):
                best[each.side] = each
        return {side: each.id for side, each in sorted(best.items())}

    @property
    def cover(self) -> str:
        """The annotation that shows it in most pixels; empty if all are hidden."""
        return max(self.visible, key=_pixels).id if self.visible else ""


@dataclass(frozen=True)
class Groups:
    """A state of the catalogue, grouped."""

    state: CatalogueState
    encounters: Mapping[str, EncounterGroup] = field(default_factory=dict)
    individuals: Mapping[str, IndividualGroup] = field(default_factory=dict)

    @classmethod
    def of(cls, state: CatalogueState) -> Groups:
        """All encounters by reference and all individuals by name."""
        together: dict[str, list[AnnotationRecord]] = defaultdict(list)
        named: dict[str, list[AnnotationRecord]] = defaultdict(list)
        for record in state.annotations.values():
            if record.individual:
                named[record.individual].append(record)
            if not record.hidden:
                together[record.encounter_ref].append(record)
        return cls(
            state,
            {
                ref: EncounterGroup(ref, records[0].encounter, tuple(sorted(records, key=_taken)))
                for ref, records in together.items()
            },
            {
                name: IndividualGroup(name, tuple(named[name]), state.notes.get(name, ""))
                for name in sorted(named)
            },
        )

    def encounter(self, ref: str) -> EncounterGroup:
        """Raises ``NotFound``."""
        found = self.encounters.get(ref)
        if found is None:
            raise NotFound(f"no encounter {ref!r} with a visible photo in this catalogue")
        return found

    def individual(self, name: str) -> IndividualGroup:
        """Raises ``NotFound``."""
        found = self.individuals.get(name)
        if found is None:
            raise NotFound(f"no individual {name!r} in this catalogue")
        return found

    def annotation(self, id: str) -> AnnotationRecord:
        """Raises ``NotFound``."""
        found = self.state.annotations.get(id)
        if found is None:
            raise NotFound(f"no annotation {id!r} in this catalogue")
        return found

    def named(self, photos: Iterable[str]) -> str:
        """Who the first of these annotations is of that has a name now; empty if none has."""
        records = map(self.state.annotations.get, photos)
        return next((each.individual for each in records if each and each.individual), "")

    def answer(
        self, group: EncounterGroup, answers: Mapping[str, models.AnswerSummary]
    ) -> models.AnswerSummary | None:
        """The last answer about one of its photos, with the name that its animal has now.

        ``None`` also where that animal's photo names nobody any more.
        """
        found = [answers[each.id] for each in group.records if each.id in answers]
        last = max(found, key=lambda each: each.id, default=None)
        if last is None or last.photo is None:
            return last
        name = self.named([last.photo])
        return last.model_copy(update={"first": name}) if name else None


class Board:
    """Groups of the catalogue's present state, and the last answers about encounters."""

    def __init__(self, catalogue: Catalogue, store: DeskStore) -> None:
        self._catalogue = catalogue
        self._store = store
        self._lock = threading.Lock()
        self._groups = Groups(CatalogueState())
        self._answers: dict[str, models.AnswerSummary] = {}
        self._latest = 0
        self._disagreements: tuple[int, dict[str, tuple[Opinion, ...]]] = (-1, {})

    def now(self) -> Groups:
        """The same object as before where nothing was decided since."""
        state = self._catalogue.now()
        groups = self._groups
        if groups.state is not state:
            with self._lock:  # once for all that wait
                groups = self._groups
                if groups.state.version < state.version:
                    groups = self._groups = Groups.of(state)
        return groups

    def disagreements(self) -> dict[str, tuple[Opinion, ...]]:
        """As ``Catalogue.disagreements``, of visible annotations, the newest opinion first."""
        state = self.now().state
        with self._lock:
            if self._disagreements[0] != state.version:
                found = self._catalogue.disagreements()
                shown = {
                    id: each
                    for id, each in found.items()
                    if id in state.annotations and not state.annotations[id].hidden
                }
                newest = sorted(shown.items(), key=lambda one: -max(o.decision for o in one[1]))
                self._disagreements = (state.version, dict(newest))
            return self._disagreements[1]

    def answers(self) -> Mapping[str, models.AnswerSummary]:
        """The last answer about each annotation."""
        with self._lock:
            new: dict[str, models.AnswerSummary] = {}
            for id, annotations, summary in self._store.summaries(self._latest):
                new |= dict.fromkeys(annotations, models.AnswerSummary(id=id, **summary))
                self._latest = id
            if new:  # another mapping, since the one before may be being read
                self._answers = {**self._answers, **new}
            return self._answers


def in_order(
    groups: Iterable[EncounterGroup], answers: Mapping[str, models.AnswerSummary | None]
) -> list[tuple[EncounterGroup, str]]:
    """Encounters in the order in which to look at them, each with why it stands there.

    What is decided helps to find what is not: each photo that gets a name is one more to be
    found by. So first come those that need one glance since the answer is sure, the surest
    first; then those that have an answer to weigh, the likeliest first; then those nobody
    asked about, those of most photos and the newest first; and what was put off comes last.
    Those that are resolved follow, the newest first.
    """
    ranked = [(_rank(group, answers[group.ref]), group) for group in groups]
    ranked.sort(key=lambda each: (each[0][:2], _newest_first(each[1]), each[1].ref))
    return [(group, rank[2]) for rank, group in ranked]


def _rank(group: EncounterGroup, answer: models.AnswerSummary | None) -> tuple[int, float, str]:
    count = len(group.records)
    photos = f"{count} photo{'s' * (count != 1)}"
    if group.state == "resolved":
        return 9, 0.0, f"resolved: {group.individual}"
    if group.skipped:
        return 8, 0.0, "put off before"
    if group.individual:
        return 0, -2.0, f"another of its photos is of {group.individual} already"
    if answer is None or answer.verdict is None:
        why = "not asked about yet" if answer is None else "the answer has no probability"
        return 3, -float(count), f"{why}; {photos}"
    if answer.verdict == "new":
        chance = answer.new_probability or 0.0
        return 1, -chance, f"sure enough to need a glance: a new animal, {chance:.0%}"
    chance = answer.probability or 0.0
    if answer.verdict == "known":
        return 1, -chance, f"sure enough to need a glance: {answer.first}, {chance:.0%}"
    first, share = answer.first or "nobody", chance
    if (answer.new_probability or 0.0) > chance:
        first, share = "a new animal", answer.new_probability or 0.0
    return 2, -chance, f"to be weighed: likeliest is {first}, {share:.0%}"


def _newest_first(group: EncounterGroup) -> tuple[int, ...]:
    return tuple(-ord(letter) for letter in group.seen_on) or (1,)


def proposed_name(names: Collection[str]) -> str:
    """A name for a new animal, after the names that there are.

    >>> proposed_name(["T007", "T012", "Crush"]), proposed_name(["Crush"]), proposed_name([])
    ('T013', 'new-1', 'new-1')
    """
    series: dict[str, list[str]] = defaultdict(list)
    for name in names:
        digits = name[len(name.rstrip("0123456789")) :]
        if digits and digits.isascii() and len(digits) < 12:
            series[name.removesuffix(digits)].append(digits)
    if not series:
        return "new-1"
    stem = max(series, key=lambda each: (len(series[each]), each))
    last = max(series[stem], key=int)
    taken = {name_key(name) for name in names}
    following = (f"{stem}{number:0{len(last)}d}" for number in count(int(last) + 1))
    return next(name for name in following if name_key(name) not in taken)


def _taken(record: AnnotationRecord) -> tuple[Any, ...]:
    taken = record.photo.taken_at
    return (record.seen_on, taken.isoformat() if taken else "", record.name, record.id)


def _pixels(record: AnnotationRecord) -> float:
    width, height = record.box[2:] if record.box else record.photo.size
    return width * height


def page_of(items: Sequence[Any], limit: int, cursor: str) -> tuple[Sequence[Any], str | None]:
    """A page of a list, and where the next begins."""
    start = int(cursor or 0)
    end = start + limit
    return items[start:end], str(end) if end < len(items) else None
