"""The command that describes the catalogue's photos before anybody asks."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from resight.cli.hints import command
from resight.cli.lookup import opened_in
from resight.cli.options import HERE, AsJson, CatalogueFolder, Quiet, Set
from resight.cli.output import Output, count, exit_code, stopped

_STAGES = {
    "describing": "Describing photos",
    "packing": "Packing descriptors",
    "indexing": "Indexing descriptors",
}


def prepare(
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Extractor+matcher, such as sift+nearest.", show_default=False
        ),
    ] = "",
    set_: Set = None,
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Describe all photos in the catalogue now, so that the first identify need not.

    A method describes each photo once, and keeps that. After adding many photos let
    this run. Stop it whenever you like: the same command continues.

    Examples:
      resight prepare
      resight prepare --method sift+nearest

    Next: resight identify with a new photo
    """
    from resight.registry import build_method
    from resight.settings import load_settings

    out = Output(quiet=quiet, as_json=as_json)
    values = load_settings(
        [*(set_ or ()), *([f"method={method}"] if method else ())], catalogue=catalogue
    )
    with opened_in(catalogue) as opened:
        with out.progress(f"Loading {values.method}"):
            made_by = build_method(values.method, values)
        finished = 0
        try:
            with out.progress("Describing photos") as step:

                def tell(stage: str, done: int, total: int) -> None:
                    nonlocal finished
                    finished = done if stage == "describing" else finished
                    step(done, total, _STAGES[stage])

                report = opened.prepare(
                    made_by.extractor,
                    long_edge=made_by.long_edge,
                    margin=made_by.margin,
                    progress=tell,
                )
        except KeyboardInterrupt:
            raise stopped(
                f"{count(finished, 'photo')} described; the same command continues"
            ) from None
    out.json({"method": made_by.name, **asdict(report)})
    out.say(f"{count(report.made, 'photo')} described by {made_by.name}, {report.kept} were before")
    if report.made or report.kept:
        out.next(command("identify", "PHOTO", catalogue=catalogue))
    raise typer.Exit(exit_code(report.made + report.kept, report.missing))
