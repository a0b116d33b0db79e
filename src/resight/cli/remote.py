"""The commands that work at a desk elsewhere: `resight --server URL COMMAND`.

Each asks ``resight.client`` and prints with the tables of the command of its name. What only
a catalogue of this computer can do has no command here, and options that mean nothing there
are left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional
from urllib.parse import urlsplit
from zipfile import ZipFile

import typer

from resight.cli.add import columns_of, count_failed, print_outcomes
from resight.cli.lookup import photos_in
from resight.cli.options import AsJson, Box, Command, ExportFormat, Note, Occasions, Quiet, box_of
from resight.cli.output import Output, count, exit_code, stopped, to_stderr
from resight.cli.remote_answers import Answers
from resight.cli.remote_tables import Reading, put_in
from resight.cli.tables import individual_table, log_of
from resight.errors import DeskError, ExportError

if TYPE_CHECKING:
    from resight.catalogue import AddOutcome, Decision
    from resight.client import Client
    from resight.service import models

#: The variable with the token that a desk asks for.
_VARIABLE = "RESIGHT_TOKEN"
#: Names of formats at the desk, where they are others.
_AT_THE_DESK = {"mark": "capture-history"}
_IDS = 16  # hexadecimal digits of an annotation's id
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})

app = typer.Typer(rich_markup_mode="rich", context_settings={"help_option_names": ["--help", "-h"]})

Side = Annotated[
    str,
    typer.Option(
        metavar="SIDE", help="Which side: left, right, top, topleft …", show_default=False
    ),
]


@contextmanager
def _desk(ctx: typer.Context) -> Iterator[Client]:
    """The desk that ``--server`` names, asked with the token of the environment."""
    from resight.client import Client

    url = ctx.find_root().params["server"]
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise typer.BadParameter(f"--server {url!r} is no address such as https://desk.example.org")
    token = os.environ.get(_VARIABLE, "")
    if not (token.isascii() and token.isprintable()):
        raise typer.BadParameter(f"{_VARIABLE} holds no token: those are letters, digits, - and _")
    if token and parts.scheme == "http" and parts.hostname not in _LOCAL:
        to_stderr(f"warning: {url} is not encrypted: whoever listens learns your token")
    try:
        with Client(url, token=token) as desk:
            yield desk
    except DeskError as problem:
        if problem.status == 401:
            raise DeskError(
                f"{problem}: put a token of yours into {_VARIABLE} (the desk makes one: POST "
                "/api/v1/tokens)",
                status=problem.status,
            ) from problem
        raise


@app.command("list", cls=Command)
def list_(
    ctx: typer.Context,
    q: Annotated[
        str,
        typer.Option("--find", metavar="TEXT", help="In names and notes.", show_default=False),
    ] = "",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """List the individuals of the desk."""
    from resight.catalogue import IndividualSummary

    out = Output(quiet=quiet, as_json=as_json)
    with _desk(ctx) as desk:
        individuals = [
            IndividualSummary(
                each.name,
                each.annotations,
                each.photos,
                each.encounters,
                each.sides,
                each.first_seen or "",
                each.last_seen or "",
                hidden=0,
            )
            for each in desk.individuals(q)
        ]
    out.json({"individuals": individuals})
    individual_table(out, individuals)


@app.command(cls=Command)
def log(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """List decisions: who said what of whom, when, and what was taken back."""
    out = Output(quiet=quiet, as_json=as_json)
    with _desk(ctx) as desk:
        told = list(islice(desk.decisions(), limit))
    individuals = {each.id: each.individual for each in told if each.individual}
    decisions = [_decision(each) for each in told]
    log_of(out, decisions, individuals)


@app.command(cls=Command)
def undo(
    ctx: typer.Context,
    decision: Annotated[int, typer.Argument(metavar="DECISION", help="Its number.")],
    note: Note = "",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Take a decision back: one's own, or as a curator anybody's."""
    out = Output(quiet=quiet, as_json=as_json)
    with _desk(ctx) as desk:
        made = _decision(desk.undo(decision, note=note))
    out.json(made)
    out.say(f"Decision {made.id}: took back {decision}")


