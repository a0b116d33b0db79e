"""``python -m resight.service``: serve ``POST /match/`` on this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from resight.errors import MissingExtra, ResightError
from resight.registry import build_method
from resight.service.wildbook import Source, match_router
from resight.settings import load_settings


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m resight.service", description=__doc__)
    parser.add_argument(
        "--host", default="127.0.0.1", help="who may connect (default: this machine)"
    )
    parser.add_argument("--port", type=int, default=6051)
    parser.add_argument("--photos", type=Path, help="folder that image_uri may name files in")
    parser.add_argument("--allow-urls", action="store_true", help="fetch image_uri by http(s)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args()
    try:
        settings = load_settings(given.set)
        method = build_method(settings.method, settings)
        router = match_router(method, Source(given.photos, given.allow_urls))
        _serve(router, given.host, given.port)
    except ResightError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _serve(router: object, host: str, port: int) -> None:
    try:
        import uvicorn
        from fastapi import FastAPI
    except ImportError as error:
        raise MissingExtra("needs uvicorn: pip install 'resight[service]'") from error
    import resight

    app = FastAPI(title="resight", version=resight.__version__)
    app.include_router(router)
    uvicorn.run(app, host=host, port=port)


if __name__ == "__main__":
    sys.exit(main())
