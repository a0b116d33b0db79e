"""The command that takes over what another catalogue holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from resight.cli.hints import command
from resight.cli.lookup import opened_in
from resight.cli.options import HERE, AsJson, By, CatalogueFolder, Note, Quiet, actor
from resight.cli.output import Column, ExitCode, Output, count, few, to_stderr

if TYPE_CHECKING:
    from resight.catalogue import Merged

#: Things of one kind that are named; more are counted.
_NAMED = 5


def merge(
    other: Annotated[
        Path, typer.Argument(metavar="OTHER", help="The folder of the other catalogue.")
    ],
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would happen; write nothing.", show_default=False),
    ] = False,
    by: By = "",
    note: Note = "",
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Take over what another catalogue holds, such as a colleague's after the season.

    OTHER is only read. Photos are known by their content. What only one changed since
    both were one is taken over; what both changed differently stays as it is here and is
    listed. One undo takes all of a merge back; merging again is safe.

    Examples:
      resight merge /media/usb/turtles --dry-run
      resight merge /media/usb/turtles

    Next: resight assign, for each name that differs; resight undo takes the merge back
    """
    out = Output(quiet=quiet, as_json=as_json)
    if not other.is_dir():
        raise typer.BadParameter(
            f"{other} is no folder of a catalogue; two names of one animal are joined with "
            "`resight assign NAME --to OTHER-NAME`"
        )
    with opened_in(catalogue) as opened, out.progress("Copying photos") as step:
        report = opened.merge(other, actor=actor(by), note=note, dry_run=dry_run, progress=step)
    out.json({"dry_run": dry_run, **_as_dict(report)})
    _print_counts(out, report, dry_run=dry_run)
    _print_remarks(out, report, lambda *words: command(*words, catalogue=catalogue))
    if report.decision and not dry_run:
        undo = command("undo", report.decision.id, catalogue=catalogue)
        out.next(undo, when="to take the merge back")
    if report.conflicts or report.refused or report.same_animals:
        raise typer.Exit(ExitCode.PARTLY)


def _as_dict(report: Merged) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(report)


def _print_counts(out: Output, report: Merged, *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    for number, noun, done in (
        (report.photos, "photo", "new here"),
        (report.added, "annotation", f"{would}added"),
        (report.updated, "annotation", f"{would}updated"),
        (report.already, "annotation", "the same, or changed here only"),
        (report.history, "decision", f"{would}kept as history"),
    ):
        if number:
            out.say(f"{number:>6} {noun if number == 1 else noun + 's'} {done}")
    if report.decision is None and not report.conflicts:
        out.say("Nothing to take over: all of it is here already")


def _print_remarks(out: Output, report: Merged, advised: Callable[..., str]) -> None:
    """What a person has to know or decide."""
    for what, why in report.refused.items():
        to_stderr(f"not taken over: {what}: {why}")
    for name, here in report.encounters.items():
        out.note(f"encounter {name!r} is called {here!r} here")
    for name, here in report.individuals.items():
        out.note(f"{name!r} is spelled {here!r} here")
    for name, here in report.same_animals.items():
        same = advised("assign", name, "--to", here)
        to_stderr(f"warning: {name!r} is called {here!r} here: if it is that animal, {same}")
    if report.same_names:
        to_stderr(
            "warning: named alike in both, without a photo in common, and taken for one animal "
            f"each: {few(report.same_names, _NAMED)}"
        )
    if report.conflicts:
        number = count(len(report.conflicts), "fact differs", "facts differ")
        to_stderr(f"{number}: nothing was changed there, decide with assign or describe")
        rows = [
            (each.annotation, each.photo, each.field, each.ours, each.theirs)
            for each in report.conflicts
        ]
        columns = ["Id", "Photo", "What", "Here", "There"]
        out.table([Column(title, fold=title != "Id") for title in columns], rows)
