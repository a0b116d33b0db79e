"""What jobs tell their callers: plain frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["queued", "running", "done", "failed", "cancelled"]

#: States that a job leaves again.
ACTIVE: frozenset[State] = frozenset({"queued", "running"})


@dataclass(frozen=True)
class Job:
    """One piece of long work, as it stands now.

    ``stage`` says what is being done, to ``done`` of ``total`` items (0 of 0 where that is not
    known yet). ``message`` is the error of a failed job, or why a queued one waits. Times are
    ISO, UTC, empty where not yet. ``result`` is there when it is done. ``revision`` grows
    with every change of any job.
    """

    id: int
    kind: str
    state: State
    actor: str
    created_at: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    stage: str = ""
    done: int = 0
    total: int = 0
    message: str = ""
    started_at: str = ""
    ended_at: str = ""
    result: Mapping[str, Any] | None = None
    revision: int = 0
