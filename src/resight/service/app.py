"""The review desk as an application: the REST service under ``/api/v1``, the page on ``/``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.staticfiles import StaticFiles

from resight import __version__
from resight.service import problems
from resight.service.asking import PROBLEMS, TheAsker, known_asker
from resight.service.desk import Desk
from resight.service.gate import API, Gate
from resight.service.jobs_api import jobs_router
from resight.service.models import Problem
from resight.service.once import Once
from resight.service.routes import (
    annotated,
    boxes,
    decisions,
    encounters,
    export,
    identifications,
    imports,
    individuals,
    masks,
    photos,
    session,
    sides,
    suspicions,
    weakest,
)

PAGE = Path(__file__).parent / "page"
_ROUTERS = (
    session.router,
    encounters.router,
    photos.router,
    imports.router,
    annotated.router,
    boxes.router,
    masks.router,
    sides.router,
    identifications.router,
    decisions.router,
    individuals.router,
    suspicions.router,
    weakest.router,
    export.router,
)


def create_app(desk: Desk) -> FastAPI:
    """The application of a desk."""
    app = FastAPI(
        title="resight review desk",
        version=__version__,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # they would load scripts from elsewhere
        redoc_url=None,
    )
    app.state.desk = desk
    jobs = jobs_router(
        desk.jobs, actor=_name, reading=[Depends(known_asker)], writing=[Depends(known_asker)]
    )
    for router in (*_ROUTERS, jobs):
        app.include_router(router, prefix=API, responses=PROBLEMS)
    app.mount("/", StaticFiles(directory=PAGE, html=True))
    problems.install(app)
    app.add_middleware(Once, desk=desk)
    app.add_middleware(Gate, desk=desk)  # the outer one: it is passed first
    app.openapi = lambda: _described(app)
    return app


def _name(asker: TheAsker) -> str:
    return asker.name


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description, with every error as a problem."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, routes=app.routes)
        schemas = made["components"]["schemas"]
        schemas["Problem"] = Problem.model_json_schema()
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for path in made["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)  # FastAPI's own; ours is the default
        app.openapi_schema = made
    described: dict[str, Any] = app.openapi_schema
    return described
