"""A review desk elsewhere, from Python: the REST service as typed methods.

>>> with Client("https://turtles.example.org", token="resight_…") as desk:  # doctest: +SKIP
...     for encounter in desk.encounters(state="unresolved"):
...         answer = desk.identify(encounter=encounter.ref)
...         if answer.verdict == "known":
...             desk.decide(encounter, "individual", answer.candidates[0].individual)

What is answered are the models of ``resight.service.models``. Needs the extra ``client``.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from resight.errors import DeskError, MissingExtra
from resight.service import models, tables
from resight.service.accounts import Session

_API = "/api/v1"
#: Seconds for an answer: an identification may wait for another one.
_TIMEOUT = 120.0
#: Tries of a request that may be repeated, when the network fails.
_TRIES = 3
_PAGE = 200

Model = TypeVar("Model", bound=BaseModel)


class Client:
    """A desk at ``url``, asked with a ``token`` (``POST /api/v1/tokens``).

    Without a token ``login`` may follow; a desk for its own machine alone needs neither. Writes
    carry a key by which the desk does them once, though the network fail and they be sent again.
    ``http`` is a client of httpx2 to use in place of an own one. Every method raises
    ``DeskError`` where the desk refuses or cannot be reached.
    """

    def __init__(self, url: str, *, token: str = "", http: Any = None) -> None:
        try:
            import httpx2
        except ImportError as error:
            raise MissingExtra("the client needs httpx2: pip install 'resight[client]'") from error
        self._failed: type[Exception] = httpx2.HTTPError
        self._http = http or httpx2.Client(base_url=url, timeout=_TIMEOUT)
        self._headers = {"authorization": f"Bearer {token}"} if token else {}
        self._csrf = "" if token else None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Who asks

    def login(self, name: str, password: str) -> Session:
        """Begin a session."""
        asked = {"name": name, "password": password}
        found = self._one(Session, "POST", "/session", json=asked, csrf="")
        self._csrf = found.csrf or ""
        return found

    def session(self) -> Session:
        """Who asks, and of which desk."""
        return self._one(Session, "GET", "/session")

    # Photos and encounters

    def summary(self) -> models.Summary:
        """The catalogue in numbers."""
        return self._one(models.Summary, "GET", "/summary")

    def add_photo(self, path: Path, *, decision: int | None = None, **facts: str) -> models.Added:
        """Upload a photo; ``facts`` are individual, side, encounter, date, place, species and
        box (``x,y,w,h``). ``decision``: of the photo before, to be taken back together."""
        files = {"file": (path.name, path.read_bytes())}
        data = facts if decision is None else {**facts, "decision": str(decision)}
        return self._one(models.Added, "POST", "/photos", data=data, files=files)

    def annotation(self, id: str) -> models.Annotation:
        """One animal in one photo."""
        return self._one(models.Annotation, "GET", f"/annotations/{id}")

    def encounters(
        self, *, state: str | None = None, individual: str | None = None
    ) -> Iterator[models.Encounter]:
        """Encounters, those that help most first."""
        about = {"state": state, "individual": individual}
        return self._all(models.Encounter, "/encounters", about)

    def encounter(self, ref: str) -> models.Encounter:
        """One encounter, by its reference."""
        return self._one(models.Encounter, "GET", "/encounter", params={"ref": ref})

    # Tables with photos

    def send_table(self, path: Path) -> tables.TableImport:
        """Send a CSV or Excel table; nothing of it is put in yet. Its photos are sent next."""
        files = {"file": (path.name, path.read_bytes())}
        return self._one(tables.TableImport, "POST", "/imports", files=files)

    def send_table_photo(self, table: str, photo: Path, name: str = "") -> tables.SentPhoto:
        """Send a photo of a table, which knows it by ``name`` (its file's name if not given)."""
        files = {"file": (photo.name, photo.read_bytes())}
        path = f"/imports/{table}/photos"
        params = {"path": name or photo.name}
        return self._one(tables.SentPhoto, "POST", path, params=params, files=files)

    def waiting_tables(self) -> list[tables.TableImport]:
        """One's own tables that are not put in yet, the last first."""
        page = self._one(models.Page[Any], "GET", "/imports")
        return [_read(tables.TableImport, each) for each in page.items]

    def table(self, id: str) -> tables.TableImport:
        """One table, and what became of it."""
        return self._one(tables.TableImport, "GET", f"/imports/{id}")

    def preview_table(self, id: str, choices: tables.Choices) -> tables.Report:
        """What putting it in, read so, would do row by row; nothing is changed."""
        path = f"/imports/{id}/preview"
        return self._one(tables.Report, "POST", path, json=choices.model_dump())

    def put_in_table(self, id: str, choices: tables.Choices) -> models.Job:
        """Put it in, read so: a job to be followed. ``table`` has what became of each row then."""
        path = f"/imports/{id}/run"
        return self._one(models.Job, "POST", path, json=choices.model_dump())

    def undo_table(self, id: str, *, note: str = "") -> list[models.Decision]:
        """Take back all that a table did which is not taken back yet, the last first."""
        made = self.table(id).decisions
        undone = {each.id for each in self.decisions() if each.undone} if made else set()
        return [self.undo(each, note=note) for each in made if each not in undone]

    def discard_table(self, id: str) -> None:
        """Throw a table and the photos sent with it away, before it is put in."""
        self._ask("DELETE", f"/imports/{id}")

    # Asking and deciding

    def identify(
        self, *, encounter: str | None = None, annotations: list[str] | None = None
    ) -> models.Answer:
        """Ask who an encounter or some annotations of one animal show; takes seconds."""
        asked = {"encounter": encounter, "annotations": annotations}
        given = {name: value for name, value in asked.items() if value is not None}
        return self._one(models.Answer, "POST", "/identifications", json=given)

    def decide(
        self,
        about: models.Encounter,
        answer: str,
        individual: str = "",
        *,
        identification: int | None = None,
        note: str = "",
    ) -> models.Decision:
        """Say who an encounter shows, as it was seen: ``answer`` is individual, new, unknown,
        unsure, skip or second_opinion.

        A ``DeskError`` of status 412 says that somebody has changed it since.
        """
        asked: dict[str, Any] = {
            "answer": answer,
            "annotations": [each.id for each in about.annotations],
            "etags": {each.id: each.etag for each in about.annotations},
            "note": note,
        }
        more = {"individual": individual or None, "identification": identification}
        asked |= {name: value for name, value in more.items() if value is not None}
        return self._one(models.Decision, "POST", "/decisions", json=asked)

    def decisions(
        self, *, annotation: str | None = None, individual: str | None = None
    ) -> Iterator[models.Decision]:
        """The log, newest first."""
        about = {"annotation": annotation, "individual": individual}
        return self._all(models.Decision, "/decisions", about)

    def undo(self, decision: int, *, note: str = "") -> models.Decision:
        """Take a decision back."""
        path = f"/decisions/{decision}/undo"
        return self._one(models.Decision, "POST", path, json={"note": note})

    def individuals(self, q: str = "") -> Iterator[models.Individual]:
        """The named animals; ``q`` is searched in names and notes."""
        return self._all(models.Individual, "/individuals", {"q": q or None})

    # Jobs

    def ask_job(self, kind: str, **arguments: Any) -> models.Job:
        """Queue long work."""
        asked = {"kind": kind, "arguments": arguments}
        return self._one(models.Job, "POST", "/jobs", json=asked)

    def job(self, id: int) -> models.Job:
        """One job."""
        return self._one(models.Job, "GET", f"/jobs/{id}")

    def cancel_job(self, id: int) -> models.Job:
        """Cancel a job."""
        return self._one(models.Job, "DELETE", f"/jobs/{id}")

    def follow_job(self, id: int, *, every: float = 1.0) -> Iterator[models.Job]:
        """A job as it changes, looked at so often (seconds), until it has ended."""
        last = None
        while last is None or last.state in ("queued", "running"):
            found = self.job(id)
            if found != last:
                yield found
            last = found
            if found.state in ("queued", "running"):
                time.sleep(every)

    # Taking away

    def export(self, format: str, **about: Any) -> bytes:
        """The catalogue in a format: csv, json, capture-history, camtrap-dp or wildbook."""
        found: bytes = self._ask("GET", "/export", params={"format": format, **about}).content
        return found

    def _one(self, model: type[Model], method: str, path: str, **more: Any) -> Model:
        return _read(model, _json(self._ask(method, path, **more)))

    def _all(
        self, model: type[Model], path: str, about: Mapping[str, str | None]
    ) -> Iterator[Model]:
        """All items of a list, page by page."""
        params = {name: value for name, value in about.items() if value is not None}
        params["limit"] = str(_PAGE)
        following: str | None = ""
        while following is not None:
            about_page = {**params, "cursor": following}
            page = self._one(models.Page[Any], "GET", path, params=about_page)
            yield from (_read(model, each) for each in page.items)
            following = page.next

    def _ask(self, method: str, path: str, *, csrf: str | None = None, **more: Any) -> Any:
        """The answer, if it is none of a problem."""
        headers = dict(self._headers)
        if method != "GET":
            headers["x-csrf-token"] = self._written_with() if csrf is None else csrf
        if method == "POST" and path != "/session":
            headers["idempotency-key"] = key = str(uuid.uuid4())
            if "files" in more:  # sent again it is the same byte for byte
                headers["content-type"] = f"multipart/form-data; boundary={key}"
        answer = self._sent(method, _API + path, headers, more)
        if not 200 <= answer.status_code < 300:  # also where a proxy sends one elsewhere
            raise _refused(answer)
        return answer

    def _sent(self, method: str, path: str, headers: Mapping[str, str], more: Any) -> Any:
        again = method == "GET" or "idempotency-key" in headers
        for left in reversed(range(_TRIES if again else 1)):
            try:
                answer = self._http.request(method, path, headers=headers, **more)
                until = time.monotonic() + _TIMEOUT
                # Sent again while the first is still at work: its answer is waited for.
                while _at_work(answer) and time.monotonic() < until:
                    time.sleep(1.0)
                    answer = self._http.request(method, path, headers=headers, **more)
                return answer
            except self._failed as error:
                if not left:
                    raise DeskError(f"the desk cannot be reached: {error}") from error
        raise AssertionError("unreachable")

    def _written_with(self) -> str:
        """What a write must show, where a browser's session or the machine alone lets one in."""
        if self._csrf is None:
            self._csrf = self.session().csrf or ""
        return self._csrf


def _json(answer: Any) -> dict[str, Any]:
    """The object that a desk answers with."""
    try:
        told = answer.json()
    except ValueError:  # a page of something else
        told = None
    if not isinstance(told, dict):
        raise DeskError(f"{answer.url} is no desk of resight: its answer is of another form")
    return told


def _read(model: type[Model], told: object) -> Model:
    try:
        return model.model_validate(told)
    except ValidationError as error:
        raise DeskError(
            f"the desk's answer is not understood, as of another version of resight: {error}"
        ) from error


def _at_work(answer: Any) -> bool:
    return answer.status_code == 409 and "retry-after" in answer.headers


def _refused(answer: Any) -> DeskError:
    try:
        told = answer.json()
        return DeskError(
            str(told["detail"]), status=answer.status_code, errors=told.get("errors") or ()
        )
    except (ValueError, KeyError, TypeError, AttributeError):  # a proxy's own page
        elsewhere = answer.headers.get("location")
        where = f" and sends one to {elsewhere}: name that address" if elsewhere else ""
        return DeskError(
            f"the desk answered {answer.status_code} {answer.reason_phrase}{where}",
            status=answer.status_code,
        )
