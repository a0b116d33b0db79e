"""The command that packs everything for a computer without a network."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Optional

import typer

from resight.cli.lookup import opened_in
from resight.cli.options import HERE, AsJson, CatalogueFolder, Quiet
from resight.cli.output import ExitCode, Output, count, error, file_size


def bundle(
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="A new folder, on a stick for example.")
    ],
    program_only: Annotated[
        bool,
        typer.Option("--program-only", help="Leave out the catalogue.", show_default=False),
    ] = False,
    model: Annotated[
        Optional[list[str]],
        typer.Option(
            "--model",
            metavar="NAME",
            help="Weights to pack; may be repeated. Those of the default method if not given.",
            show_default=False,
        ),
    ] = None,
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Pack program, weights and catalogue for a computer that never sees a network.

    It needs the same kind of computer and Python there. pip downloads the program's
    parts now, from its index.

    Examples:
      resight bundle /media/usb/resight
      resight bundle /media/usb/resight --program-only

    Next: sh install.sh, in that folder on the other computer
    """
    from resight.bundle import bundle as pack
    from resight.models import DEFAULT_WEIGHTS

    out = Output(quiet=quiet, as_json=as_json)
    opening = nullcontext(None) if program_only else opened_in(catalogue)
    with opening as opened, out.progress("Packing") as step:
        report = pack(
            target,
            catalogue=opened,
            models=model or DEFAULT_WEIGHTS,
            say=lambda part: step(None, None, f"Packing the {part}"),
        )
    out.json(report)
    photos = "" if program_only else f", {count(report.photos, 'photo')}"
    out.say(
        f"Packed {report.path}, {file_size(report.bytes)}: {count(report.wheels, 'wheel')}, "
        f"{count(len(report.models), 'weights file')}{photos}"
    )
    out.note(f"it can be installed on {report.machine}")
    for name in report.missing:
        error(f"{name} is lost or damaged in the catalogue, so it is not in the bundle")
    out.next(f"sh {target / 'install.sh'}", when="on the other computer")
    if report.missing:
        raise typer.Exit(ExitCode.PARTLY)
