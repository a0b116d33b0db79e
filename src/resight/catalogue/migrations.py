"""The schema's history: version n is the n-th function below, applied in order.

A new catalogue runs all of them too, so that a fresh one and an upgraded one
cannot differ. A released function is never edited: the next change is the next
function, in plain SQL, because ``store.py`` describes only the latest schema.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from resight import __version__
from resight.catalogue.originals import writing_to
from resight.catalogue.store import Store, schema_versions
from resight.errors import CatalogueVersion, NotACatalogue

Migration = Callable[[Connection], None]


def _run(connection: Connection, script: str) -> None:
    # One statement at a time: the driver's executescript would commit first.
    for statement in script.split(";\n\n"):
        if statement.strip():
            connection.exec_driver_sql(statement)


def _first_release(connection: Connection) -> None:
    _run(
        connection,
        """
CREATE TABLE photos (
    sha256 TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    format TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    taken_at TEXT NOT NULL,
    utc_offset INTEGER,
    latitude REAL,
    longitude REAL
);

CREATE TABLE annotations (
    id TEXT PRIMARY KEY,
    photo TEXT NOT NULL REFERENCES photos (sha256),
    box TEXT NOT NULL,
    rotation REAL NOT NULL,
    individual TEXT NOT NULL,
    individual_key TEXT NOT NULL,
    side TEXT NOT NULL,
    encounter TEXT NOT NULL,
    species TEXT NOT NULL,
    date TEXT NOT NULL,
    place TEXT NOT NULL,
    latitude REAL,
    longitude REAL,
    hidden INTEGER NOT NULL CHECK (hidden IN (0, 1)),
    UNIQUE (photo, box)
);

CREATE INDEX annotations_by_individual ON annotations (individual);

CREATE INDEX annotations_by_individual_key ON annotations (individual_key);

CREATE INDEX annotations_by_encounter ON annotations (encounter);

CREATE TABLE decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    kind TEXT NOT NULL,
    note TEXT NOT NULL,
    identification TEXT NOT NULL,
    undoes INTEGER REFERENCES decisions (id)
);

CREATE INDEX decisions_by_undoes ON decisions (undoes);

CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    decision INTEGER NOT NULL REFERENCES decisions (id),
    annotation TEXT NOT NULL,
    before TEXT,
    after TEXT
);

CREATE INDEX changes_by_decision ON changes (decision);

CREATE INDEX changes_by_annotation ON changes (annotation);

CREATE TABLE purged (
    decision INTEGER NOT NULL REFERENCES decisions (id),
    sha256 TEXT NOT NULL,
    name TEXT NOT NULL,
    format TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (decision, sha256)
);

CREATE INDEX purged_by_sha256 ON purged (sha256)
""",
    )
    for table in ("decisions", "changes", "purged"):
        for verb in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER {table}_refuse_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    connection.exec_driver_sql(
        "CREATE TRIGGER photos_refuse_update BEFORE UPDATE ON photos "
        "BEGIN SELECT RAISE(ABORT, 'facts about a photo never change'); END"
    )


def _reviews_and_notes(connection: Connection) -> None:
    """Marks that a review leaves on annotations; notes of individuals, changed by decisions too."""
    _run(
        connection,
        """
ALTER TABLE annotations ADD COLUMN review TEXT NOT NULL DEFAULT '';

ALTER TABLE changes ADD COLUMN individual TEXT NOT NULL DEFAULT '';

CREATE INDEX changes_by_individual ON changes (individual) WHERE individual != '';

CREATE TABLE individuals (
    name TEXT PRIMARY KEY,
    notes TEXT NOT NULL
)
""",
    )


def _merged_histories(connection: Connection) -> None:
    """What other catalogues had decided before they were merged into this one."""
    _run(
        connection,
        """
CREATE TABLE merged_decisions (
    decision INTEGER NOT NULL REFERENCES decisions (id),
    origin TEXT NOT NULL,
    id INTEGER NOT NULL,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    kind TEXT NOT NULL,
    note TEXT NOT NULL,
    identification TEXT NOT NULL,
    undoes INTEGER,
    PRIMARY KEY (decision, origin, id)
);

