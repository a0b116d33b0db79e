"""Hold the review desk to its own description: thousands of made-up requests to a running one.

``python -m tools.contract [--examples N]`` makes a catalogue of drawn animals, serves it, and has
schemathesis send requests made from ``/api/v1/openapi.json``, right ones and wrong ones. No
answer may be an error of the server's, or other than the description says. Then the catalogue
must be without a finding. Exit code 0 means that all this holds.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from resight.catalogue import Catalogue, plan_pattern
from resight.testing import drawn_animals
from resight.testing.folders import write_photos

#: What is asked of every answer; which wrong requests are refused is for the tests to say.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
QUICK = (
    "method=sift+nearest",
    "segment=none",
    "contrast=none",
    "max_keypoints=64",
    "long_edge=128",
)


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tools.contract", description=__doc__)
    parser.add_argument("--examples", type=int, default=30, help="requests made up per operation")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _make_catalogue(folder)
        with _served(folder / "catalogue") as url:
            (folder / "schemathesis.toml").write_text(_config(url))
            done = subprocess.run(  # noqa: S603  (a program of this environment)
                _command(url, given.examples), cwd=folder, check=False
            )
        with Catalogue.open(folder / "catalogue") as catalogue:
            findings = [each for each in catalogue.check() if each.severity != "info"]
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    return done.returncode or bool(findings)


def _make_catalogue(folder: Path) -> None:
    write_photos(folder / "photos", drawn_animals(3), size=(160, 120))
    with Catalogue.init(folder / "catalogue") as catalogue:
        plan = plan_pattern(folder / "photos", "{identity}/{date}-{side}")
        outcomes = list(catalogue.add(plan, actor="import"))
        unknown = [outcomes[0].annotation]
        catalogue.assign(unknown, None, actor="import")
        catalogue.describe(unknown, encounter="meeting 1", actor="import")


@contextmanager
def _served(catalogue: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sets = [f"--set={each}" for each in QUICK]
    program = [sys.executable, "-m", "resight", "-c", str(catalogue), "serve", "--port", str(port)]
    server = subprocess.Popen([*program, *sets])  # noqa: S603
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, server)
        yield url
        if server.poll() is not None:
            raise RuntimeError("the server has ended")
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise RuntimeError("the server did not start")
        try:
            _get(url, "/session")
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server does not answer")


def _get(url: str, path: str, body: object = None, csrf: str = "") -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", "x-csrf-token": csrf}
    with urlopen(Request(f"{url}/api/v1{path}", data, headers)) as answer:  # noqa: S310
        return json.load(answer)


def _sent_table(url: str, csrf: str) -> str:
    """The id of a table that was sent."""
    table = "path,identity\nphoto.jpg,Zoe\n"
    kind = 'Content-Disposition: form-data; name="file"; filename="a.csv"'
    body = f"--x\r\n{kind}\r\n\r\n{table}\r\n--x--\r\n".encode()
    headers = {"content-type": "multipart/form-data; boundary=x", "x-csrf-token": csrf}
    with urlopen(Request(f"{url}/api/v1/imports", body, headers)) as answer:  # noqa: S310
        return str(json.load(answer)["id"])


def _config(url: str) -> str:
    """Ids and names that exist, so that requests get past "there is no such thing"."""
    csrf = _get(url, "/session")["csrf"]
    annotation = _get(url, "/annotations?limit=1")["items"][0]
    asked = _get(url, "/identifications", {"encounter": "meeting 1"}, csrf)
    best = asked["candidates"][0]["photos"][0]
    pair = {"query.query": best["query"], "query.annotation": best["annotation"]["id"]}
    table = {"path.id": _sent_table(url, csrf)}
    known: dict[str, dict[str, Any]] = {
        "GET /api/v1/imports/{id}": table,
        "POST /api/v1/imports/{id}/photos": {**table, "query.path": "photo.jpg"},
        "POST /api/v1/imports/{id}/preview": table,
        "GET /api/v1/encounter": {"query.ref": "meeting 1"},
        "GET /api/v1/individual": {"query.name": annotation["individual"]},
        "GET /api/v1/photos/{sha256}": {"path.sha256": annotation["photo"]},
        "GET /api/v1/photos/{sha256}/picture": {"path.sha256": annotation["photo"]},
        "GET /api/v1/annotations/{id}": {"path.id": annotation["id"]},
        "GET /api/v1/annotations/{id}/chip": {"path.id": annotation["id"]},
        "PATCH /api/v1/annotations/{id}": {"path.id": annotation["id"]},
        "POST /api/v1/annotations/{id}/boxes": {"path.id": annotation["id"]},
        "POST /api/v1/annotations/{id}/others": {"path.id": annotation["id"]},
        "GET /api/v1/identifications/{id}": {"path.id": asked["id"]},
        "GET /api/v1/identifications/{id}/pair": {"path.id": asked["id"], **pair},
        "GET /api/v1/identifications/{id}/picture": {"path.id": asked["id"], **pair},
    }
    lines = ["[headers]", f"X-CSRF-Token = {json.dumps(csrf)}", ""]
    for name, parameters in known.items():
        said = ", ".join(f'"{key}" = {json.dumps(value)}' for key, value in parameters.items())
        lines += ["[[operations]]", f'include-name = "{name}"', f"parameters = {{ {said} }}", ""]
    return "\n".join(lines)


def _command(url: str, examples: int) -> list[str]:
    program = os.environ.get("SCHEMATHESIS", str(Path(sys.executable).with_name("st")))
    return [
        program, "run", f"{url}/api/v1/openapi.json", "--checks", ",".join(CHECKS),
        "--phases", "examples,coverage,fuzzing", "--max-examples", str(examples),
        "--seed", "1", "--warnings", "off", "--continue-on-failure",
        # An answer that never ends; and jobs that would read whatever folder was made up.
        "--exclude-path", "/api/v1/jobs/events", "--exclude-path", "/api/v1/jobs",
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
