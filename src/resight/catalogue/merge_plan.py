"""What is to be taken over from another catalogue: pure comparison, nothing is written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from resight.catalogue import dismissals, notes
from resight.catalogue.decisions import changed
from resight.catalogue.names import name_key
from resight.catalogue.originals import Originals
from resight.catalogue.others import (
    Base,
    Entry,
    Other,
    annotations_now,
    base_of,
    ever_here,
    known_decisions,
    last_merge,
    latest_decisions,
    unknown_of,
)
from resight.catalogue.records import Change, MergeConflict
from resight.catalogue.store import photos, purged
from resight.masks import mask_told
from resight.types import UNKNOWN_SIDE

Fields = dict[str, Any]
#: What stands for "not known".
_NOT_SAID: Fields = {
    "box": "",
    "rotation": 0.0,
    "individual": "",
    "side": UNKNOWN_SIDE,
    "encounter": "",
    "species": "",
    "date": "",
    "place": "",
    "latitude": None,
    "longitude": None,
    "hidden": False,
    "review": "",
    "mask": "",
}
#: Facts that are compared together: half of a position is none.
_TOGETHER = (
    *((fact,) for fact in _NOT_SAID if fact[:3] not in ("lat", "lon")),
    ("latitude", "longitude"),
)


@dataclass(frozen=True)
class Wanted:
    """A change to make, of a photo called ``photo``, in the other's ``encounter``."""

    change: Change
    photo: str
    encounter: str = ""

    def without_identity(self) -> Wanted | None:
        """The same without who it is and in which encounter; ``None`` if nothing is left."""
        before, after = self.change.before, self.change.after or {}
        if self.change.individual or self.change.dismissal:
            return None
        if before is None:  # a new annotation, of nobody known
            after = {**after, "individual": "", "encounter": ""}
            return replace(self, change=replace(self.change, after=after))
        left = {name: after[name] for name in after if name not in ("individual", "encounter")}
        old = {name: before[name] for name in left}
        return replace(self, change=replace(self.change, before=old, after=left)) if left else None


@dataclass
class MergePlan:
    """``photos``: sha256 of originals to copy; ``names``: what photos are called; ``pairs``: by the
    other's annotation the one here that it is; ``log``: what of the other's is not known
    here. Others as in ``Merged``."""

    wanted: list[Wanted] = field(default_factory=list)
    photos: list[str] = field(default_factory=list)
    taken_in: int = 0
    already: int = 0
    conflicts: list[MergeConflict] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    encounters: dict[str, str] = field(default_factory=dict)
    individuals: dict[str, str] = field(default_factory=dict)
    same_names: tuple[str, ...] = ()
    same_animals: dict[str, str] = field(default_factory=dict)
    pairs: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    log: tuple[Entry, ...] = ()


def plan_merge(
    connection: Connection, other: Other, originals: Originals, *, without: Collection[str] = ()
) -> MergePlan:
    """Compare; ``without``: photos (sha256) that could not be had."""
    return _Merger(connection, other, originals, without).plan()


_TAKE, _CONFLICT = "take", "conflict"


def _verdict(
    facts: Sequence[str], said: tuple[Any, ...], known: tuple[Any, ...], base: Fields | None
) -> str | None:
    """What to do about facts that the other has ``said`` and are ``known`` here."""
    nothing = tuple(_NOT_SAID[fact] for fact in facts)
    before = nothing if base is None else tuple(base[fact] for fact in facts)
    if said in (known, before):
        return None
    return _TAKE if known in (before, nothing) else _CONFLICT


def _as_told(facts: Sequence[str], values: tuple[Any, ...]) -> Any:
    if facts == ("mask",):
        return mask_told(values[0])
    return values[0] if len(values) == 1 else values


