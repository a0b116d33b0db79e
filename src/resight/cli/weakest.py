"""The command that says of which animals a better photo is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from resight.cli.hints import command
from resight.cli.lookup import opened_in
from resight.cli.options import HERE, AsJson, CatalogueFolder, Quiet
from resight.cli.output import Column, Output, count, stopped
from resight.verdicts import percent


def weakest(
    top: Annotated[int, typer.Option(metavar="K", min=1, help="How many to list.")] = 20,
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """List the animals that lack a good photo, and of which side to take one.

    A photo is weak if it shows less than half of the fine detail that is usual in the
    catalogue: it is blurred, hazy or dark, or the animal is small in it. With its box
    given, only the animal counts.

    Examples:
      resight weakest
      resight weakest --top 100 --json

    Next: take these photos, then resight add
    """
    out = Output(quiet=quiet, as_json=as_json)
    with opened_in(catalogue) as opened:
        from resight.weakest import measure
        from resight.weakest import weakest as ranked

        records = opened.annotations()
        try:
            with out.progress("Looking at photos") as step:
                details = measure(opened, records, progress=step)
        except KeyboardInterrupt:
            raise stopped("what was looked at is kept; the same command continues") from None
        found = ranked(records, details)
    out.json({"photos": len(details), "weakest": found[:top]})
    names = {each.id: Path(each.name).name for each in records}
    if not found:
        out.say(f"None of {count(len(details), 'photo')} is weak.")
        return
    out.say(f"{count(len(found), 'photo')} would help to know these animals again:")
    out.table(
        [
            Column("Take a new photo of", fold=True),
            Column("Side"),
            Column("Best photo", fold=True),
            Column("Sharper than", right=True),
        ],
        [
            (
                each.individual,
                each.side,
                names[each.best] if each.best else "none",
                f"{percent(each.below)} of all" if each.best else "–",
            )
            for each in found[:top]
        ],
    )
    if len(found) > top:
        out.say(f"… and {len(found) - top} more: --top {len(found)} lists all")
    out.next(command("show", found[0].individual, catalogue=catalogue))
