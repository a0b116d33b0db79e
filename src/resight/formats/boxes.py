"""Photos about to be added, with the boxes that a detector finds on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from resight.catalogue import PlannedPhoto
from resight.catalogue.originals import sha256_of
from resight.detect import LEAST, Detection, Detector
from resight.errors import PhotoError
from resight.photos import read_photo


class Boxing:
    """Boxes for photos that come without, found one photo at a time, as ``Catalogue.add`` asks.

    ``known`` says by sha256 how many annotations of a photo the catalogue has. ``made`` are all
    photos that were asked about, in order, as they are to be added.
    """

    def __init__(self, detector: Detector, known: Mapping[str, int]) -> None:
        self.made: list[PlannedPhoto] = []
        self._detector = detector
        self._known = known
        self._boxes = self._photos = self._without = self._left_out = 0

    def __call__(self, planned: PlannedPhoto) -> Sequence[PlannedPhoto]:
        """The photo with a box, once for each animal on it.

        Each box of a photo that names nobody is an animal of its own; the first is the one that an
        encounter was said of, and none is of one that was made out. A photo that names somebody
        gets its first box: whose the others are, nobody has said. Without a box, a photo stays as
        it was planned; so do those that cannot be read and those that are known, whose boxes
        people may have corrected.
        """
        boxed = self._boxed(planned)
        self.made += boxed
        return boxed

    def notes(self) -> Iterator[str]:
        """What was found so far."""
        if self._photos:
            yield (
                f"boxes found on photos: {self._boxes} on {self._photos}; nobody has looked at them"
            )
        if self._left_out:
            yield f"further boxes on photos that name one animal, left out: {self._left_out}"
        if self._without:
            yield f"photos without a box that could be found, taken as wholes: {self._without}"

    def _boxed(self, planned: PlannedPhoto) -> Sequence[PlannedPhoto]:
        # A mask is one animal's, whose place it tells.
        if planned.box is not None or planned.mask is not None or not planned.path.is_file():
            return (planned,)
        try:
            known = self._known.get(sha256_of(planned.path), 0)
            if known:
                return (_in_no_encounter(planned) if known > 1 else planned,)
            _, pixels = read_photo(planned.path)
        except (PhotoError, OSError):  # adding it says what is wrong
            return (planned,)
        found = [each for each in self._detector.detect(pixels) if each.score >= LEAST]
        if not found:
            self._without += 1
            return (planned,)
        if planned.identity:
            self._left_out += len(found) - 1
            found = found[:1]
        self._photos += 1
        self._boxes += len(found)
        one = planned if len(found) == 1 else _in_no_encounter(planned)
        return [_with_box(one, each, first=each is found[0]) for each in found]


def _in_no_encounter(planned: PlannedPhoto) -> PlannedPhoto:
    """A photo of several animals without names: whose its encounter is cannot be made out."""
    if planned.identity or "encounter" not in planned.derived:
        return planned
    return replace(planned, encounter="", derived=planned.derived - {"encounter"})


def _with_box(planned: PlannedPhoto, found: Detection, *, first: bool) -> PlannedPhoto:
    return replace(
        planned,
        box=found.box,
        encounter=planned.encounter if first else "",
        derived=planned.derived | {"box"},
    )
