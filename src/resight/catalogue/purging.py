"""Removing photos for good, for a mistake or for somebody's privacy.

The log says what was removed: the photo's sha256, name and what was said about
it. Its pixels and features go. First the decision is committed, then the files
are removed; what a crash leaves is removed by the next purge or repairing check.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection

from resight.catalogue import arrays, queries
from resight.catalogue.decisions import Said, append, fields_of, history, record
from resight.catalogue.originals import Originals
from resight.catalogue.records import Change, Purged
from resight.catalogue.store import Store, annotations_table, photos, purged
from resight.errors import Conflict


def purge(store: Store, originals: Originals, what: str, *, confirm: str, said: Said) -> Purged:
    """Remove a photo with all its annotations. Cannot be undone.

    ``confirm`` must repeat the photo's file name (with or without its folder)
    or its whole sha256, so that nothing is purged by a slip; ``Conflict`` otherwise.
    """
    with store.writing() as connection:
        row = queries.find_photo(connection, what)
        if confirm not in (row.sha256, row.name, Path(row.name).name):
            raise Conflict(
                f"nothing was purged: to remove photo {row.sha256[:12]} for good, confirm with "
                f"its name {row.name!r}, not {confirm!r}"
            )
        gone = [
            Change(found["id"], fields_of(found), None)
            for found in connection.execute(
                sa.select(annotations_table).where(annotations_table.c.photo == row.sha256)
            ).mappings()
        ]
        decision = record(connection, said)
        append(connection, decision, gone)
        connection.execute(
            purged.insert().values(
                decision=decision,
                sha256=row.sha256,
                name=row.name,
                format=row.format,
                bytes=row.bytes,
            )
        )
        connection.execute(photos.delete().where(photos.c.sha256 == row.sha256))
    finish(store, originals)
    with store.reading() as connection:
        (entered,) = history(connection, id=decision)
    return Purged(entered, row.sha256, row.name, len(gone))


def finish(store: Store, originals: Originals) -> int:
    """Remove the files of purged photos that are still there; how many photos had any."""
    count = 0
    # With the write lock held nobody can be adding one of them again.
    with store.writing() as connection:
        for sha256, format in unfinished(connection, originals):
            originals.remove(sha256, format)
            arrays.forget(originals.folder.parent, sha256)
            count += 1
    return count


def unfinished(connection: Connection, originals: Originals) -> list[tuple[str, str]]:
    """Purged photos (sha256, format) of which some file is still there."""
    catalogue = originals.folder.parent
    rows = connection.execute(
        sa.select(purged.c.sha256, purged.c.format)
        .where(purged.c.sha256.not_in(sa.select(photos.c.sha256)))
        .distinct()
    )
    return [
        (row.sha256, row.format)
        for row in rows
        if originals.path(row.sha256, row.format).exists() or arrays.files_of(catalogue, row.sha256)
    ]