@app.command(cls=Command)
def add(
    ctx: typer.Context,
    photos: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE", help="Photos, folders of them, tables (CSV, Excel) of them."
        ),
    ],
    base: Annotated[
        Optional[Path],
        typer.Option(
            "--photos",
            metavar="DIR",
            help="Folder the paths in a table start from; the table's own if not given.",
            show_default=False,
        ),
    ] = None,
    columns: Annotated[
        Optional[list[str]],
        typer.Option(
            "--map",
            metavar="FIELD=COLUMN",
            help="Which column of a table is meant, such as identity=Turtle; may be repeated.",
            show_default=False,
        ),
    ] = None,
    dates: Annotated[
        str,
        typer.Option(
            "--dates",
            metavar="day-first|month-first|year-first",
            help="What 5/7/2024 is in a table whose dates do not show it.",
            show_default=False,
        ),
    ] = "",
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Say what a table would do; leave nothing.", show_default=False
        ),
    ] = False,
    individual: Annotated[
        str, typer.Option(metavar="NAME", help="Who they show.", show_default=False)
    ] = "",
    side: Side = "",
    encounter: Annotated[
        str,
        typer.Option(metavar="NAME", help="The occasion, of one animal.", show_default=False),
    ] = "",
    date: Annotated[
        str, typer.Option(metavar="DATE", help="When they were seen.", show_default=False)
    ] = "",
    place: Annotated[str, typer.Option(metavar="NAME", help="Where.", show_default=False)] = "",
    species: Annotated[
        str, typer.Option(metavar="NAME", help="Their species.", show_default=False)
    ] = "",
    box: Box = "",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Send photos, with what is known about all of them, or a table with its photos.

    Sending again is safe. What a table says is put in as the local `resight add` does.
    """

    out = Output(quiet=quiet, as_json=as_json)
    how = Reading(base, columns_of(columns or ()), dates)
    if any(_is_table(path) for path in photos):
        said = (individual, side, encounter, date, place, species, box)
        if len(photos) > 1 or any(said):
            raise typer.BadParameter("a table goes alone, and says itself what is known")
        with _desk(ctx) as desk:
            taken, failed = put_in(out, desk, photos[0], how, dry_run=dry_run)
        raise typer.Exit(exit_code(taken, failed))
    if how != Reading(None, {}, "") or dry_run:
        raise typer.BadParameter("--photos, --map, --dates and --dry-run are for a table")
    paths = photos_in(photos)
    if box_of(box) and len(paths) != 1:
        raise typer.BadParameter(f"--box is for one photo, not {len(paths)}")
    facts = {
        "individual": individual, "side": side, "encounter": encounter, "date": date,
        "place": place, "species": species, "box": box,
    }  # fmt: skip
    outcomes: list[AddOutcome] = []
    decision: Optional[int] = None  # of all of them, to be taken back as one
    with _desk(ctx) as desk, out.progress("Sending photos", len(paths)) as step:
        try:
            for path in paths:
                outcomes.append(_sent(desk, path, facts, decision))
                decision = outcomes[-1].decision or decision
                step(len(outcomes))
        except KeyboardInterrupt:
            raise stopped(f"{len(outcomes)} of {count(len(paths), 'photo')} were sent") from None
    out.json({"outcomes": outcomes})
    print_outcomes(out, outcomes)
    failed = count_failed(outcomes)
    raise typer.Exit(exit_code(len(outcomes) - failed, failed))


@app.command(cls=Command)
def identify(
    ctx: typer.Context,
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="WHAT",
            help="Encounters or annotation ids of the desk; photos; folders, written with a /.",
        ),
    ],
    side: Side = "",
    top: Annotated[int, typer.Option(metavar="K", min=1, help="How many individuals to list.")] = 5,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Ask the desk who it is. Photos are put in first, as of an animal that nobody knows."""

    out = Output(quiet=quiet, as_json=as_json)
    files = [each for each in what if _is_path(each)]
    asked: list[Path | str] = [each for each in what if each not in files]
    asked += photos_in([Path(each) for each in files]) if files else []
    run = Answers(out, top)
    with _desk(ctx) as desk:
        for each in asked:
            try:
                with out.progress(f"Asking about {each}"):
                    answer = _asked(desk, each, side)
            except (OSError, UnicodeError) as problem:
                run.fail(str(each), f"cannot be sent: {problem}")
            except DeskError as problem:
                if problem.status in (0, 401):  # nothing else would go better
                    raise
                run.fail(str(each), str(problem))
            else:
                run.tell(str(each), answer)
    out.json({"answers": run.answers, "failed": run.failed})
    raise typer.Exit(exit_code(len(run.answers), len(run.failed)))


