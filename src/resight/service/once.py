"""A POST with an ``Idempotency-Key`` is done once, however often it is sent.

Who gets no answer cannot know whether the request arrived, and sends it again: it then gets the
answer of the first, which is kept for a day. (The header is that of the IETF's draft "The
Idempotency-Key HTTP Header Field".) What was refused was not done and may be sent again.
"""

from __future__ import annotations

import hashlib
from http import HTTPStatus

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from resight.service.desk import Desk
from resight.service.gate import API, Asker, takes_photo
from resight.service.problems import Refused
from resight.service.store import Known

_LONGEST = 200
#: Their answers hold secrets, which are not kept.
_NOT_KEPT = frozenset({f"{API}/session", f"{API}/tokens", f"{API}/users"})


class Once:
    """Lets a request with a key through to ``app`` the first time, and repeats its answer."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        asker: Asker | None = scope.get("state", {}).get("asker")
        request = Request(scope, receive) if scope["type"] == "http" else None
        key = request.headers.get("idempotency-key", "") if request else ""
        if request is None or asker is None or not key or request.method != "POST":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if path in _NOT_KEPT or not key.isprintable() or len(key) > _LONGEST:
            raise Refused(
                HTTPStatus.BAD_REQUEST,
                f"an Idempotency-Key is no use here, or not 1 to {_LONGEST} plain characters",
            )
        # A photo is not read here: it is known again by its bytes, and another has another size.
        is_photo = takes_photo(path)
        body = b"" if is_photo else await request.body()
        size = request.headers.get("content-length", "") if is_photo else ""
        asked = b"?".join([path.encode(), scope["query_string"], size.encode(), body])
        said = hashlib.sha256(asked).hexdigest()
        store = self._desk.store
        known = await run_sync(store.begin, asker.name, key, said)
        if known is not None:
            await _again(known, said)(scope, receive, send)
            return
        answer = _Heard(send)
        again = receive if is_photo else _Said(body, receive)
        try:
            await self._app(scope, again, answer)
        finally:
            # Before the last of the answer is sent, or a client could ask again too early.
            await run_sync(store.finish, asker.name, key, answer.status, b"".join(answer.parts))
            await answer.pass_on()


def _again(known: Known, said: str) -> Response:
    if known.request != said:
        raise Refused(
            HTTPStatus.UNPROCESSABLE_ENTITY, "this Idempotency-Key was used for another request"
        )
    if known.status is None:
        raise Refused(
            HTTPStatus.CONFLICT,
            "the first request of this Idempotency-Key is still at work: ask again",
            headers={"retry-after": "1"},
        )
    headers = {"idempotent-replayed": "true"}
    return Response(known.body, known.status, headers, "application/json")


class _Said:
    """A body that was read already."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        """The body, then whatever comes after it."""
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


class _Heard:
    """An answer, kept back until it is whole: those to a POST are small."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._messages: list[Message] = []
        self.status = 500
        self.parts: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        """Take one message."""
        self._messages.append(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self.parts.append(message.get("body", b""))

    async def pass_on(self) -> None:
        """Send what was kept back."""
        for message in self._messages:
            await self._send(message)
