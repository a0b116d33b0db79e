"""From folders, name patterns and CSV files to a plan of what to add. Reads no photo."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from shlex import quote

from resight.catalogue.dates import DateColumn
from resight.catalogue.folders import DATABASE, UNSEEN
from resight.catalogue.names import SIDE_WORDS, box_text, clean_name, date_named, side_named
from resight.errors import ImportFileError, NoPhotos
from resight.masks import Mask, check_kept, mask_named
from resight.photos import PHOTO_SUFFIXES, is_photo_name, visible_files
from resight.types import SIDES, UNKNOWN_SIDE, Box, Place


@dataclass(frozen=True)
class PlannedPhoto:
    """One photo to add and what is said about it; empty means not said.

    ``source`` names where this came from for a person (a path, a line of a
    file); ``name`` is what the catalogue keeps as the photo's file name. Nobody said the fields
    in ``derived``: resight made them out, so they fill gaps and never contradict what is known.
    ``nobody`` is the word that was written for an animal that is not known, if any was.
    """

    path: Path
    source: str
    name: str
    identity: str = ""
    box: Box | None = None
    rotation: float = 0.0
    side: str = UNKNOWN_SIDE
    encounter: str = ""
    species: str = ""
    date: str = ""
    place: str = ""
    position: Place | None = None
    mask: Mask | None = None
    derived: frozenset[str] = frozenset()
    nobody: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for text in (self.identity, self.encounter, self.species, self.place):
            if text != clean_name(text):
                raise ValueError(
                    f"the name {text!r} is not in its clean form, {clean_name(text)!r}"
                )
        if self.side not in SIDES:
            raise ValueError(f"the side {self.side!r} is not one of {', '.join(SIDES)}")
        if self.date != date_named(self.date):
            raise ValueError(f"the date {self.date!r} is not in ISO form")
        if not math.isfinite(self.rotation):
            raise ValueError(f"the rotation {self.rotation} is not a number of degrees")
        box_text(self.box)
        if self.mask is not None:
            check_kept(self.mask)


@dataclass(frozen=True)
class BadSource:
    """A file or row that cannot be planned."""

    source: str
    reason: str


@dataclass(frozen=True)
class ImportPlan:
    """What an import is about to add. ``origin`` goes into the log of decisions.

    ``warnings`` are for the person who imports; ``ignored`` counts by suffix
    the files beside the photos that are none. ``notes`` say what was made out of the photos;
    ``columns`` by field the column of a table that was taken for it, ``dates`` how the dates of
    each table are read.
    """

    origin: str
    photos: tuple[PlannedPhoto, ...]
    bad: tuple[BadSource, ...] = ()
    warnings: tuple[str, ...] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    dates: tuple[DateColumn, ...] = ()


def plan_folders(folder: Path) -> ImportPlan:
    """A folder for each individual; photos directly in ``folder`` are of unknown ones.

    Folders may be nested deeper: the first level is the individual. A folder
    whose name is one of ``UNKNOWN_NAMES`` names nobody. Where all of them are
    dates (``2019-05-03``, ``20190503``, ``2019-05``), as cameras and programs make them, they say
    when unknown animals were seen. Catalogues below ``folder`` are left out with a warning.

    Raises ``ImportFileError`` where there is no such folder or no photo in it,
    and where it is (in) a catalogue.
    """

    found = _search(folder)
    within = [path.relative_to(folder).parts for path in found.photos]
    names = {parts[0] for parts in within if len(parts) > 1}
    field = "date" if names and all(map(is_day, names)) else "identity"

    def facts(relative: Path) -> Mapping[str, str]:
        return {field: relative.parts[0] if len(relative.parts) > 1 else ""}

    plan = _plan(folder, found, facts)
    if field == "identity":
        return replace(plan, warnings=(*plan.warnings, *_doubtful(folder, within)))
    return replace(
        plan,
        notes=(f"the folders of {folder} are dates, so its photos are of unknown animals",),
    )


#: A year that photos are of, a camera's folder (DCIM/100CANON) and what those lie in.
_YEAR = re.compile(r"(19[5-9]|20[0-9])[0-9]")
_CAMERAS = re.compile(r"[1-9][0-9]{2}[A-Z0-9_]{5}|DCIM", re.IGNORECASE)


#: By how many parts the path of a photo below a folder of years has, what they are.
_OF_YEARS = {2: "{date}/{_}", 3: "{date}/{identity}/{_}", 4: "{date}/{identity}/{_}/{_}"}


def _doubtful(folder: Path, within: Collection[tuple[str, ...]]) -> list[str]:
    """Why it may be wrong that each of these folders is an animal."""
    names = {parts[0] for parts in within if len(parts) > 1}
    deep = set(map(len, within))
    patterns = [text for parts, text in _OF_YEARS.items() if parts in deep] or ["{date}/…"]
    for kind, known, cure in (
        ("years", _YEAR, f"say {' '.join(f'--pattern {quote(text)}' for text in patterns)}"),
        ("a camera's folders", _CAMERAS, f"add the photos themselves: {quote(str(folder))}/*/*"),
    ):
        if names and all(map(known.fullmatch, names)):
            some = ", ".join(sorted(names)[:3]) + (" …" if len(names) > 3 else "")
            return [f"{some}: taken for animals. If these are {kind}, {cure}"]
    return []


def is_day(name: str) -> bool:
    """Whether a folder's name is a date that no animal is called: a year alone may be one."""
    try:
        return len(date_named(name)) > len("2019")
    except ValueError:
        return False


