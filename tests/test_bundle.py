"""A bundle is installed by its own script with real pip and sh, without any index."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from resight import bundle as bundling
from resight.catalogue import Catalogue, plan_folders
from resight.errors import ExportError, WeightsMissing

from .catalogue.crash_points import draw_photo


def wheel(folder: Path, name: str, version: str, needs: str, code: str) -> Path:
    """A minimal wheel, with a program called as the package."""
    folder.mkdir(parents=True, exist_ok=True)
    info, path = f"{name}-{version}.dist-info", folder / f"{name}-{version}-py3-none-any.whl"
    requires = f"Requires-Dist: {needs}\n" if needs else ""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/__init__.py", code)
        archive.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}",
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/entry_points.txt", f"[console_scripts]\n{name} = {name}:main\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


_PROGRAM = """
import os, sys
from helper import greeting

def main():
    print(greeting, os.environ["RESIGHT_MODELS"], *sys.argv[1:])
"""


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A bundle of a small program that is called resight and needs another package."""
    folder = tmp_path / "a stick" / "bundle"
    wheel(folder / "wheels", "resight", "9.1", "helper", _PROGRAM)
    wheel(folder / "wheels", "helper", "1.0", "", "greeting = 'hello'")
    (folder / "models").mkdir()
    (folder / "models" / "weights.pth").write_bytes(b"weights")
    (folder / "catalogue.resight.zip").write_bytes(b"a backup")
    bundling.finish(folder)
    return folder


def finish_again(folder: Path) -> None:
    (folder / "SHA256SUMS").unlink()
    bundling.finish(folder)


def install(folder: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """The script as somebody would run it, where no index can be asked."""
    return run("sh", folder / "install.sh", target)


def run(*command: object) -> subprocess.CompletedProcess[str]:
    """A command where nothing of this environment is, and no index can be asked."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHON": sys.executable,
        "PIP_INDEX_URL": "http://127.0.0.1:9/nothing",
        "PIP_CONFIG_FILE": os.devnull,
    }
    return subprocess.run(
        list(map(str, command)),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.mark.slow
def test_a_bundle_installs_without_a_network(packed: Path, tmp_path: Path) -> None:
    target = tmp_path / "on Ann's boat"
    done = install(packed, target)
    assert done.returncode == 0, done.stderr
    # Its catalogue was restored by the program that it brought.
    assert f"hello {target}/models restore {packed}/catalogue.resight.zip {target}/catalogue" in (
        done.stdout
    )
    ran = run(target / "resight", "identify", "a b.jpg")
    assert ran.stdout == f"hello {target}/models identify a b.jpg\n"
    assert (target / "models" / "weights.pth").read_bytes() == b"weights"
    again = install(packed, target)
    assert again.returncode == 1
    assert "exists already" in again.stderr


def test_a_damaged_copy_is_not_installed(packed: Path, tmp_path: Path) -> None:
    (packed / "models" / "weights.pth").write_bytes(b"Weights")
    done = install(packed, tmp_path / "boat")
    assert done.returncode != 0
    assert "weights.pth: FAILED" in done.stdout
    assert not (tmp_path / "boat").exists()


@pytest.mark.parametrize("letter", '$`"\\\\')
def test_a_folder_that_a_shell_would_read_otherwise_is_refused(
    packed: Path, tmp_path: Path, letter: str
) -> None:
    done = install(packed, tmp_path / f"a {letter}HOME")
    assert done.returncode == 1
    assert f"a {letter}HOME: the folder's name must hold none of" in done.stderr
    assert not (tmp_path / f"a {letter}HOME").exists()


@pytest.mark.slow
def test_an_installation_that_failed_can_be_run_again(packed: Path, tmp_path: Path) -> None:
    (helper,) = (packed / "wheels").glob("helper-*")
    away = helper.rename(tmp_path / helper.name)
    finish_again(packed)
    assert install(packed, tmp_path / "boat").returncode != 0
    assert not (tmp_path / "boat").exists()
    away.rename(helper)
    finish_again(packed)
    assert install(packed, tmp_path / "boat").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize(("code", "installed"), [(3, True), (1, False)])
def test_photos_lost_before_it_was_packed_do_not_keep_it_from_being_installed(
    packed: Path, tmp_path: Path, code: int, installed: bool
) -> None:
    wheel(packed / "wheels", "resight", "9.1", "", f"def main():\n    raise SystemExit({code})")
    finish_again(packed)
    done = install(packed, tmp_path / "boat")
    assert (done.returncode == 0, (tmp_path / "boat").exists()) == (installed, installed)


@pytest.mark.usefixtures("_no_pip")
def test_the_whole_is_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESIGHT_MODELS", str(tmp_path / "models"))
    draw_photo(tmp_path / "herd" / "Crush" / "1.png", 1)
    with Catalogue.init(tmp_path / "turtles") as catalogue:
        list(catalogue.add(plan_folders(tmp_path / "herd"), actor="ann"))
        report = bundling.bundle(tmp_path / "b", catalogue=catalogue, models=(), say=print)
        with pytest.raises(ExportError, match="exists already"):
            bundling.bundle(tmp_path / "b", catalogue=None, models=(), say=print)
    assert (report.wheels, report.photos, report.missing) == (1, 1, ())
    listed = [
        line.split("  ")[1] for line in (tmp_path / "b" / "SHA256SUMS").read_text().splitlines()
    ]
    assert listed == ["catalogue.resight.zip", "install.sh", "wheels/resight-9.1-py3-none-any.whl"]
    Catalogue.restore(tmp_path / "b" / "catalogue.resight.zip", tmp_path / "again").close()


@pytest.mark.usefixtures("_no_pip")
def test_weights_that_are_not_here_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESIGHT_MODELS", str(tmp_path / "models"))
    with pytest.raises(WeightsMissing):
        bundling.bundle(tmp_path / "b", catalogue=None, models=("u2netp",), say=print)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def _no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Downloading half a gigabyte of wheels is no part of a test."""

    def download(source: str, wheels: Path) -> tuple[str, ...]:
        wheel(wheels, "resight", "9.1", "", _PROGRAM)
        return ()

    monkeypatch.setattr(bundling, "_download", download)


def test_what_pip_says_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ExportError, match=r"pip wheel failed, so there is no bundle: .*nowhere"):
        bundling._download("nowhere==1.0", tmp_path)


def test_extras_go_along_where_they_are_installed(tmp_path: Path) -> None:
    own = wheel(tmp_path, "resight", "9.1", 'numpy ; extra == "service"', "")
    assert bundling._is_installed(own, "service")
    assert not bundling._is_installed(own, "surf")
    own = wheel(tmp_path, "resight", "9.2", 'no-such-thing>=1 ; extra == "service"', "")
    assert not bundling._is_installed(own, "service")
