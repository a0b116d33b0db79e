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
from resight.catalogue.decisions import Said, append, fields_of, record
from resight.catalogue.likenesses import forget_looks
from resight.catalogue.log import history
from resight.catalogue.originals import Originals, flush_folder, writing_to
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
    # With the write lock held nobody can be adding one of them again.
    with store.writing() as connection:
        left = unfinished(connection, originals)
        if left:  # before the photos' own files, which tell that there is something to finish
            arrays.delete_shortlists(originals.folder.parent)
            arrays.forget_calibrations(originals.folder.parent, left)
            forget_looks(originals.folder.parent, left)
        for sha256 in left:
            for path in files_of(originals, sha256):
                with writing_to(path):
                    path.unlink(missing_ok=True)
                    flush_folder(path.parent)
    return len(left)


def unfinished(connection: Connection, originals: Originals) -> list[str]:
    """Purged photos (sha256) of which some file is still there."""
    gone = connection.execute(
        sa.select(purged.c.sha256)
        .where(purged.c.sha256.not_in(sa.select(photos.c.sha256)))
        .distinct()
        .order_by(purged.c.sha256)
    ).scalars()
    return [sha256 for sha256 in gone if files_of(originals, sha256)]


def files_of(originals: Originals, sha256: str) -> list[Path]:
    """Every file about a photo: its original, its features, what a repair kept aside."""
    catalogue = originals.folder.parent
    return [
        *originals.folder.glob(f"{sha256[:2]}/{sha256}.*"),
        *arrays.files_of(catalogue, sha256),
        *(catalogue / "leftovers").glob(f"{sha256}*"),
    ]
