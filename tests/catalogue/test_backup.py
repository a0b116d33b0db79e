"""Archives of a catalogue, and what becomes of damaged ones."""

from __future__ import annotations

import json
import os
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resight.catalogue import Catalogue, plan_folders
from resight.errors import CatalogueDamaged, CatalogueError, CatalogueExists, NotACatalogue
from resight.settings import FILE_NAME

Draw = Callable[..., Path]


@pytest.fixture
def filled(catalogue: Catalogue, herd: Path) -> Catalogue:
    list(catalogue.add(plan_folders(herd), actor="ann"))
    catalogue.assign(catalogue.find("Squirt"), "Bruce", actor="bob")
    return catalogue


def test_a_restored_catalogue_is_the_same(filled: Catalogue, tmp_path: Path) -> None:
    report = filled.backup(tmp_path / "disk" / "turtles.zip")
    assert (report.photos, report.missing) == (4, ())
    assert report.bytes == report.path.stat().st_size
    with Catalogue.restore(report.path, tmp_path / "again") as restored:
        assert restored.annotations() == filled.annotations()
        assert restored.decisions() == filled.decisions()
        for record in filled.annotations():
            assert (
                restored.original(record.id).read_bytes() == filled.original(record.id).read_bytes()
            )
        assert list(restored.check()) == []
        restored.undo(actor="bob")
    assert [path.name for path in (tmp_path / "disk").iterdir()] == ["turtles.zip"]


def test_the_settings_of_a_catalogue_are_saved_with_it(filled: Catalogue, tmp_path: Path) -> None:
    assert FILE_NAME not in zipfile.ZipFile(filled.backup(tmp_path / "a.zip").path).namelist()
    (filled.folder / FILE_NAME).write_text("max_keypoints = 512\n")
    report = filled.backup(tmp_path / "b.zip")
    assert report.photos == 4
    again = tmp_path / "again"
    again.mkdir()
    (again / FILE_NAME).write_text("max_keypoints = 256\n")
    with pytest.raises(CatalogueError, match="differs from the settings in the backup"):
        Catalogue.restore(report.path, again)
    assert (again / FILE_NAME).read_text() == "max_keypoints = 256\n"
    (again / FILE_NAME).unlink()
    Catalogue.restore(report.path, again).close()
    assert (again / FILE_NAME).read_text() == "max_keypoints = 512\n"
    assert os.access(again / FILE_NAME, os.W_OK)
    assert list(again.glob("*.restoring")) == []


