"""A whole catalogue in one file, and back.

The archive is a ZIP file without compression (photos do not shrink), which any
tool can open: ``catalogue.sqlite``, the catalogue's settings if it has some, the
originals under their paths, and last ``manifest.json`` with the sha256 of each.
Features are left out: they are derived.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import re
import shutil
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from resight import __version__
from resight.catalogue.folders import DATABASE, UNFINISHED, is_free
from resight.catalogue.originals import Originals, flush_folder, sha256_of, writing_to
from resight.catalogue.records import BackupReport
from resight.catalogue.store import Store, photos, translated
from resight.errors import CatalogueDamaged, CatalogueError, CatalogueExists

_MANIFEST = "manifest.json"
_FORMAT = "resight-backup.v1"
#: The settings of a catalogue (``resight.settings.FILE_NAME``, which loads pydantic).
_SETTINGS = "resight.toml"
#: An archive before it has its name, and how the folder is called in which it is made.
_MADE = "archive.zip"
_MADE_IN = ".resight-backup-"
#: Seconds; clocks of disks that know no time zone are some hours off.
_ABANDONED = 24 * 3600
_ORIGINAL = re.compile(r"originals/[0-9a-f]{2}/([0-9a-f]{64})\.[a-z0-9]+")
#: The files of a restore that become what they are at its end, the last one last: the folder is
#: no catalogue before.
_RENAMED = {_SETTINGS: "resight.toml.restoring", DATABASE: UNFINISHED}
_CHUNK = 1 << 20
#: What ``zipfile`` answers to damage, depending on where it is.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    LookupError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


def backup(store: Store, originals: Originals, target: Path) -> BackupReport:
    """Write everything that cannot be made again to an archive, whatever is written meanwhile.

    ``target`` is the file to make, which ends in ``.zip``, or a folder in which one is named
    after the catalogue and the time. An original that is lost or damaged does not stop
    the others from being saved: it is left out and named in the report.

    Raises ``CatalogueError`` where the file exists, lies in the catalogue
    itself, or cannot be written, and where there is no such folder.
    """
    catalogue = originals.folder.parent.resolve()
    if target.is_dir():
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
        target = target / f"{catalogue.name}-{now}.resight.zip"
    target = target.absolute()
    if target.exists():
        raise _exists(target)
    if target.suffix.lower() != ".zip":  # a disk that is not plugged in, for example
        raise CatalogueError(
            f"there is no folder {target}: make it first, or name a file that ends in .zip"
        )
    if target.resolve().is_relative_to(catalogue):
        raise CatalogueError(
            f"{target} lies in the catalogue itself and would be lost with it: "
            "put backups on another disk"
        )
    with writing_to(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(target.parent)
        # A folder of its own: whoever else backs up to this name has another.
        with TemporaryDirectory(dir=target.parent, prefix=_MADE_IN) as folder:
            written, missing = _write(store, originals, Path(folder))
            _publish(Path(folder) / _MADE, target)
            flush_folder(target.parent)
    return BackupReport(target, written, target.stat().st_size, missing)


def _remove_abandoned(folder: Path) -> None:
    """Remove what was left of backups that were killed: nothing was written to it for a day."""
    for left in folder.glob(f"{_MADE_IN}*"):
        try:
            written = max(path.stat().st_mtime for path in (left, *left.iterdir()))
        except OSError:  # somebody else's, or gone meanwhile
            continue
        if written < time.time() - _ABANDONED:
            shutil.rmtree(left, ignore_errors=True)


def _exists(target: Path) -> CatalogueError:
    return CatalogueError(f"{target} exists already: name another file")


def _publish(made: Path, target: Path) -> None:
    """Give the archive its name, never replacing what somebody else made meanwhile."""
    try:
        try:
            os.link(made, target)
        except FileExistsError:
            raise
        except OSError:  # no hard links on FAT and exFAT, which USB sticks have
            target.touch(exist_ok=False)
            made.replace(target)
    except FileExistsError as error:
        raise _exists(target) from error


def _write(store: Store, originals: Originals, folder: Path) -> tuple[int, tuple[str, ...]]:
    """Make the archive in a folder; how many photos it holds, and which are missing."""
    missing: list[str] = []
    snapshot = folder / DATABASE
    store.copy_to(snapshot)
    with (folder / _MADE).open("xb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            listed = {DATABASE: sha256_of(snapshot)}
            archive.write(snapshot, DATABASE)
            settings = _settings_of(originals.folder.parent)
            if settings is not None:
                archive.writestr(_SETTINGS, settings)
                listed[_SETTINGS] = hashlib.sha256(settings).hexdigest()
            others = len(listed)
            for sha256, format in _photos_of(snapshot):
                path = originals.path(sha256, format)
                name = path.relative_to(originals.folder.parent).as_posix()
                if _is_whole(path, sha256):
                    _store_file(archive, name, path)
                    listed[name] = sha256
                else:
                    missing.append(name)
            archive.writestr(_MANIFEST, _manifest(listed, missing))
        file.flush()
        os.fsync(file.fileno())
    return len(listed) - others, tuple(missing)


def _settings_of(catalogue: Path) -> bytes | None:
    try:
        return (catalogue / _SETTINGS).read_bytes()
    except FileNotFoundError:
        return None


def _is_whole(path: Path, sha256: str) -> bool:
    try:
        return sha256_of(path) == sha256
    except OSError:  # missing, or on a bad part of the disk: the others are to be saved
        return False


def _store_file(archive: zipfile.ZipFile, name: str, path: Path) -> None:
    with path.open("rb") as source, archive.open(name, "w", force_zip64=True) as target:
        shutil.copyfileobj(source, target, _CHUNK)


def _photos_of(database: Path) -> list[tuple[str, str]]:
    store = Store(database)
    try:
        with store.reading() as connection:
            query = sa.select(photos.c.sha256, photos.c.format).order_by(photos.c.sha256)
            return [(row.sha256, row.format) for row in connection.execute(query)]
    finally:
        store.close()


def _manifest(files: Mapping[str, str], missing: list[str]) -> str:
    return json.dumps(
        {
            "format": _FORMAT,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "resight": __version__,
            "files": files,
            "missing": missing,
        },
        indent=1,
    )


def restore(archive: Path, folder: Path) -> None:
    """Make a catalogue of an archive in a new or empty folder.

    Every file is checked against the manifest as it is written; only then does
    the folder become a catalogue. A restore that was cut short is begun anew.

    Raises ``CatalogueExists``; ``CatalogueDamaged`` for an archive that is
    damaged or none; ``CatalogueError`` where the folder holds something else,
    other settings too, or cannot be written.
    """
    if (folder / DATABASE).exists():
        raise CatalogueExists(f"{folder} holds a catalogue already: restore into a new folder")
    with writing_to(folder):
        begun = (folder / UNFINISHED).exists()
        if not begun and not is_free(folder):
            raise CatalogueError(f"{folder} is not empty: restore into a new or empty folder")
    with _reading(archive):
        opened = zipfile.ZipFile(archive)
    with opened:
        with _reading(archive):
            manifest = _read_manifest(archive, json.loads(opened.read(_MANIFEST)))
        with writing_to(folder):
            _refuse_other_settings(folder, manifest)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / UNFINISHED).touch()
            Originals(folder).create()
        try:
            _fill(folder, archive, opened, manifest)
        except CatalogueError as error:
            raise type(error)(
                f"{error}. {folder} is no catalogue; what was read until then lies there: restore "
                "into it again, or remove it"
            ) from error
    with writing_to(folder):
        for path in (*sorted((folder / "originals").iterdir()), folder / "originals"):
            flush_folder(path)
        for name, unfinished in _RENAMED.items():
            if name in manifest.files:
                (folder / unfinished).replace(folder / name)
        flush_folder(folder)
        flush_folder(folder.parent)


def _fill(folder: Path, archive: Path, opened: zipfile.ZipFile, manifest: _Manifest) -> None:
    for name, sha256 in manifest.files.items():
        if _extract(archive, opened, name, folder / _RENAMED.get(name, name)) != sha256:
            raise CatalogueDamaged(f"{archive} is damaged: {name} differs from its checksum")
    _check_restored(archive, folder, manifest)


@dataclass(frozen=True)
class _Manifest:
    files: Mapping[str, str]
    missing: frozenset[str]


@contextmanager
def _reading(archive: Path) -> Iterator[None]:
    """Turn what reading an archive raises into errors that name it."""
    try:
        yield
    except FileNotFoundError as error:
        raise CatalogueError(f"there is no file {archive}") from error
    except _DAMAGE as error:
        raise CatalogueDamaged(f"{archive} is damaged or no backup of resight: {error}") from error


def _read_manifest(archive: Path, read: Any) -> _Manifest:
    if not isinstance(read, dict) or read.get("format") != _FORMAT:
        raise CatalogueDamaged(f"{archive} is no backup that this resight knows ({_FORMAT})")
    files, missing = read.get("files"), read.get("missing")
    if not isinstance(files, dict) or not isinstance(missing, list):
        raise CatalogueDamaged(f"the manifest of {archive} is damaged")
    for name, sha256 in files.items():
        original = _ORIGINAL.fullmatch(name)
        # Nothing may be written elsewhere than where a catalogue has its files.
        if name not in _RENAMED and (original is None or original[1] != sha256):
            raise CatalogueDamaged(f"{archive} holds {name!r}, which no backup of resight does")
    if DATABASE not in files:
        raise CatalogueDamaged(f"{archive} holds no database")
    return _Manifest(files, frozenset(missing))


def _refuse_other_settings(folder: Path, manifest: _Manifest) -> None:
    there = folder / _SETTINGS
    kept = manifest.files.get(_SETTINGS)
    if kept is not None and there.exists() and sha256_of(there) != kept:
        raise CatalogueError(
            f"{there} differs from the settings in the backup: move it away, or restore into a "
            "new folder"
        )


def _extract(archive: Path, opened: zipfile.ZipFile, name: str, target: Path) -> str:
    """Write one file, flushed to the disk; returns its sha256."""
    digest = hashlib.sha256()
    with writing_to(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        # The unfinished database marks the folder as ours, so it is never away.
        if name != DATABASE:
            target.unlink(missing_ok=True)
        with target.open("wb") as file:
            for chunk in _chunks(archive, opened, name):
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if name not in _RENAMED:
            target.chmod(0o444)
    return digest.hexdigest()


def _chunks(archive: Path, opened: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with _reading(archive):
        source = opened.open(name)
    with source:
        while True:
            with _reading(archive):
                chunk = source.read(_CHUNK)
            if not chunk:
                return
            yield chunk


def _check_restored(archive: Path, folder: Path, manifest: _Manifest) -> None:
    database = folder / UNFINISHED
    with translated(database):
        expected = {
            Originals(folder).path(*row).relative_to(folder).as_posix()
            for row in _photos_of(database)
        }
    lacking = sorted(expected - set(manifest.files) - manifest.missing)
    if lacking:
        raise CatalogueDamaged(f"{archive} lacks {len(lacking)} photos, the first is {lacking[0]}")
