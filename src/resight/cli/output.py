"""What commands print, and where: results on standard output, all else on standard error.

With ``--json`` nothing but one JSON document is on standard output; ``--quiet``
leaves out results for people, hints and progress, but never errors.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

if TYPE_CHECKING:  # rich takes a while to import, and `--version` needs none of it
    from rich.console import Console
    from rich.progress import Progress, TaskID
    from rich.table import Table

#: Width where there is no terminal, so that nothing is cut off in a file or a pipe.
_NO_TERMINAL = 400
#: A column that may be folded is not made narrower than this.
_FOLDED = 14
#: What rich puts between two columns.
_GAP = 2


class ExitCode(IntEnum):
    """What the exit code of ``resight`` says; part of the interface."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTLY = 3
    STOPPED = 130


class Column(NamedTuple):
    """A column of a printed table. ``fold``: break long values rather than cut them."""

    title: str
    right: bool = False
    fold: bool = False


#: Seconds between two lines about the same work in a log.
_SELDOM = 30.0


class Output:
    """The two streams of one command."""

    def __init__(self, *, quiet: bool = False, as_json: bool = False) -> None:
        self.quiet = quiet
        self.as_json = as_json

    def say(self, text: str = "") -> None:
        """A line of the result, for people."""
        if not self.quiet and not self.as_json:
            _console(sys.stdout).print(plain(text), markup=False, highlight=False)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> None:
        """A table of the result, for people; on a narrow terminal a few lines for each row.

        Columns that say nothing in any row (empty or –) are left out.
        """
        if self.quiet or self.as_json:
            return
        console = _console(sys.stdout)
        columns, cells = _filled(columns, [[plain(str(value)) for value in row] for row in rows])
        if _narrowest(columns, cells) <= console.width:
            console.print(_table(columns, cells))
            return
        for row in cells:
            for column, text in zip(columns, row, strict=True):
                self.say(f"{column.title}: {text}" if column.title else text)
            self.say()

    def note(self, text: str, *, whole: bool = False) -> None:
        """A line beside the result: what is happening, what to do next."""
        if not self.quiet:
            to_stderr(text, whole=whole)

    def next(self, *commands: str, when: str = "") -> None:
        """What to do next: each command ends a line that is never broken, to be pasted."""
        if not self.quiet:
            said = f", {when}" if when else ""
            for number, command in enumerate(commands):
                to_stderr(f"{'  or' if number else 'next'}{said}: {command}", whole=True)

    def json(self, value: object) -> None:
        """The result, for programs; only with ``--json``."""
        if self.as_json:
            sys.stdout.write(json.dumps(value, indent=2, default=_jsonable) + "\n")
            sys.stdout.flush()

    @contextmanager
    def stages(self, what: str) -> Iterator[Callable[[str, int, int], None]]:
        """Bars of stages that go on side by side, each with its count and time left.

        Gives ``tell(stage, done, total)``.
        """
        if self.quiet or self.as_json or not sys.stderr.isatty():
            said = self._now_and_then(what)
            yield lambda stage, done, total: said(done, total, f"{what}: {stage}")
            return
        with _bar() as bar:
            begun = bar.add_task(plain(what), total=None)
            rows: dict[str, TaskID] = {}

            def tell(stage: str, done: int, total: int) -> None:
                if stage not in rows:
                    bar.update(begun, visible=False)
                    rows[stage] = bar.add_task(f"{plain(what)}: {stage}", total=total)
                # The total too: a further look reads other photos.
                bar.update(rows[stage], completed=done, total=total)

            yield tell

    @contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Callable[..., None]]:
        """A bar with the time left; in a log a line now and then.

        Gives ``step(done, total, what)``; all three may be left as they were.
        """
        if self.quiet or self.as_json or not sys.stderr.isatty():
            yield self._now_and_then(what, total)
            return
        with _bar() as bar:
            task = bar.add_task(plain(what), total=total)
            yield lambda done=None, total=None, what=None: _step(bar, task, done, total, what)

    def _now_and_then(self, what: str, whole: int | None = None) -> Callable[..., None]:
        """Tells where there is no terminal that long work goes on, and how far it is."""
        last = monotonic()

        def step(
            done: int | None = None, total: int | None = None, part: str | None = None
        ) -> None:
            nonlocal last
            of = total or whole
            if self.quiet or done is None or monotonic() - last < _SELDOM:
                return
            last = monotonic()
            to_stderr(f"{part or what}: {done}{f' of {of}' if of else ''}")

        return step


