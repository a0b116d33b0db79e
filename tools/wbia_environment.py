"""Make an environment with a real WBIA (wildbook-ia 4.0.4) for Python 3.11: `make test-wbia` does.

    python tools/wbia_environment.py DIRECTORY

From public registries only. Three things make what was written for Python 3.7 run:

- wbia-vtool and wbia-pyflann have no wheels for 3.11, but are Python and libraries loaded by
  ctypes, so the wheels for 3.10 are unpacked as they are;
- WBIA uses ``distutils.version`` without importing it, and imports Theano without using it
  where we are concerned: a start-up file (``.pth``) and an empty module help;
- its dependencies are pinned in requirements/wbia.txt, and what it asks for itself is not heeded.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Of its web server too: Flask-OAuthlib wants older libraries than the rest can use.
WITHOUT_DEPENDENCIES = (
    "Flask-OAuthlib==0.9.6",
    "flask-restx==1.1.0",
    "oauthlib<3",
    "wbia-utool==4.0.5",
    "wildbook-ia==4.0.4",
    "pyhesaff==2.2.0",
    "imgaug==0.4.0",
)
OF_SOURCE = ("permission==0.4.1",)  # needs the setuptools pinned here to build
TORCH = "torch==2.13.0"  # only its class definitions are needed
OF_ANOTHER_PYTHON = ("wbia-vtool==4.0.2", "wbia-pyflann==4.0.4")
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64")
_START_UP = "import distutils.version\n"


def main() -> int:
    directory = Path(sys.argv[1])
    venv.create(directory, with_pip=True, clear=True)
    python = str(directory / "bin" / "python")
    pinned = ROOT / "requirements" / "wbia.txt"
    pip(python, "install", "-r", str(pinned))
    pip(python, "install", TORCH)
    pip(python, "install", "--no-deps", *WITHOUT_DEPENDENCIES)
    pip(python, "install", "--no-deps", "--no-build-isolation", *OF_SOURCE)
    _add_wheels(directory, python)
    return 0


def _add_wheels(directory: Path, python: str) -> None:
    """What pip does not install on this Python, and what it takes to run."""
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(directory)}))
    with tempfile.TemporaryDirectory() as downloads:
        platforms = [part for each in PLATFORMS for part in ("--platform", each)]
        for each in OF_ANOTHER_PYTHON:
            options = ["--no-deps", "--only-binary", ":all:", "--python-version", "3.10"]
            pip(python, "download", *options, *platforms, each, "-d", downloads)
        for wheel in Path(downloads).glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(site)
    (site / "wbia_start_up.pth").write_text(_START_UP, encoding="ascii")
    (site / "theano.py").write_text('"""Not Theano: WBIA imports it only."""\n', encoding="ascii")


def pip(python: str, *arguments: str) -> None:
    command = [python, "-m", "pip", "--disable-pip-version-check", "-q", *arguments]
    subprocess.run(command, check=True)  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
