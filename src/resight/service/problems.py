"""Errors over HTTP: RFC 9457 problems, one status for each kind of ``ResightError``."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from resight import errors

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
#: The nearest base class counts.
_STATUS: Mapping[type[errors.ResightError], HTTPStatus] = {
    errors.PhotoTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.PhotoError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.BadFact: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ImportFileError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.JobError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.SettingsError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnknownMethod: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Outdated: HTTPStatus.PRECONDITION_FAILED,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.CalibrationError: HTTPStatus.CONFLICT,
    errors.ExportError: HTTPStatus.CONFLICT,
    errors.CatalogueDamaged: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ResightError: HTTPStatus.SERVICE_UNAVAILABLE,
}


class Refused(HTTPException):
    """A request that is answered with a problem."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        about: list[dict[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, headers)
        self.about = about


def problem(
    status: int,
    detail: str,
    about: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A response that says what is wrong; ``about`` with what exactly."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
    }
    if about is not None:
        body["errors"] = about
    # As ASCII: what was wrong may hold what UTF-8 cannot.
    return Response(json.dumps(body), status, dict(headers or {}), MEDIA_TYPE)


def status_of(error: errors.ResightError) -> HTTPStatus:
    """The status that stands for a kind of error."""
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def install(app: FastAPI) -> None:
    """Have an application answer every error with a problem."""
    app.add_exception_handler(errors.ResightError, _resight)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


async def _resight(_: Request, error: Exception) -> Response:
    if not isinstance(error, errors.ResightError):
        raise error
    status = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("%s", error)
    return problem(status, str(error))


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise error
    return problem(error.status_code, error.detail, error.about, error.headers)


async def _invalid(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    about = [
        {"where": "/".join(map(str, each["loc"])), "message": str(each["msg"])}
        for each in error.errors()
    ]
    said = "; ".join(f"{each['where']}: {each['message']}" for each in about[:3])
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, said, about)


async def _http(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return problem(error.status_code, str(error.detail), headers=error.headers)


async def _unforeseen(_: Request, error: Exception) -> Response:
    logger.error("a request failed in a way it should not", exc_info=error)
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "the desk failed in a way it should not; the catalogue is safe. Its log says more.",
    )
