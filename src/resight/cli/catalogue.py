"""Commands that make, fill, show and protect a catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from resight.cli import plans
from resight.cli.lookup import found, hint_if_new, opened_in
from resight.cli.options import HERE, AsJson, By, CatalogueFolder, Note, Quiet, actor
from resight.cli.output import (
    Column,
    ExitCode,
    Output,
    count,
    error,
    exit_code,
    file_size,
    stopped,
    to_stderr,
)
from resight.cli.tables import annotation_table, decision_table

if TYPE_CHECKING:
    from resight.catalogue import AddOutcome, ImportPlan

#: Reasons printed one by one; more are counted.
_SHOWN = 20


def init(
    folder: Annotated[
        Optional[Path],
        typer.Argument(metavar="DIR", help="A new or empty folder; the current one if not given."),
    ] = None,
    catalogue: CatalogueFolder = HERE,
    quiet: Quiet = False,
) -> None:
    """Make a new, empty catalogue in a folder of its own.

    Example:
      resight init turtles-bonaire
      cd turtles-bonaire

    Next: resight add, with a folder of photos of known animals
    """
    from resight.catalogue import Catalogue, folder_warnings

    out = Output(quiet=quiet)
    folder = folder or catalogue
    for warning in folder_warnings(folder):
        to_stderr(f"warning: {warning}")
    Catalogue.init(folder).close()
    out.say(f"Made a catalogue in {folder.resolve()}")
    where = "" if folder.resolve() == Path.cwd() else f" -c {folder}"
    out.note(f"next: resight add PHOTOS{where}   (a folder with a subfolder for each individual)")


def add(
    sources: Annotated[
        Optional[list[Path]],
        typer.Argument(
            metavar="SOURCE", help="Folders of photos, or photo files.", show_default=False
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
    csv: Annotated[
        Optional[Path],
        typer.Option(
            "--csv",
            metavar="FILE",
            help="A table instead of SOURCE; its column `path` names the photos.",
            show_default=False,
        ),
    ] = None,
    photos: Annotated[
        Optional[Path],
        typer.Option(
            "--photos",
            metavar="DIR",
            help="Folder the table's paths start from; the table's own if not given.",
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

    A folder SOURCE has a subfolder for each individual; photos directly in it are
    of unknown animals. Photos are copied; yours are not touched. Adding again is
    safe: known photos are recognised by their content, whatever they are called.

    Examples:
      resight add known-turtles/
      resight add photos/ --pattern "{identity}_{side}_{date}"
      resight add --csv sightings.csv --photos photos/ --dry-run
      resight add IMG_0412.jpg --individual Donatello --side left

    Next: resight list, then resight identify with a new photo
    """
    from resight.catalogue import plan_csv

    if bool(sources) == bool(csv):
        raise typer.BadParameter("give folders or photos to add, or a table with --csv")
    if csv and pattern:
        raise typer.BadParameter("a table says what its photos show: leave out --pattern")
    if photos and not csv:
        raise typer.BadParameter("--photos goes with --csv")
    out = Output(quiet=quiet, as_json=as_json)
    said = plans.Said(individual, side, species)
    with opened_in(catalogue) as opened:
        if csv:
            plan = plans.complete(plan_csv(csv, photos), said)
        else:
            plan = plans.plan(sources or [], patterns=pattern or (), said=said)
        plans.print_remarks(out, plan)
        if individual:
            hint_if_new(opened, individual)
        total = len(plan.photos) + len(plan.bad)
        outcomes: list[AddOutcome] = []
        adding = opened.add(
            plan, actor=actor(by), note=note, dry_run=dry_run, even_purged=even_purged
        )
        try:
            with out.progress("Adding photos", total) as step:
                for outcome in adding:
                    outcomes.append(outcome)
                    step(len(outcomes))
        except KeyboardInterrupt:
            _print_added(out, plan, outcomes, dry_run=dry_run)
            raise stopped(
                f"{len(outcomes)} of {count(total, 'photo')} are dealt with; "
                "the same command continues"
            ) from None
    failed = _print_added(out, plan, outcomes, dry_run=dry_run)
    if not dry_run and failed < len(outcomes):
        out.note("next: resight list, or resight identify PHOTO")
    raise typer.Exit(exit_code(len(outcomes) - failed, failed))


_ADDED = {
    "added": ("added", "would be added"),
    "updated": ("filled in with new facts", "would be filled in with new facts"),
    "already": ("in the catalogue already", "in the catalogue already"),
    "conflict": ("contradicting the catalogue: nothing changed", "contradicting the catalogue"),
    "bad": ("unusable", "unusable"),
}


def _print_added(
    out: Output, plan: ImportPlan, outcomes: Sequence[AddOutcome], *, dry_run: bool
) -> int:
    """Print what became of an import; how many photos failed."""
    counts = Counter[str](outcome.status for outcome in outcomes)
    out.json(
        {
            "dry_run": dry_run,
            "counts": {key: counts[key] for key in _ADDED},
            "warnings": plan.warnings,
            "ignored": plan.ignored,
            "outcomes": outcomes,
        }
    )
    problems = [each for each in outcomes if each.status in ("conflict", "bad")]
    for problem in problems[:_SHOWN]:
        source = "" if problem.reason.startswith(problem.source) else f"{problem.source}: "
        to_stderr(f"{problem.status}: {source}{problem.reason}")
    if len(problems) > _SHOWN:
        to_stderr(f"… and {len(problems) - _SHOWN} more; --json lists all")
    for status, words in _ADDED.items():
        if counts[status]:
            out.say(f"{counts[status]:>6} {words[dry_run]}")
    return len(problems)