def test_in_a_folder_an_archive_is_named_after_the_time(filled: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    report = filled.backup(tmp_path / "disk")
    assert report.path.parent == tmp_path / "disk"
    assert report.path.name.startswith("catalogue-20")
    assert report.path.name.endswith("Z.resight.zip")


def test_a_disk_that_is_not_there_is_no_name_of_an_archive(
    filled: Catalogue, tmp_path: Path
) -> None:
    with pytest.raises(CatalogueError, match=r"there is no folder .*usb: make it first, or name"):
        filled.backup(tmp_path / "usb")
    assert not (tmp_path / "usb").exists()


def test_what_a_failed_restore_leaves_is_said(filled: Catalogue, tmp_path: Path) -> None:
    archive = filled.backup(tmp_path / "b.zip").path
    with zipfile.ZipFile(archive) as opened:
        last = opened.infolist()[-2]
    with archive.open("r+b") as file:
        file.seek(last.header_offset + 200)
        file.write(b"damage")
    with pytest.raises(CatalogueDamaged, match="again is no catalogue; what was read until then"):
        Catalogue.restore(archive, tmp_path / "again")
    assert any((tmp_path / "again" / "originals").rglob("*.*"))


def test_a_backup_never_replaces_a_file_nor_lies_in_the_catalogue(
    filled: Catalogue, tmp_path: Path
) -> None:
    (tmp_path / "old.zip").write_text("precious")
    with pytest.raises(CatalogueError, match="exists already"):
        filled.backup(tmp_path / "old.zip")
    assert (tmp_path / "old.zip").read_text() == "precious"
    with pytest.raises(CatalogueError, match="lies in the catalogue"):
        filled.backup(filled.folder / "b.zip")


def test_of_backups_to_one_name_at_once_one_is_made_and_whole(
    filled: Catalogue, tmp_path: Path
) -> None:
    target, together = tmp_path / "disk" / "b.zip", threading.Barrier(4)

    def back_up(_: int) -> str:
        together.wait()
        try:
            return str(filled.backup(target).path)
        except CatalogueError as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        said = sorted(pool.map(back_up, range(4)))
    assert said == [str(target)] + [f"{target} exists already: name another file"] * 3
    assert list(target.parent.iterdir()) == [target]
    with Catalogue.restore(target, tmp_path / "again") as restored:
        assert list(restored.check()) == []


def test_what_a_killed_backup_left_is_not_written_to(filled: Catalogue, tmp_path: Path) -> None:
    """Killed once its archive had a name, it leaves that archive under a second one too."""
    kept = filled.backup(tmp_path / "b.zip").path
    os.link(kept, tmp_path / ".b.zip.part")
    kept = kept.rename(tmp_path / "kept.zip")
    whole = kept.read_bytes()
    filled.assign(filled.find("Bruce"), "Dory", actor="ann")
    filled.backup(tmp_path / "b.zip")
    assert kept.read_bytes() == whole


def test_without_hard_links_a_backup_replaces_nothing_either(
    filled: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def appears_meanwhile(_: Path, target: Path) -> None:
        target.write_text("precious")
        raise PermissionError(1, "Operation not permitted")  # as Linux answers on FAT

    monkeypatch.setattr("os.link", appears_meanwhile)
    with pytest.raises(CatalogueError, match="exists already"):
        filled.backup(tmp_path / "b.zip")
    assert (tmp_path / "b.zip").read_text() == "precious"


def test_a_backup_into_what_is_no_folder_is_refused(filled: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CatalogueError, match="cannot write"):
        filled.backup(tmp_path / "file" / "b.zip")


def test_what_a_killed_backup_left_is_removed_when_it_is_old(
    filled: Catalogue, tmp_path: Path
) -> None:
    old, new = tmp_path / ".resight-backup-old", tmp_path / ".resight-backup-new"
    for left in (old, new):
        left.mkdir()
        (left / "archive.zip").write_bytes(b"half")
    two_days_ago = time.time() - 2 * 24 * 3600
    for path in (old / "archive.zip", old):
        os.utime(path, (two_days_ago, two_days_ago))
    os.utime(new, (two_days_ago, two_days_ago))  # its archive is being written
    filled.backup(tmp_path / "b.zip")
    assert (old.exists(), new.exists()) == (False, True)


def test_what_is_lost_does_not_keep_the_rest_from_being_saved(
    filled: Catalogue, tmp_path: Path
) -> None:
    lost, damaged = (filled.original(name) for name in ("Crush/1.png", "Crush/2.png"))
    lost.unlink()
    damaged.chmod(0o644)
    damaged.write_bytes(b"x" * damaged.stat().st_size)
    report = filled.backup(tmp_path / "b.zip")
    assert report.photos == 2
    assert {Path(name).name for name in report.missing} == {lost.name, damaged.name}
    with Catalogue.restore(report.path, tmp_path / "again") as restored:
        findings = list(restored.check())
        assert [f.severity for f in findings] == ["error", "error"]
        assert all("missing" in f.message for f in findings)


def test_a_restore_replaces_nothing(filled: Catalogue, tmp_path: Path) -> None:
    archive = filled.backup(tmp_path / "b.zip").path
    with pytest.raises(CatalogueExists):
        Catalogue.restore(archive, filled.folder)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").touch()
    with pytest.raises(CatalogueError, match="not empty"):
        Catalogue.restore(archive, tmp_path / "full")
    with pytest.raises(CatalogueError, match="no file"):
        Catalogue.restore(tmp_path / "gone.zip", tmp_path / "new")


def test_what_is_wrong_with_the_target_is_not_blamed_on_the_archive(
    filled: Catalogue, tmp_path: Path
) -> None:
    archive = filled.backup(tmp_path / "b.zip").path
    (tmp_path / "file").touch()
    half = tmp_path / "half"
    half.mkdir()
    (half / "catalogue.sqlite.restoring").touch()  # a restore that was cut short
    (half / "originals").touch()
    for target in (tmp_path / "file", half):
        with pytest.raises(CatalogueError, match=f"cannot write {target}") as caught:
            Catalogue.restore(archive, target)
        assert not isinstance(caught.value, CatalogueDamaged)


def test_a_restored_folder_is_flushed_with_its_name(
    filled: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = filled.backup(tmp_path / "b.zip").path
    flushed: list[Path] = []
    monkeypatch.setattr("resight.catalogue.backup.flush_folder", flushed.append)
    Catalogue.restore(archive, tmp_path / "again").close()
    assert flushed[-2:] == [tmp_path / "again", tmp_path]


@settings(
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_no_damage_of_an_archive_goes_unnoticed(
    filled: Catalogue, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Every changed byte and every cut: refused, or of no consequence."""
    folder = tmp_path_factory.mktemp("damage")
    (filled.folder / FILE_NAME).write_text("max_keypoints = 512\n")
    archive = filled.backup(folder / "b.zip").path
    whole = bytearray(archive.read_bytes())
    if data.draw(st.booleans(), label="cut"):
        archive.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    else:
        # Headers and the directory are a small part: try them more often.
        beginning, end = st.integers(0, 100), st.integers(len(whole) - 3000, len(whole) - 1)
        place = data.draw(beginning | end | st.integers(0, len(whole) - 1))
        whole[place] ^= data.draw(st.integers(1, 255))
        archive.write_bytes(whole)
    try:
        restored = Catalogue.restore(archive, folder / "again")
    except CatalogueDamaged:
        assert not (folder / "again" / "catalogue.sqlite").exists()
        return
    with restored:
        assert restored.annotations() == filled.annotations()
        assert (folder / "again" / FILE_NAME).read_text() == "max_keypoints = 512\n"
        assert list(restored.check()) == []


def test_an_archive_cannot_write_outside_its_folder(filled: Catalogue, tmp_path: Path) -> None:
    archive = filled.backup(tmp_path / "b.zip").path
    evil = tmp_path / "evil.zip"
    with zipfile.ZipFile(archive) as good, zipfile.ZipFile(evil, "w") as bad:
        manifest = json.loads(good.read("manifest.json"))
        manifest["files"]["../outside.txt"] = "0" * 64
        bad.writestr("manifest.json", json.dumps(manifest))
        bad.writestr("../outside.txt", "gotcha")
    with pytest.raises(CatalogueDamaged, match=r"\.\./outside\.txt"):
        Catalogue.restore(evil, tmp_path / "again")
    assert not (tmp_path / "outside.txt").exists()


def test_photos_that_the_manifest_leaves_out_are_noticed(filled: Catalogue, tmp_path: Path) -> None:
    archive = filled.backup(tmp_path / "b.zip").path
    short = tmp_path / "short.zip"
    with zipfile.ZipFile(archive) as good, zipfile.ZipFile(short, "w") as bad:
        manifest = json.loads(good.read("manifest.json"))
        manifest["files"].popitem()
        for name in manifest["files"]:
            bad.writestr(name, good.read(name))
        bad.writestr("manifest.json", json.dumps(manifest))
    with pytest.raises(CatalogueDamaged, match="lacks 1 photos"):
        Catalogue.restore(short, tmp_path / "again")
    # What is half restored is no catalogue, and a good archive starts anew.
    assert not (tmp_path / "again" / "catalogue.sqlite").exists()
    Catalogue.restore(archive, tmp_path / "again").close()


def test_a_backup_is_consistent_while_others_write(
    filled: Catalogue, tmp_path: Path, draw: Draw
) -> None:
    for seed in range(20, 40):
        draw(tmp_path / "more" / "Dory" / f"{seed}.png", seed)
    run = filled.add(plan_folders(tmp_path / "more"), actor="ann")
    next(run)
    report = filled.backup(tmp_path / "b.zip")
    list(run)
    with Catalogue.restore(report.path, tmp_path / "again") as restored:
        assert list(restored.check()) == []
        assert len(restored.annotations()) >= 5


def test_where_a_restore_was_cut_short_it_is_said_how_to_go_on(
    filled: Catalogue, tmp_path: Path
) -> None:
    archive, target = filled.backup(tmp_path / "b.zip").path, tmp_path / "restored"
    target.mkdir()
    (target / "catalogue.sqlite.restoring").touch()  # as a killed one leaves
    (target / "originals").mkdir()
    with pytest.raises(NotACatalogue, match="restore` again, which begins anew there"):
        Catalogue.open(target)
    with pytest.raises(CatalogueError, match="restore` again, which begins anew there"):
        Catalogue.init(target)
    with Catalogue.restore(archive, target) as restored:
        assert restored.annotations() == filled.annotations()
