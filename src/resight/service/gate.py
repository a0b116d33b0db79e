"""What every request passes first: who asks, whether they may, and how much they send.

Plain ASGI, so that nothing of a body is read or kept before that is known.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from http import HTTPStatus

from anyio.to_thread import run_sync
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from resight.service.desk import Desk
from resight.service.imports import TABLE_BYTES
from resight.service.models import Role
from resight.service.problems import Refused, problem

API = "/api/v1"
COOKIE = "resight_session"
ROLES: tuple[Role, ...] = ("viewer", "reviewer", "curator")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: What those who are not logged in may ask for.
_OPEN = frozenset({f"{API}/session", f"{API}/openapi.json"})
_JSON_BYTES = 1 << 20
_FORM_BYTES = 1 << 16  # of an upload beside the photo
_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; style-src 'self'; script-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True)
class Asker:
    """Who asks. ``session`` is the secret of the cookie; ``csrf`` what its writes must show,
    empty for a program's token, which no browser adds by itself."""

    name: str
    role: Role
    csrf: str
    session: str = ""

    def may(self, role: Role) -> bool:
        """Whether they have this role or a higher one."""
        return ROLES.index(self.role) >= ROLES.index(role)


def takes_photo(path: str) -> bool:
    """Whether what is sent there is a photo, which is no small matter to read."""
    folder, _, last = path.rpartition("/")
    return last == "photos" and (folder == API or folder.startswith(f"{API}/imports/"))


class Gate:
    """Lets a request through to ``app``, with its ``Asker`` in ``request.state.asker``."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store" if of_api else "no-cache")
            await send(message)

        request = Request(scope)
        of_api = request.scope["path"].startswith("/api/")
        try:
            self._check_origin(request)
            asker = await run_sync(asker_of, self._desk, request)
            _check_right(request, asker)
        except Refused as refused:
            answer = problem(refused.status_code, refused.detail, headers=refused.headers)
            await answer(scope, receive, safely)
            return
        scope.setdefault("state", {})["asker"] = asker
        limited = _Limited(receive, self._limit(request))
        try:
            limited.check_stated(request.headers)
            await self._app(scope, limited, safely)
        except Refused as refused:  # before anything was answered
            answer = problem(refused.status_code, refused.detail, headers=refused.headers)
            await answer(scope, receive, safely)

    def _check_origin(self, request: Request) -> None:
        """Refuse what another web page asks by somebody's browser.

        A page elsewhere can have its name point here (DNS rebinding): its Host is not ours. A
        form or script of a page elsewhere is said by the browser in Origin and Sec-Fetch-Site.
        """
        host = request.headers.get("host", "")
        if not self._desk.login_required and _hostname(host) not in _LOCAL:
            raise Refused(
                HTTPStatus.MISDIRECTED_REQUEST,
                f"this desk is for this machine only, not for {host!r}: use 127.0.0.1",
            )
        if request.method in _SAFE:
            return
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site", "same-origin")
        same = origin is None or origin.partition("://")[2].lower() == host.lower()
        if not same or site not in ("same-origin", "none"):
            raise Refused(HTTPStatus.FORBIDDEN, "another web page may not write to this desk")

    def _limit(self, request: Request) -> int:
        path: str = request.scope["path"]
        if takes_photo(path):
            return self._desk.uploads.max_bytes + _FORM_BYTES
        return TABLE_BYTES + _FORM_BYTES if path == f"{API}/imports" else _JSON_BYTES


def asker_of(desk: Desk, request: Request) -> Asker | None:
    """Who asks, if they say so rightly. Raises ``Refused`` for a token that is none."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        known = desk.store.token(secret.strip())
        if known is None:
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                "this token is not known here, or its user may no longer use the desk",
                headers={"www-authenticate": "Bearer"},
            )
        account, role = known
        return Asker(account.name, min(account.role, role, key=ROLES.index), "")
    if not desk.login_required:
        return Asker(desk.local_user, "curator", desk.local_csrf)
    secret = request.cookies.get(COOKIE, "")
    found = desk.store.session(secret) if secret else None
    return Asker(found[0].name, found[0].role, found[1], secret) if found else None


def _check_right(request: Request, asker: Asker | None) -> None:
    path, writes = request.scope["path"], request.method not in _SAFE
    if not path.startswith("/api/"):
        if writes:
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "nothing can be written here")
        return
    if asker is None:
        if path in _OPEN and request.method != "DELETE":
            return
        raise Refused(
            HTTPStatus.UNAUTHORIZED, "log in first", headers={"www-authenticate": "Bearer"}
        )
    shown = request.headers.get("x-csrf-token", "")
    if writes and asker.csrf and not hmac.compare_digest(shown.encode(), asker.csrf.encode()):
        raise Refused(
            HTTPStatus.FORBIDDEN,
            "the header X-CSRF-Token is missing or old: GET /api/v1/session gives it",
        )
    if writes and not asker.may("reviewer") and path != f"{API}/session":
        raise Refused(HTTPStatus.FORBIDDEN, f"a {asker.role} may look, but change nothing")


class _Limited:
    """A request's body, of which no more than ``limit`` bytes are read."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._read = 0

    def check_stated(self, headers: Headers) -> None:
        """Refuse a body by the length that it states."""
        stated = headers.get("content-length", "0")
        if not stated.isdecimal() or int(stated) > self._limit:
            self._refuse()

    async def __call__(self) -> Message:
        """The next message."""
        message = await self._receive()
        self._read += len(message.get("body", b""))
        if self._read > self._limit:
            self._refuse()
        return message

    def _refuse(self) -> None:
        raise Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {self._limit} bytes were sent"
        )


_LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})


def _hostname(host: str) -> str:
    name = host.lower().rpartition(":")[0] if ":" in host.rpartition("]")[2] else host.lower()
    return name
