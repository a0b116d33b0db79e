"""Jobs over HTTP: ask for long work, look, cancel, and hear of every change as it comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from resight import jobs
from resight.service.models import Job, NewJob, Page

#: Seconds between two messages about the same job, at least.
_PACE = 0.25
#: Seconds of silence after which a line is sent that means nothing: else proxies hang up.
_SILENCE = 15.0
_Id = Annotated[int, Field(ge=1, lt=2**63)]


def shown(job: jobs.Job) -> Job:
    """A job as it travels."""
    values = asdict(job)
    del values["revision"]
    times = {name: values[name] or None for name in ("started_at", "ended_at")}
    return Job(**{**values, **times})


def jobs_router(
    asked_of: jobs.Jobs,
    *,
    actor: Callable[..., str] = lambda: "",
    reading: Sequence[Any] = (),
    writing: Sequence[Any] = (),
) -> APIRouter:
    """The endpoints under ``/jobs``, to be included in a FastAPI application.

    ``actor`` is a FastAPI dependency that says who is asking; ``reading`` and ``writing`` are
    dependencies that refuse who may not. Errors are those of ``Jobs``: the application is to
    answer them.
    """
    router = APIRouter(prefix="/jobs", tags=["jobs"])
    who = Depends(actor)

    @router.post("", status_code=202, dependencies=list(writing))
    def ask(asked: NewJob, by: str = who) -> Job:
        """Queue long work. Where the same waits already, that is the answer."""
        return shown(asked_of.add(asked.kind, asked.arguments, actor=by))

    @router.get("", dependencies=list(reading))
    def listed() -> Page[Job]:
        """The jobs that wait, run or ended lately, newest first."""
        found = [shown(job) for job in asked_of.all()]
        return Page(items=found, total=len(found))

    # Before the one of an id, which it would be taken for.
    @router.get(
        "/events",
        dependencies=list(reading),
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    )
    async def events(request: Request) -> StreamingResponse:
        """Server-sent events `job`, data as of `GET /jobs/{id}`: those that wait or run now, then
        each that changes, four times a second at most. The header `Last-Event-ID` goes on after
        what was heard."""
        since = request.headers.get("last-event-id", "")
        return StreamingResponse(
            _events(asked_of, await asyncio.to_thread(_heard, asked_of, since)),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @router.get("/{id}", dependencies=list(reading))
    def one(id: _Id) -> Job:
        """One job."""
        return shown(asked_of.get(id))

    @router.delete("/{id}", dependencies=list(writing))
    def cancel(id: _Id) -> Job:
        """Cancel: what was done stays done. A running job stops at its next step."""
        return shown(asked_of.cancel(id))

    return router


def _heard(asked_of: jobs.Jobs, since: str) -> int | None:
    """What a listener heard last; ``None`` where that is none of these jobs' changes."""
    known = max((job.revision for job in asked_of.all()), default=0)
    told = int(since) if since.isdecimal() and len(since) < 19 else -1
    return told if 0 <= told <= known else None


async def _events(asked_of: jobs.Jobs, since: int | None) -> AsyncIterator[str]:
    """Messages until the program ends; the server ends it where the listener has gone."""
    heard = since or 0
    told = time.monotonic()
    yield "retry: 1000\n\n"  # ms until a browser asks again after a lost connection
    while not asked_of.ending:
        changed = await asyncio.to_thread(asked_of.changed, heard)
        for job in changed:
            if since is not None or job.state in jobs.ACTIVE:
                told = time.monotonic()
                yield f"id: {job.revision}\nevent: job\ndata: {shown(job).model_dump_json()}\n\n"
        heard = changed[-1].revision if changed else heard
        since = heard
        if time.monotonic() - told > _SILENCE:
            told = time.monotonic()
            yield ": still here\n\n"
        await asyncio.sleep(_PACE)