class _Merger:
    """One comparison of this catalogue with another."""

    def __init__(
        self,
        connection: Connection,
        other: Other,
        originals: Originals,
        without: Collection[str],
    ) -> None:
        self._other = other
        self._without = without
        self._ours = annotations_now(connection)
        self._notes = notes.noted(connection)
        self._dismissals = dismissals.kept(connection)
        self._last_merge = last_merge(connection, other)
        self._latest = latest_decisions(connection)
        rows = connection.execute(sa.select(photos.c.sha256, photos.c.format, photos.c.bytes)).all()
        self._photos = {row.sha256 for row in rows}
        self._whole = {row.sha256 for row in rows if originals.holds(*row)}
        self._purged = set(connection.execute(sa.select(purged.c.sha256)).scalars())
        self._of_photo: dict[str, list[str]] = {}
        for id, fields in self._ours.items():
            self._of_photo.setdefault(fields["photo"], []).append(id)
        self._pairs = self._matched()
        own, known = known_decisions(connection)
        self._base: Base = base_of(other, known, self._pairs)
        self._first: Base = base_of(other, own, self._pairs)
        self._ids_here, self._boxes_here = ever_here(connection)
        self._plan = MergePlan(
            names={sha256: row["name"] for sha256, row in other.photos.items()},
            log=tuple(unknown_of(other, known, self._pairs)),
        )

    def plan(self) -> MergePlan:
        """The whole comparison."""
        plan = self._plan
        plan.encounters = self._encounters()
        plan.individuals = self._spellings()
        for id, theirs in self._other.annotations.items():
            self._compare(id, self._translated(theirs))
        self._compare_notes()
        self._compare_dismissals()
        plan.same_names = self._same_names()
        plan.same_animals = self._same_animals()
        plan.pairs = self._pairs
        new = [
            each.change.after
            for each in plan.wanted
            if each.change.before is None and not each.change.dismissal
        ]
        needed = {fields["photo"] for fields in new if fields}
        shared = {self._ours[ours]["photo"] for ours in self._pairs.values()}
        plan.photos = sorted((needed | shared) - self._whole - set(self._without))
        plan.taken_in = len(needed)
        return plan

    def _matched(self) -> dict[str, str]:
        """By the other's annotation the one here that it is."""
        found = {}
        theirs_of: dict[str, list[str]] = {}
        for id, fields in self._other.annotations.items():
            theirs_of.setdefault(fields["photo"], []).append(id)
        for id, fields in self._other.annotations.items():
            here = self._of_photo.get(fields["photo"], [])
            same = [ours for ours in here if self._ours[ours]["box"] == fields["box"]]
            alone = len(here) == 1 == len(theirs_of[fields["photo"]])
            if id in self._ours and self._ours[id]["photo"] == fields["photo"]:
                found[id] = id
            elif same:
                found[id] = same[0]
            elif alone and "" in (self._ours[here[0]]["box"], fields["box"]):
                found[id] = here[0]  # one of them has not said yet where the animal is
        taken = {ours for id, ours in found.items() if id == ours}
        return {id: ours for id, ours in found.items() if id == ours or ours not in taken}

    def _encounters(self) -> dict[str, str]:
        """The other's encounters that are called otherwise here, and by which name.

        Two catalogues number their encounters alike. Only one with a photo in both is the same.
        """
        here = {fields["encounter"] for fields in self._ours.values()} - {""}
        partners: dict[str, set[str]] = {}
        for id, ours in self._pairs.items():
            theirs = self._other.annotations[id]["encounter"]
            partners.setdefault(theirs, set()).add(self._ours[ours]["encounter"])
        renamed = {}
        for name in sorted({f["encounter"] for f in self._other.annotations.values()} - {""}):
            known = partners.get(name, set()) - {""}
            if name in known:
                continue
            if len(known) == 1:
                renamed[name] = known.pop()
            elif name in here:
                renamed[name] = self._free(name, here)
                here.add(renamed[name])
        return renamed

    def _free(self, name: str, taken: Collection[str]) -> str:
        number, free = 1, f"{name[:150]} ({self._other.name[:40]})"
        while free in taken:
            number += 1
            free = f"{name[:150]} ({self._other.name[:40]} {number})"
        return free

    def _spellings(self) -> dict[str, str]:
        """The other's individuals that are spelled otherwise here."""
        ours = {name_key(each["individual"]): each["individual"] for each in self._ours.values()}
        theirs = {each["individual"] for each in self._other.annotations.values()} - {""}
        return {
            name: ours[name_key(name)]
            for name in sorted(theirs)
            if ours.get(name_key(name), name) != name
        }

    def _translated(self, fields: Fields) -> Fields:
        """The other's fields in this catalogue's names."""
        individual, encounter = fields["individual"], fields["encounter"]
        return {
            **fields,
            "individual": self._plan.individuals.get(individual, individual),
            "encounter": self._plan.encounters.get(encounter, encounter),
        }

    def _compare(self, id: str, theirs: Fields) -> None:
        ours = self._pairs.get(id)
        name = self._plan.names.get(theirs["photo"], theirs["photo"][:12])
        if ours is not None:
            self._compare_fields(id, ours, theirs, name)
        elif id in self._base.annotations and (
            id in self._ids_here or (theirs["photo"], theirs["box"]) in self._boxes_here
        ):
            self._plan.already += 1  # it was here, and somebody took it back
        elif theirs["photo"] in self._without:
            return  # why is told of the photo
        elif theirs["photo"] in self._purged - self._photos:
            self._plan.refused[name] = "it was purged here"
        else:
            change = Change(id, None, theirs)
            self._plan.wanted.append(Wanted(change, name, theirs["encounter"]))

    def _compare_fields(self, id: str, ours: str, theirs: Fields, name: str) -> None:
        now = self._ours[ours]
        base, first = (
            self._translated(each.annotations[id]) if id in each.annotations else None
            for each in (self._base, self._first)
        )
        undecided = self._undecided(ours)
        taken: Fields = {}
        for facts in _TOGETHER:
            said, known = (tuple(fields[fact] for fact in facts) for fields in (theirs, now))
            verdict = _verdict(facts, said, known, base)
            if verdict is None and undecided and said != known:
                # A conflict of an earlier merge about which nobody has decided since.
                verdict = _verdict(facts, said, known, first) and _CONFLICT
            if verdict == _TAKE:
                taken |= dict(zip(facts, said, strict=True))
            elif verdict == _CONFLICT:
                both = [_as_told(facts, each) for each in (known, said)]
                conflict = MergeConflict(ours, name, " and ".join(facts), *both)
                self._plan.conflicts.append(conflict)
        if not taken:
            self._plan.already += 1
            return
        self._plan.wanted.append(Wanted(changed(ours, now, taken), name, theirs["encounter"]))

    def _compare_notes(self) -> None:
        for name in sorted(self._other.notes.keys() | self._base.notes.keys()):
            theirs = self._other.notes.get(name, "")
            here = self._plan.individuals.get(name, name)
            ours, base = self._notes.get(here, ""), self._base.notes.get(name, "")
            if theirs in (ours, base):
                continue
            if ours in (base, ""):
                change = Change("", {"notes": ours}, {"notes": theirs}, here)
                self._plan.wanted.append(Wanted(change, here))
            else:
                self._plan.conflicts.append(MergeConflict("", here, "notes", ours, theirs))

    def _compare_dismissals(self) -> None:
        """Dismissals are made and undone, never changed: there is nothing to disagree about."""
        theirs, ours = self._other.dismissals, self._dismissals
        for id in sorted(theirs.keys() - ours.keys() - self._base.dismissals):
            for annotation, said in theirs[id].items():
                theirs_say: str = said["individual"]
                name = self._plan.individuals.get(theirs_say, theirs_say)
                here = self._pairs.get(annotation, annotation)
                change = Change(here, None, {**said, "individual": name}, dismissal=id)
                self._plan.wanted.append(Wanted(change, name))
        for id in sorted((ours.keys() & self._base.dismissals) - theirs.keys()):
            for annotation, said in ours[id].items():
                change = Change(annotation, said, None, dismissal=id)
                self._plan.wanted.append(Wanted(change, said["individual"]))

    def _same_names(self) -> tuple[str, ...]:
        """Individuals of both of which no photo is in both."""
        ours = {each["individual"] for each in self._ours.values()}
        theirs = {
            self._plan.individuals.get(each["individual"], each["individual"])
            for each in self._other.annotations.values()
        }
        shared = {self._ours[each]["individual"] for each in self._pairs.values()}
        return tuple(sorted((ours & theirs) - shared - {""}))

    def _same_animals(self) -> dict[str, str]:
        """The other's individuals whose photos in both have one other name here, where both
        names are kept; by theirs the one here.

        It stays so until somebody has decided about the photos that came by a merge.
        """
        called: dict[str, set[str]] = {}
        for id, here in self._pairs.items():
            theirs = self._translated(self._other.annotations[id])["individual"]
            ours = self._ours[here]["individual"]
            merged = id not in self._first.annotations and self._undecided(here)
            if not (theirs == ours and merged):
                called.setdefault(theirs, set()).add(ours)
        after = {id: fields["individual"] for id, fields in self._ours.items()}
        for each in self._plan.wanted:
            if not each.change.dismissal and "individual" in (each.change.after or {}):
                after[each.change.annotation] = (each.change.after or {})["individual"]
        kept = set(after.values()) - {""}
        found = {}
        for name in sorted(called.keys() & kept):
            others = called[name] - {""}
            if len(others) == 1 and name not in others and others <= kept:
                found[name] = others.pop()
        return found

    def _undecided(self, annotation: str) -> bool:
        """Whether nobody has decided about an annotation here since the last merge."""
        return self._latest.get(annotation, 0) <= self._last_merge
