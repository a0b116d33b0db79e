"""Making, opening and upgrading catalogues, and folders in which they are at risk."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from resight.catalogue import Catalogue, folder_warnings, migrations, plan_folders
from resight.catalogue.folders import cloud_service_of, file_system_of
from resight.catalogue.migrations import MIGRATIONS, create, upgrade, version_of
from resight.catalogue.store import Store, metadata
from resight.errors import (
    CatalogueDamaged,
    CatalogueError,
    CatalogueExists,
    CatalogueVersion,
    NotACatalogue,
)

Draw = Callable[..., Path]
HERE = Path(__file__).parent


def test_a_catalogue_is_made_once(tmp_path: Path) -> None:
    Catalogue.init(tmp_path / "new" / "catalogue").close()
    with pytest.raises(CatalogueExists):
        Catalogue.init(tmp_path / "new" / "catalogue")
    with Catalogue.open(tmp_path / "new" / "catalogue") as catalogue:
        assert catalogue.list() == ()
        assert list(catalogue.check()) == []


def test_a_catalogue_has_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "note.txt").touch()
    with pytest.raises(CatalogueError, match="not empty"):
        Catalogue.init(tmp_path)


@pytest.mark.parametrize("name", ["resight.toml", ".DS_Store", "Thumbs.db", "desktop.ini"])
def test_settings_and_what_file_managers_leave_are_nothing_to_protect(
    tmp_path: Path, name: str
) -> None:
    """Settings may be written first, and nobody sees the others in a folder they call empty."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text("long_edge = 640\n")
    with Catalogue.init(tmp_path / "one") as catalogue:
        archive = catalogue.backup(tmp_path / "b.zip").path
        assert list(catalogue.check()) == []
    Catalogue.restore(archive, tmp_path / "two").close()
    for folder in ("one", "two"):
        assert (tmp_path / folder / name).read_text() == "long_edge = 640\n"


def test_an_interrupted_init_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "catalogue.sqlite").touch()
    with pytest.raises(NotACatalogue, match="run init again"):
        Catalogue.open(tmp_path)
    Catalogue.init(tmp_path).close()


@pytest.mark.parametrize("emptied", [True, False])
def test_originals_whose_database_is_gone_are_not_begun_anew(
    tmp_path: Path, herd: Path, emptied: bool
) -> None:
    """To begin anew would make leftovers of them."""
    folder = tmp_path / "catalogue"
    with Catalogue.init(folder) as catalogue:
        list(catalogue.add(plan_folders(herd), actor="test"))
    for path in folder.glob("catalogue.sqlite*"):
        path.unlink()
    if emptied:
        (folder / "catalogue.sqlite").touch()
    with pytest.raises(CatalogueDamaged, match="restore your latest backup"):
        Catalogue.open(folder)
    with pytest.raises(CatalogueError, match="restore your latest backup" if emptied else "empty"):
        Catalogue.init(folder)


def test_what_is_no_catalogue_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(NotACatalogue, match="make one with init"):
        Catalogue.open(tmp_path)
    (tmp_path / "catalogue.sqlite").write_bytes(b"something else " * 100)
    with pytest.raises(CatalogueDamaged):
        Catalogue.open(tmp_path)


def test_the_database_is_set_up_to_lose_nothing(catalogue: Catalogue) -> None:
    with catalogue._store.writing() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}  # 2: FULL


def test_migrations_make_the_tables_that_are_used(catalogue: Catalogue) -> None:
    with catalogue._store.reading() as connection:
        inspector = sa.inspect(connection)
        made = {
            name: {column["name"] for column in inspector.get_columns(name)}
            for name in inspector.get_table_names()
            if not name.startswith("sqlite_")
        }
    assert made == {
        name: {column.name for column in table.columns} for name, table in metadata.tables.items()
    }


def test_a_catalogue_of_a_newer_resight_is_refused(catalogue: Catalogue) -> None:
    catalogue.close()
    connection = sqlite3.connect(catalogue.folder / "catalogue.sqlite")
    with connection:
        connection.execute("INSERT INTO schema_versions VALUES (99, '2040-01-01', '9.0')")
    connection.close()
    with pytest.raises(CatalogueVersion, match="update resight"):
        Catalogue.open(catalogue.folder)


def old_catalogue(folder: Path) -> Path:
    """The catalogue that resight 0.1.0 wrote, from its SQL text."""
    folder.mkdir()
    connection = sqlite3.connect(folder / "catalogue.sqlite")
    connection.executescript((HERE / "schema-1.sql").read_text(encoding="utf-8"))
    connection.close()
    return folder


