"""One thread that works through the jobs of a catalogue, and lets people go first."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from resight.errors import JobError, ResightError
from resight.jobs.records import Job
from resight.jobs.store import JobStore

logger = logging.getLogger(__name__)

#: Seconds between looks for new jobs, which other processes may have queued.
_LOOK = 0.5
#: Progress is kept, and cancelling noticed, so often at most: seconds.
_TELL = 0.25
#: However many people ask, one step is made in this many seconds: bulk work ends some day.
_PATIENCE = 10.0


@dataclass(frozen=True)
class Kind:
    """What can be asked for. ``run`` may be called again for the same job, after a stop or a
    crash at any instant: it must go on where it was. ``takes`` are the names and types of
    its arguments, all optional. What it returns is JSON.
    """

    run: Callable[[Task], Mapping[str, Any]]
    takes: Mapping[str, type] = field(default_factory=dict)


class Task:
    """A job as the one who does it sees it."""

    def __init__(self, jobs: Jobs, job: Job) -> None:
        self._jobs = jobs
        self._told = -_TELL
        self.job = job
        self.arguments = job.arguments
        self.actor = job.actor
        #: Items that need not be done again: those of ``finish`` when the job was begun.
        self.finished = jobs._store.finished(job.id)

    def tell(self, stage: str, done: int, total: int, *, waits: bool = True) -> None:
        """Between two steps: say how far it is, and let people go first.

        With ``waits`` this returns only once no interactive work is under way, so no lock may be
        held then that such work needs. Raises what ends ``run`` where the job is cancelled or
        is to go on later; ``run`` lets that pass.
        """
        now = time.monotonic()
        if now - self._told >= _TELL or (done == total and waits):
            self._told = now
            self._keep(stage, done, total)
        if waits:
            self._let_others_first(stage, done, total)
        if self._jobs._closing.is_set():
            raise _Later("goes on when the program is started again")

    def finish(self, item: str) -> None:
        """Keep that an item need not be done again."""
        self._jobs._store.finish_item(self.job.id, item)

    def also(self, kind: str) -> None:
        """Queue a job that is to follow."""
        self._jobs.add(kind, actor=self.actor)

    def _let_others_first(self, stage: str, done: int, total: int) -> None:
        until = time.monotonic() + _PATIENCE
        while self._jobs._wait_for_people(_TELL) and time.monotonic() < until:
            self._keep(stage, done, total)

    def _keep(self, stage: str, done: int, total: int) -> None:
        cancelled, urgent = self._jobs._store.tell(
            self.job.id, stage, done, total, before=self._jobs._before(self.job.kind)
        )
        if cancelled:
            raise _Cancelled
        if urgent:
            raise _Later("lets a more urgent job go first")


class _Stop(BaseException):
    """Ends a job's work from inside ``tell``: like Ctrl-C, not to be taken for an error."""


class _Cancelled(_Stop):
    pass


class _Later(_Stop):
    pass


