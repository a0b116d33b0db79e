"""What an evaluation says it ran on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import resight
from resight.engine import available_cores
from resight.evaluate.machine import machine, peak_rss_mb


def test_names_the_processor_and_the_versions() -> None:
    found = machine()
    assert found["cpu"]
    assert found["cores"] == available_cores()
    assert found["versions"]["numpy"] == np.__version__


def test_peak_memory_grows_with_what_is_held() -> None:
    more_than_ever = int(peak_rss_mb()) + 64
    held = np.ones(more_than_ever * 2**20, np.uint8)
    assert more_than_ever <= peak_rss_mb() < more_than_ever + held.nbytes / 2**20


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@t", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _told(folder: Path, function: str) -> str:
    module = {"commit": "evaluate.machine", "code_digest": "fingerprints"}[function]
    program = f"from resight.{module} import {function}; print({function}())"
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_commit_is_that_of_the_code_that_runs(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    (tmp_path / "notes").write_text("another project")
    _git(tmp_path, "add", "notes")
    _git(tmp_path, "commit", "-qm", "notes")
    package = tmp_path / "resight"
    source = Path(resight.__file__).parent
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__", "*.onnx"))
    assert _told(tmp_path, "commit") == "None"  # installed inside the folder of another project

    _git(tmp_path, "add", "resight/*.py", "resight/evaluate")
    _git(tmp_path, "commit", "-qm", "resight")
    head = _git(tmp_path, "rev-parse", "HEAD")
    assert _told(tmp_path, "commit") == head
    code = _told(tmp_path, "code_digest")
    assert len(code) == 16

    (package / "errors.py").write_text((package / "errors.py").read_text() + "\n# changed\n")
    assert _told(tmp_path, "commit") == f"{head}-dirty"
    changed = _told(tmp_path, "code_digest")
    assert changed != code

    (package / "errors.py").write_text((package / "errors.py").read_text() + "\n# again\n")
    assert _told(tmp_path, "commit") == f"{head}-dirty", "which does not tell the two apart"
    assert _told(tmp_path, "code_digest") not in (code, changed)
