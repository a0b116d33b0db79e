"""Photos put into encounters by when, where and with which camera they were taken.

An encounter is one animal on one occasion, and photos of one encounter are never each other's
evidence: not when a query is answered, not in calibration, not in an evaluation. So a burst, in
which every photo resembles the next, counts as the one sighting that it is. Only photos said
to show the same animal, or of the same folder with no name said, come together; a photo that
shows several animals with no names stays out. No identity is made out here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import asin, cos, radians, sin, sqrt
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import numpy as np

from resight.catalogue import Catalogue, ImportPlan, PlannedPhoto
from resight.catalogue.originals import sha256_of
from resight.formats.glances import Glance, glance
from resight.looks import alike
from resight.types import Place

#: Photos further apart than this are no one encounter, however soon after one another.
NEAR_METRES = 1000.0
_EARTH_METRES = 6_371_000.0
_WORKERS = 4
_NAMED = 3


@dataclass(frozen=True)
class Known:
    """Who a photo of the catalogue shows and in which encounter."""

    individual: str
    encounter: str


_NONE_KNOWN: Mapping[str, Known] = MappingProxyType({})


def known_encounters(catalogue: Catalogue) -> dict[str, Known]:
    """By sha256, photos of one animal each whose encounter is known."""
    records = catalogue.annotations()
    animals = Counter(record.photo.sha256 for record in records)
    return {
        record.photo.sha256: Known(record.individual, record.encounter)
        for record in records
        if record.encounter and animals[record.photo.sha256] == 1
    }


def with_encounters(
    plan: ImportPlan, pause: timedelta, known: Mapping[str, Known] = _NONE_KNOWN
) -> ImportPlan:
    """The plan with encounters where none were said.

    Photos of one animal (or of one folder, where none is named), of one folder and one camera,
    each taken no later than ``pause`` after the one before it and within ``NEAR_METRES`` of it,
    are one encounter. Where some of them are in the catalogue already (``known``, by sha256), it
    is theirs, so that a card read twice makes no second one. A photo without a time that looks
    the same as one with (a copy that lost its EXIF) joins that. What is made out is marked as
    derived, so it never contradicts what the catalogue knows; notes and warnings of the plan say
    what was done, and which photos look the same but are said to show different animals.
    """
    paths = list(dict.fromkeys(photo.path for photo in plan.photos))
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="resight-glance") as pool:
        seen = dict(zip(paths, pool.map(glance, paths), strict=True))
    open_ = _without_encounter(plan.photos)
    names = _chained(open_, seen, pause)
    names = _as_known(names, open_, known)
    twins = _twins(plan.photos, seen)
    names |= _from_twins(twins, names, open_)
    photos = tuple(
        replace(photo, encounter=names[number], derived=photo.derived | {"encounter"})
        if number in names
        else photo
        for number, photo in enumerate(plan.photos)
    )
    return replace(
        plan,
        photos=photos,
        notes=(*plan.notes, *_notes(plan.photos, names, open_, pause, twins)),
        warnings=(*plan.warnings, *_contradictions(twins)),
    )


_Numbered = dict[int, PlannedPhoto]


def _without_encounter(photos: Sequence[PlannedPhoto]) -> _Numbered:
    """By number in the plan, photos that may be put into an encounter."""
    animals = Counter(photo.path for photo in photos)
    return {
        number: photo
        for number, photo in enumerate(photos)
        if not photo.encounter and (photo.identity or animals[photo.path] == 1)
    }


def _chained(open_: _Numbered, seen: dict[Path, Glance | None], pause: timedelta) -> dict[int, str]:
    """The encounter of each photo with a time."""
    groups: dict[tuple[str, str, str], list[tuple[datetime, int, Place | None]]] = {}
    cameras: dict[tuple[str, str], set[str]] = {}
    for number, photo in open_.items():
        found = seen[photo.path]
        at = _time(photo, found)
        if at is None:
            continue
        who, folder = photo.identity, str(photo.path.parent)
        camera = found.camera if found else ""
        where = photo.position or (found.place if found else None)
        groups.setdefault((who, folder, camera), []).append((at, number, where))
        cameras.setdefault((who, folder), set()).add(camera)
    names: dict[int, str] = {}
    for (who, folder, camera), members in sorted(groups.items()):
        several = len(cameras[who, folder]) > 1
        for chain in _chains(sorted(members, key=lambda each: each[:2]), pause):
            begins, first, _ = chain[0]
            parts = [who or _folder(open_[first]), f"{begins:%Y-%m-%d %H:%M:%S}"]
            parts += [camera[:60]] if several and camera else []
            names |= {number: " ".join(filter(None, parts)) for _, number, _ in chain}
    return names


def _as_known(
    names: dict[int, str], open_: _Numbered, known: Mapping[str, Known]
) -> dict[int, str]:
    """The same encounters, called as in the catalogue where it knows some of their photos."""
    if not known:
        return names
    called: dict[str, set[str]] = {}
    for number, name in names.items():
        try:
            found = known.get(sha256_of(open_[number].path))
        except OSError:  # adding says why
            continue
        who = open_[number].identity
        if found and (not who or found.individual in ("", who)):
            called.setdefault(name, set()).add(found.encounter)
    one = {name: next(iter(them)) for name, them in called.items() if len(them) == 1}
    return {number: one.get(name, name) for number, name in names.items()}


def _chains(
    members: list[tuple[datetime, int, Place | None]], pause: timedelta
) -> Iterator[list[tuple[datetime, int, Place | None]]]:
    chain = members[:1]
    for each in members[1:]:
        (before, _, there), (at, _, here) = chain[-1], each
        if at - before > pause or (there and here and metres(there, here) > NEAR_METRES):
            yield chain
            chain = []
        chain.append(each)
    yield chain


def _time(photo: PlannedPhoto, found: Glance | None) -> datetime | None:
    """When a photo was taken, to the second: as said, else by the camera."""
    if "T" in photo.date:
        return datetime.fromisoformat(photo.date).replace(tzinfo=None)
    taken = found.taken_at if found else None
    if taken is not None and photo.date and not taken.isoformat().startswith(photo.date):
        return None  # somebody corrected the camera's clock
    return taken


def _folder(photo: PlannedPhoto) -> str:
    """The folder as people call it: within what was imported, else by its name."""
    return (str(PurePosixPath(photo.name).parent).strip(".") or photo.path.parent.name)[-100:]


def metres(one: Place, other: Place) -> float:
    """Distance along the Earth's surface (haversine).

    >>> round(metres(Place(0, 0), Place(0, 1)) / 1000)
    111
    """
    rise = sin(radians(other.latitude - one.latitude) / 2) ** 2
    run = sin(radians(other.longitude - one.longitude) / 2) ** 2
    both = rise + cos(radians(one.latitude)) * cos(radians(other.latitude)) * run
    return 2 * _EARTH_METRES * asin(min(1.0, sqrt(both)))


_Twins = list[tuple[int, PlannedPhoto, int, PlannedPhoto]]


def _twins(photos: Sequence[PlannedPhoto], seen: dict[Path, Glance | None]) -> _Twins:
    """Pairs of photos that look the same, by number; of one annotation each."""
    animals = Counter(photo.path for photo in photos)
    single = [
        (number, photo, found)
        for number, photo in enumerate(photos)
        if animals[photo.path] == 1 and (found := seen[photo.path]) is not None
    ]
    if not single:
        return []
    pairs = alike(np.stack([found.look for _, _, found in single]))
    return [(*single[one][:2], *single[other][:2]) for one, other in pairs]


def _from_twins(twins: _Twins, names: dict[int, str], open_: _Numbered) -> dict[int, str]:
    """Encounters of photos without a time that look the same as one with."""
    found = {}
    for one, first, other, second in twins:
        if first.identity != second.identity:
            continue
        for lacking, having, twin in ((one, other, second), (other, one, first)):
            encounter = twin.encounter or names.get(having, "")
            if lacking in open_ and lacking not in names and encounter:
                found[lacking] = encounter
    return found


def _notes(
    photos: Sequence[PlannedPhoto],
    names: dict[int, str],
    open_: _Numbered,
    pause: timedelta,
    twins: _Twins,
) -> Iterator[str]:
    minutes = pause.total_seconds() / 60
    encounters = len(set(names.values()))
    yield (
        f"{len(names)} photos are put into {encounters} encounters: of one animal or folder, one "
        f"camera, pauses of at most {minutes:g} min, within {NEAR_METRES / 1000:g} km; `resight "
        "describe --encounter` corrects one"
    )
    left = len(open_) - len(names)
    if left:
        yield f"{left} photos have no time to the minute and stay without an encounter"
    several = sum(not photo.encounter for photo in photos) - len(open_)
    if several:
        yield f"{several} animals without a name share their photo with others and stay without"
    same = sum(first.identity == second.identity for _, first, _, second in twins)
    if same:
        yield f"{same} pairs of photos look the same (bursts, copies in another size)"


def _contradictions(twins: _Twins) -> Iterator[str]:
    """Photos that look the same and are said to show different animals."""
    found = [
        f"{first.source} ({first.identity}) and {second.source} ({second.identity})"
        for _, first, _, second in twins
        if first.identity and second.identity and first.identity != second.identity
    ]
    if found:
        more = f" and {len(found) - _NAMED} more pairs" if len(found) > _NAMED else ""
        yield f"look the same, but are named differently: {'; '.join(found[:_NAMED])}{more}"
