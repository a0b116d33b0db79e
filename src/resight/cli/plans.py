"""From what stands on the command line of `resight add` to one plan of what to add."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

from resight.cli.output import Output, count, to_stderr
from resight.errors import ImportFileError

if TYPE_CHECKING:
    from resight.catalogue import ImportPlan, PlannedPhoto
    from resight.types import Box


@dataclass(frozen=True)
class Said:
    """What the command line says about every photo; empty or ``None`` means not said."""

    individual: Optional[str] = None
    side: str = ""
    species: str = ""


def plan(
    sources: Sequence[Path], *, patterns: Sequence[str], said: Said, box: Optional[Box] = None
) -> ImportPlan:
    """One plan of folders and single photo files; ``box`` is that of each file.

    Raises ``ImportFileError``.
    """
    from resight.catalogue import ImportPlan

    plans = list(_plans(sources, patterns, box))
    joined = ImportPlan(
        origin=", ".join(each.origin for each in plans),
        photos=tuple(photo for each in plans for photo in each.photos),
        bad=tuple(bad for each in plans for bad in each.bad),
        warnings=tuple(warning for each in plans for warning in each.warnings),
        ignored=sum((Counter(each.ignored) for each in plans), Counter[str]()),
    )
    return complete(joined, said)


def print_remarks(out: Output, made: ImportPlan) -> None:
    """Print what a plan leaves out."""
    from resight.catalogue.importing import by_suffix

    for warning in made.warnings:
        to_stderr(f"warning: {warning}")
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


def _plans(
    sources: Sequence[Path], patterns: Sequence[str], box: Optional[Box]
) -> Iterator[ImportPlan]:
    from resight.catalogue import ImportPlan, PlannedPhoto, plan_folders, plan_pattern

    files = [source for source in sources if not source.is_dir()]
    for source in sources:
        if source.is_dir():
            yield plan_pattern(source, *patterns) if patterns else plan_folders(source)
    if not files:
        return
    if patterns:
        raise ImportFileError(f"{files[0]} is no folder, and a pattern is for those in a folder")
    for file in files:
        if not file.exists():
            raise ImportFileError(f"there is no file or folder {file}")
    photos = tuple(
        PlannedPhoto(path=file, source=str(file), name=file.name, box=box) for file in files
    )
    yield ImportPlan(", ".join(map(str, files[:3])) + ("…" if len(files) > 3 else ""), photos)
