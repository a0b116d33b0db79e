"""That the plugin changes nothing of WBIA's environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

#: What `make test-wbia` noted before the plugin was installed.
BEFORE = Path(sys.prefix) / "before-freeze.txt", Path(sys.prefix) / "before-check.txt"
ADDED = {"ml-dtypes", "onnx", "openvino", "openvino-telemetry", "platformdirs", "protobuf"}


def pip(*arguments: str) -> set[str]:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return set(done.stdout.splitlines())


@pytest.mark.skipif(not BEFORE[0].exists(), reason="not an environment of make test-wbia")
def test_nothing_that_was_there_has_changed() -> None:
    before = set(BEFORE[0].read_text().splitlines())
    now = pip("freeze")
    assert before <= now
    added = {line.split("==")[0].split(" @")[0].lower().replace("_", "-") for line in now - before}
    assert added <= ADDED | {"resight-wbia"}


@pytest.mark.skipif(not BEFORE[1].exists(), reason="not an environment of make test-wbia")
def test_nothing_new_is_missing() -> None:
    assert pip("check") == set(BEFORE[1].read_text().splitlines())


LOADED = """
import sys
import resight.wbia.plugin
print(*sorted(name for name in sys.modules), file=sys.stderr)
"""


def test_what_wbia_cannot_have_is_not_loaded() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    loaded = set(done.stderr.split())
    assert "resight.wbia.plugin" in loaded
    assert not loaded & {"faiss", "pydantic", "pillow_heif", "onnxruntime", "resight.catalogue"}
    assert "openvino" not in loaded  # until somebody asks