def plan_pattern(folder: Path, pattern: str, *others: str) -> ImportPlan:
    """Photos whose names say what they show, such as ``{identity}_{side}_{date}``.

    Fields: identity, side, date, encounter, place, species, and ``{_}`` for
    what is of no interest. A field is as long as it can be, so
    ``{identity}_{_}`` takes ``Big_Crush_01.jpg`` for ``Big_Crush``. A pattern
    with ``/`` is compared with the path within ``folder``, any other with the
    file's name; the suffix may be left away. Of several patterns the first that
    fits a file's name counts. Files that none fits are bad.

    Raises ``ImportFileError`` for a pattern that cannot be understood, and as
    ``plan_folders``.
    """
    patterns = [_Pattern(text) for text in (pattern, *others)]

    def facts(relative: Path) -> Mapping[str, str]:
        for one in patterns:
            found = one.read(relative)
            if found is not None:
                return found
        raise ValueError(_why_none_fits(relative, patterns))

    return _plan(folder, _search(folder), facts)


class _Pattern:
    """One pattern, as it is and with any text where a side or a date should be."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._strict = _expression(text, _STRICT)
        self._loose = _expression(text, {})

    def read(self, relative: Path) -> Mapping[str, str] | None:
        """The fields of a file's path within the folder; ``None`` where it does not fit."""
        found = self._strict.fullmatch(self._name(relative))
        return found.groupdict() if found else None

    def troubles(self, relative: Path) -> list[str]:
        """The values for which a path does not fit; none where it fits in no way."""
        found = self._loose.fullmatch(self._name(relative))
        read = found.groupdict() if found else {}
        return [
            f"{read[field]!r} is no {field} ({example})"
            for field, example in _EXAMPLES.items()
            if field in read and not re.fullmatch(_STRICT[field], read[field])
        ]

    def _name(self, relative: Path) -> str:
        return relative.with_suffix("").as_posix() if "/" in self.text else relative.stem


def _why_none_fits(relative: Path, patterns: Sequence[_Pattern]) -> str:
    for pattern in patterns:
        troubles = pattern.troubles(relative)
        if troubles:
            return f"{'; '.join(troubles)}, by the pattern {pattern.text!r}"
    if len(patterns) > 1:
        listed = ", ".join(repr(pattern.text) for pattern in patterns)
        return f"the name does not match any of the patterns {listed}"
    return f"the name does not match the pattern {patterns[0].text!r}"


def _plan(folder: Path, found: _Found, facts: Callable[[Path], Mapping[str, str]]) -> ImportPlan:
    planned, bad = [], []
    for path in found.photos:
        try:
            relative = path.relative_to(folder)
            planned.append(planned_photo(path, str(path), relative.as_posix(), facts(relative)))
        except ValueError as error:
            bad.append(BadSource(str(path), str(error)))
    return ImportPlan(str(folder), tuple(planned), tuple(bad), found.warnings, found.ignored)


@dataclass(frozen=True)
class _Found:
    photos: tuple[Path, ...]
    warnings: tuple[str, ...]
    ignored: Mapping[str, int]


def _search(folder: Path) -> _Found:
    """Photos and other files below a folder, those of catalogues left out."""
    if not folder.is_dir():
        raise ImportFileError(f"there is no folder {folder}")
    here = folder.resolve()
    for place in (here, *here.parents):
        if (place / DATABASE).is_file():
            what = "is a resight catalogue" if place == here else f"lies in the catalogue {place}"
            raise ImportFileError(f"{folder} {what}, not photos: {_NO_MERGING}")
    files = [path for path in visible_files(folder) if path.name not in UNSEEN]
    catalogues = {path.parent for path in files if path.name == DATABASE}
    files = [path for path in files if catalogues.isdisjoint(path.parents)]
    found = _Found(
        tuple(path for path in files if is_photo_name(path)),
        tuple(
            f"{place} is left out: it is a resight catalogue, not photos ({_NO_MERGING})"
            for place in sorted(catalogues)
        ),
        Counter(path.suffix.lower() for path in files if not is_photo_name(path)),
    )
    if not found.photos:
        has = f": {sum(found.ignored.values())} other files, {by_suffix(found.ignored)}"
        raise NoPhotos(
            f"there is no photo in {folder} ({' '.join(sorted(PHOTO_SUFFIXES))})"
            + (has if found.ignored else "")
            + "".join(f"; {warning}" for warning in found.warnings)
        )
    return found


