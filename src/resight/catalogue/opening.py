"""A folder becomes a catalogue, and a catalogue's database is opened."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from resight.catalogue import migrations
from resight.catalogue.folders import DATABASE, UNFINISHED, is_free
from resight.catalogue.originals import Originals, flush_folder, writing_to
from resight.catalogue.store import Store, copy_unmarked
from resight.errors import CatalogueDamaged, CatalogueError, CatalogueExists, NotACatalogue

_CUT_SHORT = (
    "{} holds what was read of a backup until its restore was cut short: run the same `resight "
    "restore` again, which begins anew there"
)


def create(folder: Path) -> Store:
    """As ``Catalogue.init``."""
    database = folder / DATABASE
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        # A database without a schema is what an interrupted init leaves.
        if not database.exists() and (folder / UNFINISHED).exists():
            raise CatalogueError(_CUT_SHORT.format(folder))
        if not database.exists() and not is_free(folder):
            raise CatalogueError(f"{folder} is not empty: give a catalogue its own folder")
    _check_not_lost(folder)
    store = Store(database)
    try:
        store.keep_log()
        if not migrations.create(store):
            raise CatalogueExists(f"{folder} holds a catalogue already")
        with writing_to(folder):
            Originals(folder).create()
            flush_folder(folder)
            flush_folder(folder.parent)
    except BaseException:
        store.close()
        raise
    return store


def store_of(folder: Path) -> Store:
    """As ``Catalogue.open``."""
    _check_not_lost(folder)
    if not (folder / DATABASE).is_file():
        if (folder / UNFINISHED).exists():
            raise NotACatalogue(_CUT_SHORT.format(folder))
        raise NotACatalogue(f"{folder} holds no catalogue: make one with init")
    database = folder / DATABASE
    if not (os.access(folder, os.W_OK) and os.access(database, os.W_OK)):
        return _Snapshot(database)
    store = Store(database)
    try:
        migrations.upgrade(store)
        store.keep_log()
    except BaseException:
        store.close()
        raise
    return store


class _Snapshot(Store):
    """A database on a disk that cannot be written, as it was when it was opened: a copy, since even
    to read beside others SQLite has to write."""

    def __init__(self, database: Path) -> None:
        self._copied_to = TemporaryDirectory(prefix="resight-read-only-")
        super().__init__(Path(self._copied_to.name) / DATABASE)  # which connects when asked
        try:
            copy_unmarked(database, self.file)
            migrations.upgrade(self)
        except BaseException:
            self.close()
            raise
        self.file = database
        self.refuses = (
            f"{database.parent} cannot be written by you (a read-only disk, or its permissions), "
            "so it can only be looked at: copy it elsewhere to change it"
        )

    def close(self) -> None:
        super().close()
        self._copied_to.cleanup()


def _check_not_lost(folder: Path) -> None:
    """Raise ``CatalogueDamaged`` where there are originals and nothing that says what they are.

    To begin anew there would make leftovers of them.
    """
    database = folder / DATABASE
    emptied = not database.exists() or (database.is_file() and not database.stat().st_size)
    if not emptied or (folder / UNFINISHED).exists():
        return
    if any(path.is_file() for path in Originals(folder).folder.rglob("*")):
        raise CatalogueDamaged(
            f"{folder} holds originals, but {DATABASE} is missing or empty: restore your latest "
            "backup into another folder (`resight restore BACKUP DIR`), and keep this one"
        )
