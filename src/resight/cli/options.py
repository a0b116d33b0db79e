"""Options and arguments that several commands share."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional, get_args

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from resight import types

_COMMON = "Common options"


def _without_types(params: list[Any]) -> list[Any]:
    """Typer shows Python's name of a type (``<bool>``) where there is no metavar: leave it out."""
    for param in params:
        shown = param.metavar if param.param_type_name == "option" else None
        param.display_type_rich = lambda ctx, shown=shown: shown  # noqa: ARG005 (typer's call)
    return params


class Command(TyperCommand):
    """A command whose help names no Python types."""

    def get_params(self, ctx: Any) -> Any:
        """Arguments and options."""
        return _without_types(super().get_params(ctx))


class Group(TyperGroup):
    """A group of commands whose help names no Python types."""

    def get_params(self, ctx: Any) -> Any:
        """Arguments and options."""
        return _without_types(super().get_params(ctx))


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
Effort = Annotated[
    str,
    typer.Option(
        metavar="quick|normal|thorough|exhaustive",
        help="How much of the gallery is compared in full; normal if not set.",
        show_default=False,
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
Box = Annotated[
    str,
    typer.Option(
        "--box",
        metavar="X,Y,W,H",
        help="Where the animal is, in pixels of the upright photo; for one photo.",
        show_default=False,
    ),
]
ExportFormat = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="csv|json|mark|camtrap-dp|wildbook",
        help="What to write; if not given, what the suffix says (.csv .json .inp .xlsx).",
        show_default=False,
    ),
]
Occasions = Annotated[
    str,
    typer.Option(metavar="year|month|day", help="What an occasion is in capture histories (mark)."),
]
HERE = Path()


def box_of(text: str) -> Optional[types.Box]:
    """The box that ``--box`` names; ``None`` if it was not given."""
    from resight.catalogue.names import box_text
    from resight.types import Box

    if not text:
        return None
    try:
        x, y, w, h = (float(part) for part in text.split(","))
    except ValueError as problem:
        raise typer.BadParameter(
            f"--box {text!r} is not x,y,w,h: four numbers with commas between them"
        ) from problem
    box = Box(x, y, w, h)
    try:
        box_text(box)
    except ValueError as problem:
        raise typer.BadParameter(f"--box {text!r}: {problem}") from problem
    return box


def name_of(text: str) -> str:
    """A name from the command line in its one form; empty means nobody and nothing known."""
    from resight.catalogue.names import clean_name

    try:
        return clean_name(text)
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from problem


def side_of(text: str) -> str:
    """The side that ``--side`` names, in its one form; ``unknown`` if it was not given."""
    from resight.catalogue.names import side_named

    try:
        return side_named(text)
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from problem


def effort_of(text: str) -> str:
    """What ``--effort`` names; empty if it was not given."""
    from resight.settings import Settings

    efforts = get_args(Settings.model_fields["effort"].annotation)
    if text and text not in efforts:
        raise typer.BadParameter(f"there is no effort {text!r}; there are {', '.join(efforts)}")
    return text


def actor(by: str) -> str:
    """Who is named in the log of decisions."""
    if by:
        return by
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user may have no name
        return "unknown"
