"""Is the catalogue whole, and does it say what its decisions add up to?"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection

from resight.catalogue import arrays, dismissals, notes, purging
from resight.catalogue.decisions import fields_of
from resight.catalogue.log import replay
from resight.catalogue.names import name_key
from resight.catalogue.originals import Originals, sha256_of, writing_to
from resight.catalogue.records import Finding
from resight.catalogue.store import Store, annotations_table, photos
from resight.errors import CatalogueError


def check(store: Store, originals: Originals, *, quick: bool, repair: bool) -> Iterator[Finding]:
    """Find what is wrong; nothing found means that all is well.

    ``quick`` compares the size of originals instead of their content and leaves
    out features. ``repair`` puts right what can be without losing anything:
    copies that interrupted imports left are removed, files that no record
    knows are moved to ``leftovers``, purges are finished and damaged features
    removed (they are made again). Errors are never "repaired": only a backup or
    the photo's source can do that.
    """
    try:
        for problem in store.problems():
            yield Finding("error", "database", f"{problem}: restore the latest backup")
        # Gathered first: the caller must not hold a transaction open while it reads.
        with store.reading() as connection:
            found = [*_decisions(connection), *_rules(connection), *_unused(connection)]
    except CatalogueError as error:
        yield Finding("error", "database", str(error))
        return
    yield from found
    yield from _originals(store, originals, quick=quick)
    yield from _purges(store, originals, repair=repair)
    yield from _strays(store, originals, repair=repair)
    if not store.refuses:  # to tell whose copies are abandoned takes a lock
        yield from _incoming(originals, repair=repair)
    if not quick:
        yield from _features(originals, repair=repair)


def _decisions(connection: Connection) -> Iterator[Finding]:
    state, problems = replay(connection)
    for problem in problems:
        yield Finding("error", "decisions", problem)
    rows = {row["id"]: row for row in connection.execute(sa.select(annotations_table)).mappings()}
    for id in sorted(state.keys() | rows.keys()):
        row = rows.get(id)
        if row is None or state.get(id) != fields_of(row):
            yield Finding(
                "error", f"annotation {id}", "its state is not what the decisions add up to"
            )
        elif row["individual_key"] != name_key(row["individual"]):
            yield Finding("error", f"annotation {id}", "its name is indexed under another one")
    for name in notes.contradictions(connection):
        yield Finding("error", f"individual {name}", "its notes are not what decisions add up to")
    for id in dismissals.contradictions(connection):
        yield Finding(
            "error",
            f"annotation {id}",
            "what was said of suspicions is not what decisions add up to",
        )


def _rules(connection: Connection) -> Iterator[Finding]:
    a = annotations_table.c
    rules = (
        ("encounter", a.encounter, "holds more than one animal"),
        ("individual", a.individual_key, "is spelled in more than one way"),
    )
    for what, key, problem in rules:
        query = (
            sa.select(key)
            .where(key != "", a.individual != "")
            .group_by(key)
            .having(sa.func.count(sa.distinct(a.individual)) > 1)
            .order_by(key)
        )
        for name in connection.execute(query).scalars():
            yield Finding("error", f"{what} {name}", f"{problem}: assign its photos anew")


def _unused(connection: Connection) -> Iterator[Finding]:
    count = connection.execute(
        sa.select(sa.func.count())
        .select_from(photos)
        .where(photos.c.sha256.not_in(sa.select(annotations_table.c.photo)))
    ).scalar_one()
    if count:
        yield Finding(
            "info",
            "photos",
            f"{count} are kept in no annotation, because adding them was undone: "
            "undo that again, or purge them",
        )


def _originals(store: Store, originals: Originals, *, quick: bool) -> Iterator[Finding]:
    with store.reading() as connection:
        rows = connection.execute(sa.select(photos).order_by(photos.c.sha256)).all()
    for row in rows:
        path = originals.path(row.sha256, row.format)
        advice = "add it again from its source, or take it from a backup"
        subject = f"photo {row.sha256[:12]} ({row.name})"
        try:
            if not path.is_file():
                yield Finding("error", subject, f"its original {path} is missing: {advice}")
            elif path.stat().st_size != row.bytes or (not quick and sha256_of(path) != row.sha256):
                yield Finding(
                    "error",
                    subject,
                    f"its original {path} is damaged: move that file away, then {advice}",
                )
        except OSError as error:
            yield Finding("error", subject, f"its original {path} cannot be read: {error}")


def _purges(store: Store, originals: Originals, *, repair: bool) -> Iterator[Finding]:
    with store.reading() as connection:
        left = purging.unfinished(connection, originals)
    if left and repair:
        purging.finish(store, originals)
    for sha256 in left:
        yield Finding(
            "warning",
            f"photo {sha256[:12]}",
            "it was purged, but an interruption left files of it",
            repaired=repair,
        )


def _strays(store: Store, originals: Originals, *, repair: bool) -> Iterator[Finding]:
    """Files among the originals that no record knows."""
    # With the write lock held, no file can be about to become known.
    found = []
    with store.reading() if store.refuses else store.writing() as connection:
        known = {
            originals.path(row.sha256, row.format)
            for row in connection.execute(sa.select(photos.c.sha256, photos.c.format))
        }
        purges = set(purging.unfinished(connection, originals))
        for sha256, path in originals.files():
            if path in known or sha256 in purges:
                continue
            if repair:
                _keep_aside(path, originals.folder.parent / "leftovers")
            moved = ": moved to leftovers" if repair else ": an interrupted import leaves such"
            found.append(
                Finding(
                    "warning",
                    f"file {path.name}",
                    f"it lies among the originals, but no record knows it{moved}",
                    repaired=repair,
                )
            )
    yield from found


def _keep_aside(path: Path, leftovers: Path) -> None:
    kept = leftovers / path.name
    if kept.exists():
        kept = leftovers / f"{path.stem}-{secrets.token_hex(4)}{path.suffix}"
    with writing_to(kept):
        leftovers.mkdir(exist_ok=True)
        path.replace(kept)


def _incoming(originals: Originals, *, repair: bool) -> Iterator[Finding]:
    count = originals.abandoned(remove=repair)
    if count:
        yield Finding(
            "info",
            "incoming",
            f"{count} copies were left by an interrupted import: the next import removes them",
            repaired=repair,
        )


def _features(originals: Originals, *, repair: bool) -> Iterator[Finding]:
    """Derived files that cannot be read; to repair them is to remove them."""
    folder = originals.folder.parent
    damaged = [
        *(
            (path, path.parent.name, "shortlist", "it is damaged: it will be packed again")
            for path in arrays.damaged_shortlists(folder)
        ),
        *(
            (path, path.name, "calibration", "it is damaged: run `resight calibrate` again")
            for path in arrays.damaged_calibrations(folder)
        ),
        *(
            (path, path.name, "features", "the file is damaged: it will be made again")
            for path in arrays.damaged(folder)
        ),
    ]
    for path, name, kind, what in damaged:
        if repair:
            with writing_to(path):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
        yield Finding("warning", f"{kind} {name}", what, repaired=repair)
