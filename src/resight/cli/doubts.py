"""The commands that say which names in a catalogue may be wrong, and that one is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from resight.cli.hints import command
from resight.cli.lookup import opened_in, searching
from resight.cli.options import (
    HERE,
    AsJson,
    By,
    CatalogueFolder,
    Effort,
    Note,
    Quiet,
    Set,
    actor,
    effort_of,
)
from resight.cli.output import Column, Output, count, stopped
from resight.errors import CalibrationError
from resight.verdicts import percent

if TYPE_CHECKING:
    from resight.catalogue import AnnotationRecord
    from resight.suspicions import Suspicions


def doubts(
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Extractor+matcher, such as sift+nearest.", show_default=False
        ),
    ] = "",
    effort: Effort = "",
    set_: Set = None,
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """List individuals that may be one animal, and photos that may be of another.

    Compares each photo with all others, some seconds each. Stop it whenever you like:
    the same command continues, and later asks only about new photos. Nothing is
    changed: look at the photos, then decide.

    Examples:
      resight doubts
      resight doubts --json

    Next: resight assign NAME --to OTHER-NAME, where two are one; resight dismiss DOUBT
    """
    from resight.settings import load_settings
    from resight.suspicions import find_suspicions

    out = Output(quiet=quiet, as_json=as_json)
    chosen = {"method": method, "effort": effort_of(effort)}
    values = load_settings(
        [*(set_ or ()), *(f"{name}={value}" for name, value in chosen.items() if value)],
        catalogue=catalogue,
    )
    with opened_in(catalogue) as opened:
        with out.progress(f"Loading {values.method}"):
            search = searching(opened, values)
        try:
            with out.progress("Comparing photos") as step:
                found = find_suspicions(search, progress=step)
        except KeyboardInterrupt:
            raise stopped("what was compared is kept; the same command continues") from None
        except CalibrationError as error:
            options = [f"--set={each}" for each in set_ or ()]
            options += [f"--{name}={value}" for name, value in chosen.items() if value]
            first = command("calibrate", *options, catalogue=catalogue)
            raise CalibrationError(f"{error}: {first}") from None
        records = {each.id: each for each in opened.annotations()}
    out.json(_told(found))
    _print(out, found, records, catalogue)


def dismiss(
    doubt: Annotated[
        str, typer.Argument(metavar="DOUBT", help="Of the first column of resight doubts.")
    ],
    by: By = "",
    note: Note = "",
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say that a doubt is none: two animals are two, or photos are named right.

    It stays away until its photos or their names change, or the decision is undone.

    Example:
      resight dismiss 3f2a9c1b --note "seen side by side"

    Next: resight doubts; resight undo takes it back
    """
    from resight.suspicions import dismiss as dismiss_suspicion

    out = Output(quiet=quiet, as_json=as_json)
    with opened_in(catalogue) as opened:
        decision = dismiss_suspicion(opened, doubt, actor=actor(by), note=note)
    out.json(decision)
    out.say(f"Decision {decision.id}: {decision.note} ({count(decision.annotations, 'photo')})")


def _told(found: Suspicions) -> dict[str, Any]:
    """As JSON has it: each with the id by which it is dismissed."""
    return {
        **asdict(found),
        "duplicates": [{"id": each.id, **asdict(each)} for each in found.duplicates],
        "mixups": [{"id": each.id, **asdict(each)} for each in found.mixups],
    }


def _print(
    out: Output, found: Suspicions, records: Mapping[str, AnnotationRecord], folder: Path
) -> None:
    out.say(f"{count(found.asked, 'photo')} compared, with probabilities {found.basis}.")
    if found.duplicates:
        out.say("\nMay be one animal under two names:")
        out.table(
            [
                Column("Doubt"),
                Column("Probability", right=True),
                Column("Names", fold=True),
                Column("See"),
            ],
            [
                (
                    each.id,
                    percent(each.probability),
                    f"{each.a} | {each.b}",
                    " | ".join(_names(records, (each.pairs[0].query, each.pairs[0].annotation))),
                )
                for each in found.duplicates
            ],
        )
    if found.mixups:
        out.say("\nMay be of another animal than their name says:")
        out.table(
            [
                Column("Doubt"),
                Column("Probability", right=True),
                Column("Name", fold=True),
                Column("Looks like", fold=True),
                Column("Photos"),
            ],
            [
                (
                    each.id,
                    percent(each.probability),
                    each.individual,
                    each.looks_like or "nobody here",
                    ", ".join(_names(records, each.annotations)),
                )
                for each in found.mixups
            ],
        )
    if not found.duplicates and not found.mixups:
        out.say("Nothing looks wrong.")
    if found.duplicates:
        first = found.duplicates[0]
        out.next(
            command("assign", first.b, "--to", first.a, catalogue=folder), when="if they are one"
        )
        out.next(command("dismiss", first.id, catalogue=folder), when="if they are two")
    elif found.mixups:
        odd = found.mixups[0]
        out.next(command("show", records[odd.annotations[0]].id, catalogue=folder))
        out.next(command("dismiss", odd.id, catalogue=folder), when="if the name is right")


def _names(records: Mapping[str, AnnotationRecord], annotations: tuple[str, ...]) -> Iterator[str]:
    return (Path(records[each].name).name if each in records else each for each in annotations)
