"""A detector taught by a catalogue's own boxes, kept with what is derived from it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from resight.catalogue import AnnotationRecord, Catalogue
from resight.detect.cells import CellNetwork
from resight.detect.learned import (
    FIRST_SIDE,
    SECOND_SIDE,
    Example,
    LearnedDetector,
    Networks,
    PartModel,
    Progress,
    learn_part,
)
from resight.errors import ModelError, PhotoError
from resight.photos import read_photo
from resight.registry import SALIENT, build_detector, build_engine
from resight.settings import Settings
from resight.taught import kept_models, model_file, newest
from resight.types import Box

logger = logging.getLogger(__name__)

#: A box of more than this share of its photo is around an animal, not a part of one.
_PART = 0.5
#: Boxed photos learned from at most: each takes a second.
_MOST = 200
#: Degrees that a boxed animal may be turned by: photos are looked at as they are.
_TURNED = 15.0
#: The kind of models that are kept (``taught``).
BOXES = "boxes"
_VERSION = "boxes.v3"


def learned_detector(
    catalogue: Catalogue, settings: Settings, *, progress: Progress | None = None
) -> tuple[LearnedDetector, PartModel]:
    """The detector that finds what the catalogue's boxes hold, and what it was learned from.

    Learned anew only where boxes changed, from up to ``_MOST`` photos; kept in the catalogue's
    ``features``. Raises ``CalibrationError`` where too few photos have a box that is a part of
    them, and ``WeightsMissing``.
    """
    networks = _networks(settings)
    records = boxed(catalogue.annotations())
    asked = [
        _VERSION,
        networks.fingerprint,
        *(f"{each.id} {each.box} {each.rotation} {each.individual}" for each in records),
    ]
    path = model_file(catalogue, BOXES, asked)
    try:
        model = PartModel.read(path)
    except (FileNotFoundError, ModelError):
        model = learn_part([_example(catalogue, record) for record in records], networks, progress)
        model.write(path)
    return LearnedDetector(model, networks), model


def kept_detector(catalogue: Catalogue, settings: Settings) -> LearnedDetector | None:
    """The detector that was learned last, at once and of whatever boxes there were; ``None``
    where none was. Raises ``WeightsMissing``."""
    models = kept_models(catalogue, BOXES)
    if not models:
        return None
    networks = _networks(settings)
    return newest(models, lambda path: LearnedDetector(PartModel.read(path), networks))


def _networks(settings: Settings) -> Networks:
    engine = build_engine(settings)
    return Networks(
        build_detector(SALIENT, settings),
        CellNetwork(engine=engine, side=FIRST_SIDE),
        CellNetwork(engine=engine, side=SECOND_SIDE),
    )


def boxed(records: Sequence[AnnotationRecord]) -> list[AnnotationRecord]:
    """The annotations to learn from: those whose box is a part of its photo, few of many.

    Which few depends on ids alone, so one more photo changes one at most.
    """
    some = [
        each
        for each in records
        if each.box is not None
        and not each.hidden
        and abs((each.rotation + 180) % 360 - 180) <= _TURNED
        and each.box.w * each.box.h <= _PART * each.photo.size[0] * each.photo.size[1]
    ]
    return sorted(some, key=lambda each: hashlib.sha256(each.id.encode()).digest())[:_MOST]


def _example(catalogue: Catalogue, record: AnnotationRecord) -> Example:
    def pixels() -> NDArray[np.uint8]:
        try:
            return read_photo(catalogue.original(record.photo.sha256))[1]
        except PhotoError as error:  # lost or damaged: `check` tells
            logger.warning("%s is not learned from: %s", record.name, error)
            raise

    box = record.box or Box(0, 0, *record.photo.size)
    return Example(pixels, box, record.individual or record.id)
