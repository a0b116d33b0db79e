"""The catalogue and the names in it that a command line speaks of."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from resight.cli.output import to_stderr
from resight.errors import NotFound

if TYPE_CHECKING:
    from resight.catalogue import Catalogue


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

        near = _near_photo(catalogue, what) if is_photo_name(Path(what)) else _near(catalogue, what)
        if near:
            raise NotFound(
                f"no individual, annotation or photo {what!r} in this catalogue: "
                f"did you mean {near!r}?"
            ) from None
        raise NotFound(f"{problem} (resight list)") from None


def hint_if_new(catalogue: Catalogue, name: str) -> None:
    """Warn where a name is new but much like a known one."""
    near = _near(catalogue, name)
    if near and near != name:
        to_stderr(
            f"warning: {name!r} is a new individual; if {near!r} was meant, `resight undo` takes "
            "this back"
        )


def _near(catalogue: Catalogue, name: str) -> str:
    names = {each.name.casefold(): each.name for each in catalogue.list()}
    near = get_close_matches(name.casefold(), names, n=1, cutoff=0.7)
    return names[near[0]] if near else ""


def _near_photo(catalogue: Catalogue, what: str) -> str:
    """The photo whose file name is most like this one; empty if none is."""
    names = {Path(each.name).name.casefold(): each.name for each in catalogue.annotations()}
    near = get_close_matches(Path(what).name.casefold(), names, n=1, cutoff=0.7)
    return names[near[0]] if near else ""
