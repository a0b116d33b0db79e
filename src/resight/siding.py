"""Which side photos of a catalogue show, proposed from those whose side is known."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resight.catalogue import AnnotationRecord, Catalogue
from resight.chips import make_chip
from resight.detect.sides import PartsNetwork, Shown, SideModel, learn_sides
from resight.errors import ModelError, PhotoError
from resight.photos import read_photo
from resight.registry import build_engine
from resight.settings import Settings
from resight.types import UNKNOWN_SIDE

logger = logging.getLogger(__name__)

#: Photos learned from at most: each takes some 30 ms.
_MOST = 600
_LONG_EDGE = 512
_VERSION = "sides.v1"

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

    def propose(self, record: AnnotationRecord) -> ProposedSide:
        """The likeliest side of an annotation.

        Nothing is used that was learned from photos of its own animal or encounter.
        Raises ``PhotoError``.
        """
        parts = _parts(self._catalogue, record, self._network)
        found = self.model.probabilities(parts, _animal(record, _names(self._catalogue)))
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
    names = _names(catalogue)
    asked = [
        _VERSION,
        network.fingerprint,
        *(f"{_shown(each)} {each.side} {_animal(each, names)}" for each in records),
    ]
    digest = hashlib.sha256("\n".join(asked).encode()).hexdigest()
    path = _folder(catalogue) / f"{digest[:16]}.safetensors"
    try:
        model = SideModel.read(path)
    except (FileNotFoundError, ModelError):
        pictures = _pictures(catalogue, records, network, progress)
        model = learn_sides(tuple(pictures), network.fingerprint)
        model.write(path)
    return SideFinder(catalogue, model, network)


def kept_models(catalogue: Catalogue) -> tuple[Path, ...]:
    """What ``learned_sides`` has kept, the newest first; sides may have changed since."""
    models = ((path.stat().st_mtime, path) for path in _folder(catalogue).glob("*.safetensors"))
    return tuple(path for _, path in sorted(models, reverse=True))


def kept_sides(catalogue: Catalogue, settings: Settings) -> SideFinder | None:
    """The finder that was learned last, at once and of whatever sides were known then; ``None``
    where none was. Raises ``WeightsMissing``."""
    models = kept_models(catalogue)
    if not models:
        return None
    network = PartsNetwork(engine=build_engine(settings))
    for path in models:
        try:
            return SideFinder(catalogue, SideModel.read(path), network)
        except (FileNotFoundError, ModelError):  # damaged, or of other settings
            continue
    return None


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
    network: PartsNetwork,
    progress: Progress | None,
) -> Iterator[Shown]:
    names = _names(catalogue)
    for done, record in enumerate(records, start=1):
        try:
            yield Shown(_parts(catalogue, record, network), record.side, _animal(record, names))
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


def _names(catalogue: Catalogue) -> Mapping[str, str]:
    """Whose an encounter is, of those of which somebody said so."""
    records = catalogue.now().annotations.values()
    return {each.encounter_ref: each.individual for each in records if each.individual}


def _animal(record: AnnotationRecord, names: Mapping[str, str]) -> str:
    """Its individual, or where nobody knows it its encounter."""
    return record.individual or names.get(record.encounter_ref) or f"?{record.encounter_ref}"


def _shown(record: AnnotationRecord) -> str:
    return f"{record.id} {tuple(record.box) if record.box else ''} {record.rotation}"


def _folder(catalogue: Catalogue) -> Path:
    return catalogue.folder / "features" / "sides"
