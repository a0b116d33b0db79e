"""The command that adds photos, and what it says became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from resight.cli import plans
from resight.cli.hints import command
from resight.cli.lookup import mistaken_for, opened_in, warn_of_new
from resight.cli.options import (
    HERE,
    AsJson,
    Box,
    By,
    CatalogueFolder,
    Note,
    Quiet,
    actor,
    box_of,
    side_of,
)
from resight.cli.output import Output, count, error, exit_code, stopped, to_stderr

if TYPE_CHECKING:
    from resight.catalogue import AddOutcome, Catalogue, ImportPlan
    from resight.formats import Boxing

#: Names and reasons printed; more are counted.
_NAMES, _REASONS, _EXAMPLES = 10, 20, 3
#: So many photos take the first identify noticeably long to describe.
_MANY = 50


def add(
    sources: Annotated[
        Optional[list[Path]],
        typer.Argument(
            metavar="SOURCE",
            help="Folders of photos, photo files, videos, tables (CSV, Excel), COCO files, "
            "Camtrap DP packages, exports.",
            show_default=False,
        ),
    ] = None,
    pattern: Annotated[
        Optional[list[str]],
        typer.Option(
            "--pattern",
            metavar="TEXT",
            help="How names say what photos show. Fields: {identity} {side} {date} {encounter} "
            "{place} {species}, and {_} for anything else. May be repeated: the first that fits.",
            show_default=False,
        ),
    ] = None,
    photos: Annotated[
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
    encounters: Annotated[
        Optional[float],
        typer.Option(
            "--encounters",
            metavar="MINUTES",
            min=0,
            help="Photos of one animal or folder and one camera, with no longer pause, are one "
            "encounter.",
            show_default=False,
        ),
    ] = None,
    individual: Annotated[
        Optional[str],
        typer.Option(metavar="NAME", help="Who all of these photos show.", show_default=False),
    ] = None,
    side: Annotated[
        str,
        typer.Option(
            metavar="SIDE", help="Which side: left, right, top, topleft …", show_default=False
        ),
    ] = "",
    species: Annotated[
        str, typer.Option(metavar="NAME", help="Their species.", show_default=False)
    ] = "",
    box: Box = "",
    detect: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE.onnx",
            help="Find boxes on photos that come without: `salient`, `catalogue` or a file, as of "
            "resight detect. Nobody looks at them first.",
            show_default=False,
        ),
    ] = "",
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would happen; write nothing.", show_default=False),
    ] = False,
    even_purged: Annotated[
        bool,
        typer.Option(
            "--even-purged", help="Take in again photos that were purged.", show_default=False
        ),
    ] = False,
    by: By = "",
    note: Note = "",
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Add photos, with what is known about them, to the catalogue.

    SOURCE is recognised by what it is. A folder has a subfolder for each individual;
    photos directly in it are of unknown animals. Photos are copied; yours are not
    touched. Adding again is safe: photos are recognised by content, whatever their names.

    Examples:
      resight add known-turtles/ --encounters 30
      resight add photos/ --pattern "{identity}_{side}_{date}"
      resight add sightings.xlsx --photos photos/ --map identity=Turtle --dry-run
      resight add camtrap-package/
      resight add IMG_0412.jpg --individual Donatello --side left --box 310,120,900,640
      resight add today/ --detect catalogue --dry-run

    Next: resight list, then resight identify with a new photo
    """
    from resight.formats import Reading

    region = box_of(box)
    if not sources:
        raise typer.BadParameter("give folders, photos or tables to add")
    if region is not None and (len(sources) != 1 or sources[0].is_dir()):
        raise typer.BadParameter("--box is for one photo file")
    side, meant = side_of(side), columns_of(columns or ())
    out = Output(quiet=quiet, as_json=as_json)
    said = plans.Said(individual, side, species)
    with opened_in(catalogue) as opened, TemporaryDirectory(prefix="resight-frames-") as frames:
        reading = Reading(pattern or (), photos, meant, dates, Path(frames), region)
        boxing = _boxing(out, detect, opened, catalogue) if detect else None
        with out.progress("Reading what is given"):  # films and first looks take a while
            plan = plans.plan(opened, sources, reading, said, minutes=encounters)
        plans.print_remarks(out, plan)
        known = frozenset(each.name for each in opened.list())
        near = mistaken_for(opened, individual) if individual else ""
        _look_at(out, opened)
        outcomes: list[AddOutcome] = []
        files: set[str] = set()  # with boxes found, several outcomes are of one
        adding = opened.add(
            plan, actor=actor(by), note=note, dry_run=dry_run, even_purged=even_purged,
            boxing=boxing,
        )  # fmt: skip
        try:
            with out.progress("Adding photos", len(plan.photos) + len(plan.bad)) as step:
                for outcome in adding:
                    outcomes.append(outcome)
                    files.add(outcome.source)
                    step(len(files))
        except KeyboardInterrupt:
            _print(out, _as_boxed(out, plan, boxing), outcomes, known, dry_run=dry_run)
            total = count(len(plan.photos) + len(plan.bad), "photo")
            raise stopped(
                f"{len(files)} of {total} are dealt with; the same command continues"
            ) from None
        _print(out, _as_boxed(out, plan, boxing), outcomes, known, dry_run=dry_run)
        written = [each for each in outcomes if each.status in _WRITTEN and not dry_run]
        gone = _taken_back(opened, written)
        _warn_of_weak(opened, written)
        if near and written:
            decision = opened.show(written[0].annotation).decisions[0].id
            warn_of_new(individual or "", near, command("undo", decision, catalogue=catalogue))
    failed = count_failed(outcomes) + gone
    if not dry_run and failed < len(outcomes):
        _advise(out, catalogue, many=len(written) >= _MANY)
    raise typer.Exit(exit_code(len(outcomes) - failed, failed))