@app.command(cls=Command)
def export(
    ctx: typer.Context,
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A new file.")],
    format: ExportFormat = "",
    precise_places: Annotated[
        bool,
        typer.Option("--precise-places", help="Of curators only.", show_default=False),
    ] = False,
    occasions: Occasions = "year",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write who was seen where and when, for other programs; camtrap-dp is a ZIP file."""
    from resight.files import write_whole
    from resight.formats import format_named

    out = Output(quiet=quiet, as_json=as_json)
    kind = format_named(target, format)
    if target.exists():
        raise ExportError(f"{target} exists already: name another file")
    about = {"occasions": occasions, "precise": str(precise_places).lower()}
    with _desk(ctx) as desk:
        data = desk.export(_AT_THE_DESK.get(kind, kind), **about)
    if kind == "mark":
        _unpack(data, target)
    else:
        write_whole(target, data)
    out.json({"path": target, "format": kind, "bytes": len(data)})
    out.say(f"Wrote {target}")


def _unpack(data: bytes, target: Path) -> None:
    """Write the target and the files beside it, as ``resight export`` does."""
    from resight.files import write_whole
    from resight.formats.exporting import SUFFIXES

    stem = target.stem if target.suffix.lower() in SUFFIXES else target.name
    with ZipFile(BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    first = files.pop("catalogue.inp")
    others = {
        target.with_name(stem + Path(name).name.removeprefix("catalogue")): content
        for name, content in files.items()
    }
    for path in others:
        if path.exists():
            raise ExportError(f"{path} exists already: name another file than {target.name}")
    for path, content in {**others, target: first}.items():
        write_whole(path, content)


def _decision(told: models.Decision) -> Decision:
    """As the catalogue has it."""
    from resight.catalogue import Decision

    return Decision(
        id=told.id,
        at=datetime.fromisoformat(told.at),
        actor=told.actor,
        kind=told.kind,
        note=told.note,
        identification=told.identification,
        undoes=told.undoes,
        undone=told.undone,
        annotations=told.annotations,
    )


def _sent(desk: Client, path: Path, facts: dict[str, str], decision: Optional[int]) -> AddOutcome:
    """What became of a photo; one that the desk refuses is bad, and the rest goes on."""
    from resight.catalogue import AddOutcome, Likeness

    try:
        made = desk.add_photo(path, decision=decision, **facts)
    except (OSError, UnicodeError) as problem:
        return AddOutcome("bad", str(path), path, reason=f"cannot be sent: {problem}")
    except DeskError as problem:
        if problem.status in (0, 401, 403):  # nothing else would go better
            raise
        return AddOutcome("bad", str(path), path, reason=str(problem))
    like = Likeness(**made.like.model_dump()) if made.like else None
    return AddOutcome(
        made.status, str(path), path, made.annotation or "", made.reason,
        like=like, decision=made.decision, damaged=made.damaged,
    )  # fmt: skip


def _asked(desk: Client, what: Path | str, side: str) -> models.Answer:
    if isinstance(what, Path):
        put_in = desk.add_photo(what, side=side)
        if put_in.annotation is None:
            raise DeskError(put_in.reason, status=409)
        return desk.identify(annotations=[put_in.annotation])
    if len(what) == _IDS and set(what) <= set("0123456789abcdef"):
        return desk.identify(annotations=[what])
    return desk.identify(encounter=what)


def _is_table(path: Path) -> bool:
    return path.suffix.lower() in (".csv", ".tsv", ".xlsx", ".xlsm")


def _is_path(what: str) -> bool:
    """Whether it is here. A folder needs a slash: one named like an encounter must not be put in
    by whoever asks about the encounter."""
    return Path(what).is_file() or (Path(what).is_dir() and bool({"/", os.sep} & set(what)))
