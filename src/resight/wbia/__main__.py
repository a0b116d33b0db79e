"""``python -m resight.wbia``: WBIA with the plugin, or the weights that it needs.

python -m resight.wbia fetch [NAME ...]      weights (default: those of the default method)
python -m resight.wbia --dbdir DIR --web …   WBIA's own command line, plugin loaded first
"""

from __future__ import annotations

import sys
from importlib import import_module
from runpy import run_module

_DEFAULT = ("aliked-n16", "aliked-lightglue")


def main() -> int:
    """Do what the command line says."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["fetch"]:
        return _fetch(arguments[1:] or list(_DEFAULT))
    import_module("resight.wbia.plugin")  # before WBIA opens a database
    # As WBIA's own images start it.
    run_module("wbia.dev", run_name="__main__", alter_sys=True)
    return 0


def _fetch(names: list[str]) -> int:
    from resight.errors import ResightError
    from resight.models import fetch_all

    try:
        for fetched in fetch_all(names):
            sys.stdout.write(f"{fetched.weights.name}: {fetched.path} ({fetched.source})\n")
    except ResightError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