def _taken_back(opened: Catalogue, written: Sequence[AddOutcome]) -> int:
    """Say it where somebody has undone what this run added; how many photos that was."""
    decisions = {each.decision for each in written if each.decision is not None}
    undone = {id for id in decisions if opened.decision(id).undone}
    gone = sum(each.decision in undone for each in written)
    if gone:
        error(
            f"{count(gone, 'photo')} of these were taken out again meanwhile: somebody has undone "
            f"decision {', '.join(map(str, sorted(undone)))} (resight log); the same command adds "
            "them again"
        )
    return gone


def _look_at(out: Output, opened: Catalogue) -> None:
    """Look at photos that an older version has added, so that copies of them are noticed."""
    try:
        with out.progress("Looking at the catalogue's photos") as step:
            opened.look_at_photos(step)
    except KeyboardInterrupt:
        raise stopped("nothing was added yet; the same command continues") from None


def _boxing(out: Output, detector: str, opened: Catalogue, folder: Path) -> Boxing:
    """What finds boxes as photos are added, with the detector of that name."""
    from resight.cli.detect import finder_of
    from resight.formats import Boxing
    from resight.settings import load_settings

    finder = finder_of(out, detector, opened, load_settings((), catalogue=folder))
    return Boxing(finder, Counter(each.photo.sha256 for each in opened.annotations()))


def _as_boxed(out: Output, plan: ImportPlan, boxing: Optional[Boxing]) -> ImportPlan:
    """What was added of a plan, box by box; says what was found."""
    if boxing is None:
        return plan
    notes = tuple(boxing.notes())
    for note in notes:
        out.note(note)
    return replace(plan, photos=tuple(boxing.made), notes=(*plan.notes, *notes))


def _advise(out: Output, catalogue: Path, *, many: bool) -> None:
    """What to do next; ``many``: so many photos were added that describing them takes a while."""
    if many:
        out.next(command("prepare", catalogue=catalogue), when="so that no identify has to wait")
    out.next(
        command("list", catalogue=catalogue), command("identify", "PHOTO", catalogue=catalogue)
    )


def columns_of(pairs: Sequence[str]) -> dict[str, str]:
    """By field its column, of ``FIELD=COLUMN``."""
    found = {}
    for pair in pairs:
        field, equals, column = pair.partition("=")
        if not equals or not field.strip() or not column.strip():
            raise typer.BadParameter(f"--map {pair!r} is not FIELD=COLUMN, such as identity=Turtle")
        found[field.strip().lower()] = column.strip()
    return found


_ADDED = {
    "added": ("added", "would be added"),
    "updated": ("filled in with new facts", "would be filled in with new facts"),
    "already": ("in the catalogue already", "in the catalogue already"),
    "conflict": ("contradicting the catalogue: nothing changed", "contradicting the catalogue"),
    "bad": ("unusable", "unusable"),
}
_WRITTEN, _FAILED = ("added", "updated"), ("conflict", "bad")


def _print(
    out: Output,
    plan: ImportPlan,
    outcomes: Sequence[AddOutcome],
    known: frozenset[str],
    *,
    dry_run: bool,
) -> None:
    """Print what became of an import, or of its part before it was stopped."""
    # Outcomes come in the plan's order, those that could not be planned first.
    planned = [*[None] * len(plan.bad), *plan.photos][: len(outcomes)]
    about = list(zip(outcomes, planned, strict=True))
    counts = Counter[str](outcome.status for outcome in outcomes)
    out.json(
        {
            "dry_run": dry_run,
            "counts": {key: counts[key] for key in _ADDED},
            "columns": plan.columns,
            "notes": plan.notes,
            "warnings": plan.warnings,
            "dates": plan.dates,
            "ignored": plan.ignored,
            "outcomes": [
                asdict(outcome)
                | {field: getattr(photo, field, "") for field in ("identity", "side", "date")}
                for outcome, photo in about
            ],
        }
    )
    print_outcomes(out, outcomes, dry_run=dry_run)
    said = whom([(outcome, photo.identity) for outcome, photo in about if photo], known)
    if said:
        out.say(said)


