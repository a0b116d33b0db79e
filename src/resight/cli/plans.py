"""From what stands on the command line of `resight add` to one plan of what to add."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

from resight.cli.output import Output, count, to_stderr
from resight.errors import ImportFileError

if TYPE_CHECKING:
    from resight.catalogue import Catalogue, ImportPlan, PlannedPhoto
    from resight.formats import Reading


@dataclass(frozen=True)
class Said:
    """What the command line says about every photo; empty or ``None`` means not said."""

    individual: Optional[str] = None
    side: str = ""
    species: str = ""


def plan(
    catalogue: Catalogue,
    sources: Sequence[Path],
    reading: Reading,
    said: Said,
    *,
    minutes: Optional[float] = None,
) -> ImportPlan:
    """One plan of all that is given; ``minutes``: with encounters, paused no longer than that.

    Raises ``ImportFileError``.
    """
    from datetime import timedelta

    from resight.formats import known_encounters, plan_sources, with_encounters

    made = complete(plan_sources(sources, reading), said)
    if minutes is None:
        return made
    return with_encounters(made, timedelta(minutes=minutes), known_encounters(catalogue))


def print_remarks(out: Output, made: ImportPlan) -> None:
    """Print how a plan understood what was given, and what it leaves out."""
    from resight.catalogue.importing import by_suffix

    for warning in made.warnings:
        to_stderr(f"warning: {warning}")
    for dates in made.dates:
        if dates.unknown:
            ways = " or ".join(f"--dates {order}" for order in dates.choices)
            to_stderr(f"warning: {dates.remark}: {ways}")
    for note in made.notes:
        out.note(note)
    if made.columns:
        taken = ", ".join(f"{field} from {column!r}" for field, column in made.columns.items())
        out.note(f"columns: {taken}")
    if made.ignored:
        number = count(sum(made.ignored.values()), "other file")
        out.note(f"{number} ignored: {by_suffix(made.ignored)}")


def complete(made: ImportPlan, said: Said) -> ImportPlan:
    """The plan with what the command line says filled in where nothing was said.

    Raises ``ImportFileError`` where a photo's folder, name or row says otherwise.
    """
    from resight.catalogue.names import clean_name, side_named

    if said.individual is not None and not said.individual.strip():
        raise ImportFileError("the individual's name is blank: write `unknown` for nobody known")
    try:
        words = {
            "identity": clean_name(said.individual or ""),
            "side": side_named(said.side),
            "species": clean_name(said.species),
        }
    except ValueError as problem:
        raise ImportFileError(str(problem)) from problem
    return replace(made, photos=tuple(_filled(photo, words) for photo in made.photos))


def _filled(photo: PlannedPhoto, words: dict[str, str]) -> PlannedPhoto:
    fill: dict[str, Any] = {}
    for field, word in words.items():
        found = getattr(photo, field)
        if word in ("", "unknown") or found == word:
            continue
        if found not in ("", "unknown"):
            raise ImportFileError(
                f"{photo.source} has the {field} {found!r} by its folder, name or row, but the "
                f"command line says {word!r}: add it by itself, or leave one of the two away"
            )
        fill[field] = word
    return replace(photo, **fill) if fill else photo
