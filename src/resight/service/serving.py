"""Running a desk until it is stopped."""

from __future__ import annotations

import uvicorn

from resight.service.app import create_app
from resight.service.desk import Desk, open_desk

__all__ = ["LOOPBACK", "open_desk", "serve"]

#: Hosts that only this machine reaches: no login is needed.
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def serve(desk: Desk, *, host: str, port: int) -> None:
    """Serve until the process is told to stop, then close the desk."""
    desk.jobs.add("prepare", actor=desk.local_user)  # or the first questions lack photos
    desk.jobs.start()
    try:
        uvicorn.run(
            create_app(desk),
            host=host,
            port=port,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=5,
        )
    finally:
        desk.close()
