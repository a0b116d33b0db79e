"""Which of the files that somebody sent a row of their table means."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable


class Sent:
    """Files by the paths they had where they came from, found by what tables call them.

    Tables name photos by whole paths of another computer, by paths within a folder, by bare names,
    and without suffix. Letter case is not told apart, as most of these computers do not.

    >>> sent = Sent(["2019/a.jpg", "2020/a.jpg", "b.JPG"])
    >>> sent.meant_by("C:\\\\photos\\\\2020\\\\A.jpg"), sent.meant_by("b"), sent.meant_by("a.jpg")
    (['2020/a.jpg'], ['b.JPG'], ['2019/a.jpg', '2020/a.jpg'])
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


def _parts(path: str) -> list[str]:
    plain = unicodedata.normalize("NFC", path.strip().casefold())  # Macs take accents apart
    return plain.replace("\\", "/").split("/")


def _agreeing(one: list[str], other: list[str]) -> int:
    """How many last parts are the same."""
    number = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        number += 1
    return number
