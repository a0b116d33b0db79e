"""The file in which jobs outlive the program: ``jobs.sqlite`` in the catalogue's folder.

It holds work to do and no knowledge: a file that is damaged, or of another resight, is begun
anew with a logged warning, and the work can be asked for again.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from resight.errors import CatalogueError, NotFound
from resight.jobs.records import Job

logger = logging.getLogger(__name__)

FILE = "jobs.sqlite"
_VERSION = 1
_BUSY_SECONDS = 30
#: Errors of a file that cannot be used now, and may be sound; details are in higher bits.
_REFUSED = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
)
#: Ended jobs that are remembered.
KEPT = 100
#: A job that was running when the program died so often without getting anywhere has failed.
_DEATHS = 5
#: Two processes may come to a new catalogue at once.
_TABLES = """
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, arguments TEXT NOT NULL,
    actor TEXT NOT NULL, state TEXT NOT NULL, stage TEXT NOT NULL, done INTEGER NOT NULL,
    total INTEGER NOT NULL, message TEXT NOT NULL, created_at TEXT NOT NULL,
    started_at TEXT NOT NULL, ended_at TEXT NOT NULL, result TEXT, revision INTEGER NOT NULL,
    cancelling INTEGER NOT NULL, deaths INTEGER NOT NULL
);
CREATE TRIGGER IF NOT EXISTS added
AFTER INSERT ON jobs BEGIN
    UPDATE jobs SET revision = (SELECT max(revision) + 1 FROM jobs) WHERE id = NEW.id; END;
CREATE TRIGGER IF NOT EXISTS changed
AFTER UPDATE OF state, stage, done, total, message ON jobs BEGIN
    UPDATE jobs SET revision = (SELECT max(revision) + 1 FROM jobs) WHERE id = NEW.id; END;