def test_a_catalogue_of_the_first_release_is_opened(tmp_path: Path) -> None:
    with Catalogue.open(old_catalogue(tmp_path / "old")) as catalogue:
        assert [(s.name, s.photos, s.sides) for s in catalogue.list()] == [
            ("Crush", 2, {"left": 1, "unknown": 1})
        ]
        assert [d.kind for d in catalogue.decisions()] == ["assign", "add"]
        assert {each.mask for each in catalogue.annotations()} == {None}
        errors = [f.message for f in catalogue.check() if f.severity == "error"]
        # Its photos are not part of the text; all else must be well.
        assert len(errors) == 2
        assert all("missing" in message for message in errors)
        with catalogue._store.reading() as connection:
            assert version_of(connection) == len(MIGRATIONS)


def test_names_without_dots_are_found_after_an_upgrade(tmp_path: Path) -> None:
    folder = old_catalogue(tmp_path / "old")
    with closing(sqlite3.connect(folder / "catalogue.sqlite")) as connection, connection:
        connection.execute("UPDATE annotations SET individual = 'Işık', individual_key = 'ışık'")
    with Catalogue.open(folder) as catalogue:
        assert not [f for f in catalogue.check() if "indexed" in f.message]


def test_an_upgrade_keeps_a_copy_and_is_made_once(tmp_path: Path) -> None:
    folder = old_catalogue(tmp_path / "old")
    runs = []

    def second(connection: Connection) -> None:
        runs.append("second")
        connection.exec_driver_sql("ALTER TABLE photos ADD COLUMN camera TEXT")

    store = Store(folder / "catalogue.sqlite")
    try:
        assert upgrade(store, (*MIGRATIONS, second)) == 1
        assert upgrade(store, (*MIGRATIONS, second)) == len(MIGRATIONS) + 1
        with store.reading() as connection:
            assert version_of(connection) == len(MIGRATIONS) + 1
    finally:
        store.close()
    assert runs == ["second"]
    kept = sqlite3.connect(folder / "catalogue.version-1.sqlite")
    assert kept.execute("SELECT count(*) FROM photos").fetchone() == (2,)
    assert kept.execute("SELECT max(version) FROM schema_versions").fetchone() == (1,)
    kept.close()


def test_a_failed_upgrade_changes_nothing(tmp_path: Path) -> None:
    folder = old_catalogue(tmp_path / "old")

    def broken(connection: Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE photos ADD COLUMN camera TEXT")
        connection.exec_driver_sql("ALTER TABLE absent ADD COLUMN camera TEXT")

    store = Store(folder / "catalogue.sqlite")
    try:
        with pytest.raises(CatalogueError, match="no such table"):
            upgrade(store, (*MIGRATIONS, broken))
        with store.reading() as connection:
            assert version_of(connection) == len(MIGRATIONS)
            columns = {c["name"] for c in sa.inspect(connection).get_columns("photos")}
    finally:
        store.close()
    assert "camera" not in columns
    Catalogue.open(folder).close()


def test_a_failed_init_leaves_nothing_half(tmp_path: Path) -> None:
    def broken(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE photos (x)")
        raise CatalogueError("stop")

    store = Store(tmp_path / "catalogue.sqlite")
    try:
        with pytest.raises(CatalogueError, match="stop"):
            create(store, (broken,))
        assert create(store)
    finally:
        store.close()
    assert migrations.MIGRATIONS


# Where writing fails


def test_a_full_disk_is_said_and_loses_nothing(catalogue: Catalogue, herd: Path) -> None:
    first = list(catalogue.add(plan_folders(herd / "Crush"), actor="ann"))
    catalogue.close()  # adding may have used several connections; the limit is of one
    with catalogue._store.writing() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        # SQLite's own limit gives the very error of a full disk.
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(CatalogueError, match="disk is full"):
        catalogue.assign([first[0].annotation], "Bruce", actor="ann", note="long " * 200_000)
    catalogue.close()
    with Catalogue.open(catalogue.folder) as again:
        assert list(again.check()) == []
        assert [record.individual for record in again.annotations()] == ["", ""]


def test_a_copy_that_cannot_be_written_is_said(
    catalogue: Catalogue, herd: Path, draw: Draw
) -> None:
    draw(herd / "Crush" / "large.png", 9, (900, 900))  # some two megabytes of noise
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from resight.catalogue import *; from resight.errors import CatalogueError\n"
        "catalogue = Catalogue.open(Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "try: list(catalogue.add(plan_folders(Path(sys.argv[2])), actor='ann'))\n"
        "except CatalogueError as error: sys.stdout.write(str(error))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(catalogue.folder), str(herd)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src")},
    )
    assert "cannot write" in done.stdout
    assert "File too large" in done.stdout
    assert [f.severity for f in catalogue.check() if f.severity == "error"] == []
    assert len(list(catalogue.add(plan_folders(herd), actor="ann"))) == 5


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_read_only_folder_is_said(catalogue: Catalogue, herd: Path) -> None:
    (catalogue.folder / "incoming").chmod(0o555)
    with pytest.raises(CatalogueError, match="Permission denied"):
        list(catalogue.add(plan_folders(herd), actor="ann"))


