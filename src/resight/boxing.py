"""A detector taught by a catalogue's own boxes, kept with what is derived from it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resight.catalogue import AnnotationRecord, Catalogue
from resight.chips import make_chip
from resight.detect import Detector
from resight.detect.learned import (
    LONG_EDGE,
    MAX_KEYPOINTS,
    Example,
    LearnedDetector,
    PartModel,
    animals_on,
    learn_part,
)
from resight.errors import ModelError, PhotoError
from resight.extractors import Extractor
from resight.photos import read_photo
from resight.registry import SALIENT, build_detector, build_method
from resight.settings import Settings
from resight.types import Box, Chip

logger = logging.getLogger(__name__)

#: Told how many boxed photos are described, and how many are to be.
Progress = Callable[[int, int], None]

#: A box of more than this share of its photo is around an animal, not a part of one.
_PART = 0.5
#: Boxed photos learned from at most: each takes half a second.
_MOST = 200
#: Degrees that a boxed animal may be turned by: its keypoints' places are those of upright ones.
_TURNED = 15.0
_METHOD = "aliked-n16+nearest"
_VERSION = "boxes.v1"


def learned_detector(
    catalogue: Catalogue, settings: Settings, *, progress: Progress | None = None
) -> tuple[LearnedDetector, PartModel]:
    """The detector that finds what the catalogue's boxes hold, and what it was learned from.

    Learned anew only where boxes changed, from up to ``_MOST`` photos; kept in the catalogue's
    ``features``. Raises ``CalibrationError`` where too few photos have a box that is a part of
    them, and what ``build_method`` raises.
    """
    extractor, first = _parts(settings)
    records = boxed(catalogue.annotations())
    asked = [
        _VERSION,
        extractor.fingerprint,
        first.fingerprint,
        *(f"{each.id} {each.box} {each.rotation} {each.individual}" for each in records),
    ]
    digest = hashlib.sha256("\n".join(asked).encode()).hexdigest()
    path = _folder(catalogue) / f"{digest[:16]}.safetensors"
    try:
        model = PartModel.read(path)
    except (FileNotFoundError, ModelError):
        model = learn_part(_examples(catalogue, records, extractor, first, progress))
        model.write(path)
    return LearnedDetector(model, extractor, first), model


def kept_models(catalogue: Catalogue) -> tuple[Path, ...]:
    """What ``learned_detector`` has kept, the newest first; boxes may have changed since."""
    models = ((path.stat().st_mtime, path) for path in _folder(catalogue).glob("*.safetensors"))
    return tuple(path for _, path in sorted(models, reverse=True))


def kept_detector(catalogue: Catalogue, settings: Settings) -> LearnedDetector | None:
    """The detector that was learned last, at once and of whatever boxes there were; ``None``
    where none was. Raises what ``build_method`` raises."""
    models = kept_models(catalogue)
    if not models:
        return None
    extractor, first = _parts(settings)
    for path in models:
        try:
            return LearnedDetector(PartModel.read(path), extractor, first)
        except (FileNotFoundError, ModelError):  # damaged, or of other settings
            continue
    return None


def _parts(settings: Settings) -> tuple[Extractor, Detector]:
    """What describes photos for the learned detector, and what finds animals for it."""
    seen = settings.model_copy(update={"long_edge": LONG_EDGE, "max_keypoints": MAX_KEYPOINTS})
    return build_method(_METHOD, seen).extractor, build_detector(SALIENT, settings)


def _folder(catalogue: Catalogue) -> Path:
    return catalogue.folder / "features" / "boxes"


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


def _examples(
    catalogue: Catalogue,
    records: Sequence[AnnotationRecord],
    extractor: Extractor,
    first: Detector,
    progress: Progress | None,
) -> Iterator[Example]:
    for number, record in enumerate(records, start=1):
        if progress:
            progress(number, len(records))
        try:
            _, pixels = read_photo(catalogue.original(record.photo.sha256))
        except PhotoError as error:  # lost or damaged: `check` tells
            logger.warning("%s is not learned from: %s", record.name, error)
            continue
        box = record.box or Box(0, 0, *record.photo.size)
        chip, here = _around(pixels, box, first)
        (features,) = extractor.extract([chip])
        yield Example(features, here, record.individual or record.id)


def _around(pixels: NDArray[np.uint8], box: Box, first: Detector) -> tuple[Chip, Box]:
    """The chip of the animal that the box's middle lies on, and the box in its pixels."""
    for chip in animals_on(pixels, first):
        here = _in_chip(chip, box)
        middle = (here.x + here.w / 2, here.y + here.h / 2)
        if all(0 <= at < side for at, side in zip(middle, chip.size, strict=True)):
            return chip, here
    whole = make_chip(pixels, long_edge=LONG_EDGE)
    return whole, _in_chip(whole, box)


def _in_chip(chip: Chip, box: Box) -> Box:
    low, high = chip.points_from_photo(
        np.array([(box.x, box.y), (box.x + box.w, box.y + box.h)], np.float64)
    )
    return Box(*low.tolist(), *(high - low).tolist())
