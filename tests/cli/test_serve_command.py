"""`resight serve` as it is typed."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from urllib.request import urlopen

from typer.testing import CliRunner

from resight.cli import app

from .commands import Drawn, environment, run


def test_others_may_connect_only_where_somebody_can_log_in(drawn: Drawn) -> None:
    ran = run("serve", "--host", "0.0.0.0", "-c", drawn.catalogue)
    assert ran.code == 2
    said = " ".join(ran.err.replace("│", " ").split())
    assert "must log in" in said
    assert "serve --add-user NAME --role curator" in said


def test_a_user_is_made_with_a_password_that_is_asked_for(drawn: Drawn) -> None:
    asked = ["serve", "--add-user", "ada", "--role", "curator", "-c", str(drawn.catalogue)]
    short = CliRunner().invoke(app, asked, input="short\nshort\n")
    assert short.exit_code == 1
    assert "too short" in short.stderr
    made = CliRunner().invoke(app, asked, input="long enough a word\nlong enough a word\n")
    assert made.exit_code == 0
    assert "ada is a curator" in made.stdout
    assert "long enough" not in made.output
    again = CliRunner().invoke(app, asked, input="another long word\nanother long word\n")
    assert (again.exit_code, "new password" in again.stdout) == (0, True)
    assert run("serve", "--add-user", "bo", "--role", "king", "-c", drawn.catalogue).code == 2


def test_it_is_served_until_it_is_stopped(drawn: Drawn) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "resight", "serve", "--port", str(port)]
    with subprocess.Popen(
        [*command, "-c", str(drawn.catalogue)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert f"http://127.0.0.1:{port}" in process.stdout.readline()
            assert _answer(port)["login_required"] is False
        finally:
            process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in err


def _answer(port: int) -> dict[str, object]:
    for _ in range(100):
        try:
            with urlopen(f"http://127.0.0.1:{port}/api/v1/session") as answer:
                found: dict[str, object] = json.load(answer)
                return found
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the desk does not answer")