def print_outcomes(out: Output, outcomes: Sequence[AddOutcome], *, dry_run: bool = False) -> None:
    """Print why photos were not taken, and how many were."""
    counts = Counter[str](outcome.status for outcome in outcomes)
    _print_problems([each for each in outcomes if each.status in _FAILED])
    for status, words in _ADDED.items():
        if counts[status]:
            out.say(f"{counts[status]:>6} {words[dry_run]}")
    _warn_of_damage([each for each in outcomes if each.damaged])
    _warn_of_copies([each for each in outcomes if each.like])


def count_failed(outcomes: Sequence[AddOutcome]) -> int:
    """How many photos were not taken."""
    return sum(each.status in _FAILED for each in outcomes)


def _warn_of_damage(damaged: Sequence[AddOutcome]) -> None:
    """Name the new photos of which parts are lost, though they can be shown."""
    if not damaged:
        return
    to_stderr(
        f"warning: {count(len(damaged), 'new photo')} may be damaged in part, as by a failing "
        "memory card: look at them, and copy them again from their source where parts are lost:"
    )
    _list([f"{each.source} ({each.damaged})" for each in damaged])


def _warn_of_copies(copies: Sequence[AddOutcome]) -> None:
    """Name the new photos that look like ones that were there, and which."""
    if not copies:
        return
    to_stderr(
        f"warning: {count(len(copies), 'new photo')} may show what the catalogue has already, in "
        "another size or saved anew; `resight hide` leaves one out, and photos that `resight "
        "describe --encounter` puts into one encounter count once:"
    )
    _list([f"{each.source} looks like {each.like}" for each in copies])


def _list(lines: Sequence[str]) -> None:
    """The first lines below a warning."""
    for line in lines[:_REASONS]:
        to_stderr(f"  {line}")
    if len(lines) > _REASONS:
        to_stderr(f"  … and {len(lines) - _REASONS} more; --json lists all")


def _warn_of_weak(opened: Catalogue, written: Sequence[AddOutcome]) -> None:
    """Name the new photos by which an animal may not be known again."""
    from resight.weakest import weak_ones

    weak = weak_ones(opened, written)
    if weak:
        more = ", …" if len(weak) > _EXAMPLES else ""
        to_stderr(
            f"warning: {count(len(weak), 'photo')} with less than half of the usual detail (blur, "
            "dark, or a small animal without a box) may not be identified: "
            f"{', '.join(Path(each.name).name for each in weak[:_EXAMPLES])}{more}"
        )


def whom(about: Sequence[tuple[AddOutcome, str]], known: frozenset[str]) -> str:
    """Whose photos were written, and of how many it is not known; ``about``: what became of each,
    and who is said to be on it. ``known`` are the individuals that were there before."""
    photos = Counter(name for outcome, name in about if name and outcome.status in _WRITTEN)
    nameless = sum(not name and outcome.status == "added" for outcome, name in about)
    text = ""
    if photos:
        names = [f"{name} ({photos[name]})" for name in sorted(photos)]
        text = f"{count(len(names), 'individual')}, {len(photos.keys() - known)} new: "
        text += ", ".join(names[:_NAMES])
        if len(names) > _NAMES:
            text += f" and {count(len(names) - _NAMES, 'other')}"
    without = f"{count(nameless, 'photo')} without a name" if nameless else ""
    return "; ".join(part for part in (text, without) if part)


def _print_problems(problems: Sequence[AddOutcome]) -> None:
    """Each reason once, however many photos it is that of."""
    sources: dict[tuple[str, str], list[str]] = {}
    for each in problems:
        reason = each.reason
        for item in (each.source, str(each.path)):
            reason = reason.removeprefix(f"{item}: ")
        sources.setdefault((each.status, reason), []).append(each.source)
    for (status, reason), names in list(sources.items())[:_REASONS]:
        if len(names) == 1:
            to_stderr(f"{status}: {names[0]}: {reason}")
        else:
            more = ", …" if len(names) > _EXAMPLES else ""
            to_stderr(
                f"{status}: {len(names)} photos: {reason}: {', '.join(names[:_EXAMPLES])}{more}"
            )
    if len(sources) > _REASONS:
        to_stderr(f"… and {len(sources) - _REASONS} more reasons; --json lists all")
