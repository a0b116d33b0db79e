"""The command that writes chips and masks for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from resight.cli.lookup import found, opened_in
from resight.cli.options import HERE, AsJson, CatalogueFolder, Quiet, Set
from resight.cli.output import Output, count, error, exit_code


def crop(
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A new folder.")],
    what: Annotated[
        Optional[list[str]],
        typer.Argument(
            metavar="NAME|ID",
            help="Individuals, photos or annotations; all if none is given.",
            show_default=False,
        ),
    ] = None,
    masks: Annotated[
        bool,
        typer.Option(
            "--masks",
            help="Write the animal in each chip: as somebody drew it, or by the setting segment.",
        ),
    ] = False,
    set_: Set = None,
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write each animal cut out of its photo, and a table that says which is which.

    Chips are upright PNG files of long_edge pixels with the set margin; chips.csv has
    who, where and the way back to the photo.

    Examples:
      resight crop chips
      resight crop chips Donatello --masks --set long_edge=1024

    Next: any tool that reads pictures and CSV
    """
    from resight.formats.crops import crop as write
    from resight.registry import build_segmenter
    from resight.settings import load_settings

    out = Output(quiet=quiet, as_json=as_json)
    values = load_settings(set_ or (), catalogue=catalogue)
    if masks and values.segment == "none":
        raise typer.BadParameter("--masks needs a setting segment other than none")
    segmenter = build_segmenter(values) if masks else None
    with opened_in(catalogue) as opened:
        ids = [id for each in what for id in found(opened, each)] if what else None
        records = [each for each in opened.annotations(ids) if not each.hidden]
        with out.progress("Cropping", len(records)) as step:
            report = write(
                opened,
                records,
                target,
                long_edge=values.long_edge,
                margin=values.margin,
                segmenter=segmenter,
                progress=step,
            )
    out.json(report)
    with_masks = f", {report.masks} with a mask" if masks else ""
    out.say(f"Wrote {count(report.chips, 'chip')}{with_masks}: {report.path / 'chips.csv'}")
    for photo, why in report.bad.items():
        error(f"{photo}: {why}")
    raise typer.Exit(exit_code(report.chips, len(report.bad)))
