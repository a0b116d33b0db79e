"""Options and arguments that several commands share."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated, Optional

import typer

_COMMON = "Common options"

CatalogueFolder = Annotated[
    Path,
    typer.Option(
        "--catalogue",
        "-c",
        metavar="DIR",
        help="Folder of the catalogue; else RESIGHT_CATALOGUE, else the current folder.",
        show_default=False,
        rich_help_panel=_COMMON,
    ),
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print JSON, and only that, on standard output.",
        show_default=False,
        rich_help_panel=_COMMON,
    ),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        help="Print errors only (and JSON if asked for).",
        show_default=False,
        rich_help_panel=_COMMON,
    ),
]
By = Annotated[
    str,
    typer.Option(
        "--by",
        metavar="WHO",
        help="Who decides this, for the log; your login name if not given.",
        show_default=False,
    ),
]
Note = Annotated[
    str, typer.Option("--note", metavar="TEXT", help="Why, for the log.", show_default=False)
]
Set = Annotated[
    Optional[list[str]],
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any setting, for this run; may be repeated. `resight settings` shows them.",
        show_default=False,
    ),
]
HERE = Path()


def actor(by: str) -> str:
    """Who is named in the log of decisions."""
    if by:
        return by
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user may have no name
        return "unknown"
