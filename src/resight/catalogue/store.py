"""The tables and the SQLite file behind a catalogue. SQLAlchemy stays in this package.

Durability: write-ahead log with ``synchronous=FULL``, so a commit is on the disk
before it is acknowledged. Writers take the write lock when they begin, so a
transaction sees nothing change between what it read and what it writes.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import Column, Connection, Engine, Float, ForeignKey, Integer, MetaData, Table, Text

from resight.errors import CatalogueDamaged, CatalogueError

logger = logging.getLogger(__name__)

_BUSY_SECONDS = 60

metadata = MetaData()
#: Facts about files. A row never changes; it goes only by ``purge``.
photos = Table(
    "photos",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("taken_at", Text, nullable=False),
    Column("utc_offset", Integer),
    Column("latitude", Float),
    Column("longitude", Float),
)
#: What people say, now: always equal to replaying ``changes`` in order.
# (``annotations`` alone is what ``from __future__ import annotations`` binds.)
annotations_table = Table(
    "annotations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("photo", Text, ForeignKey("photos.sha256"), nullable=False),
    Column("box", Text, nullable=False),
    Column("rotation", Float, nullable=False),
    Column("individual", Text, nullable=False),
    Column("individual_key", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("encounter", Text, nullable=False),
    Column("species", Text, nullable=False),
    Column("date", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("hidden", Integer, nullable=False),
    Column("review", Text, nullable=False, server_default=""),
    Column("mask", Text, nullable=False, server_default=""),
)
#: What people note about individuals that have a note; their other facts are annotations'.
individuals = Table(
    "individuals",
    metadata,
    Column("name", Text, primary_key=True),
    Column("notes", Text, nullable=False),
)
#: Suspicions that somebody has dismissed, by the annotations that they are about.
dismissals = Table(
    "dismissals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("annotation", Text, primary_key=True),
    Column("said", Text, nullable=False),
)
#: Append-only (triggers refuse anything else), as is ``changes``.
decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("identification", Text, nullable=False),
    Column("undoes", Integer, ForeignKey("decisions.id")),
)
changes = Table(
    "changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("decision", Integer, ForeignKey("decisions.id"), nullable=False),
    Column("annotation", Text, nullable=False),  # empty where it is about an individual
    Column("before", Text),
    Column("after", Text),
    Column("individual", Text, nullable=False, server_default=""),
    Column("dismissal", Text, nullable=False, server_default=""),
)
#: Append-only: which files a purge removed.
purged = Table(
    "purged",
    metadata,
    Column("decision", Integer, ForeignKey("decisions.id"), primary_key=True),
    Column("sha256", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("bytes", Integer, nullable=False),
)
#: Append-only: what another catalogue had decided before ``decision`` merged it into this one.
#: ``origin`` is that catalogue's name, ``id`` and ``undoes`` are its numbers.
merged_decisions = Table(
    "merged_decisions",
    metadata,
    Column("decision", Integer, ForeignKey("decisions.id"), primary_key=True),
    Column("origin", Text, primary_key=True),
    Column("id", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("identification", Text, nullable=False),
    Column("undoes", Integer),
)
#: Append-only: what those decisions changed there.
merged_changes = Table(
    "merged_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("decision", Integer, nullable=False),
    Column("origin", Text, nullable=False),
    Column("merged", Integer, nullable=False),
    Column("annotation", Text, nullable=False),
    Column("individual", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("dismissal", Text, nullable=False, server_default=""),
    sa.ForeignKeyConstraint(
        ("decision", "origin", "merged"),
        ("merged_decisions.decision", "merged_decisions.origin", "merged_decisions.id"),
    ),
)
schema_versions = Table(
    "schema_versions",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("applied_at", Text, nullable=False),
    Column("resight", Text, nullable=False),
)


def listed(values: Iterable[str] | Iterable[int]) -> sa.Select[Any]:
    """Values for ``in_``, of any number: SQLite takes some thousand parameters at most."""
    return sa.select(sa.func.json_each(json.dumps(list(values))).table_valued("value").c.value)


class Store:
    """Connections to one catalogue's database. Safe to use from several threads."""

    #: Why nothing can be written; empty where it can.
    refuses = ""

    def __init__(self, file: Path) -> None:
        """Open ``file``, which is created where it is missing."""
        self.file = file
        self._set_up(
            sa.create_engine(
                sa.URL.create("sqlite", database=str(file)),
                connect_args={"timeout": _BUSY_SECONDS},
            )
        )

    def _set_up(self, engine: Engine) -> None:
        sa.event.listen(engine, "connect", _prepare_connection)
        sa.event.listen(engine, "begin", _begin)
        self._engine = engine
        self._writer = engine.execution_options(begin="IMMEDIATE")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one consistent state throughout."""
        with translated(self.file), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that holds the write lock; on the disk once this returns."""
        if self.refuses:
            raise CatalogueError(self.refuses)
        with translated(self.file), self._writer.begin() as connection:
            yield connection

    def in_memory(self) -> Store:
        """A copy that touches no disk, for trying out what would happen."""
        twin = Store.__new__(Store)
        twin.file = self.file
        # Its one connection goes along with an iterator that several threads step.
        twin._set_up(
            sa.create_engine(
                "sqlite://",
                poolclass=sa.StaticPool,
                connect_args={"check_same_thread": False},
            )
        )
        with translated(self.file), self._raw() as source, twin._raw() as target:
            source.backup(target)
        return twin

    def copy_to(self, file: Path) -> None:
        """A consistent copy in one closed file, whatever others write meanwhile."""
        target = sqlite3.connect(file, isolation_level=None)
        try:
            with translated(self.file), self._raw() as source:
                source.backup(target)
                # A copy in WAL mode would be two files as soon as it is opened.
                target.execute("PRAGMA journal_mode=DELETE")
        finally:
            target.close()

    def keep_log(self) -> None:
        """Switch the file to write-ahead logging, which it then remembers."""
        with translated(self.file), self._raw() as connection:
            (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        if mode != "wal":
            logger.warning("%s: no write-ahead log on this file system (%s)", self.file, mode)

    def problems(self) -> list[str]:
        """What SQLite's own check of the file and its references finds."""
        with translated(self.file), self._raw() as connection:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
            broken = connection.execute("PRAGMA foreign_key_check").fetchall()
        return [line for line in found if line != "ok"] + [
            f"row {row[1]} of {row[0]} refers to a row of {row[2]} that is not there"
            for row in broken
        ]

    def close(self) -> None:
        """Close all connections; the store can still be used and opens new ones."""
        self._engine.dispose()

    @contextmanager
    def _raw(self) -> Iterator[sqlite3.Connection]:
        connection = self._engine.raw_connection()
        try:
            driver: Any = connection.driver_connection
            yield driver
        finally:
            connection.close()


def copy_unmarked(database: Path, copy: Path) -> None:
    """Copy a database to a new file, leaving nothing beside the one that is read."""
    # A reader of a write-ahead log leaves files beside it; where there is none, it need not.
    log = database.with_name(f"{database.name}-wal")
    how = "mode=ro" if log.is_file() and log.stat().st_size else "immutable=1"
    with translated(database), closing(sqlite3.connect(copy)) as target:
        where = f"file:{quote(os.fsencode(database.absolute()))}?{how}"
        with closing(sqlite3.connect(where, uri=True)) as source:
            source.backup(target)


def _prepare_connection(connection: Any, _record: object) -> None:
    # SQLAlchemy, not the driver, is to say when a transaction begins.
    connection.isolation_level = None
    for pragma in ("foreign_keys=ON", "synchronous=FULL", f"busy_timeout={_BUSY_SECONDS * 1000}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    kind = connection.get_execution_options().get("begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {kind}")


_MEANINGS = {
    "SQLITE_FULL": "the disk is full: free some space and run the same again",
    "SQLITE_READONLY": (
        "the folder or file is read-only for this user: change its permissions, or copy the "
        "catalogue to a disk that can be written"
    ),
    "SQLITE_CANTOPEN": (
        "the database cannot be opened: check the folder's permissions; one on a read-only disk "
        "that was in use when it was copied there can be opened after it is copied elsewhere"
    ),
    "SQLITE_BUSY": f"another program kept the catalogue locked for {_BUSY_SECONDS} s: try again",
    "SQLITE_LOCKED": "another program keeps the catalogue locked: try again",
    "SQLITE_IOERR": "reading or writing failed: check the disk and its free space",
    "SQLITE_PERM": "this user may not use the file",
}
_DAMAGE = {
    "SQLITE_CORRUPT": "the database is damaged: restore the latest backup into a new folder",
    "SQLITE_NOTADB": "the file is no SQLite database: restore the latest backup into a new folder",
}


@contextmanager
def translated(file: Path) -> Iterator[None]:
    """Turn the database's and the disk's errors into ``CatalogueError``."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise _meaning(error.orig, file) from error
    except sqlite3.Error as error:
        raise _meaning(error, file) from error


def _meaning(error: BaseException | None, file: Path) -> CatalogueError:
    code = str(getattr(error, "sqlite_errorname", ""))
    for name, text in _DAMAGE.items():
        if code.startswith(name):
            return CatalogueDamaged(f"{file}: {text} ({error})")
    for name, text in _MEANINGS.items():
        if code.startswith(name):
            return CatalogueError(f"{file}: {text} ({error})")
    return CatalogueError(f"{file}: the database refused: {error}")
