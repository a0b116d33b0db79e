"""Random histories of a catalogue against a model of a few lines."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule
from PIL import Image

from resight.catalogue import Catalogue, ImportPlan, PlannedPhoto
from resight.errors import Conflict, NotFound
from resight.masks import Mask
from resight.types import Box

PHOTOS = 5
NAMES = ("", "Crush", "Squirt", "CRUSH")
ENCOUNTERS = ("", "dive 1", "dive 2")
MASKS = (None, *(Mask.of(np.array([[True]]), Box(at, 0, 2, 2)) for at in (0, 1)))


@dataclass(frozen=True)
class Animal:
    individual: str
    encounter: str
    hidden: bool = False
    mask: Mask | None = None


State = dict[str, Animal]


def allowed(state: State) -> bool:
    """The two rules of a catalogue."""
    names = {animal.individual for animal in state.values()}
    if {"Crush", "CRUSH"} <= names:
        return False
    return all(
        len({a.individual for a in state.values() if a.encounter == encounter} - {""}) <= 1
        for encounter in ENCOUNTERS[1:]
    )


class Histories(RuleBasedStateMachine):
    """Every annotation ever made has an id in the bundle; a photo has at most one."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="resight-"))
        self.photos = []
        for seed in range(PHOTOS):
            pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
            self.photos.append(self.folder / f"{seed}.png")
            Image.fromarray(pixels).save(self.photos[-1])
        self.catalogue = Catalogue.init(self.folder / "catalogue")
        self.state: State = {}
        self.photo_of: dict[str, int] = {}
        #: Per decision: what it touched, before and after, and whether it stands.
        self.log: list[tuple[State, State]] = []
        self.undoes: dict[int, int] = {}

    def teardown(self) -> None:
        self.catalogue.close()
        shutil.rmtree(self.folder)

    def decide(self, after: State, touched: set[str]) -> None:
        def part(state: State) -> State:
            return {id: state[id] for id in touched if id in state}

        self.log.append((part(self.state), part(after)))
        self.state = after

    @rule(
        target=ids,
        number=st.integers(0, PHOTOS - 1),
        name=st.sampled_from(NAMES),
        encounter=st.sampled_from(ENCOUNTERS),
    )
    def add(self, number: int, name: str, encounter: str) -> object:
        photo = PlannedPhoto(
            self.photos[number], "test", f"{number}.png", name, encounter=encounter
        )
        (outcome,) = self.catalogue.add(ImportPlan("test", (photo,)), actor="ann")
        known = [id for id in self.state if self.photo_of[id] == number]
        if not known:
            after = {**self.state, (outcome.annotation or "new"): Animal(name, encounter)}
            assert outcome.status == ("added" if allowed(after) else "conflict")
            if outcome.status == "conflict":
                return multiple()
            self.photo_of[outcome.annotation] = number
            self.decide(after, {outcome.annotation})
            return outcome.annotation
        old = self.state[known[0]]
        new = replace(old, individual=old.individual or name, encounter=old.encounter or encounter)
        after = {**self.state, known[0]: new}
        if (name and name != new.individual) or (encounter and encounter != new.encounter):
            assert outcome.status == "conflict"
        elif new == old:
            assert outcome.status == "already"
        elif allowed(after):
            assert outcome.status == "updated"
            self.decide(after, {known[0]})
        else:
            assert outcome.status == "conflict"
        return multiple()

    @rule(chosen=st.lists(ids, min_size=1, max_size=3), name=st.sampled_from(NAMES))
    def assign(self, chosen: list[str], name: str) -> None:
        touched = set(chosen)
        if not touched <= self.state.keys():
            with pytest.raises(NotFound):
                self.catalogue.assign(chosen, name or None, actor="ann")
            return
        after = self.state | {id: replace(self.state[id], individual=name) for id in touched}
        if not allowed(after):
            with pytest.raises(Conflict):
                self.catalogue.assign(chosen, name or None, actor="ann")
            return
        self.catalogue.assign(chosen, name or None, actor="ann")
        self.decide(after, touched)

    @rule(
        chosen=st.lists(ids, min_size=1, max_size=3).map(lambda ids: list(dict.fromkeys(ids))),
        encounter=st.sampled_from(ENCOUNTERS),
    )
    def describe(self, chosen: list[str], encounter: str) -> None:
        if not set(chosen) <= self.state.keys():
            return
        after = self.state | {id: replace(self.state[id], encounter=encounter) for id in chosen}
        if allowed(after):
            self.catalogue.describe(chosen, encounter=encounter, actor="ann")
            self.decide(after, set(chosen))
        else:
            with pytest.raises(Conflict):
                self.catalogue.describe(chosen, encounter=encounter, actor="ann")

    @rule(chosen=st.lists(ids, min_size=1, max_size=3), hidden=st.booleans())
    def hide(self, chosen: list[str], hidden: bool) -> None:
        touched = set(chosen)
        if touched <= self.state.keys():
            made = self.catalogue.hide(chosen, actor="ann", hidden=hidden)
            changing = {id for id in touched if self.state[id].hidden != hidden}
            assert (made is not None) == bool(changing)
            if changing:
                hiding = {id: replace(self.state[id], hidden=hidden) for id in changing}
                self.decide(self.state | hiding, changing)

    @rule(chosen=st.lists(ids, min_size=1, max_size=3), mask=st.sampled_from(MASKS))
    def draw(self, chosen: list[str], mask: Mask | None) -> None:
        if set(chosen) <= self.state.keys():
            self.catalogue.describe(chosen, mask=mask or "", actor="ann")
            drawn = {id: replace(self.state[id], mask=mask) for id in chosen}
            self.decide(self.state | drawn, set(chosen))

    def stands(self, decision: int) -> bool:
        return not any(self.stands(by) for by, undone in self.undoes.items() if undone == decision)

    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        if not self.log:
            return
        decision = data.draw(st.integers(1, len(self.log)))
        before = dict(self.state)
        try:
            made = self.catalogue.undo(decision, actor="ann")
        except Conflict:
            # The model does not say which field was changed: only that an undo
            # of the newest standing decision never conflicts with later ones.
            assert not self.stands(decision) or decision != self.newest_standing()
            assert self.read() == before
            return
        assert self.stands(decision)
        old, new = self.log[decision - 1]
        after = {id: animal for id, animal in self.state.items() if id not in new or id in old}
        for id in old:
            after[id] = self.undone(old[id], new.get(id), self.state.get(id))
        self.decide(after, set(old) | set(new))
        self.undoes[made.id] = decision

    def undone(self, old: Animal, new: Animal | None, now: Animal | None) -> Animal:
        """Fields that the decision changed go back, others stay."""
        if new is None or now is None:
            return old
        back = {
            field: getattr(old, field)
            for field in ("individual", "encounter", "hidden", "mask")
            if getattr(old, field) != getattr(new, field)
        }
        return replace(now, **back)

    def newest_standing(self) -> int:
        return max(
            (n for n in range(1, len(self.log) + 1) if n not in self.undoes and self.stands(n)),
            default=0,
        )

    def read(self) -> State:
        return {
            record.id: Animal(record.individual, record.encounter, record.hidden, record.mask)
            for record in self.catalogue.annotations()
        }

    @rule()
    def reopen(self) -> None:
        self.catalogue.close()
        self.catalogue = Catalogue.open(self.catalogue.folder)

    @invariant()
    def agrees_with_the_model(self) -> None:
        assert self.read() == self.state
        assert len(self.catalogue.decisions()) == len(self.log)
        for decision in self.catalogue.decisions():
            assert decision.undone == (not self.stands(decision.id))
        assert [f for f in self.catalogue.check() if f.severity != "info"] == []


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=12,
    stateful_step_count=20,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