_NO_MERGING = "`resight merge` takes over what a catalogue holds"


def by_suffix(ignored: Mapping[str, int]) -> str:
    """How many files of which suffix, most first.

    >>> by_suffix({".txt": 1, ".cr2": 3, "": 2})
    '.cr2 3, without suffix 2, .txt 1'
    """
    ordered = sorted(ignored.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{suffix or 'without suffix'} {number}" for suffix, number in ordered)


_TEXT_FIELDS = ("identity", "encounter", "place", "species")
#: What a pattern or a CSV file can say about a photo.
PATTERN_FIELDS = (*_TEXT_FIELDS, "side", "date")
_FIELD = re.compile(r"\{([^{}]*)\}")
#: What stands for a field of which not any text does.
_STRICT = {
    "side": "(?i:" + "|".join(re.escape(word).replace("\\-", "[-_ ]") for word in SIDE_WORDS) + ")",
    "date": r"[0-9]{8}|[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?",
}
_EXAMPLES = {"side": "left, right, top … or L, R, T", "date": "2019, 2019-05, 2019-05-31"}


def _expression(pattern: str, strict: Mapping[str, str]) -> re.Pattern[str]:
    stem = pattern
    for suffix in PHOTO_SUFFIXES:
        if stem.lower().endswith(suffix):
            stem = stem[: -len(suffix)]
    # Odd places of the split are field names, even ones the text between them.
    parts = _FIELD.split(stem)
    names = parts[1::2]
    for name in names:
        if name != "_" and name not in PATTERN_FIELDS:
            raise ImportFileError(unknown_word("field", name, (*PATTERN_FIELDS, "_")))
        if name != "_" and names.count(name) > 1:
            raise ImportFileError(f"the pattern {pattern!r} has the field {name!r} twice")
    if not set(names) - {"_"}:
        raise ImportFileError(
            f"the pattern {pattern!r} has no field: write for example {{identity}}_{{side}}"
        )
    # "{identity}{side}" would read T12Left as T12Lef, top: never guess.
    for index in range(1, len(names)):
        if not parts[2 * index]:
            raise ImportFileError(
                f"in the pattern {pattern!r} nothing separates {{{names[index - 1]}}} from "
                f"{{{names[index]}}}"
            )

    def group(name: str) -> str:
        return "[^/]*" if name == "_" else f"(?P<{name}>{strict.get(name, '[^/]+')})"

    return re.compile(
        "".join(group(part) if index % 2 else re.escape(part) for index, part in enumerate(parts)),
        re.DOTALL,
    )


#: How alike (``difflib``) two words are of which one may be a slip for the other.
CLOSE = 0.75


def unknown_word(kind: str, word: str, known: tuple[str, ...]) -> str:
    """A message for a word nobody knows, with the nearest one that is known."""
    near = get_close_matches(word.lower(), known, n=1, cutoff=CLOSE)
    hint = f": did you mean {near[0]!r}?" if near else ""
    return f"unknown {kind} {word!r}{hint} (known: {', '.join(known)})"


def planned_photo(path: Path, source: str, name: str, said: Mapping[str, str]) -> PlannedPhoto:
    """A planned photo from what a name or a row says, as text.

    Raises ``ValueError`` saying what is wrong with which word.
    """
    written = (said.get("identity") or "").strip()
    identity = clean_name(written)
    return PlannedPhoto(
        path=path,
        source=source,
        name=name,
        identity=identity,
        nobody="" if identity else written,
        box=_box(said),
        rotation=_rotation(said),
        side=side_named(said.get("side") or ""),
        encounter=clean_name(said.get("encounter") or ""),
        species=clean_name(said.get("species") or ""),
        date=date_named(said.get("date") or ""),
        place=clean_name(said.get("place") or ""),
        position=_position(said),
        mask=mask_named(said.get("mask") or ""),
    )


def _rotation(said: Mapping[str, str]) -> float:
    angle = _number(said, "rotation")
    return 0.0 if angle is None else angle


def _box(said: Mapping[str, str]) -> Box | None:
    values = [_number(said, field) for field in ("x", "y", "w", "h")]
    given = [value for value in values if value is not None]
    if not given:
        return None
    if len(given) < 4:
        raise ValueError("a box needs all of x, y, w and h, or none of them")
    box = Box(*given)
    box_text(box)
    return box


def _position(said: Mapping[str, str]) -> Place | None:
    latitude, longitude = _number(said, "latitude"), _number(said, "longitude")
    if latitude is None and longitude is None:
        return None
    if latitude is None or longitude is None:
        raise ValueError("a position needs both latitude and longitude, or neither")
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise ValueError(f"no place on Earth has latitude {latitude} and longitude {longitude}")
    return Place(latitude, longitude)


def _number(said: Mapping[str, str], field: str) -> float | None:
    text = (said.get(field) or "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{field} {text!r} is not a number")
    return value + 0.0
