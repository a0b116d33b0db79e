"""The commands that work at a desk elsewhere: `resight --server URL COMMAND`.

Each asks ``resight.client`` and prints with the tables of the command of its name. What only
a catalogue of this computer can do has no command here, and options that mean nothing there
are left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional
from urllib.parse import urlsplit

import typer

from resight.cli.add import count_failed, print_outcomes
from resight.cli.answers import candidate_table, percent, probability_note, verdict
from resight.cli.options import AsJson, Box, Command, ExportFormat, Note, Occasions, Quiet, box_of
from resight.cli.output import Output, count, error, exit_code, stopped, to_stderr
from resight.cli.tables import decision_table, individual_table
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
    """List decisions: who said what, when, and what was taken back."""
    out = Output(quiet=quiet, as_json=as_json)
    with _desk(ctx) as desk:
        decisions = [_decision(each) for each in islice(desk.decisions(), limit)]
    out.json({"decisions": decisions})
    decision_table(out, decisions)


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
        list[Path], typer.Argument(metavar="PHOTO|FOLDER", help="Photos, or folders of them.")
    ],
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
    """Send photos, with what is known about all of them. Sending again is safe."""
    from resight.photos import photos_in

    out = Output(quiet=quiet, as_json=as_json)
    paths = photos_in(photos)
    if box_of(box) and len(paths) != 1:
        raise typer.BadParameter(f"--box is for one photo, not {len(paths)}")
    facts = {
        "individual": individual, "side": side, "encounter": encounter, "date": date,
        "place": place, "species": species, "box": box,
    }  # fmt: skip
    outcomes: list[AddOutcome] = []
    with _desk(ctx) as desk, out.progress("Sending photos", len(paths)) as step:
        try:
            for path in paths:
                outcomes.append(_sent(desk, path, facts))
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
    from resight.photos import photos_in

    out = Output(quiet=quiet, as_json=as_json)
    files = [each for each in what if _is_path(each)]
    asked: list[Path | str] = [each for each in what if each not in files]
    asked += photos_in([Path(each) for each in files]) if files else []
    run = _Run(out, top)
    with _desk(ctx) as desk:
        for each in asked:
            try:
                with out.progress(f"Asking about {each}"):
                    answer = _asked(desk, each, side)
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
    write_whole(target, data)
    out.json({"path": target, "format": kind, "bytes": len(data)})
    out.say(f"Wrote {target}")


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


def _sent(desk: Client, path: Path, facts: dict[str, str]) -> AddOutcome:
    """What became of a photo; one that the desk refuses is bad, and the rest goes on."""
    from resight.catalogue import AddOutcome

    try:
        made = desk.add_photo(path, **facts)
    except DeskError as problem:
        if problem.status in (0, 401, 403):  # nothing else would go better
            raise
        return AddOutcome("bad", str(path), path, reason=str(problem))
    return AddOutcome(made.status, str(path), path, made.annotation or "", made.reason)


def _asked(desk: Client, what: Path | str, side: str) -> models.Answer:
    if isinstance(what, Path):
        put_in = desk.add_photo(what, side=side)
        if put_in.annotation is None:
            raise DeskError(put_in.reason, status=409)
        return desk.identify(annotations=[put_in.annotation])
    if len(what) == _IDS and set(what) <= set("0123456789abcdef"):
        return desk.identify(annotations=[what])
    return desk.identify(encounter=what)


def _is_path(what: str) -> bool:
    """Whether it is here. A folder needs a slash: one named like an encounter must not be put in
    by whoever asks about the encounter."""
    return Path(what).is_file() or (Path(what).is_dir() and bool({"/", os.sep} & set(what)))


@dataclass
class _Run:
    """Prints answers, and keeps what is printed as JSON."""

    out: Output
    top: int

    def __post_init__(self) -> None:
        self.answers: list[dict[str, object]] = []
        self.failed: list[dict[str, str]] = []

    def fail(self, what: str, why: str) -> None:
        """Name what could not be asked about."""
        error(f"{what}: {why}")
        self.failed.append({"what": what, "error": why})

    def tell(self, what: str, answer: models.Answer) -> None:
        """Print an answer as `resight identify` does."""
        self.answers.append({"what": what, **answer.model_dump()})
        self.out.say()
        self.out.say(f"{what}   {count(len(answer.annotations), 'photo')}")
        named = [*answer.candidates, *answer.passed_over][: self.top]
        best: Sequence[Optional[models.MatchedPhoto]] = [
            each.photos[0] if each.photos else None for each in named
        ]
        candidate_table(
            self.out,
            "Score",
            [
                (
                    rank,
                    each.individual,
                    "–" if each.probability is None else percent(each.probability),
                    f"{each.score:.2f}" if rank <= len(answer.candidates) else "–",
                    photo.matches if photo else "–",
                    photo.inliers if photo else "–",
                    photo.annotation.name if photo else "–",
                    photo.annotation.side if photo else "–",
                )
                for rank, (each, photo) in enumerate(zip(named, best, strict=True), start=1)
            ],
        )
        if said := verdict(answer):
            self.out.say(said)
        self.out.say(
            f"Searched {count(answer.searched, 'photo')} in {answer.seconds:.1f} s "
            f"with {answer.method} at effort {answer.effort}"
        )
        if answer.calibration:
            self.out.say(probability_note(answer.calibration))
        else:
            self.out.say("There are no probabilities: the desk's job calibrate learns them.")
