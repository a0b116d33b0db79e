"""Program, weights and catalogue in one folder, for a computer that never sees a network."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

from resight.catalogue import Catalogue
from resight.errors import ExportError
from resight.files import write_whole
from resight.models import DEFAULT_WEIGHTS, WeightsStatus, status

_ARCHIVE = "catalogue.resight.zip"
_SUMS = "SHA256SUMS"
_SCRIPT = "install.sh"
#: Extras that go along if they are installed here.
_EXTRAS = ("service", "surf")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Bundled:
    """What a bundle holds. ``machine``: on which kind of computer it can be installed."""

    path: Path
    wheels: int
    models: tuple[str, ...]
    photos: int
    missing: tuple[str, ...]
    machine: str
    bytes: int


def bundle(
    target: Path, *, catalogue: Catalogue | None, models: Sequence[str] = DEFAULT_WEIGHTS, say: Say
) -> Bundled:
    """Write a bundle into the new folder ``target``; it appears when all of it is there.

    Wheels are those of this environment's versions, downloaded by pip (which needs its index or
    a cache, the last time that anything does), resight's own built from its sources if it was
    installed from there. Weights are copied from this computer, verified. ``catalogue``: its
    backup goes along. ``say`` is told each step.

    Raises ``ExportError`` where ``target`` exists or pip fails, and ``WeightsMissing`` or
    ``WeightsCorrupt`` for weights that are not here.
    """
    if target.exists() or target.is_symlink():
        raise ExportError(f"{target} exists already: name another folder")
    found = [_present(name) for name in models]
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent, prefix=f"{target.name}-unfinished-") as made_in:
        folder = Path(made_in) / target.name
        (folder / "wheels").mkdir(parents=True)
        (folder / "models").mkdir()
        say("program")
        extras = _download(own_source(), folder / "wheels")
        say("weights")
        for each in found:
            shutil.copyfile(each.path, folder / "models" / each.weights.file)
        photos, missing = 0, tuple[str, ...]()
        if catalogue is not None:
            say("catalogue")
            report = catalogue.backup(folder / _ARCHIVE)
            photos, missing = report.photos, report.missing
        finish(folder, extras)
        files = [path for path in folder.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        folder.rename(target)
    wheels = sum(path.suffix == ".whl" for path in files)
    return Bundled(target, wheels, tuple(models), photos, missing, _machine(), size)


def _present(name: str) -> WeightsStatus:
    from resight.models import weights_path

    weights_path(name)  # raises with the command that cures it
    return status(name)


def _machine() -> str:
    version = ".".join(platform.python_version_tuple()[:2])
    return f"{platform.system()} on {platform.machine()}, Python {version}"


def own_source() -> str:
    """What pip is to make resight's own wheel of: its sources, or the released version."""
    try:
        distribution = importlib.metadata.distribution("resight")
    except importlib.metadata.PackageNotFoundError:
        tree = Path(__file__).parents[2]
        if (tree / "pyproject.toml").is_file():
            return str(tree)
        raise ExportError("resight is not installed here, so it cannot be packed") from None
    direct = distribution.read_text("direct_url.json")
    if direct:
        url = urlsplit(json.loads(direct)["url"])
        if url.scheme == "file":
            return unquote(url.path)
    return f"resight=={distribution.version}"


def _download(source: str, wheels: Path) -> tuple[str, ...]:
    """resight's wheel, and those of all it needs in the versions that are installed here.

    Returns the extras that go along: those of ``_EXTRAS`` that are installed here.
    """
    with TemporaryDirectory() as work:
        made = Path(work) / "own"
        _pip("wheel", "--no-deps", "--wheel-dir", str(made), source)
        (own,) = made.glob("*.whl")
        extras = tuple(extra for extra in _EXTRAS if _is_installed(own, extra))
        constraints = Path(work) / "constraints.txt"
        constraints.write_text("\n".join(_pinned()) + "\n", encoding="utf-8")
        _pip(
            "download",
            "--only-binary=:all:",
            *("--constraint", str(constraints), "--dest", str(wheels)),
            f"{own}[{','.join(extras)}]" if extras else str(own),
        )
    return extras


