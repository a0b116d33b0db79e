"""A desk that puts in a table and is killed in the middle, again and again.

``python killed_table.py CATALOGUE PHOTOS TIMES`` sends a table with a row for each photo, forks
a server from itself, kills it so many times while rows are being put in, and lets the last one
finish. It prints as JSON how many photos were there at each kill and what has become of the rows.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import uvicorn

from resight.catalogue import Catalogue, adding
from resight.client import Client
from resight.service.app import create_app
from resight.service.desk import open_desk
from resight.service.tables import Choices
from resight.settings import Settings

_SECONDS = 60


class Server:
    """A desk in a process of its own, until it is killed."""

    def __init__(self, folder: Path) -> None:
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        self.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.id = os.fork()
        if self.id == 0:
            try:
                _serve(folder, listening)
            finally:
                os._exit(1)
        listening.close()

    def kill(self) -> None:
        """As ``kill -9`` does. Raises ``RuntimeError`` where it had ended by itself."""
        os.kill(self.id, signal.SIGKILL)
        if not os.WIFSIGNALED(os.waitpid(self.id, 0)[1]):
            raise RuntimeError("the server ended by itself")


def _serve(folder: Path, listening: socket.socket) -> None:
    adding._BATCH = 1  # each photo is a transaction, so a kill finds any number of them
    settings = Settings(method="sift+nearest", segment="none", contrast="none", long_edge=256)
    desk = open_desk(folder, local_user="ann", login_required=False, settings=settings)
    desk.jobs.start()
    config = uvicorn.Config(create_app(desk), log_level="critical")
    uvicorn.Server(config).run(sockets=[listening])


def until(client: Client, photos: int) -> int:
    """How many photos the catalogue has, once there are so many at least."""
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        found = client.summary().photos
        if found >= photos:
            return found
        time.sleep(0.002)
    raise TimeoutError(f"no {photos} photos after {_SECONDS} s")


def main(folder: Path, photos: Path, times: int) -> dict[str, Any]:
    """Kill so many times; what came of it."""
    files = sorted(photos.glob("*.png"))
    table = photos / "sightings.csv"
    rows = [f"{each.name},Animal {number % 5},5/7/2024" for number, each in enumerate(files)]
    table.write_text("\n".join(["path,identity,date", *rows]))
    server = Server(folder)
    with Client(server.address) as client:
        sent = client.send_table(table)
        for each in files:
            client.send_table_photo(sent.id, each)
        job = client.put_in_table(sent.id, Choices(dates="day-first"))
        killed_at = [until(client, 1)]
    server.kill()
    for _ in range(times - 1):
        server = Server(folder)
        with Client(server.address) as client:
            killed_at.append(until(client, killed_at[-1] + 5))
        server.kill()
        with Catalogue.open(folder) as catalogue:
            killed_at[-1] = len(catalogue.annotations())
    server = Server(folder)
    with Client(server.address) as client:
        *_, last = client.follow_job(job.id, every=0.05)
        told = client.table(sent.id)
        put_in = {each.name: each.date for each in _records(folder)}
        client.undo_table(sent.id)
        left = client.summary().annotations
    server.kill()
    return {
        "killed_at": killed_at,
        "state": last.state,
        "counts": told.report.counts if told.report else {},
        "decisions": len(told.decisions),
        "names": sorted(put_in),
        "dates": sorted(set(put_in.values())),
        "left": left,
    }


def _records(folder: Path) -> Any:
    with Catalogue.open(folder) as catalogue:
        found = catalogue.annotations()
        wrong = [each.message for each in catalogue.check() if each.severity == "error"]
    if wrong:
        raise RuntimeError(f"check found {wrong}")
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))))