def to_stderr(text: str, *, whole: bool = False) -> None:
    """A line on standard error, whatever the flags: for errors and warnings.

    Long text is broken between words for a terminal; ``whole`` leaves it as it is.
    """
    console = _console(sys.stderr)
    soft = whole or not console.is_terminal
    console.print(plain(text), markup=False, highlight=False, soft_wrap=soft)


def error(text: str) -> None:
    """``error: what happened and what to do``, on standard error."""
    to_stderr(f"error: {text}")


def plain(text: str) -> str:
    """Text that cannot steer a terminal, whatever a file's name holds."""
    return "".join(each if each.isprintable() or each == "\n" else "�" for each in text)


def few(names: Iterable[str], most: int) -> str:
    """The first names, and how many more there are.

    >>> few(["Ava", "Bo", "Cy"], 2), few(["Ava"], 2)
    ('Ava, Bo and 1 more', 'Ava')
    """
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def count(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun.

    >>> count(1, "photo"), count(2, "photo"), count(0, "match", "matches")
    ('1 photo', '2 photos', '0 matches')
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def file_size(size: float) -> str:
    """Bytes as people read them.

    >>> file_size(999), file_size(2738091)
    ('999 B', '2.7 MB')
    """
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def stopped(text: str) -> typer.Exit:
    """To be raised after Ctrl-C: says what is finished, and leaves with 130."""
    to_stderr(f"stopped: {text}")
    return typer.Exit(ExitCode.STOPPED)


def exit_code(good: int, failed: int) -> ExitCode:
    """How a run over several items ends: all, some or none of them done."""
    if not failed:
        return ExitCode.DONE
    return ExitCode.PARTLY if good else ExitCode.FAILED


class WarningLines(logging.Handler):
    """Writes the library's warnings as ``warning: …``, above a progress bar if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line on standard error."""
        try:
            to_stderr(f"warning: {record.getMessage()}")
        except Exception:
            self.handleError(record)


def _console(stream: Any) -> Console:
    from rich.console import Console

    terminal = stream.isatty()
    return Console(file=stream, width=None if terminal else _NO_TERMINAL, highlight=False)


def _table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    titled = any(column.title for column in columns)
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        show_header=titled,
    )
    for index, column in enumerate(columns):
        table.add_column(
            Text(column.title),
            justify="right" if column.right else "left",
            overflow="fold",
            min_width=_least(column, [row[index] for row in rows]),
        )
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _filled(
    columns: Sequence[Column], rows: Sequence[Sequence[str]]
) -> tuple[list[Column], list[list[str]]]:
    """The columns that say something in some row, all of them where there are no rows."""
    kept = [
        index
        for index in range(len(columns))
        if not rows or any(row[index] not in ("", "–") for row in rows)
    ]
    return [columns[index] for index in kept], [[row[index] for index in kept] for row in rows]


def _narrowest(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> int:
    """Characters the table needs so that it can still be read."""
    widths = [_least(column, [row[index] for row in rows]) for index, column in enumerate(columns)]
    return sum(widths) + _GAP * (len(columns) - 1)


def _least(column: Column, texts: Sequence[str]) -> int:
    from rich.cells import cell_len

    longest = max(map(cell_len, (column.title, *texts)))
    return min(longest, _FOLDED) if column.fold else longest


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.text import Text

    class HowFar(ProgressColumn):
        """How many of how many, and the time left once that can be told."""

        def render(self, task: Task) -> Text:
            left = task.time_remaining
            if task.total is None:
                return Text("")
            text = f"{task.completed:.0f}/{task.total:.0f}"
            return Text(text if left is None else f"{text}, {_duration(left)} left")

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        HowFar(),
        console=Console(file=sys.stderr),
        transient=True,
    )


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes}:{seconds:02}"


def _step(
    bar: Progress, task: TaskID, done: int | None, total: int | None, what: str | None
) -> None:
    if what is not None and what != bar.tasks[0].description:
        # Another stage has a pace of its own: its time left starts anew.
        bar.reset(task, description=plain(what), total=total)
    bar.update(task, completed=done, total=total)


def _jsonable(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