class Jobs:
    """The jobs of the catalogue in ``folder``, which outlive the program.

    ``kinds`` by name, the more urgent first: a job gives way to one of an earlier kind, and goes
    on after it. After ``start`` a thread works on them, one at a time: of all processes that
    have the catalogue open, one works and any may ask, look and cancel. A job that was running
    when the program died is queued again. Use ``close`` at the end or a ``with`` statement.
    """

    def __init__(self, folder: Path, kinds: Mapping[str, Kind]) -> None:
        self.kinds = dict(kinds)
        self._store = JobStore(folder)
        self._worker_lock = FileLock(folder / "jobs.lock")
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._dismissed = threading.Event()
        self._people = 0
        self._nobody = threading.Condition()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Work on the jobs in a thread from now on."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="resight-jobs", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop at the next step of what is running, which goes on when started again."""
        self._closing.set()
        self._wake.set()
        if self._thread:
            self._thread.join()
        self._store.close()

    def __enter__(self) -> Jobs:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def dismiss(self) -> None:
        """The program is about to end: whoever listens for changes should go."""
        self._dismissed.set()

    @property
    def ending(self) -> bool:
        """Whether ``dismiss`` or ``close`` was called."""
        return self._dismissed.is_set() or self._closing.is_set()

    def add(self, kind: str, arguments: Mapping[str, Any] | None = None, *, actor: str) -> Job:
        """Ask for a job. Where the same one waits already, that is it.

        Raises ``JobError`` for a kind or arguments that there are not.
        """
        asked = dict(arguments or {})
        if kind not in self.kinds:
            raise JobError(f"there are no jobs {kind!r} here; there are {', '.join(self.kinds)}")
        takes = self.kinds[kind].takes
        for name, value in asked.items():
            if name not in takes:
                raise JobError(
                    f"a job {kind} takes no argument {name!r}: "
                    + (f"it takes {', '.join(takes)}" if takes else "it takes none")
                )
            if type(value) is not takes[name]:
                raise JobError(f"{name} of a job {kind} must be a {takes[name].__name__}")
        job = self._store.add(kind, asked, actor)
        self._wake.set()
        return job

    def get(self, id: int) -> Job:
        """One job. Raises ``NotFound``."""
        return self._store.get(id)

    def all(self) -> tuple[Job, ...]:
        """Those that wait, run or ended lately, newest first."""
        return self._store.all()

    def cancel(self, id: int) -> Job:
        """Cancel a job: what it has done stays. A running one stops at its next step, one that
        ended stays as it is. Raises ``NotFound``."""
        return self._store.cancel(id)

    def changed(self, since: int) -> tuple[Job, ...]:
        """Jobs with a revision after ``since``, in the order of their last change."""
        return self._store.changed(since)

    @contextmanager
    def interactive(self) -> Iterator[None]:
        """Somebody waits for what is done in here: jobs pause at their next step meanwhile."""
        with self._nobody:
            self._people += 1
        try:
            yield
        finally:
            with self._nobody:
                self._people -= 1
                self._nobody.notify_all()

    def _wait_for_people(self, seconds: float) -> bool:
        """Whether somebody still waits for something after as many seconds."""
        if self._closing.is_set():
            return False
        with self._nobody:
            return not self._nobody.wait_for(lambda: not self._people, timeout=seconds)

    def _before(self, kind: str) -> list[str]:
        names = list(self.kinds)
        return names[: names.index(kind)]

    def _work(self) -> None:
        while not self._closing.is_set():
            try:
                with self._worker_lock.acquire(timeout=0):
                    self._work_alone()
            except Timeout:  # another process works on them
                self._closing.wait(_LOOK)
            except Exception:  # the disk, say: a thread that died would look like slow work
                logger.exception("jobs are not worked on for the moment")
                self._closing.wait(_LOOK)

    def _work_alone(self) -> None:
        self._store.recover()
        while not self._closing.is_set():
            self._wake.clear()
            job = self._store.take(list(self.kinds))
            if job is None:
                self._wake.wait(_LOOK)
            else:
                self._do(job)

    def _do(self, job: Job) -> None:
        logger.info("job %d begins: %s", job.id, job.kind)
        try:
            result = self.kinds[job.kind].run(Task(self, job))
        except _Cancelled:
            self._store.end(job.id, "cancelled")
        except _Later as reason:
            self._store.put_back(job.id, str(reason))
        except (ResightError, OSError) as error:
            self._store.end(job.id, "failed", message=str(error) or type(error).__name__)
        except Exception as error:  # a mistake of resight's must not end all other jobs
            logger.exception("job %d (%s) failed", job.id, job.kind)
            why = f"failed in a way it should not: {type(error).__name__}: {error}"
            self._store.end(job.id, "failed", message=why)
        else:
            self._store.end(job.id, "done", result=result)