def _is_installed(own: Path, extra: str) -> bool:
    """Whether all that an extra asks for is here."""
    with zipfile.ZipFile(own) as wheel:
        (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        told = HeaderParser().parsestr(wheel.read(metadata).decode("utf-8"))
    asked = [
        re.split(r"[^A-Za-z0-9._-]", each)[0]
        for each in told.get_all("Requires-Dist", [])
        if re.search(rf"extra == ['\"]{extra}['\"]", each)
    ]
    try:
        return bool([importlib.metadata.distribution(name) for name in asked])
    except importlib.metadata.PackageNotFoundError:
        return False


def _pinned() -> list[str]:
    """Every installed package in its version, but for resight itself."""
    found: Mapping[str, str] = {
        re.sub(r"[-_.]+", "-", each.metadata["Name"]).lower(): each.version
        for each in importlib.metadata.distributions()
        if each.metadata["Name"]
    }
    return [f"{name}=={version}" for name, version in sorted(found.items()) if name != "resight"]


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        why = told[-1] if told else done.stderr.strip()[-500:]
        raise ExportError(f"pip {arguments[0]} failed, so there is no bundle: {why}")


def finish(folder: Path, extras: Sequence[str] = ()) -> None:
    """Write the script that installs what is in a bundle's folder, and its checksums."""
    (own,) = (folder / "wheels").glob("resight-*.whl")
    version = own.name.split("-")[1]
    named = f"resight[{','.join(extras)}]" if extras else "resight"
    script = _INSTALL.replace("@VERSION@", version).replace("@MACHINE@", _machine())
    script = script.replace("@RESIGHT@", f"{named}=={version}")
    write_whole(folder / _SCRIPT, script.encode())
    (folder / _SCRIPT).chmod(0o755)
    sums = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        sums.append(f"{digest}  {path.relative_to(folder).as_posix()}\n")
    write_whole(folder / _SUMS, "".join(sums).encode())


#: Plain sh: what else is there on the other computer is not known.
_INSTALL = """\
#!/bin/sh
# Installs resight @VERSION@ from this folder; no network is used.
# Made for @MACHINE@, which has to be there already.
#
#   sh install.sh [FOLDER]     FOLDER is new; $HOME/resight if not given.
#
# PYTHON names another Python than python3.11.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${1:-"$HOME/resight"}
python=${PYTHON:-python3.11}
case $target in
/*) ;;
*) target=$(pwd)/$target ;;
esac
case $target in
*[\\$\\`\\"\\\\]*)  # sh would read something else where pip and we write its name into scripts
    echo "error: $target: the folder's name must hold none of \\$ \\` \\" \\\\: name another" >&2
    exit 1
    ;;
esac
if [ -e "$target" ]; then
    echo "error: $target exists already: name another folder" >&2
    exit 1
fi
echo "Checking that the copy is whole"
(cd "$here" && sha256sum --check --quiet SHA256SUMS)
mkdir -p "$(dirname "$target")"
mkdir "$target"
trap 'rm -rf "$target"' EXIT  # until all is done, so that it can be run again
trap 'exit 1' HUP INT TERM
echo "Installing into $target"
"$python" -m venv "$target/program"
"$target/program/bin/python" -m pip install --quiet --disable-pip-version-check \\
    --no-index --find-links "$here/wheels" "@RESIGHT@"
cp -R "$here/models" "$target/models"
cat > "$target/resight" <<END
#!/bin/sh
RESIGHT_MODELS="\\${RESIGHT_MODELS:-$target/models}" exec "$target/program/bin/resight" "\\$@"
END
chmod +x "$target/resight"
if [ -f "$here/catalogue.resight.zip" ]; then
    # 3: photos that were lost before it was packed, which it names
    "$target/resight" restore "$here/catalogue.resight.zip" "$target/catalogue" || [ $? -eq 3 ]
fi
trap - EXIT
echo "Ready: $target/resight --help"
"""
