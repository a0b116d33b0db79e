"""Finished queries on disk, so that an interrupted evaluation continues.

One JSON value per line. The first line pins everything that makes the figures;
each further one is a finished query. A line cut off by a crash is dropped. There
is no file before the first query is finished, and one without any counts as none:
it holds nothing that a run of other settings could lose.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Optional

from filelock import FileLock, Timeout

from resight.errors import ResightError, SettingsError
from resight.evaluate.metrics import rank_of

#: How every journal begins; the number is that of this format.
_JOURNAL = {"journal": 3}
_FIRST_LINE = b'{"journal": 3, '


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Turn the disk's errors while writing to ``path`` into ``ResightError``."""
    try:
        yield
    except OSError as error:
        raise ResightError(
            f"cannot write {path}: {error.strerror or error}: check the folder, its permissions "
            "and the free space, or choose another output file"
        ) from error


@dataclass(frozen=True)
class QueryResult:
    """What became of one query under one method.

    ``scores`` of every individual compared, and in ``lines`` where the protocol has the
    photo of it that scored best; ``probabilities`` of the same individuals and
    ``new_probability``, both ``None`` without a calibration; ``pairs`` photos compared in
    full with the query as it is; ``seconds`` with decoding and extraction; ``problem`` why
    the photo could not be used, empty if it could; ``peak_rss_mb`` of the process by then;
    ``passed_over`` individuals that were half-matched only, best first.
    """

    scores: Mapping[str, float]
    lines: Mapping[str, int]
    pairs: int
    seconds: float
    peak_rss_mb: float
    probabilities: Optional[Mapping[str, float]] = None
    new_probability: Optional[float] = None
    problem: str = ""
    passed_over: Sequence[str] = ()

    def rank_of(self, individual: str) -> Optional[int]:
        """As ``metrics.rank_of``; those passed over come after all that were compared."""
        if individual in self.passed_over:
            return len(self.scores) + 1 + self.passed_over.index(individual)
        return rank_of(individual, self.scores)


class Journal:
    """The finished queries of one evaluation, in a file or (``path=None``) in memory.

    ``header`` is everything that has to be equal for results to be continued. To be
    used inside ``with journal.open():``.
    """

    def __init__(self, path: Optional[Path], header: Mapping[str, Any]) -> None:
        self._path = path
        self._header = json.loads(json.dumps({**_JOURNAL, **header}))  # as it is read back
        self._done: dict[tuple[str, int], QueryResult] = {}

    @property
    def pinned(self) -> str:
        """The header in one line, for journals of parts of this evaluation."""
        return json.dumps(self._header, sort_keys=True)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Read what is finished already, and keep others off the file meanwhile.

        Raises ``SettingsError`` if another process has it or it is of another
        evaluation, ``ResightError`` if it cannot be written.
        """
        if self._path is None:
            yield
            return
        lock = FileLock(self._path.with_name(self._path.name + ".lock"), timeout=0)
        with writing_to(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire()
            except Timeout as error:
                raise SettingsError(
                    f"another evaluation is writing {self._path} now; wait for it, or choose "
                    "another output file"
                ) from error
        try:
            with writing_to(self._path):
                self._read(self._path)
            yield
        finally:
            with suppress(OSError):  # where an open file cannot be deleted, it stays
                Path(lock.lock_file).unlink()
            lock.release()

    def _read(self, path: Path) -> None:
        content = _content(path)
        whole = content[: content.rfind(b"\n") + 1]
        header, *lines = whole.splitlines() or [b""]
        if lines:
            self._check_header(header)
            for line in lines:
                self._recall(line)
            os.truncate(path, len(whole))
        else:  # nothing, or no more than the first line
            if not _FIRST_LINE.startswith(content[: len(_FIRST_LINE)]):
                raise self._foreign()
            path.unlink(missing_ok=True)

    def get(self, method: str, query: int) -> Optional[QueryResult]:
        """The result of a query, if it is finished."""
        return self._done.get((method, query))

    def add(self, method: str, query: int, result: QueryResult) -> None:
        """Keep a result; when this returns it survives a crash."""
        if self._path is not None:
            record = {"method": method, "query": query, **asdict(result)}
            _append(self._path, [record] if self._done else [self._header, record])
        self._done[method, query] = result

    def remove(self) -> None:
        """Delete the file: the report that it was for is safe."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _recall(self, line: bytes) -> None:
        try:
            record = json.loads(line)
            key = (record.pop("method"), record.pop("query"))
            self._done[key] = QueryResult(**record)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._foreign() from error

    def _foreign(self) -> SettingsError:
        return SettingsError(
            f"{self._path} is not the journal of an evaluation, or is damaged; "
            "move it away or choose another output file"
        )

    def _check_header(self, line: bytes) -> None:
        try:
            theirs = json.loads(line)
        except ValueError as error:
            raise self._foreign() from error
        if not isinstance(theirs, dict) or theirs.get("journal") != _JOURNAL["journal"]:
            raise self._foreign()
        differing = sorted(
            key
            for key in self._header.keys() | theirs.keys()
            if self._header.get(key) != theirs.get(key)
        )
        if differing:
            told = "; ".join(_difference(key, theirs, self._header) for key in differing)
            raise SettingsError(
                f"{self._path} holds an unfinished evaluation that differs from this one in "
                f"{told}. Run that one to its end, delete the file to begin anew, or choose "
                "another output file"
            )


def _append(path: Path, values: Sequence[Mapping[str, Any]]) -> None:
    with writing_to(path), path.open("ab") as file:
        for value in values:
            file.write(json.dumps(value, allow_nan=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _content(path: Path) -> bytes:
    """The bytes of a file; none if there is no file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _difference(key: str, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    before, now = theirs.get(key), ours.get(key)
    if isinstance(before, dict) and isinstance(now, dict):
        names = sorted(
            name for name in before.keys() | now.keys() if before.get(name) != now.get(name)
        )
        return ", ".join(_difference(name, before, now) for name in names)
    if isinstance(before, str) and isinstance(now, str):  # of fingerprints only what differs
        old, new = before.split(" | "), now.split(" | ")
        before = " | ".join(part for part in old if part not in new)
        now = " | ".join(part for part in new if part not in old)
    return f"{key} ({before} there, {now} here)"
