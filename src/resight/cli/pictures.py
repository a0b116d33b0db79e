"""Where `resight identify --explain` puts its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from resight.queries import PhotoQuery
    from resight.search import PhotoSearch
    from resight.types import Identification

#: Suffixes of pictures that nobody means for a folder's name.
_NOT_WRITTEN = (".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".gif", ".bmp", ".heic", ".svg", ".pdf")


@dataclass
class Pictures:
    """Where ``--explain`` puts pictures: a file for one photo, or a folder."""

    target: Path
    queries: int

    def __post_init__(self) -> None:
        self._taken: set[str] = set()
        suffix = self.target.suffix.lower()
        self._is_file = suffix == ".png"
        if suffix in _NOT_WRITTEN and not self.target.is_dir():
            raise typer.BadParameter(
                f"--explain {self.target}: pictures are PNG files; name "
                f"{self.target.with_suffix('.png').name}, or a folder"
            )
        if self._is_file and self.queries > 1:
            raise typer.BadParameter(
                f"--explain {self.target} is one file, but there are {self.queries} photos: "
                "name a folder"
            )
        folder = self.target.parent if self._is_file else self.target
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise typer.BadParameter(
                f"--explain: cannot make {folder}: {problem.strerror}"
            ) from problem

    def write(self, search: PhotoSearch, query: PhotoQuery, answer: Identification) -> Path:
        """Draw one answer; the file it is in."""
        from resight.draw import write_png

        mirror = "-mirror" if query.mirrored else ""
        path = self.target / self._name(query.path.stem + mirror)
        if self._is_file:
            path = self.target.with_stem(self.target.stem + mirror)
        seen = " in a mirror" if query.mirrored else ""
        write_png(path, search.picture(query, answer, title=f"{query.path.name}{seen}: who is it?"))
        return path

    def _name(self, stem: str) -> str:
        name, number = f"{stem}.png", 2
        while name in self._taken:
            name, number = f"{stem}-{number}.png", number + 1
        self._taken.add(name)
        return name
