"""Individuals as wholes: renamed, merged, split, and what people note about them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy import Connection

from resight.catalogue import dismissals, notes
from resight.catalogue.decisions import Said, append, record, update
from resight.catalogue.log import changes_of, history
from resight.catalogue.names import clean_name
from resight.catalogue.records import Change, Decision
from resight.catalogue.store import Store, annotations_table, changes
from resight.errors import BadFact, Conflict, NotFound, Outdated

_LONGEST = 10_000


def name_said(individual: str | None) -> str:
    """The name somebody gave an individual; empty for ``None`` and ``unknown``.

    Raises ``BadFact`` for a blank one, or one that no individual can have.
    """
    if individual is not None and not individual.strip():
        raise BadFact("the name is blank: write `unknown` to clear it")
    try:
        return clean_name(individual or "")
    except ValueError as error:
        raise BadFact(str(error)) from error


def notes_follow(connection: Connection, decision: int, kept: str) -> None:
    """Add to a decision that named ``kept`` the notes of those it left without any photo.

    Who was renamed or merged by naming all its photos is that animal still.
    """
    befores = [each.before or {} for each in changes_of(connection, decision)]
    left = dict.fromkeys(str(each.get("individual") or "") for each in befores)
    for name in left:
        if name and kept and name != kept and not _has(connection, name):
            append(connection, decision, _notes_moved(connection, name, kept))


class Individuals:
    """Decisions about individuals as wholes. Each can be undone like any other.

    ``seen`` is the ``version`` of an individual that whoever decides has read;
    ``Outdated`` is raised where it has another by now. ``would_merge`` and
    ``would_split`` check all rules, write nothing, and give the changes that would be made.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def version(self, name: str) -> str:
        """Another one after each change of an individual's annotations, facts or notes."""
        with self._store.reading() as connection:
            return _version(connection, name)

    def note(self, name: str, text: str, *, actor: str, seen: str = "") -> Decision:
        """Note something about an individual, in place of what was noted before."""
        if len(text) > _LONGEST or "\0" in text:
            raise BadFact(f"notes have {_LONGEST} characters at most, and no zero bytes")
        return self._decide(Said("note", actor), _Noting(name, text), seen)

    def rename(
        self, name: str, new: str, *, actor: str, note: str = "", seen: str = ""
    ) -> Decision:
        """Give an individual a name that nobody has, or another spelling of its own.

        Raises ``Conflict`` for another individual's name: that would be a merge.
        """
        said = Said("rename", actor, note or f"{name} to {_real(new)}")
        return self._decide(said, _Renaming(name, _real(new)), seen)

    def merge(
        self, name: str, into: str, *, actor: str, note: str = "", seen: str = ""
    ) -> Decision:
        """Say that two individuals are one: all photos of ``name`` are of ``into``."""
        said = Said("merge", actor, note or f"{name} into {_real(into)}")
        return self._decide(said, _Merging(name, _real(into)), seen)

    def would_merge(self, name: str, into: str) -> list[Change]:
        """What a merge would change."""
        return self._try(_Merging(name, _real(into)))

    def split(
        self,
        name: str,
        annotations: Sequence[str],
        new: str,
        *,
        actor: str,
        note: str = "",
        seen: str = "",
    ) -> Decision:
        """Say that some photos of an individual are of another animal, ``new``.

        An encounter is of one animal: photos that leave others of theirs behind get one of
        their own, called as before with ``new`` in brackets.

        Raises ``Conflict`` where that leaves nothing of it, where a photo is not of it, and
        where somebody is called ``new``.
        """
        said = Said("split", actor, note or f"{_real(new)} from {name}")
        return self._decide(said, _Splitting(name, _real(new), annotations), seen)

    def would_split(self, name: str, annotations: Sequence[str], new: str) -> list[Change]:
        """What a split would change."""
        return self._try(_Splitting(name, _real(new), annotations))

    def tell_apart(
        self, name: str, other: str, *, actor: str, note: str = "", seen: str = ""
    ) -> Decision:
        """Dismiss the suspicion that two individuals are one, going by their photos of now.

        Raises ``NotFound``, ``Conflict`` for one and the same.
        """
        said = Said("dismiss", actor, note or f"{name} and {other} are different animals")
        return self._decide(said, _TellingApart(name, other), seen)

    def confirm(
        self,
        name: str,
        annotations: Sequence[str],
        *,
        actor: str,
        note: str = "",
        seen: str = "",
    ) -> Decision:
        """Dismiss the suspicion that photos of an individual are of another animal.

        Raises ``NotFound``, ``Conflict`` where a photo is not of it.
        """
        said = Said("dismiss", actor, note or f"these photos are of {name}")
        return self._decide(said, _Confirming(name, annotations), seen)

    def _decide(self, said: Said, plan: _Plan, seen: str) -> Decision:
        with self._store.writing() as connection:
            if seen and seen != _version(connection, plan.name):
                raise Outdated(
                    f"individual {plan.name!r} was changed since you read it: look again"
                )
            decision = record(connection, said)
            append(connection, decision, plan.changes(connection))
        with self._store.reading() as connection:
            (entered,) = history(connection, id=decision)
        return entered

    def _try(self, plan: _Plan) -> list[Change]:
        with self._store.writing() as connection:
            trial = connection.begin_nested()
            made = plan.changes(connection)
            append(connection, record(connection, Said("trial", "")), made)
            trial.rollback()
        return made


class _Plan(Protocol):
    """A change to an individual of this name."""

    @property
    def name(self) -> str: ...

    def changes(self, connection: Connection) -> list[Change]: ...