CREATE TABLE IF NOT EXISTS finished (
    job INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE, item TEXT NOT NULL,
    PRIMARY KEY (job, item)
) WITHOUT ROWID;
"""
#: Of a row, that is nobody else's business.
_OWN = ("cancelling", "deaths")


class JobStore:
    """Jobs in a file. Safe to use from several threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._lock = threading.Lock()
        try:
            self._connection = _opened(self._file)
        except (sqlite3.DatabaseError, ValueError) as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _REFUSED:
                raise CatalogueError(f"{self._file} cannot be opened: {error}") from error
            logger.warning("%s is begun anew, as it cannot be read: %s", self._file, error)
            for suffix in ("", "-wal", "-shm"):
                self._file.with_name(FILE + suffix).unlink(missing_ok=True)
            self._connection = _opened(self._file)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    # Asked for

    def add(self, kind: str, arguments: Mapping[str, Any], actor: str) -> Job:
        """Queue a job; where the same one waits already, that is it."""
        asked = json.dumps(arguments, sort_keys=True)
        with self._writing() as connection:
            same = connection.execute(
                "SELECT id FROM jobs WHERE state = 'queued' AND kind = ? AND arguments = ?"
                " AND NOT cancelling",
                (kind, asked),
            ).fetchone()
            if same:
                return _get(connection, same[0])
            made = connection.execute(
                "INSERT INTO jobs (kind, arguments, actor, state, stage, done, total, message,"
                " created_at, started_at, ended_at, revision, cancelling, deaths)"
                " VALUES (?, ?, ?, 'queued', '', 0, 0, '', ?, '', '', 0, 0, 0)",
                (kind, asked, actor, _now()),
            )
            return _get(connection, made.lastrowid or 0)

    def cancel(self, id: int) -> Job:
        """A queued job is cancelled now, a running one at its next step; an ended one stays."""
        with self._writing() as connection:
            job = _get(connection, id)
            if job.state == "queued":
                _set(connection, id, state="cancelled", ended_at=_now(), cancelling=1)
            elif job.state == "running":
                _set(connection, id, message="is being cancelled", cancelling=1)
            return _get(connection, id)

    # Looked at

    def get(self, id: int) -> Job:
        """One job. Raises ``NotFound``."""
        with self._reading() as connection:
            return _get(connection, id)

    def all(self) -> tuple[Job, ...]:
        """All that are remembered, newest first."""
        with self._reading() as connection:
            rows = connection.execute("SELECT * FROM jobs ORDER BY id DESC")
            return tuple(map(_job, rows))

    def changed(self, since: int) -> tuple[Job, ...]:
        """Those with a later revision, in the order of their last change."""
        with self._reading() as connection:
            query = "SELECT * FROM jobs WHERE revision > ? ORDER BY revision"
            return tuple(map(_job, connection.execute(query, (since,))))

    def finished(self, id: int) -> frozenset[str]:
        """The items of a job that need not be done again."""
        with self._reading() as connection:
            rows = connection.execute("SELECT item FROM finished WHERE job = ?", (id,))
            return frozenset(item for (item,) in rows)

    # Worked on, by one worker at a time

    def recover(self) -> None:
        """Queue what was running when the last worker died, but for what seems to kill it."""
        with self._writing() as connection:
            died = "SELECT id, cancelling, deaths FROM jobs WHERE state = 'running'"
            for id, cancelling, deaths in connection.execute(died).fetchall():
                if cancelling:
                    _set(connection, id, state="cancelled", ended_at=_now(), message="")
                elif deaths + 1 >= _DEATHS:
                    why = f"the program ended {_DEATHS} times while it was at this, and got nowhere"
                    _set(connection, id, state="failed", ended_at=_now(), message=why)
                else:
                    why = "goes on where it was when the program ended"
                    _set(connection, id, state="queued", message=why, deaths=deaths + 1)

    def take(self, kinds: Sequence[str]) -> Job | None:
        """Begin the most urgent job that waits: the kind named first, then the oldest."""
        with self._writing() as connection:
            waiting = _waiting(connection, kinds)
            if waiting is None:
                return None
            job = _get(connection, waiting)
            _set(
                connection, job.id, state="running", message="", started_at=job.started_at or _now()
            )
            return _get(connection, job.id)

    def tell(
        self, id: int, stage: str, done: int, total: int, *, before: Sequence[str]
    ) -> tuple[bool, bool]:
        """Keep how far a running job is. Says whether it is to be cancelled, and whether a
        job of a kind that comes ``before`` it waits."""
        with self._writing() as connection:
            _set(connection, id, stage=stage, done=done, total=total)
            if done:
                connection.execute("UPDATE jobs SET deaths = 0 WHERE id = ?", (id,))
            query = "SELECT cancelling FROM jobs WHERE id = ?"
            (cancelling,) = connection.execute(query, (id,)).fetchone()
            return bool(cancelling), _waiting(connection, before) is not None

    def finish_item(self, id: int, item: str) -> None:
        """Keep that an item of a job need not be done again."""
        with self._writing() as connection:
            connection.execute("INSERT OR IGNORE INTO finished VALUES (?, ?)", (id, item))
            connection.execute("UPDATE jobs SET deaths = 0 WHERE id = ?", (id,))

    def put_back(self, id: int, why: str) -> None:
        """Let a running job wait again."""
        with self._writing() as connection:
            _set(connection, id, state="queued", message=why)

    def end(
        self, id: int, state: str, *, message: str = "", result: Mapping[str, Any] | None = None
    ) -> None:
        """A running job is done, failed or cancelled; the oldest that ended are forgotten."""
        kept = None if result is None else json.dumps(result)
        with self._writing() as connection:
            _set(connection, id, state=state, message=message, result=kept, ended_at=_now())
            connection.execute("DELETE FROM finished WHERE job = ?", (id,))
            connection.execute(
                "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE ended_at != ''"
                " ORDER BY ended_at DESC, id DESC LIMIT -1 OFFSET ?)",
                (KEPT,),
            )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is on the disk once this returns."""
        with self._lock, _translated(self._file):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _translated(self._file):
            yield self._connection


def _opened(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            connection.executescript(
                f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version={_VERSION}; COMMIT"
            )
        if version not in (0, _VERSION):
            raise sqlite3.DatabaseError(f"it is of version {version}, not {_VERSION}")
        _check(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    """Raise ``sqlite3.DatabaseError`` or ``ValueError`` for damage. The file is small."""
    for (said,) in connection.execute("PRAGMA quick_check"):
        if said != "ok":
            raise sqlite3.DatabaseError(said)
    for row in connection.execute("SELECT * FROM jobs"):
        _job(row)
    connection.execute("SELECT count(job), count(item) FROM finished").fetchone()


@contextmanager
def _translated(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise CatalogueError(f"{file}: the database of jobs refused: {error}") from error


def _get(connection: sqlite3.Connection, id: int) -> Job:
    row = connection.execute("SELECT * FROM jobs WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise NotFound(f"there is no job {id}; only the last {KEPT} that ended are remembered")
    return _job(row)


def _set(connection: sqlite3.Connection, id: int, **values: Any) -> None:
    columns = ", ".join(f"{name} = ?" for name in values)  # names are ours
    connection.execute(f"UPDATE jobs SET {columns} WHERE id = ?", (*values.values(), id))  # noqa: S608


def _waiting(connection: sqlite3.Connection, kinds: Sequence[str]) -> int | None:
    """The next job to do of these kinds, the first of which goes first."""
    for kind in kinds:
        query = "SELECT min(id) FROM jobs WHERE state = 'queued' AND kind = ?"
        (found,) = connection.execute(query, (kind,)).fetchone()
        if found is not None:
            return int(found)
    return None


def _job(row: sqlite3.Row) -> Job:
    values = {name: row[name] for name in row.keys() if name not in _OWN}  # noqa: SIM118 (a Row)
    for name in ("arguments", "result"):
        values[name] = None if values[name] is None else json.loads(values[name])
    return Job(**values)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
