"""Tables with their photos, sent to a desk elsewhere and put in there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Optional

from resight.cli.add import count_failed, print_outcomes, whom
from resight.cli.output import Output, count, error, stopped, to_stderr
from resight.errors import DeskError

if TYPE_CHECKING:
    from resight.catalogue import AddOutcome, ImportPlan
    from resight.client import Client
    from resight.service import tables

#: Answers of a desk after which nothing else would go better.
_HOPELESS = frozenset({0, 401, 403})


@dataclass(frozen=True)
class Reading:
    """How a table is to be read, as ``resight.formats.Reading`` has it."""

    photos: Optional[Path]
    columns: Mapping[str, str]
    dates: str


def put_in(
    out: Output, desk: Client, table: Path, how: Reading, *, dry_run: bool
) -> tuple[int, int]:
    """Send a table and the photos that it names, put it in and print what became of each row;
    how many rows were taken, and how many not. With ``dry_run`` say what would, and leave nothing
    there.

    Raises ``ImportFileError`` for a table that cannot be read, ``DeskError``.
    """
    from resight import formats

    reading = formats.Reading((), how.photos, how.columns, how.dates)
    plan = formats.plan_source(table, reading)  # which photos it means
    known = frozenset(each.name for each in desk.individuals())
    with _sent(out, desk, table, plan, how) as (sent, choices):
        if dry_run:
            report, decisions = desk.preview_table(sent.id, choices), []
            desk.discard_table(sent.id)
        else:
            _follow(out, desk, desk.put_in_table(sent.id, choices).id)
            done = desk.table(sent.id)
            if done.report is None:
                raise DeskError(f"{table}: the desk has not said what became of it")
            report, decisions = done.report, done.decisions
    return _print(out, report, decisions, known, dry_run=dry_run)


@contextmanager
def _sent(
    out: Output, desk: Client, table: Path, plan: ImportPlan, how: Reading
) -> Iterator[tuple[tables.TableImport, tables.Choices]]:
    """A table at the desk with its photos, and how to read it; thrown away again where it is not
    put in."""
    from resight.service.tables import Choices

    base = how.photos or table.parent
    paths = [each for each in dict.fromkeys(photo.path for photo in plan.photos) if each.is_file()]
    sent = desk.send_table(table)
    try:
        with out.progress("Sending photos", len(paths)) as step:
            for number, path in enumerate(paths, start=1):
                try:
                    desk.send_table_photo(sent.id, path, os.path.relpath(path, base))
                except DeskError as problem:
                    if problem.status in _HOPELESS:
                        raise
                    error(str(problem))  # its row says that the photo is not there
                step(number)
        chosen = {column.lower() for column in how.columns.values()}
        guessed = {
            name: column for name, column in sent.columns.items() if column.lower() not in chosen
        }
        columns = None if sent.fixed else {**guessed, **how.columns}
        # The order was checked when the table was read here.
        choices = Choices.model_validate({"columns": columns, "dates": how.dates or None})
        yield sent, choices
    except BaseException as problem:
        if desk.table(sent.id).job is None and desk.table(sent.id).report is None:
            desk.discard_table(sent.id)
        if isinstance(problem, KeyboardInterrupt):
            raise stopped("the desk goes on with what it has begun; see its page") from None
        raise


def _follow(out: Output, desk: Client, job: int) -> None:
    with out.progress("Adding photos") as step:
        for told in desk.follow_job(job):
            step(told.done, told.total or None)
    if told.state != "done":
        raise DeskError(told.message or f"the desk's job {job} was {told.state}")


def _print(
    out: Output,
    report: tables.Report,
    decisions: Sequence[int],
    known: frozenset[str],
    *,
    dry_run: bool,
) -> tuple[int, int]:
    outcomes = [_outcome(row) for row in report.rows]
    for warning in report.warnings:
        to_stderr(f"warning: {warning}")
    if report.dates and not report.dates.order:
        ways = " or ".join(f"--dates {order}" for order in report.dates.choices)
        to_stderr(f"warning: what {report.dates.example} is, no date shows: {ways}")
    out.json(
        {
            "dry_run": dry_run,
            "counts": report.counts,
            "warnings": report.warnings,
            "decisions": decisions,
            "outcomes": [row.model_dump() for row in report.rows],
        }
    )
    print_outcomes(out, outcomes, dry_run=dry_run)
    said = whom(
        [
            (each, row.said.get("identity", ""))
            for each, row in zip(outcomes, report.rows, strict=True)
        ],
        known,
    )
    if said:
        out.say(said)
    if decisions:
        out.say(f"{count(len(decisions), 'decision')}: {', '.join(map(str, decisions))}")
    failed = count_failed(outcomes)
    return len(outcomes) - failed, failed


def _outcome(row: tables.Row) -> AddOutcome:
    from resight.catalogue import AddOutcome, Likeness

    like = Likeness(**row.like.model_dump()) if row.like else None
    return AddOutcome(
        row.status,
        row.source,
        None,
        row.annotation or "",
        row.reason,
        like=like,
        damaged=row.damaged,
    )
