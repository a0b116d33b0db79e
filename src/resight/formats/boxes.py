"""Photos about to be added, with the boxes that a detector finds on them."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace

from resight.catalogue import ImportPlan, PlannedPhoto
from resight.catalogue.originals import sha256_of
from resight.detect import LEAST, Detection, Detector
from resight.errors import PhotoError
from resight.photos import read_photo

Progress = Callable[[int, int], None]


def with_boxes(
    plan: ImportPlan,
    detector: Detector,
    *,
    known: Container[str] = (),
    progress: Progress | None = None,
) -> ImportPlan:
    """The plan with boxes where none were said, and a note of how many nobody has looked at.

    Each box of a photo that names nobody is an animal of its own; the first is the one that an
    encounter was said of. A photo that names somebody gets its first box: whose the others are,
    nobody has said. Without a box, a photo stays as it was planned; so do those that cannot be
    read and those of ``known`` (by sha256), whose boxes people may have corrected.
    """
    counts = _Counts()
    made: list[PlannedPhoto] = []
    for number, planned in enumerate(plan.photos, start=1):
        made += _boxed(planned, detector, known, counts)
        if progress:
            progress(number, len(plan.photos))
    return replace(plan, photos=tuple(made), notes=(*plan.notes, *counts.notes()))


@dataclass
class _Counts:
    boxes: int = 0
    photos: int = 0
    without: int = 0
    left_out: int = 0

    def notes(self) -> Iterator[str]:
        if self.photos:
            yield f"boxes found on photos: {self.boxes} on {self.photos}; nobody has looked at them"
        if self.left_out:
            yield f"further boxes on photos that name one animal, left out: {self.left_out}"
        if self.without:
            yield f"photos without a box that could be found, taken as wholes: {self.without}"


def _boxed(
    planned: PlannedPhoto, detector: Detector, known: Container[str], counts: _Counts
) -> Sequence[PlannedPhoto]:
    if planned.box is not None or not planned.path.is_file():
        return (planned,)
    try:
        if sha256_of(planned.path) in known:
            return (planned,)
        _, pixels = read_photo(planned.path)
    except (PhotoError, OSError):  # adding it says what is wrong
        return (planned,)
    found = [each for each in detector.detect(pixels) if each.score >= LEAST]
    if not found:
        counts.without += 1
        return (planned,)
    if planned.identity:
        counts.left_out += len(found) - 1
        found = found[:1]
    counts.photos += 1
    counts.boxes += len(found)
    return [_with_box(planned, each, first=each is found[0]) for each in found]


def _with_box(planned: PlannedPhoto, found: Detection, *, first: bool) -> PlannedPhoto:
    return replace(
        planned,
        box=found.box,
        encounter=planned.encounter if first else "",
        derived=planned.derived | {"box"},
    )
