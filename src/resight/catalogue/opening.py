"""A folder becomes a catalogue, and a catalogue's database is opened."""

from __future__ import annotations

from pathlib import Path

from resight.catalogue import migrations
from resight.catalogue.folders import DATABASE, UNFINISHED, is_free
from resight.catalogue.originals import Originals, flush_folder, writing_to
from resight.catalogue.store import Store
from resight.errors import CatalogueDamaged, CatalogueError, CatalogueExists, NotACatalogue


def create(folder: Path) -> Store:
    """As ``Catalogue.init``."""
    database = folder / DATABASE
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        # A database without a schema is what an interrupted init leaves.
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
        raise NotACatalogue(f"{folder} holds no catalogue: make one with init")
    store = Store(folder / DATABASE)
    try:
        migrations.upgrade(store)
        store.keep_log()
    except BaseException:
        store.close()
        raise
    return store


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
