"""The command that proposes sides of photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from resight.cli.hints import command
from resight.cli.lookup import opened_in
from resight.cli.options import HERE, AsJson, CatalogueFolder, Quiet, Set
from resight.cli.output import Column, Output, count, error, exit_code, stopped
from resight.errors import PhotoError
from resight.verdicts import percent

if TYPE_CHECKING:
    from resight.siding import ProposedSide

_COLUMNS = ("path", "photo_name", "side", "probability", "x", "y", "w", "h", "annotation")


def sides(
    least: Annotated[
        float,
        typer.Option(metavar="P", min=0, max=1, help="Leave out sides less probable than this."),
    ] = 0.9,
    csv_: Annotated[
        Optional[Path],
        typer.Option(
            "--csv",
            metavar="OUT.csv",
            help="Write a row for each proposal, a table that `resight add` takes.",
            show_default=False,
        ),
    ] = None,
    set_: Set = None,
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Propose which side photos show whose side is not known.

    Learned from your photos whose side is known: 20 at least, of two sides. Nothing is
    changed. Look at the table, delete the rows that are wrong, and add it: that fills in
    these sides as one decision.

    Examples:
      resight sides
      resight sides --csv sides.csv
      resight sides --least 0.6 --json

    Next: resight add sides.csv --photos CATALOGUE
    """
    from resight.settings import load_settings
    from resight.siding import learned_sides, unsided

    out = Output(quiet=quiet, as_json=as_json)
    values = load_settings(set_ or (), catalogue=catalogue)
    found: list[ProposedSide] = []
    failed: list[dict[str, str]] = []
    with opened_in(catalogue) as opened:
        wanted = unsided(opened.annotations())
        with out.progress("Learning from photos of known sides") as step:
            finder = learned_sides(opened, values, progress=step)
        model = finder.model
        out.note(
            f"learned from {count(model.pictures, 'photo')} of {count(model.animals, 'animal')}: "
            f"of animals left out, {model.right:.0%} were right; {model.sure:.0%} were at least "
            f"90% sure, of which {model.sure_right:.0%} were right"
        )
        try:
            with out.progress("Looking at photos", len(wanted)) as step:
                for number, record in enumerate(wanted, start=1):
                    try:
                        found.append(finder.propose(record))
                    except PhotoError as problem:
                        error(f"{record.name}: {problem}")
                        failed.append({"annotation": record.id, "error": str(problem)})
                    step(number)
        except KeyboardInterrupt:
            _report(out, found, failed, least, csv_)
            raise stopped(f"{len(found)} of {count(len(wanted), 'photo')} were looked at") from None
    proposed = _report(out, found, failed, least, csv_)
    if csv_ and proposed:
        out.next(
            command("add", csv_, "--photos", catalogue, catalogue=catalogue),
            when="once the sides are right",
        )
    raise typer.Exit(exit_code(len(found), len(failed)))


def _report(
    out: Output,
    found: list[ProposedSide],
    failed: list[dict[str, str]],
    least: float,
    table: Optional[Path],
) -> list[ProposedSide]:
    """Print and write the proposals that are probable enough, the surest first."""
    from resight.files import write_whole
    from resight.formats.table import csv_bytes

    proposed = sorted(
        (each for each in found if each.probability >= least), key=lambda each: -each.probability
    )
    if table:
        write_whole(table, csv_bytes(_COLUMNS, [_row(each) for each in proposed]))
    out.json(
        {
            "proposed": [
                {
                    "annotation": each.record.id,
                    "name": each.record.name,
                    "side": each.side,
                    "probability": each.probability,
                }
                for each in proposed
            ],
            "unsure": len(found) - len(proposed),
            "failed": failed,
        }
    )
    out.table(
        [Column("Id"), Column("Photo", fold=True), Column("Side"), Column("Sure", right=True)],
        [
            (each.record.id, each.record.name, each.side, percent(each.probability))
            for each in proposed
        ],
    )
    unsure = len(found) - len(proposed)
    rest = f"; not sure enough of {count(unsure, 'other')}" if unsure else ""
    out.say(f"{count(len(proposed), 'side')} proposed{rest}; nothing was changed")
    return proposed


def _row(proposed: ProposedSide) -> dict[str, Any]:
    from resight.formats.table import original_path

    record = proposed.record
    box = record.box or ("", "", "", "")
    return {
        "path": original_path(record),
        "photo_name": record.name,
        "side": proposed.side,
        "probability": round(proposed.probability, 3),
        **dict(zip(("x", "y", "w", "h"), box, strict=True)),
        "annotation": record.id,
    }
