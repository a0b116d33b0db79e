"""How long reviewers wait at a desk that others use too, beside a large import.

``python -m benchmarks.desk [--seconds 120] [--reviewers 20] [--photos 1000] [--set NAME=VALUE]``

A catalogue of drawn animals is served by a process of its own. Each reviewer looks at the queue,
an encounter's chips and pictures, an individual and the log, and decides now and then, with a
second between two clicks; one more asks who it is, every few seconds. Meanwhile a job imports
photos. Printed: for each kind of request how many there were, median and 95th percentile in ms.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from resight.catalogue import Catalogue, plan_pattern
from resight.testing import drawn_animals
from resight.testing.folders import write_photos

_ANIMALS, _THINK, _ASK_EVERY = 30, 1.0, 5.0


class Clock:
    """Milliseconds of requests by kind, and what went wrong. Safe to use from several threads."""

    def __init__(self) -> None:
        self.taken: dict[str, list[float]] = defaultdict(list)
        self.wrong: list[str] = []

    def print(self) -> None:
        """One line for each kind."""
        print(f"{'request':<16} {'number':>7} {'median ms':>10} {'p95 ms':>8} {'worst':>8}")
        for kind, all_ in sorted(self.taken.items()):
            median, p95 = np.percentile(all_, [50, 95])
            print(f"{kind:<16} {len(all_):>7} {median:>10.0f} {p95:>8.0f} {max(all_):>8.0f}")
        print(f"errors: {len(self.wrong)} {self.wrong[:3]}")


class Client:
    """Somebody at a browser, who keeps a connection."""

    def __init__(self, port: int, clock: Clock, seed: int) -> None:
        self.clock = clock
        self.dice = random.Random(seed)  # noqa: S311
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self.csrf = ""
        self.csrf = self.ask("session", "GET", "/session")["csrf"]

    def ask(self, kind: str, method: str, path: str, body: Any = None) -> Any:
        """The answer; its time goes to the clock."""
        headers = {"content-type": "application/json", "x-csrf-token": self.csrf}
        data = None if body is None else json.dumps(body)
        began = time.perf_counter()
        try:
            self.connection.request(method, f"/api/v1{path}", data, headers)
            answer = self.connection.getresponse()
        except http.client.RemoteDisconnected:  # idle for too long: open it again, as browsers do
            self.connection.close()
            self.connection.request(method, f"/api/v1{path}", data, headers)
            answer = self.connection.getresponse()
        text = answer.read()
        self.clock.taken[kind].append(1000 * (time.perf_counter() - began))
        if answer.status >= 400 and answer.status not in (409, 412):
            self.clock.wrong.append(f"{method} {path}: {answer.status} {text[:200]!r}")
        is_json = (answer.getheader("content-type") or "").startswith("application/json")
        return json.loads(text) if is_json else text

    def review(self, until: float) -> None:
        """Click until then."""
        while time.monotonic() < until:
            state = self.dice.choice(("unresolved", "unresolved", "resolved"))
            found = self.ask("encounters", "GET", f"/encounters?state={state}&limit=20")["items"]
            for look in (self.look, self.look, self.individual, self.log, self.decide):
                time.sleep(self.dice.random() * 2 * _THINK)
                if found:
                    look(self.dice.choice(found))

    def look(self, encounter: Any) -> None:
        """At the photos of an encounter."""
        for annotation in encounter["annotations"]:
            self.ask("chip", "GET", f"/annotations/{annotation['id']}/chip?size=256")
        self.ask("picture", "GET", f"/photos/{annotation['photo']}/picture?width=1280")

    def individual(self, _: Any) -> None:
        """At an animal."""
        names = self.ask("individuals", "GET", "/individuals?limit=100")["items"]
        name = self.dice.choice(names)["name"]
        self.ask("individual", "GET", f"/individual?name={name.replace(' ', '%20')}")

    def log(self, _: Any) -> None:
        """At what was decided."""
        self.ask("decisions", "GET", "/decisions?limit=50")
        self.ask("summary", "GET", "/summary")

    def decide(self, encounter: Any) -> None:
        """That nobody can tell: it changes as much as any other decision."""
        etags = {each["id"]: each["etag"] for each in encounter["annotations"]}
        body = {"answer": "unsure", "annotations": list(etags), "etags": etags}
        self.ask("decide", "POST", "/decisions", body)

    def identify(self, until: float) -> None:
        """Ask who it is, again and again."""
        while time.monotonic() < until:
            found = self.ask("encounters", "GET", "/encounters?limit=50")["items"]
            ref = self.dice.choice(found)["ref"]
            self.ask("identify", "POST", "/identifications", {"encounter": ref})
            time.sleep(_ASK_EVERY)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.desk", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--reviewers", type=int, default=20)
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--set", action="append", default=[])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _make(folder, given.photos)
        server, port = _served(folder / "catalogue", given.set)
        try:
            _measure(port, folder, given)
        finally:
            server.terminate()
            server.wait(60)
        with Catalogue.open(folder / "catalogue") as catalogue:
            findings = [each for each in catalogue.check() if each.severity != "info"]
        print(f"findings of the catalogue's check: {len(findings)} {findings[:2]}")


def _measure(port: int, folder: Path, given: argparse.Namespace) -> None:
    warm = Client(port, Clock(), 0)
    ref = warm.ask("", "GET", "/encounters?limit=1")["items"][0]["ref"]
    warm.ask("", "POST", "/identifications", {"encounter": ref})  # loads the method
    clock = Clock()
    asked = {"kind": "import", "arguments": {"path": str(folder / "more")}}
    job = warm.ask("", "POST", "/jobs", asked)["id"]
    until = time.monotonic() + given.seconds
    hands = [
        threading.Thread(target=Client(port, clock, n).review, args=(until,))
        for n in range(1, given.reviewers + 1)
    ]
    hands.append(threading.Thread(target=Client(port, clock, -1).identify, args=(until,)))
    for each in hands:
        each.start()
    for each in hands:
        each.join()
    done = warm.ask("", "GET", f"/jobs/{job}")
    print(f"import: {done['state']}, {done['done']} of {done['total']}")
    clock.print()


def _make(folder: Path, photos: int) -> None:
    """The catalogue, and the photos to import: each of other bytes than all others."""
    written = write_photos(folder / "photos", drawn_animals(_ANIMALS), size=(640, 480))
    with Catalogue.init(folder / "catalogue") as catalogue:
        plan = plan_pattern(folder / "photos", "{identity}/{date}-{side}")
        ids = [each.annotation for each in catalogue.add(plan, actor="import")]
        catalogue.assign(ids[::4], None, actor="import")
    (folder / "more" / "unknown").mkdir(parents=True)
    dice = np.random.default_rng(0)
    for number in range(photos):
        pixels = np.array(Image.open(written[number % len(written)].path))
        pixels[:16, :16] = dice.integers(0, 256, (16, 16, 3))
        Image.fromarray(pixels).save(folder / "more" / "unknown" / f"{number}.jpg", quality=90)


def _served(catalogue: Path, sets: list[str]) -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = [sys.executable, "-m", "resight", "-c", str(catalogue), "serve", "--port", str(port)]
    options = [f"--set={each}" for each in sets]
    prepare = [sys.executable, "-m", "resight", "-c", str(catalogue), "prepare", "-q"]
    subprocess.run([*prepare, *options], check=True)  # noqa: S603
    server = subprocess.Popen([*program, *options])  # noqa: S603
    for _ in range(600):
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return server, port
        time.sleep(0.1)
    raise RuntimeError("the desk did not start")


if __name__ == "__main__":
    main()
