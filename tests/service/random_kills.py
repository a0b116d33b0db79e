"""A desk under several hands, killed at random moments again and again.

``python random_kills.py CATALOGUE PHOTOS TIMES`` forks a server from itself, so that a round
takes no longer than what is being tested. While several people upload, decide, merge and undo
over HTTP, it is killed. Then the catalogue is checked, and that all is there that was ever
acknowledged. It prints how many decisions and photos were.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn

from resight.catalogue import Catalogue
from resight.service.app import create_app
from resight.service.desk import open_desk
from resight.settings import Settings

# Files that never became known are no harm.
_HARMLESS = ("it lies among the originals", "copies were left", "are kept in no annotation")
_PEOPLE = 3


def serve(folder: Path, listening: socket.socket) -> None:
    """In the child: until killed."""
    desk = open_desk(folder, local_user="ann", login_required=False, settings=Settings())
    config = uvicorn.Config(create_app(desk), log_level="critical")
    uvicorn.Server(config).run(sockets=[listening])


class Person(threading.Thread):
    """Clicks until nobody answers; keeps what was acknowledged."""

    def __init__(self, port: int, photos: list[bytes], seed: int) -> None:
        super().__init__()
        self.port = port
        self.photos = photos
        self.dice = random.Random(seed)
        self.said: list[tuple[str, str, str]] = []
        self.wrong: list[str] = []

    def run(self) -> None:
        """Until the server is killed."""
        try:
            csrf = self.ask("GET", "/session")["csrf"]
            while True:
                self.click({"X-CSRF-Token": csrf})
        except (OSError, http.client.HTTPException):
            return
        except Exception as error:
            self.wrong.append(repr(error))

    def click(self, headers: dict[str, str]) -> None:
        """One thing of what people do."""
        dice = self.dice
        kind = dice.choice(("upload", "decide", "decide", "merge", "undo"))
        if kind == "upload":
            body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
            body += dice.choice(self.photos) + b"\r\n--x--\r\n"
            form = {**headers, "Content-Type": "multipart/form-data; boundary=x"}
            added = self.ask("POST", "/photos", body, form)
            self.said.append(("photo", added["annotation"], ""))
            return
        found = self.ask("GET", "/annotations?limit=500")["items"]
        names = [each["name"] for each in self.ask("GET", "/individuals")["items"]]
        some = dice.sample(found, min(2, len(found)))
        if kind == "decide" and some:
            answer = dice.choice(("new", "unsure", "unknown"))
            etags = {each["id"]: each["etag"] for each in some}
            self.decide(
                "/decisions",
                {"answer": answer, "annotations": list(etags), "etags": etags},
                headers,
            )
        elif kind == "merge" and len(names) > 1:
            one, two = dice.sample(names, 2)
            said = {"from": one, "into": two}
            etag = self.etag("/individuals/merge", {**said, "preview": True}, headers)
            self.decide("/individuals/merge", said, {**headers, "If-Match": etag})
        elif kind == "undo":
            last = self.ask("GET", "/decisions?limit=10")["items"]
            if last:
                self.decide(f"/decisions/{dice.choice(last)['id']}/undo", {}, headers)

    def decide(self, path: str, said: Any, headers: dict[str, str]) -> None:
        """Others are at work too, and some things are refused."""
        made = self.ask("POST", path, json.dumps(said).encode(), headers)
        if "kind" in made:
            self.said.append(("decision", str(made["id"]), made["kind"]))

    def etag(self, path: str, said: Any, headers: dict[str, str]) -> str:
        """That of an individual about to be merged."""
        _, told = self.exchange("POST", path, json.dumps(said).encode(), headers)
        return told.get("etag", "gone")

    def ask(self, method: str, path: str, body: bytes = b"", headers: Any = None) -> Any:
        """The answer, of whatever status below 500."""
        return self.exchange(method, path, body, headers)[0]

    def exchange(
        self, method: str, path: str, body: bytes, headers: Any
    ) -> tuple[Any, dict[str, str]]:
        """The answer and its headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            told = {"Content-Type": "application/json", **(headers or {})}
            connection.request(method, f"/api/v1{path}", body, told)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status >= 500:
                self.wrong.append(f"{method} {path}: {answer.status} {text[:300]!r}")
            return json.loads(text), {key.lower(): value for key, value in answer.getheaders()}
        finally:
            connection.close()


def acknowledged_until_killed(
    folder: Path, photos: list[bytes], seed: int
) -> list[tuple[str, str, str]]:
    """What people were told before the server was killed."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(64)
    port = listening.getsockname()[1]
    child = os.fork()
    if child == 0:
        try:
            serve(folder, listening)
        finally:
            os._exit(1)
    listening.close()
    people = [Person(port, photos, 100 * seed + n) for n in range(_PEOPLE)]
    for person in people:
        person.start()
    dice = random.Random(seed)
    deadline, wanted = time.monotonic() + 30, dice.randrange(1, 12)
    while sum(len(person.said) for person in people) < wanted:
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    time.sleep(dice.random() * 0.2)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    for person in people:
        person.join()
    wrong = [each for person in people for each in person.wrong]
    if wrong or not os.WIFSIGNALED(status):
        raise RuntimeError(f"round {seed}: {wrong[:3] or 'the server ended by itself'}")
    return [each for person in people for each in person.said if each[1]]


def verify(folder: Path, said: list[tuple[str, str, str]]) -> None:
    """Nothing is wrong, and all that was ever acknowledged is there."""
    with Catalogue.open(folder) as catalogue:
        for finding in catalogue.check():
            if not any(text in finding.message for text in _HARMLESS):
                raise RuntimeError(f"check found {finding}")
        kinds = {str(decision.id): decision.kind for decision in catalogue.decisions()}
        touched = {c.annotation for id in kinds for c in catalogue.changes(int(id))}
    for word, id, kind in said:
        if word == "photo" and id not in touched:
            raise RuntimeError(f"photo {id} was acknowledged and is lost")
        if word == "decision" and kinds.get(id) != kind:
            raise RuntimeError(f"decision {id} was acknowledged and is lost")


def main(folder: Path, photos: Path, times: int) -> None:
    """Kill so many times."""
    files = [path.read_bytes() for path in sorted(photos.rglob("*.png"))]
    said: list[tuple[str, str, str]] = []
    for seed in range(times):
        said += acknowledged_until_killed(folder, files, seed)
        verify(folder, said)
    counts = [sum(each[0] == word for each in said) for word in ("decision", "photo")]
    sys.stdout.write(f"{counts[0]} {counts[1]}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
