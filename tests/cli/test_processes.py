"""What only a process of its own can show: exit codes, Ctrl-C, what is imported."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .commands import Drawn, environment, process, run

HEAVY = (
    "numpy",
    "cv2",
    "openvino",
    "onnx",
    "onnxruntime",
    "sqlalchemy",
    "scipy",
    "PIL",
    "resight.types",
)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["identify", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom resight.cli import main\n"
        f"sys.argv[1:] = {arguments!r}\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    code = ended.code\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "print(code, heavy, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stderr == "0 []\n"


def test_exit_codes_of_real_processes(drawn: Drawn, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    good = drawn.queries[0].path
    assert process("list", "-c", drawn.catalogue).code == 0
    failed = process("list", "-c", tmp_path)
    assert (failed.code, failed.out) == (1, "")
    assert failed.err.startswith("error: ")
    assert "Traceback" not in failed.err
    assert process("list", "--nonsense").code == 2
    partly = process("identify", good, tmp_path / "bad.jpg", "-c", drawn.catalogue, "--json")
    assert partly.code == 3
    assert len(partly.json["queries"]) == 1


def test_an_error_nobody_foresaw_asks_for_a_report(tmp_path: Path) -> None:
    code = (
        "import sys, resight.catalogue\n"
        "def broken(*_): raise ZeroDivisionError('a bug')\n"
        "resight.catalogue.Catalogue.open = broken\n"
        "from resight.cli import main\nsys.argv[1:] = ['list']\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "ZeroDivisionError: a bug" in done.stderr
    assert "Please report this" in done.stderr


def test_a_file_name_in_no_encoding_does_not_stop_a_run(drawn: Drawn, tmp_path: Path) -> None:
    odd = tmp_path / "odd\udcff.jpg"
    try:
        shutil.copy(drawn.queries[0].path, odd)
    except OSError:
        pytest.skip("this file system takes valid names only")
    ran = process("identify", tmp_path, "-c", drawn.catalogue)
    assert ran.code == 0, ran.err
    assert process("add", tmp_path / "odd\udcff.jpg", "-c", drawn.catalogue, "--json").code == 0


@pytest.mark.parametrize(
    "arguments", [["-m", "resight"], ["-c", "import resight.__main__ as m; m.main()"]]
)
def test_ctrl_c_while_the_program_is_loaded_is_no_error(
    arguments: list[str], tmp_path: Path
) -> None:
    (tmp_path / "typer.py").write_text(
        "import os, signal, time\n"
        "try:\n    os.kill(os.getpid(), signal.SIGINT)\n    time.sleep(9)\n"
        "except BaseException:\n    pass  # as a library may\n"
    )
    paths = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**environment(), "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_keeps_what_was_added_and_the_same_command_continues(
    drawn: Drawn, tmp_path: Path
) -> None:
    folder = tmp_path / "many" / "Michelangelo"
    folder.mkdir(parents=True)
    photo = drawn.queries[4].path.read_bytes()
    for number in range(400):  # JPEG readers ignore what follows the picture
        (folder / f"{number}.jpg").write_bytes(photo + str(number).encode())
    command = [sys.executable, "-m", "resight", "add", str(folder.parent), "--json"]
    command += ["-c", str(drawn.catalogue)]
    running = subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    _wait_for_photos(drawn.catalogue, 40)  # 4 of before, a whole batch, and some of the next
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert "Traceback" not in err
    assert "the same command continues" in err
    told = json.loads(out)["counts"]["added"]
    assert 0 < told < 400
    assert run("check", "-c", drawn.catalogue).code == 0
    again = process("add", folder.parent, "-c", drawn.catalogue, "--json")
    assert again.code == 0
    counts = again.json["counts"]
    assert counts["already"] >= told
    assert counts["already"] + counts["added"] == 400


def _wait_for_photos(catalogue: Path, count: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if sum(1 for _ in (catalogue / "originals").rglob("*.jpg")) >= count:
            return
        time.sleep(0.02)
    raise TimeoutError(f"no {count} photos in {catalogue}")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_said_in_one_line(drawn: Drawn) -> None:
    command = [sys.executable, "-m", "resight", "list", "--json", "-c", str(drawn.catalogue)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith("error: the disk is full")
    assert "Traceback" not in done.stderr