@dataclass(frozen=True)
class _Noting:
    name: str
    text: str

    def changes(self, connection: Connection) -> list[Change]:
        _ids(connection, self.name)
        return [notes.change_of(connection, self.name, self.text)]


@dataclass(frozen=True)
class _Renaming:
    name: str
    new: str

    def changes(self, connection: Connection) -> list[Change]:
        if _has(connection, self.new):
            raise Conflict(
                f"there is an individual {self.new!r} already: merge them, if they are one animal"
            )
        return _moved(connection, self.name, self.new, _ids(connection, self.name))


@dataclass(frozen=True)
class _Merging:
    name: str
    into: str

    def changes(self, connection: Connection) -> list[Change]:
        if self.into == self.name:
            raise Conflict(f"{self.name!r} cannot be merged with itself")
        _ids(connection, self.into)
        return _moved(connection, self.name, self.into, _ids(connection, self.name))


@dataclass(frozen=True)
class _Splitting:
    name: str
    new: str
    annotations: Sequence[str]

    def changes(self, connection: Connection) -> list[Change]:
        own, chosen = _ids(connection, self.name), dict.fromkeys(self.annotations)
        _check_own(self.name, chosen, own)
        if len(chosen) == len(own):
            raise Conflict(f"nothing would be left of {self.name!r}: rename it instead")
        if _has(connection, self.new):
            raise Conflict(
                f"there is an individual {self.new!r} already: choose another name, or assign "
                "the photos to it"
            )
        a = annotations_table.c
        rows = connection.execute(sa.select(a.id, a.encounter).where(a.id.in_(own)).order_by(a.id))
        encounters = {row.id: row.encounter for row in rows}
        staying = {encounter for id, encounter in encounters.items() if id not in chosen} - {""}
        apart = sorted(staying.intersection(encounters[id] for id in chosen))
        free = {each: _free_encounter(connection, each, self.new) for each in apart}
        made = []
        for id in chosen:
            renamed = free.get(encounters[id])
            facts = {"encounter": renamed} if renamed else {}
            made.append(update(connection, id, individual=self.new, **facts))
        return made


@dataclass(frozen=True)
class _TellingApart:
    name: str
    other: str

    def changes(self, connection: Connection) -> list[Change]:
        if self.other == self.name:
            raise Conflict(f"{self.name!r} cannot be told apart from itself")
        both = (_ids(connection, each) for each in (self.name, self.other))
        return dismissals.change_of(connection, *both)


@dataclass(frozen=True)
class _Confirming:
    name: str
    annotations: Sequence[str]

    def changes(self, connection: Connection) -> list[Change]:
        if not self.annotations:
            raise BadFact(f"no annotation of {self.name!r} given to confirm")
        _check_own(self.name, self.annotations, _ids(connection, self.name))
        return dismissals.change_of(connection, self.annotations)


def _moved(connection: Connection, name: str, kept: str, ids: Sequence[str]) -> list[Change]:
    """All photos and the notes of one name under another; two notes come one after the other."""
    # No answer to who it is: marks stay.
    moved = [Change(id, {"individual": name}, {"individual": kept}) for id in ids]
    return [*moved, *_notes_moved(connection, name, kept)]


def _notes_moved(connection: Connection, name: str, kept: str) -> list[Change]:
    own, others = notes.note_of(connection, name), notes.note_of(connection, kept)
    if not own:
        return []
    joined = f"{others}\n\n{name}: {own}" if others else own
    return [notes.change_of(connection, *pair) for pair in ((name, ""), (kept, joined))]


def _free_encounter(connection: Connection, encounter: str, of: str) -> str:
    """A name that no encounter has, for the part of one that is of another animal."""
    number, free = 1, f"{encounter[:140]} ({of[:40]})"
    taken = sa.select(annotations_table.c.id).limit(1)
    while connection.execute(taken.where(annotations_table.c.encounter == free)).first():
        number += 1
        free = f"{encounter[:140]} ({of[:40]} {number})"
    return free


def _check_own(name: str, annotations: Iterable[str], own: Sequence[str]) -> None:
    if other := [id for id in annotations if id not in own]:
        raise Conflict(f"annotation {other[0]} is not of {name!r}")


def _real(name: str) -> str:
    found = name_said(name)
    if not found:
        raise BadFact(f"{name!r} is no name of an individual")
    return found


def _ids(connection: Connection, name: str) -> list[str]:
    a = annotations_table.c
    found = connection.execute(sa.select(a.id).where(a.individual == name).order_by(a.id))
    ids = list(found.scalars())
    if not ids or not name:
        raise NotFound(f"no individual {name!r} in this catalogue")
    return ids


def _has(connection: Connection, name: str) -> bool:
    a = annotations_table.c
    return (
        connection.execute(sa.select(a.id).where(a.individual == name).limit(1)).first() is not None
    )


def version_of(versions: Sequence[int], notes: str) -> str:
    """The version of an individual with annotations of these versions and these notes.

    Who joins has a later change than all before; who leaves makes them fewer: so no version
    returns, but for notes that are again as they were.
    """
    said = hashlib.sha256(notes.encode()).hexdigest()[:8]
    return f"{len(versions)}-{max(versions, default=0)}-{said}"


def _version(connection: Connection, name: str) -> str:
    a = annotations_table.c
    own = sa.select(a.id).where(a.individual == name)
    latest = connection.execute(
        sa.select(sa.func.max(changes.c.id))
        .where(changes.c.annotation.in_(own), changes.c.dismissal == "")
        .group_by(changes.c.annotation)
    ).scalars()
    return version_of(list(latest), notes.note_of(connection, name))
