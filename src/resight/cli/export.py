"""The command that writes a catalogue's annotations for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from resight.cli.hints import command
from resight.cli.lookup import opened_in
from resight.cli.options import (
    HERE,
    AsJson,
    CatalogueFolder,
    ExportFormat,
    Occasions,
    Quiet,
    actor,
)
from resight.cli.output import ExitCode, Output, count, error


def export(
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A new file, or a new folder.")],
    format: ExportFormat = "",
    photos: Annotated[
        bool,
        typer.Option(
            "--photos", help="Copy the photos too: TARGET is a folder then.", show_default=False
        ),
    ] = False,
    precise_places: Annotated[
        bool,
        typer.Option(
            "--precise-places",
            help="Positions as they are; else rounded to 0.1 degree, some 11 km.",
            show_default=False,
        ),
    ] = False,
    occasions: Occasions = "year",
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write who was seen where and when, for other programs.

    csv and json hold all that `resight add` can read again; mark: capture histories for
    MARK and RMark; camtrap-dp: a Camera Trap Data Package; wildbook: a bulk import sheet.
    Hidden photos are left out, and places are coarse unless precise ones are asked for.

    Examples:
      resight export turtles.csv
      resight export turtles.inp --occasions month
      resight export for-gbif --format camtrap-dp
      resight export for-wildbook --format wildbook --photos

    Next: resight add TARGET, in another catalogue
    """
    from resight.formats import ExportOptions, format_named
    from resight.formats import export as write
    from resight.formats.histories import OCCASIONS

    if occasions not in OCCASIONS:
        raise typer.BadParameter(f"--occasions is one of {', '.join(OCCASIONS)}")
    out = Output(quiet=quiet, as_json=as_json)
    options = ExportOptions(
        format_named(target, format), precise_places, photos, occasions, creator=actor("")
    )
    with opened_in(catalogue) as opened:
        report = write(opened, target, options)
    out.json(report)
    copied = f" with {count(report.photos, 'photo')}" if photos else ""
    out.say(
        f"Wrote {report.path}: {count(report.annotations, 'annotation')} of "
        f"{count(report.individuals, 'individual')}{copied}"
    )
    for gap in report.left_out:
        out.note(f"left out: {gap}")
    if not precise_places and options.format != "mark":
        out.note("places are rounded to 0.1 degree; --precise-places writes them as they are")
    for name in report.missing:
        error(f"{name} is lost or damaged in the catalogue, so it was not copied")
    if report.missing:
        out.next(command("check", catalogue=catalogue))
        raise typer.Exit(ExitCode.PARTLY)
