"""Tables of photos that people sent to the desk, with the photos, until they are put in.

Each lies in a folder of its own below ``uploads`` of the catalogue, under names that no browser
chose: what was sent outlives a page that is closed and a desk that is stopped. What a table says
is understood and added by the same code as ``resight add`` uses.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Optional

from resight.catalogue.adding import UPLOADS
from resight.catalogue.csvfile import guessed_columns
from resight.catalogue.tables import Table, read_table
from resight.errors import Conflict, ImportFileError, NotFound, PhotoError
from resight.files import write_whole
from resight.looks import Look, look
from resight.photos import PhotoLimits, read_photo
from resight.types import Photo

#: Bytes of a table, and of what a workbook unpacks to; rows.
TABLE_BYTES = 10_000_000
_UNPACKED = 200_000_000
_ROWS = 50_000
#: Days after which what nobody put in is thrown away.
_KEPT = 7
#: Tables of one person that may wait.
_WAITING = 20
_ID = re.compile(r"[0-9a-f]{16}")
_ABOUT, _LIST, _REPORT = "about.json", "photos.jsonl", "report.json"


@dataclass(frozen=True)
class Choice:
    """How a table is to be read: by field its column (``None``: as guessed), by which order its
    dates (of ``resight.catalogue.dates.ORDERS``; empty: as they show it), and whether photos that
    no row names are put in too."""

    columns: Optional[Mapping[str, str]] = None
    others: bool = False
    dates: str = ""


@dataclass(frozen=True)
class Import:
    """A table that was sent. ``folder`` holds it and its photos; ``rows`` counts its rows, and
    ``samples`` are the first values below ``header``."""

    id: str
    folder: Path
    owner: str
    name: str
    begun_at: float
    rows: int = 0
    header: Sequence[str] = ()
    samples: Sequence[str] = ()
    choice: Choice = field(default_factory=Choice)

    @property
    def table(self) -> Path:
        """The file of the table."""
        return self.folder / "table"

    @property
    def columns(self) -> Mapping[str, str]:
        """By field the column that is read: the chosen ones, or else those that are guessed."""
        chosen = self.choice.columns
        return guessed_columns(self.header) if chosen is None else chosen

    def read(self) -> Table:
        """The table as text. Raises ``ImportFileError``."""
        try:
            return read_table(self.table, lambda column: bool(guessed_columns([column])))
        except ImportFileError as error:
            raise ImportFileError(str(error).replace(str(self.table), self.name)) from error

    def photos(self) -> dict[str, Path]:
        """The photos that were sent with it, by the paths they had there; of each the last."""
        file = self.folder / _LIST
        lines = file.read_text().splitlines() if file.exists() else []
        listed = dict(json.loads(line) for line in lines if line.endswith("]"))
        return {path: self.folder / name for path, name in listed.items()}

    def report(self) -> dict[str, Any] | None:
        """What became of it, once it was put in."""
        file = self.folder / _REPORT
        return json.loads(file.read_text()) if file.exists() else None


class Imports:
    """All tables that were sent to one catalogue. Safe to use from several threads.

    ``at_work`` says whether the table of an id is being put in. ``lock`` is to be held by whoever
    begins that, so that nothing of it changes any more then.
    """

    def __init__(
        self, catalogue: Path, limits: PhotoLimits, at_work: Callable[[str], object]
    ) -> None:
        self._folder = catalogue / UPLOADS
        self._limits = limits
        self._at_work = at_work
        self.lock = threading.RLock()
        #: Photos by their file here, so that a preview reads none again.
        self._looked_at: dict[Path, tuple[Photo, Look]] = {}

    def begin(self, owner: str, name: str, file: BinaryIO) -> Import:
        """Keep a table. Raises ``ImportFileError`` for a file that is none, ``Conflict`` where too
        many wait. What nobody put in for a week is thrown away."""
        self._clean()
        if len(self.of(owner)) >= _WAITING:
            raise Conflict(f"{_WAITING} tables of yours wait: put one in or throw one away first")
        id = secrets.token_hex(8)
        begun = Import(id, self._folder / id, owner, name, time.time())
        begun.folder.mkdir(parents=True)
        try:
            with begun.table.open("wb") as copy:
                shutil.copyfileobj(file, copy)
            _check_size(begun.table)
            table = begun.read()
            if len(table.rows) > _ROWS:
                raise ImportFileError(f"{name} has more than {_ROWS} rows: send it in parts")
            begun = replace(
                begun, rows=len(table.rows), header=table.header, samples=_samples(table)
            )
            self._write(begun)
        except BaseException:
            shutil.rmtree(begun.folder, ignore_errors=True)
            raise
        return begun

    def get(self, id: str, owner: str) -> Import:
        """One that ``owner`` sent. Raises ``NotFound``."""
        folder = self._folder / id
        try:
            if not _ID.fullmatch(id):
                raise OSError
            said = json.loads((folder / _ABOUT).read_text())
        except OSError:
            said = {}
        if said.get("owner") != owner:
            raise NotFound(f"{owner} sent no table {id!r}, or it is gone: send it again")
        return Import(id, folder, **{**said, "choice": Choice(**said["choice"])})

    def of(self, owner: str) -> list[Import]:
        """Those that ``owner`` sent and that were not put in yet, the last first."""
        found = []
        for folder in self._folder.iterdir() if self._folder.exists() else ():
            try:
                found.append(self.get(folder.name, owner))
            except NotFound:
                continue
        return sorted(
            (each for each in found if each.report() is None), key=lambda each: -each.begun_at
        )

    def _clean(self) -> None:
        for folder in self._folder.iterdir() if self._folder.exists() else ():
            try:
                begun = json.loads((folder / _ABOUT).read_text())["begun_at"]
            except OSError:  # the program ended before it was kept, or it is being kept now
                begun = folder.stat().st_mtime if folder.exists() else time.time()
            with self.lock:
                if time.time() - begun > _KEPT * 86400 and not self._at_work(folder.name):
                    self._throw_away(folder)

    def waiting(self, id: str, owner: str) -> Import:
        """As ``get``. Raises ``Conflict`` where it is being put in, or was."""
        found = self.get(id, owner)
        if self._at_work(id):
            raise Conflict("this table is being put in: wait for that, or stop it under Jobs")
        if found.report() is not None:
            raise Conflict("this table was put in already: send it again if it has changed")
        return found

    def choose(self, id: str, owner: str, choice: Choice) -> Import:
        """Keep how a table is to be read. Raises what ``waiting`` raises."""
        with self.lock:
            chosen = replace(self.waiting(id, owner), choice=choice)
            self._write(chosen)
        return chosen

    def send(self, id: str, owner: str, path: str, file: BinaryIO) -> Photo:
        """Keep a photo of a table. Raises ``PhotoError`` for one that could not be added, and
        what ``waiting`` raises."""
        to = self.waiting(id, owner)
        copy = to.folder / secrets.token_hex(8)
        try:
            with copy.open("wb") as out:
                shutil.copyfileobj(file, out, 1 << 20)
            photo, pixels = read_photo(copy, limits=self._limits)
            before = self._list(to, path, copy, (photo, look(pixels)))
        except BaseException as error:
            copy.unlink(missing_ok=True)
            if isinstance(error, PhotoError):
                raise type(error)(str(error).replace(str(copy), path)) from error
            raise
        if before is not None:
            before.unlink(missing_ok=True)
        return photo

    def _list(self, to: Import, path: str, copy: Path, seen: tuple[Photo, Look]) -> Path | None:
        """Make a photo part of a table; returns the one that it takes the place of."""
        with self.lock:
            self.waiting(to.id, to.owner)  # it took a while to come
            before = to.photos().get(path)
            with (to.folder / _LIST).open("a") as listed:
                listed.write(json.dumps([path, copy.name]) + "\n")
            self._looked_at[copy] = seen
        return before

    def looked_at(self) -> Mapping[Path, tuple[Photo, Look]]:
        """What is known of photos that were sent, without reading them again."""
        with self.lock:
            return dict(self._looked_at)

    def finish(self, done: Import, copies: Iterable[Path], report: Mapping[str, Any]) -> None:
        """Keep what became of a table; ``copies`` are the photos that it no longer needs."""
        write_whole(done.folder / _REPORT, json.dumps(report).encode())
        with self.lock:
            for copy in copies:
                copy.unlink(missing_ok=True)
                self._looked_at.pop(copy, None)

    def discard(self, id: str, owner: str) -> None:
        """Throw away what was sent. Raises what ``waiting`` raises."""
        with self.lock:
            self._throw_away(self.waiting(id, owner).folder)

    def _throw_away(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        for copy in [path for path in self._looked_at if path.parent == folder]:
            del self._looked_at[copy]

    def _write(self, of: Import) -> None:
        said = asdict(of)
        del said["id"], said["folder"]
        write_whole(of.folder / _ABOUT, json.dumps(said).encode())


def _samples(table: Table) -> list[str]:
    """By column the first value, empty where the first rows have none."""
    samples = ["" for _ in table.header]
    for _, cells in reversed(table.rows[:50]):
        for at, cell in enumerate(cells[: len(samples)]):
            samples[at] = cell.strip()[:80] or samples[at]
    return samples


def _check_size(file: Path) -> None:
    """Refuse a workbook that would unpack to more than memory holds."""
    if not zipfile.is_zipfile(file):
        return
    try:
        with zipfile.ZipFile(file) as book:
            size = sum(part.file_size for part in book.infolist())
    except zipfile.BadZipFile as error:
        raise ImportFileError(f"the workbook is damaged ({error}): save it anew") from error
    if size > _UNPACKED:
        raise ImportFileError("the workbook unpacks to more than 200 MB: save it as CSV")
