"""Running a desk until it is stopped."""

from __future__ import annotations

from typing import Any

import uvicorn

from resight.service.app import create_app
from resight.service.desk import Desk, open_desk

__all__ = ["LOOPBACK", "open_desk", "serve"]

#: Hosts that only this machine reaches: no login is needed.
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class _Server(uvicorn.Server):
    """Sends those away who listen for changes of jobs, or they would keep it from ending."""

    def __init__(self, config: uvicorn.Config, desk: Desk) -> None:
        super().__init__(config)
        self._desk = desk

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Ctrl-C, or a service manager's signal."""
        self._desk.jobs.dismiss()
        super().handle_exit(sig, frame)


def serve(desk: Desk, *, host: str, port: int) -> None:
    """Serve until the process is told to stop, then close the desk."""
    desk.jobs.add("prepare", actor=desk.local_user)  # or the first questions lack photos
    desk.jobs.start()
    config = uvicorn.Config(
        create_app(desk),
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=60,  # people look at a photo for longer than the default of 5 s
        timeout_graceful_shutdown=5,
    )
    try:
        _Server(config, desk).run()
    except KeyboardInterrupt:  # Ctrl-C is how a desk ends; uvicorn raises it again when it is done
        pass
    finally:
        desk.close()
