"""Which side photos of a catalogue show, proposed from those whose side is known."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resight.catalogue import AnnotationRecord, Catalogue, State
from resight.chips import make_chip
from resight.detect.sides import PartsNetwork, Shown, SideModel, learn_sides
from resight.errors import ModelError, PhotoError
from resight.photos import read_photo
from resight.registry import build_engine
from resight.settings import Settings
from resight.taught import kept_models, model_file, newest
from resight.types import UNKNOWN_SIDE

logger = logging.getLogger(__name__)

#: Photos learned from at most: each takes some 30 ms.
_MOST = 600
_LONG_EDGE = 512
#: The kind of models that are kept (``taught``).
SIDES = "sides"
_VERSION = "sides.v2"

#: Told how many photos were looked at, and how many are to be.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ProposedSide:
    """The likeliest side of an annotation; nobody has said it."""

    record: AnnotationRecord
    side: str
    probability: float


class SideFinder:
    """What was learned from a catalogue's sides. Changes nothing in the catalogue."""

    def __init__(self, catalogue: Catalogue, model: SideModel, network: PartsNetwork) -> None:
        if model.network != network.fingerprint:
            raise ModelError("sides were learned with another network: learn again")
        self.model = model
        self._catalogue = catalogue
        self._network = network
        self._state = State()
        self._names: Mapping[str, str] = {}

    def propose(self, record: AnnotationRecord) -> ProposedSide:
        """The likeliest side of an annotation.

        Nothing is used that was learned from photos of its own animal or encounter.
        Raises ``PhotoError``.
        """
        state = self._catalogue.now()
        if state is not self._state:  # the same object where nothing was decided since
            self._names, self._state = _names(state), state
        parts = _parts(self._catalogue, record, self._network)
        animal = _animal(record, self._names)
        found = self.model.probabilities(parts, animal, record.encounter_ref)
        side = max(found, key=lambda each: found[each])
        return ProposedSide(record, side, found[side])


def learned_sides(
    catalogue: Catalogue, settings: Settings, *, progress: Progress | None = None
) -> SideFinder:
    """A finder of sides, learned from up to ``_MOST`` photos whose side is known.

    Learned anew only where these changed; kept in the catalogue's ``features``. Raises
    ``CalibrationError`` where they are too few (see ``learn_sides``), and ``WeightsMissing``.
    """
    network = PartsNetwork(engine=build_engine(settings))
    records = sided(catalogue.annotations())
    names = _names(catalogue.now())
    asked = [
        _VERSION,
        network.fingerprint,
        *(f"{_shown(each)} {each.side} {_animal(each, names)}" for each in records),
    ]
    path = model_file(catalogue, SIDES, asked)
    try:
        model = SideModel.read(path)
    except (FileNotFoundError, ModelError):
        pictures = _pictures(catalogue, records, names, network, progress)
        model = learn_sides(tuple(pictures), network.fingerprint)
        model.write(path)
    return SideFinder(catalogue, model, network)


def kept_sides(catalogue: Catalogue, settings: Settings) -> SideFinder | None:
    """The finder that was learned last, at once and of whatever sides were known then; ``None``
    where none was. Raises ``WeightsMissing``."""
    models = kept_models(catalogue, SIDES)
    if not models:
        return None
    network = PartsNetwork(engine=build_engine(settings))
    return newest(models, lambda path: SideFinder(catalogue, SideModel.read(path), network))


def unsided(records: Sequence[AnnotationRecord]) -> list[AnnotationRecord]:
    """Annotations of which a side is wanted: those that are seen and have none."""
    return [each for each in records if each.side == UNKNOWN_SIDE and not each.hidden]


def sided(records: Sequence[AnnotationRecord]) -> list[AnnotationRecord]:
    """The annotations to learn from: seen, of a known side, few of many.

    Which few depends on ids alone, so one more photo changes one at most.
    """
    some = [each for each in records if each.side != UNKNOWN_SIDE and not each.hidden]
    return sorted(some, key=lambda each: hashlib.sha256(each.id.encode()).digest())[:_MOST]


def _pictures(
    catalogue: Catalogue,
    records: Sequence[AnnotationRecord],
    names: Mapping[str, str],
    network: PartsNetwork,
    progress: Progress | None,
) -> Iterator[Shown]:
    for done, record in enumerate(records, start=1):
        try:
            parts, animal = _parts(catalogue, record, network), _animal(record, names)
            yield Shown(parts, record.side, animal, record.encounter_ref)
        except PhotoError as error:  # lost or damaged: `check` tells
            logger.warning("%s is not learned from: %s", record.name, error)
        if progress:
            progress(done, len(records))


def _parts(
    catalogue: Catalogue, record: AnnotationRecord, network: PartsNetwork
) -> NDArray[np.float32]:
    pixels = read_photo(catalogue.original(record.photo.sha256)).pixels
    chip = make_chip(pixels, record.box, rotation=record.rotation, long_edge=_LONG_EDGE)
    return network.parts(chip.pixels)


def _names(state: State) -> Mapping[str, str]:
    """Whose an encounter is, of those of which somebody said so."""
    records = state.annotations.values()
    return {each.encounter_ref: each.individual for each in records if each.individual}


def _animal(record: AnnotationRecord, names: Mapping[str, str]) -> str:
    """Its individual, or where nobody knows it its encounter."""
    return record.individual or names.get(record.encounter_ref) or f"?{record.encounter_ref}"


def _shown(record: AnnotationRecord) -> str:
    return f"{record.id} {tuple(record.box) if record.box else ''} {record.rotation}"
