"""What an evaluation ran on: processor, versions, commit, memory."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Optional

import psutil

import resight
from resight.engine import available_cores

#: Distributions whose version can change a figure; those not installed are left out.
_PACKAGES = (
    "numpy",
    "opencv-python-headless",
    "openvino",
    "onnxruntime",
    "onnxruntime-gpu",
    "pillow",
    "pillow-heif",
)


def machine() -> dict[str, Any]:
    """Processor, cores (physical and those this process may use), memory, versions."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "cpu": _cpu(),
        "cores": available_cores(),
        "physical_cores": psutil.cpu_count(logical=False),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "os": platform.platform(),
        "versions": versions,
    }


def commit() -> Optional[str]:
    """The commit resight runs from, ``-dirty`` if files differ; ``None`` if installed."""
    git = shutil.which("git")
    if git is None or resight.__file__ is None:
        return None
    folder = Path(resight.__file__).parent
    # An installed copy may lie inside the repository of something else: it is not in its index.
    if _run(git, "-C", str(folder), "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    return _run(
        git, "-C", str(folder), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"
    )


def peak_rss_mb() -> float:
    """The most memory this process has had in RAM since it began, in 2**20 bytes."""
    if sys.platform == "win32":
        return float(psutil.Process().memory_info().peak_wset) / 2**20
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _cpu() -> str:
    """The processor's name as it says itself; the architecture where it does not."""
    if sys.platform == "linux":
        try:
            lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        except OSError:
            lines = []
        for line in lines:
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    if sys.platform == "darwin":
        name = _run("/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string")
        if name:
            return name
    return platform.processor() or platform.machine()


def _run(*command: str) -> Optional[str]:
    """What a command prints, ``None`` if it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed programs, own arguments
            command, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