def list_(
    unknown: Annotated[
        bool,
        typer.Option(
            "--unknown", help="The photos of animals without a name yet.", show_default=False
        ),
    ] = False,
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """List the individuals: photos, encounters, sides, first and last seen.

    Examples:
      resight list
      resight list --unknown
      resight list --json > individuals.json

    Next: resight show Donatello
    """
    out = Output(quiet=quiet, as_json=as_json)
    with opened_in(catalogue) as opened:
        if unknown:
            nameless = [each for each in opened.annotations() if not each.individual]
            out.json({"annotations": nameless})
            annotation_table(out, nameless)
            out.say(f"{count(len(nameless), 'photo')} of animals without a name")
            if nameless:
                out.note(f"next: resight assign {nameless[0].id} --to NAME")
            return
        individuals = opened.list()
    out.json({"individuals": individuals})
    out.table(
        [
            Column("Individual", fold=True),
            Column("Photos", right=True),
            Column("Encounters", right=True),
            Column("Sides", fold=True),
            Column("First seen"),
            Column("Last seen"),
        ],
        [
            (
                each.name + (f" ({each.hidden} hidden)" if each.hidden else ""),
                each.photos,
                each.encounters or "–",
                ", ".join(f"{side} {number}" for side, number in each.sides.items()),
                each.first_seen,
                each.last_seen,
            )
            for each in individuals
        ],
    )
    photos = sum(each.photos for each in individuals)
    out.say(f"{count(len(individuals), 'individual')}, {count(photos, 'photo')}")
    if not individuals:
        out.note("next: resight add PHOTOS   (a folder with a subfolder for each individual)")


def show(
    what: Annotated[
        str,
        typer.Argument(
            metavar="NAME|ID", help="An individual's name, an annotation's id or a photo's name."
        ),
    ],
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show all about an individual or a photo, and who decided it.

    Examples:
      resight show Donatello
      resight show IMG_0412.jpg

    Next: resight assign or describe, to correct it; resight undo, to take a decision back
    """
    out = Output(quiet=quiet, as_json=as_json)
    with opened_in(catalogue) as opened:
        found(opened, what)  # its error has the nearest name
        shown = opened.show(what)
        originals = {each.id: opened.original(each.photo.sha256) for each in shown.annotations}
    out.json({**asdict(shown), "originals": originals})
    annotation_table(out, shown.annotations)
    if len(originals) == 1:
        out.say(f"Kept as {originals[shown.annotations[0].id]}")
    out.say()
    decision_table(out, shown.decisions)


def backup(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The archive to write, or a folder for it.")
    ],
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write everything that cannot be made again to one file.

    Others may go on working meanwhile. Put backups on another disk.

    Example:
      resight backup /media/usb/

    Next: resight restore, to see once that it works
    """
    out = Output(quiet=quiet, as_json=as_json)
    with opened_in(catalogue) as opened:
        report = opened.backup(file)
    out.json(report)
    out.say(f"Wrote {report.path}: {count(report.photos, 'photo')}, {file_size(report.bytes)}")
    for missing in report.missing:
        error(f"{missing} is lost or damaged in the catalogue, so it is not in the backup")
    if report.missing:
        out.note("next: resight check; adding a photo again from its source puts it back")
        raise typer.Exit(ExitCode.PARTLY)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An archive of resight backup.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    quiet: Quiet = False,
) -> None:
    """Make a catalogue from a backup, every byte verified.

    Example:
      resight restore turtles-2024-05-03.resight.zip turtles-again

    Next: resight list -c DIR
    """
    from resight.catalogue import Catalogue

    out = Output(quiet=quiet)
    with Catalogue.restore(file, folder) as opened:
        individuals = len(opened.list())
    out.say(f"Restored {count(individuals, 'individual')} into {folder.resolve()}")
    out.note(f"next: resight list -c {folder}")


def check(
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Compare sizes of photos only.", show_default=False),
    ] = False,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="Put right what can be without losing anything.", show_default=False
        ),
    ] = False,
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Look for anything lost, damaged or contradicting in the catalogue.

    Exit code 3 if an error was found. Nothing is changed without --repair.

    Examples:
      resight check
      resight check --quick --repair

    Next: resight backup FILE, if all is well
    """
    out = Output(quiet=quiet, as_json=as_json)
    with opened_in(catalogue) as opened, out.progress("Checking"):
        findings = list(opened.check(quick=quick, repair=repair))
    out.json({"findings": findings})
    for finding in findings:
        line = f"{finding.severity}: {finding.subject}: {finding.message}"
        line += " (repaired)" if finding.repaired else ""
        if finding.severity == "error":
            to_stderr(line)
        else:
            out.say(line)
    errors = sum(finding.severity == "error" for finding in findings)
    out.say(count(errors, "error") if errors else "No errors: all is well")
    if errors:
        raise typer.Exit(ExitCode.PARTLY)
