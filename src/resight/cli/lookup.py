"""The catalogue and the names in it that a command line speaks of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from resight.cli.output import to_stderr
from resight.errors import NotFound

if TYPE_CHECKING:
    from resight.catalogue import Catalogue
    from resight.search import PhotoSearch
    from resight.settings import Settings


def photos_in(given: Sequence[Path]) -> list[Path]:
    """Photo files as given, and those in given folders; each once, in that order.

    Catalogues below a folder are left out with a warning: their originals are asked about by
    naming the catalogue's own folder. Raises ``PhotoError`` where there is no photo at all, and
    as ``visible_files``.
    """
    from resight.errors import PhotoError

    photos = [photo for path in given for photo in (_photos_of(path) if path.is_dir() else [path])]
    if not photos:
        raise PhotoError(f"there is no photo in {', '.join(map(str, given))}")
    return list(dict.fromkeys(photos))


def _photos_of(folder: Path) -> list[Path]:
    from resight.catalogue.folders import DATABASE
    from resight.photos import is_photo_name, visible_files

    files = visible_files(folder)
    catalogues = {path.parent for path in files if path.name == DATABASE} - {folder}
    for place in sorted(catalogues):
        to_stderr(f"warning: {place} is left out: it is a resight catalogue, not photos")
    return [path for path in files if is_photo_name(path) and catalogues.isdisjoint(path.parents)]


def opened_in(folder: Path) -> Catalogue:
    """The catalogue in a folder. Raises ``NotACatalogue``."""
    from resight.catalogue import Catalogue

    return Catalogue.open(folder)


def found(catalogue: Catalogue, what: str) -> tuple[str, ...]:
    """Annotations of a name, id or photo; the error for an unknown one has the nearest name."""
    try:
        return catalogue.find(what)
    except NotFound as problem:
        from resight.photos import is_photo_name

        photo = is_photo_name(Path(what))
        near = _near_photo(catalogue, what) if photo else near_name(catalogue, what)
        if near:
            raise NotFound(
                f"no individual, annotation or photo {what!r} in this catalogue: "
                f"did you mean {near!r}?"
            ) from None
        raise NotFound(f"{problem} (resight list)") from None


def mistaken_for(catalogue: Catalogue, name: str) -> str:
    """A known individual that a name not known yet may be a mistyping of; empty if none.

    "Turtle 18" is no mistyping of "Turtle 17".
    """
    near = near_name(catalogue, name)
    numbered = re.findall(r"\d+", near) != re.findall(r"\d+", name)
    return "" if near == name or numbered else near


def warn_of_new(name: str, near: str, undo: str) -> None:
    """Say that a new individual was made; ``undo`` is the command that takes it back."""
    to_stderr(
        f"warning: {name!r} is a new individual; if {near!r} was meant, `{undo}` takes this back"
    )


def near_name(catalogue: Catalogue, name: str) -> str:
    """The known individual whose name is most like this one; empty if none is."""
    names = {each.name.casefold(): each.name for each in catalogue.list()}
    near = get_close_matches(name.casefold(), names, n=1, cutoff=0.7)
    return names[near[0]] if near else ""


def _near_photo(catalogue: Catalogue, what: str) -> str:
    """The photo whose file name is most like this one; empty if none is."""
    names = {Path(each.name).name.casefold(): each.name for each in catalogue.annotations()}
    near = get_close_matches(Path(what).name.casefold(), names, n=1, cutoff=0.7)
    return names[near[0]] if near else ""


def searching(opened: Catalogue, values: Settings) -> PhotoSearch:
    """The search that the settings ask for."""
    from resight.registry import build_method
    from resight.search import PhotoSearch

    return PhotoSearch(
        catalogue=opened,
        method=build_method(values.method, values),
        side_policy=values.side_policy,
        effort=values.effort,
        new_prior=values.new_prior,
        wanted_error=values.wanted_error,
    )
