"""The command that says which names in a catalogue may be wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from resight.cli.answers import percent
from resight.cli.hints import command
from resight.cli.lookup import opened_in, searching
from resight.cli.options import HERE, AsJson, CatalogueFolder, Effort, Quiet, Set, effort_of
from resight.cli.output import Column, Output, count, stopped

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

    Next: resight assign NAME --to OTHER-NAME, where two are one
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
        records = {each.id: each for each in opened.annotations()}
    out.json(found)
    _print(out, found, records, catalogue)


def _print(
    out: Output, found: Suspicions, records: Mapping[str, AnnotationRecord], folder: Path
) -> None:
    out.say(f"{count(found.asked, 'photo')} compared, with probabilities {found.basis}.")
    if found.duplicates:
        out.say("\nMay be one animal under two names:")
        out.table(
            [Column("Probability", right=True), Column("Names", fold=True), Column("See")],
            [
                (
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
                Column("Probability", right=True),
                Column("Name", fold=True),
                Column("Looks like", fold=True),
                Column("Photos"),
            ],
            [
                (
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
    elif found.mixups:
        first_one = records[found.mixups[0].annotations[0]]
        out.next(command("show", first_one.id, catalogue=folder))


def _names(records: Mapping[str, AnnotationRecord], annotations: tuple[str, ...]) -> Iterator[str]:
    return (Path(records[each].name).name if each in records else each for each in annotations)
