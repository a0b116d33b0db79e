"""The command line: each command parses, calls one method, and prints.

This file lists the commands and says how any of them ends. Modules of resight
that bring NumPy or a database are imported by the commands that need them.
"""

from __future__ import annotations

import errno
import logging
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from resight.cli import (
    add,
    bundle,
    calibrate,
    catalogue,
    compare,
    crop,
    decisions,
    demo,
    detect,
    doctor,
    doubts,
    evaluate,
    export,
    identify,
    merge,
    models,
    prepare,
    serve,
    settings,
    sides,
    weakest,
)
from resight.cli.options import HERE, Command, Group
from resight.cli.output import ExitCode, WarningLines, error, to_stderr
from resight.errors import NotACatalogue, ResightError, WeightsMissing

_EPILOG = """\
Exit codes: 0 done; 1 error; 2 command line not understood;

3 finished, but some items failed or need attention; 130 stopped by Ctrl-C.

Every command has examples: resight COMMAND --help"""

_DAILY, _CURATE, _SAFE, _OTHERS, _METHODS = (
    "Every day",
    "Curate the catalogue",
    "Keep it safe",
    "Other programs and people",
    "Methods and this computer",
)


#: Commands one could look for, and what does that.
_OTHER_WORDS = {
    "unhide": "resight hide WHAT --unhide",
    "rename": "resight assign NAME --to NEW-NAME",
    "delete": "resight hide WHAT, or resight purge PHOTO to remove it for good",
    "remove": "resight hide WHAT, or resight purge PHOTO to remove it for good",
}


class _Commands(Group):
    """The group of all commands, and how errors and Ctrl-C end any of them."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command, or say which one does what was looked for."""
        if args and args[0] in _OTHER_WORDS:
            ctx.fail(f"there is no command {args[0]}: {_OTHER_WORDS[args[0]]}")
        if ctx.params.get("server"):
            return self._resolve_remote(ctx, args)
        return super().resolve_command(ctx, args)

    def _resolve_remote(self, ctx: Any, args: list[str]) -> Any:
        """Find a command that works at a desk."""
        from resight.cli import remote

        there = typer.main.get_group(remote.app)
        if args and args[0] in self.commands and args[0] not in there.commands:
            ctx.fail(
                f"{args[0]} works on a catalogue of this computer only; with --server there are "
                f"{', '.join(sorted(there.commands))}"
            )
        return there.resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; errors of resight become one line and exit code 1."""
        try:
            return super().invoke(ctx)
        except NotACatalogue as problem:
            error(f"{problem} (`resight init DIR`), or name yours with `--catalogue DIR`")
        except WeightsMissing as problem:
            from resight.models import DEFAULT_WEIGHTS

            error(
                f"{problem} (all that the default method needs: "
                f"`resight models fetch {' '.join(DEFAULT_WEIGHTS)}`)"
            )
        except ResightError as problem:
            error(str(problem))
        except OSError as problem:
            if problem.errno in (errno.ENOSPC, errno.EDQUOT):
                error("the disk is full: make room, and run the same again; what was done is kept")
                raise typer.Exit(ExitCode.FAILED) from None
            if problem.errno == errno.EPIPE or problem.filename is None:
                raise
            error(f"cannot use {problem.filename2 or problem.filename}: {problem.strerror}")
        except KeyboardInterrupt:
            to_stderr("stopped: what was done is kept, and the same command continues")
            raise typer.Exit(ExitCode.STOPPED) from None
        raise typer.Exit(ExitCode.FAILED)


app = typer.Typer(
    name="resight",
    cls=_Commands,
    help="Which known individual animal is in a photo? Offline, from your own catalogue.",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from resight import __version__

        typer.echo(f"resight {__version__}")
        raise typer.Exit


@app.callback()
def common(
    ctx: typer.Context,
    catalogue: Annotated[
        Path,
        typer.Option(
            "--catalogue",
            "-c",
            metavar="DIR",
            envvar="RESIGHT_CATALOGUE",
            help="Folder of the catalogue; the current folder if not given.",
            show_default=False,
        ),
    ] = HERE,
    server: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="Work at the review desk of this address: add, export, identify, list, log, undo. "
            "RESIGHT_TOKEN holds your token.",
            show_default=False,
        ),
    ] = "",
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print errors only.", show_default=False)
    ] = False,
    _version: Annotated[
        Optional[bool],
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = None,
) -> None:
    source = ctx.get_parameter_source("catalogue")
    if server and source is not None and source.name == "COMMANDLINE":
        raise typer.BadParameter("--server and --catalogue both say where to work: give one")
    # What stands before the command is the default of the same options after it.
    given = {"catalogue": str(catalogue), "quiet": quiet}
    ctx.default_map = {
        **dict.fromkeys((command.name or "" for command in app.registered_commands), given),
        "models": {name: {"quiet": quiet} for name in ("list", "fetch", "verify")},
    }


_PANELS: Mapping[str, Mapping[str, Callable[..., None]]] = {
    _DAILY: {
        "demo": demo.demo,
        "init": catalogue.init,
        "add": add.add,
        "detect": detect.detect,
        "prepare": prepare.prepare,
        "calibrate": calibrate.calibrate,
        "identify": identify.identify,
        "serve": serve.serve,
        "list": catalogue.list_,
        "show": catalogue.show,
    },
    _CURATE: {
        "assign": decisions.assign,
        "describe": decisions.describe,
        "hide": decisions.hide,
        "undo": decisions.undo,
        "doubts": doubts.doubts,
        "dismiss": doubts.dismiss,
        "sides": sides.sides,
        "weakest": weakest.weakest,
        "log": decisions.log,
        "purge": decisions.purge,
    },
    _SAFE: {
        "backup": catalogue.backup,
        "restore": catalogue.restore,
        "check": catalogue.check,
    },
    _OTHERS: {
        "export": export.export,
        "merge": merge.merge,
        "crop": crop.crop,
        "bundle": bundle.bundle,
    },
    _METHODS: {
        "evaluate": evaluate.evaluate,
        "compare": compare.compare,
        "settings": settings.settings,
        "doctor": doctor.doctor,
    },
}
for _panel, _commands in _PANELS.items():
    for _name, _command in _commands.items():
        app.command(_name, cls=Command, rich_help_panel=_panel)(_command)
app.add_typer(models.app, name="models", rich_help_panel=_METHODS)


def main() -> None:
    """Entry point of the ``resight`` program."""
    # Cameras write broken metadata; Pillow's remarks about it are of no use here.
    warnings.filterwarnings("ignore", module=r"PIL\b")
    logging.getLogger("resight").addHandler(WarningLines(logging.WARNING))
    for stream in (sys.stdout, sys.stderr):
        # A file name in no valid encoding must not stop a run of thousands.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app(prog_name="resight")
    except KeyboardInterrupt:  # before a command had begun
        raise SystemExit(ExitCode.STOPPED) from None
    except Exception as problem:
        traceback.print_exc()
        error(
            f"resight failed in a way it should not ({type(problem).__name__}). Your catalogue is "
            "safe. Please report this with the text above, the command, and what "
            "`resight doctor` prints."
        )
        raise SystemExit(ExitCode.FAILED) from None
