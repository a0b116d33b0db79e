"""Every error resight raises on purpose, in one small tree.

    ResightError
    ├── PhotoError                 one photo cannot be used; the others go on
    │   ├── PhotoUnreadable        empty, truncated or not a picture
    │   ├── PhotoTooLarge          more pixels or bytes than the limit
    │   └── TooLittleLearned       its own encounter is most of what was to be learned from
    ├── SettingsError              unknown name or bad value of a setting
    ├── UnknownMethod              no such extractor, matcher or method
    ├── ModelError                 a weights file or a network
    │   ├── WeightsMissing         not fetched yet; names the command that does
    │   ├── WeightsCorrupt         sha256 or size differs from the table
    │   ├── FetchFailed            every source failed; lists them
    │   ├── LicenceNotAccepted     the weights' licence forbids some uses; says which
    │   └── UnsafeCheckpoint       the pickle names something that is no tensor
    ├── EngineError                device or precision not to be had, graph failed
    ├── IncompatibleFeatures       features given to a matcher not made for them
    ├── CatalogueError
    │   ├── NotACatalogue          the folder holds none
    │   ├── CatalogueExists        `init` on a folder that has one
    │   ├── CatalogueVersion       made by a newer resight
    │   ├── CatalogueDamaged       `check` or `restore` found a mismatch
    │   ├── BadFact                what somebody says cannot be understood
    │   ├── NotFound               no photo, individual or decision of that name
    │   └── Conflict               would make two records contradict each other
    │       └── Outdated           what it is about was changed since it was read
    ├── CalibrationError           too few trials, a leak, or a damaged calibration
    ├── JobError                   no such kind of job, or an argument it does not take
    ├── ImportFileError            a table, package, video or name pattern of `resight add`
    │   └── NoPhotos               a folder that holds none
    ├── ExportError                a file of `resight export` cannot be made
    ├── DeskError                  a desk elsewhere refused, or cannot be reached
    ├── ProtocolError              an evaluation protocol file
    └── MissingExtra               an optional package; names `pip install resight[...]`

A message says what happened, to which item, and what to do about it. Errors of
libraries are translated where they are called, so callers need only this tree.
"""

from __future__ import annotations

from collections.abc import Sequence


class ResightError(Exception):
    """Base of all errors raised by resight on purpose."""


class PhotoError(ResightError):
    """One photo cannot be used."""


class PhotoUnreadable(PhotoError):
    """The file is empty, truncated or not a picture resight can decode."""


class PhotoTooLarge(PhotoError):
    """The photo exceeds the limit on pixels or bytes."""


class TooLittleLearned(PhotoError):
    """Without the query's own photos the gallery has too few to learn from what it takes."""


class SettingsError(ResightError):
    """A setting has an unknown name or a value out of range."""


class UnknownMethod(ResightError):
    """No extractor, matcher or method of that name is registered."""


class ModelError(ResightError):
    """Base of errors about weights files and networks."""


class WeightsMissing(ModelError):
    """A weights file has not been fetched; the message names the command."""


class WeightsCorrupt(ModelError):
    """A weights file's size or sha256 differs from the table."""


class FetchFailed(ModelError):
    """No source of a weights file worked; the message lists what was tried."""


class LicenceNotAccepted(ModelError):
    """The licence of the weights is restrictive and was not accepted."""


class UnsafeCheckpoint(ModelError):
    """A checkpoint's pickle names something other than tensors."""


class EngineError(ResightError):
    """A device or precision is not available, or a graph failed to run."""


class IncompatibleFeatures(ResightError):
    """Features were given to a matcher that was not made for their family."""


class CatalogueError(ResightError):
    """Base of errors about a catalogue."""


class NotACatalogue(CatalogueError):
    """The folder holds no catalogue."""


class CatalogueExists(CatalogueError):
    """The folder already holds a catalogue."""


class CatalogueVersion(CatalogueError):
    """The catalogue was written by a newer resight."""


class CatalogueDamaged(CatalogueError):
    """Stored data do not agree with their checksums or with each other."""


class BadFact(CatalogueError):
    """What somebody says about a photo or an animal cannot be understood."""


class NotFound(CatalogueError):
    """No photo, individual, encounter or decision of that name."""


class Conflict(CatalogueError):
    """The change would make two records contradict each other."""


class Outdated(Conflict):
    """What a decision is about was changed since whoever decides has read it."""


class CalibrationError(ResightError):
    """Trials are too few, damaged, or saw what they were to predict."""


class JobError(ResightError):
    """There is no such kind of job, or it does not take such an argument."""


class ImportFileError(ResightError):
    """A table, package, video or name pattern given to ``add`` cannot be understood."""


class NoPhotos(ImportFileError):
    """A folder to be added holds no photo."""


class ExportError(ResightError):
    """What was asked to be exported cannot be written, or would tell more than was asked."""


class DeskError(ResightError):
    """A desk refused what it was asked, or cannot be reached.

    ``status`` is that of HTTP, 0 where there was no answer; ``errors`` what exactly is wrong.
    """

    def __init__(self, detail: str, *, status: int = 0, errors: Sequence[object] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.errors = tuple(errors)


class ProtocolError(ResightError):
    """An evaluation protocol file is malformed or contradicts itself."""


class MissingExtra(ResightError):
    """An optional package is missing; the message names the extra."""