CREATE TABLE merged_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    decision INTEGER NOT NULL REFERENCES decisions (id),
    origin TEXT NOT NULL,
    merged INTEGER NOT NULL,
    annotation TEXT NOT NULL,
    individual TEXT NOT NULL,
    before TEXT,
    after TEXT,
    FOREIGN KEY (decision, origin, merged) REFERENCES merged_decisions (decision, origin, id)
);

CREATE INDEX merged_changes_by_annotation ON merged_changes (annotation)
""",
    )
    for table in ("merged_decisions", "merged_changes"):
        for verb in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER {table}_refuse_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def _dismissed_suspicions(connection: Connection) -> None:
    """Suspicions that people dismiss."""
    _run(
        connection,
        """
CREATE TABLE dismissals (
    id TEXT NOT NULL,
    annotation TEXT NOT NULL,
    said TEXT NOT NULL,
    PRIMARY KEY (id, annotation)
);

ALTER TABLE changes ADD COLUMN dismissal TEXT NOT NULL DEFAULT '';

CREATE INDEX changes_by_dismissal ON changes (dismissal) WHERE dismissal != '';

ALTER TABLE merged_changes ADD COLUMN dismissal TEXT NOT NULL DEFAULT ''
""",
    )


def _dotless_names(connection: Connection) -> None:
    """Names are the same in capitals too: an i without a dot has the key of one with."""
    _run(
        connection,
        "UPDATE annotations SET individual_key = replace(individual_key, 'ı', 'i') "
        "WHERE individual_key LIKE '%ı%'",
    )


def _masks(connection: Connection) -> None:
    """Which part of the photo shows the animal, where somebody has said it."""
    _run(connection, "ALTER TABLE annotations ADD COLUMN mask TEXT NOT NULL DEFAULT ''")


MIGRATIONS: tuple[Migration, ...] = (
    _first_release,
    _reviews_and_notes,
    _merged_histories,
    _dismissed_suspicions,
    _dotless_names,
    _masks,
)


def version_of(connection: Connection) -> int:
    """The schema version of a database; 0 where it holds no catalogue yet."""
    if not sa.inspect(connection).has_table("schema_versions"):
        return 0
    found = connection.execute(sa.select(sa.func.max(schema_versions.c.version))).scalar()
    return int(found or 0)


def create(store: Store, migrations: Sequence[Migration] = MIGRATIONS) -> bool:
    """Make the schema in an empty database, in one transaction.

    Returns whether it was made; ``False`` where a catalogue was there already.
    """
    with store.writing() as connection:
        if version_of(connection):
            return False
        connection.exec_driver_sql(
            "CREATE TABLE schema_versions (version INTEGER PRIMARY KEY, "
            "applied_at TEXT NOT NULL, resight TEXT NOT NULL)"
        )
        for version, migration in enumerate(migrations, start=1):
            _apply(connection, version, migration)
    return True


def upgrade(store: Store, migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """Bring an existing catalogue to the latest version; returns the one it had.

    Before the first step the database is copied beside itself, as
    ``catalogue.version-N.sqlite``; each step is a transaction of its own.

    Raises ``NotACatalogue`` for a database without one and ``CatalogueVersion``
    for one made by a newer resight.
    """
    with store.reading() as connection:
        found = version_of(connection)
    if found == 0:
        raise NotACatalogue(f"{store.file.parent} holds no complete catalogue: run init again")
    if found > len(migrations):
        raise CatalogueVersion(
            f"{store.file.parent} was written by a newer resight (schema {found}, this one knows "
            f"{len(migrations)}): update resight"
        )
    if found < len(migrations):
        _keep_copy(store, found)
    for version in range(found + 1, len(migrations) + 1):
        with store.writing() as connection:
            # Another process may have been faster.
            if version_of(connection) < version:
                _apply(connection, version, migrations[version - 1])
    return found


def _keep_copy(store: Store, version: int) -> None:
    kept = store.file.with_name(f"{store.file.stem}.version-{version}.sqlite")
    with store.writing(), writing_to(kept):  # the lock keeps two from copying at once
        if not kept.exists():
            part = kept.with_suffix(".part")
            part.unlink(missing_ok=True)
            store.copy_to(part)
            part.replace(kept)


def _apply(connection: Connection, version: int, migration: Migration) -> None:
    migration(connection)
    connection.execute(
        schema_versions.insert().values(
            version=version,
            applied_at=datetime.now(UTC).isoformat(timespec="seconds"),
            resight=__version__,
        )
    )