# Folders at risk


def test_a_local_folder_is_no_risk(tmp_path: Path) -> None:
    assert folder_warnings(tmp_path / "catalogue") == []


@pytest.mark.parametrize(
    ("folder", "service"),
    [
        ("/home/ann/Dropbox/turtles", "Dropbox"),
        ("/home/ann/Dropbox (Personal)/turtles", "Dropbox"),
        ("/home/ann/OneDrive - University/turtles", "OneDrive"),
        ("/Users/ann/Library/Mobile Documents/com~apple~CloudDocs/turtles", "iCloud"),
        ("/media/Google Drive/turtles", "Google Drive"),
        ("/home/ann/Nextcloud", "Nextcloud"),
        ("/home/ann/dropboxes/turtles", ""),
        ("/home/ann/turtles", ""),
    ],
)
def test_cloud_folders_are_known_by_their_names(folder: str, service: str) -> None:
    assert cloud_service_of(Path(folder)) == service


def test_cloud_folders_are_known_by_what_lies_in_them(tmp_path: Path) -> None:
    (tmp_path / ".stfolder").mkdir()
    (warning,) = folder_warnings(tmp_path / "turtles")
    assert "Syncthing" in warning


@pytest.mark.parametrize(
    ("mounts", "kind"),
    [
        ([("/", "ext4"), ("/home", "nfs4"), ("/home/ann/disk", "ext4")], "nfs4"),
        ([("/", "nfs"), ("/home/ann", "ext4")], "ext4"),
        ([("/home/ann", "ext4"), ("/home/ann", "fuse.sshfs"), ("/", "ext4")], "fuse.sshfs"),
        ([("/home/a", "cifs"), ("/", "ext4")], "ext4"),
        ([], ""),
    ],
)
def test_the_deepest_and_last_mount_counts(mounts: list[tuple[str, str]], kind: str) -> None:
    assert file_system_of(Path("/home/ann/turtles"), mounts) == kind


def test_a_network_folder_is_warned_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("resight.catalogue.folders.file_system_of", lambda *_: "nfs4")
    (warning,) = folder_warnings(tmp_path)
    assert "nfs4" in warning


def test_a_catalogue_that_cannot_be_written_can_be_looked_at(herd: Path) -> None:
    """In a process that may not write there, whoever runs the tests."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "catalogue"
        with Catalogue.init(folder) as catalogue:
            list(catalogue.add(plan_folders(herd), actor="ann"))
            expected = sorted(each.name for each in catalogue.annotations())
        for path in (Path(place), *folder.rglob("*"), folder):
            path.chmod(0o555 if path.is_dir() else 0o444)
        script = (
            "import json, os, sys\n"
            "from pathlib import Path\n"
            "from resight.catalogue import Catalogue\n"
            "from resight.errors import CatalogueError\n"
            "if os.geteuid() == 0: os.setuid(65534)\n"
            "with Catalogue.open(Path(sys.argv[1])) as catalogue:\n"
            "    said = [sorted(each.name for each in catalogue.annotations())]\n"
            "    said.append([str(each) for each in catalogue.check()])\n"
            "    said.append(len(catalogue.original('1.png').read_bytes()) > 0)\n"
            "    try: catalogue.undo(actor='ann')\n"
            "    except CatalogueError as error: said.append(str(error))\n"
            "print(json.dumps(said))\n"
        )
        try:
            done = subprocess.run(
                [sys.executable, "-c", script, str(folder)],
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src")},
            )
        finally:
            for path in (folder, *folder.rglob("*")):
                path.chmod(0o755)
        assert done.returncode == 0, done.stderr
        names, problems, read, refusal = json.loads(done.stdout)
        assert (names, problems, read) == (expected, [], True)
        assert "can only be looked at: copy it elsewhere to change it" in refusal
