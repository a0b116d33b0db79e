"""Which of the files that there are a row of somebody's table means."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from resight.catalogue import BadSource, ImportPlan, PlannedPhoto
from resight.errors import PhotoError
from resight.photos import is_photo_name, visible_files


class FileNames:
    """Files by the paths they have, found by what tables call them.

    Tables name photos by whole paths of another computer, by paths within a folder, by bare names,
    and without suffix. Letter case is not told apart, as most of these computers do not.

    >>> names = FileNames(["2019/a.jpg", "2020/a.jpg", "b.JPG"])
    >>> names.meant_by("C:\\\\photos\\\\2020\\\\A.jpg"), names.meant_by("b")
    (['2020/a.jpg'], ['b.JPG'])
    >>> names.meant_by("a.jpg")
    ['2019/a.jpg', '2020/a.jpg']
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for path in paths:
            name = _parts(path)[-1]
            self._by_name[name].append(path)
            self._by_stem[name.rpartition(".")[0] or name].append(path)

    def meant_by(self, written: str) -> list[str]:
        """The paths that agree best from their end on; empty where no name is this one."""
        parts = _parts(written)
        found = self._by_name.get(parts[-1]) or self._by_stem.get(parts[-1]) or []
        agree = {path: _agreeing(parts[:-1], _parts(path)[:-1]) for path in found}
        best = max(agree.values(), default=0)
        return [path for path, parts_agreeing in agree.items() if parts_agreeing == best]

    def named_by(self, written: str) -> list[str]:
        """As ``meant_by``, without those of which a folder has another name than is written: a
        camera gives the same names every year.

        >>> FileNames(["2020/a.jpg"]).named_by("2019/a.jpg")
        []
        """
        folders = _parts(written)[:-1]
        return [
            path
            for path in self.meant_by(written)
            for here in (_parts(path)[:-1],)
            if _agreeing(folders, here) == min(len(folders), len(here))
        ]


def find_photos(plan: ImportPlan, folder: Path) -> ImportPlan:
    """The plan of a table with photos that are not where it says found below ``folder``.

    Where several photos may be meant, or rows that say different paths mean the same one, the rows
    are bad. Those of which nothing is found stay as they are.
    """
    missing = [photo for photo in plan.photos if not may_be_there(photo.path)]
    if not missing:
        return plan
    names = FileNames(_photos_below(folder))
    written = {photo.path: _within(photo.path, folder) for photo in plan.photos}
    meant = {photo.path: names.named_by(written[photo.path]) for photo in missing}
    users = Counter(one for path, said in written.items() for one in meant.get(path, [said]))
    photos: list[PlannedPhoto] = []
    bad: list[BadSource] = []
    moved: list[str] = []
    for photo in plan.photos:
        said, found = written[photo.path], meant.get(photo.path, [])
        reason = _doubt(found, users) if found else ""
        if reason:
            bad.append(BadSource(photo.source, reason))
        elif found:
            name = found[0] if photo.name == said else photo.name
            photos.append(replace(photo, path=folder / found[0], name=name))
            moved.append(f"{said} is {found[0]}")
        else:
            photos.append(photo)
    return replace(
        plan, photos=tuple(photos), bad=(*plan.bad, *bad), notes=(*plan.notes, *_note(moved))
    )


def _doubt(found: list[str], users: Mapping[str, int]) -> str:
    """Why what was found may not be the photo that is meant; empty if there is no reason."""
    if len(found) > 1:
        return f"several photos may be meant: {', '.join(found[:3])}"
    if users[found[0]] > 1:
        return f"other rows mean {found[0]} too, by another path"
    return ""


def may_be_there(path: Path) -> bool:
    """Whether there is something of this path, as far as one may look."""
    try:
        return path.exists()
    except PermissionError:  # whoever reads it says so
        return True
    except OSError:  # a name too long for any file
        return False


def _note(moved: list[str]) -> list[str]:
    """What was found elsewhere than it was said to be."""
    different = list(dict.fromkeys(moved))
    if not different:
        return []
    others = f", and {len(different) - 1} more so" if len(different) > 1 else ""
    return [f"photos found by the end of their paths: {different[0]}{others}"]


def _photos_below(folder: Path) -> list[str]:
    try:
        files = visible_files(folder)
    except PhotoError:  # what is not found there is said of each row
        return []
    return [file.relative_to(folder).as_posix() for file in files if is_photo_name(file)]


def _within(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def _parts(path: str) -> list[str]:
    plain = unicodedata.normalize("NFC", path.strip().casefold())  # Macs take accents apart
    return plain.replace("\\", "/").removeprefix("./").split("/")


def _agreeing(one: list[str], other: list[str]) -> int:
    """How many last parts are the same."""
    number = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        number += 1
    return number
