"""Commands that make, fill, show and protect a catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from resight.cli.hints import command
from resight.cli.lookup import found, opened_in
from resight.cli.options import HERE, AsJson, CatalogueFolder, Quiet
from resight.cli.output import ExitCode, Output, count, error, file_size, to_stderr
from resight.cli.tables import annotation_table, decision_table, individual_table, merged_table

if TYPE_CHECKING:
    from resight.catalogue import Finding

#: What a folder to be added looks like.
_FOLDER = "with a folder that has a subfolder for each individual"
#: Things of one kind that are named; more are counted.
_NAMED = 3


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
    out.next(command("add", "PHOTOS", catalogue=folder), when=_FOLDER)


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
        nameless = [each for each in opened.annotations() if not each.individual]
        if unknown:
            out.json({"annotations": nameless})
            annotation_table(out, nameless)
            out.say(f"{count(len(nameless), 'photo')} of animals without a name")
            if nameless:
                out.next(command("assign", nameless[0].id, "--to", "NAME", catalogue=catalogue))
            return
        individuals = opened.list()
    out.json({"individuals": individuals, "without_name": len(nameless)})
    individual_table(out, individuals)
    if nameless:
        listing = command("list", "--unknown", catalogue=catalogue)
        out.say(f"{count(len(nameless), 'photo')} without a name: {listing}")
    elif not individuals:
        out.next(command("add", "PHOTOS", catalogue=catalogue), when=_FOLDER)


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
    from resight.catalogue.names import name_key

    out = Output(quiet=quiet, as_json=as_json)
    with opened_in(catalogue) as opened:
        found(opened, what)  # its error has the nearest name
        shown = opened.show(what)
        originals = {each.id: opened.original(each.photo.sha256) for each in shown.annotations}
        about = opened.individuals_of([each.id for each in shown.decisions])
    out.json({**asdict(shown), "originals": originals})
    name = shown.annotations[0].individual
    if name and name_key(what) == name_key(name):
        out.say(f"{name}: {count(len(shown.annotations), 'photo')}")
        annotation_table(out, shown.annotations, named=False)
    else:
        annotation_table(out, shown.annotations)
    for name, text in shown.notes.items():
        out.say(f"Notes on {name}: {text}")
    if len(originals) == 1:
        out.say(f"Kept as {originals[shown.annotations[0].id]}")
    out.say()
    decision_table(out, shown.decisions, about)
    if shown.merged:
        out.say()
        out.say("In other catalogues, before they were merged:")
        merged_table(out, shown.merged)


def backup(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="The archive to write (.zip), or a folder that is there."
        ),
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
        out.next(
            command("check", catalogue=catalogue),
            when="when each is added again from its source",
        )
        raise typer.Exit(ExitCode.PARTLY)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An archive of resight backup.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make a catalogue from a backup, every byte verified.

    Example:
      resight restore turtles-2024-05-03.resight.zip turtles-again

    Next: resight list -c DIR
    """
    from resight.catalogue import Catalogue

    out = Output(quiet=quiet, as_json=as_json)
    with Catalogue.restore(file, folder) as opened:
        individuals = len(opened.list())
        photos = len({each.photo.sha256 for each in opened.annotations()})
        lacking = [each for each in opened.check(quick=True) if each.severity == "error"]
    out.json(
        {
            "catalogue": folder.resolve(),
            "individuals": individuals,
            "photos": photos,
            "findings": lacking,
        }
    )
    out.say(
        f"Restored {count(individuals, 'individual')}, {count(photos, 'photo')} into "
        f"{folder.resolve()}"
    )
    _print_findings(out, lacking)
    if lacking:  # the backup said so when it was made, perhaps to nobody
        raise typer.Exit(ExitCode.PARTLY)
    out.next(command("list", catalogue=folder))


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
    _print_findings(out, findings)
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = sum(finding.severity == "warning" for finding in findings)
    well = "" if errors or warnings else ": all is well"
    out.say(f"{count(warnings, 'warning')}, {count(errors, 'error')}{well}")
    if any(finding.severity == "warning" and not finding.repaired for finding in findings):
        out.next(
            command("check", "--repair", catalogue=catalogue),
            when="run the same add again, or",
        )
    if errors:
        raise typer.Exit(ExitCode.PARTLY)


def _print_findings(out: Output, findings: Sequence[Finding]) -> None:
    """Each kind of finding once, however many things it is true of."""
    subjects: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        message = finding.message + (" (repaired)" if finding.repaired else "")
        subjects.setdefault((finding.severity, message), []).append(finding.subject)
    for (severity, message), names in subjects.items():
        line = f"{severity}: {names[0]}: {message}"
        if len(names) > 1:
            more = ", …" if len(names) > _NAMED else ""
            line = f"{severity}: {len(names)} times: {message}: {', '.join(names[:_NAMED])}{more}"
        if severity == "error":
            to_stderr(line)
        else:
            out.say(line)
