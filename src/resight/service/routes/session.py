"""Who asks: login and logout; users and the tokens of their programs."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from resight import __version__
from resight.catalogue.names import clean_name
from resight.errors import BadFact
from resight.service import accounts, models
from resight.service.asking import Curator, TheAsker, TheDesk
from resight.service.gate import COOKIE, Asker
from resight.service.passwords import TooMany
from resight.service.problems import Refused
from resight.service.store import LONGEST, Account

router = APIRouter(tags=["accounts"])


@router.get("/session")
def session(request: Request, desk: TheDesk) -> accounts.Session:
    """Who asks, and what their writes must show."""
    return _session(desk, request.state.asker)


@router.post("/session")
def login(
    asked: accounts.Login, request: Request, response: Response, desk: TheDesk
) -> accounts.Session:
    """Log in. The answer sets the cookie of a new session; an earlier one ends."""
    if not desk.login_required:
        raise Refused(HTTPStatus.CONFLICT, "this desk is for this machine only: no login is needed")
    account = desk.store.account(asked.name)
    kept = None if account is None or account.disabled else account.password
    address = request.client.host if request.client else ""
    try:
        right = desk.passwords.check(asked.password, kept, (f"name {asked.name}", f"at {address}"))
    except TooMany as error:
        raise Refused(
            HTTPStatus.TOO_MANY_REQUESTS, str(error), headers={"retry-after": str(error.seconds)}
        ) from error
    if not right or account is None:
        raise Refused(HTTPStatus.UNAUTHORIZED, "name or password is wrong")
    secret, csrf = desk.store.open_session(account.name, request.cookies.get(COOKIE, ""))
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(LONGEST.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return _session(desk, Asker(account.name, account.role, csrf, secret))


@router.delete("/session", status_code=HTTPStatus.NO_CONTENT)
def logout(desk: TheDesk, asker: TheAsker, response: Response) -> None:
    """Log out."""
    desk.store.end_session(asker.session)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")


@router.get("/users")
def users(desk: TheDesk, _: Curator) -> models.Page[accounts.UserAccount]:
    """All users."""
    found = [_account(each) for each in desk.store.accounts()]
    return models.Page(items=found, total=len(found))


@router.post("/users", status_code=HTTPStatus.CREATED)
def add_user(asked: accounts.NewUser, desk: TheDesk, _: Curator) -> accounts.UserAccount:
    """Make a user."""
    try:
        name = clean_name(asked.name)
    except ValueError as error:
        raise BadFact(str(error)) from error
    if not name:
        raise BadFact(f"{asked.name!r} is no name of a user")
    return _account(desk.store.add_account(name, desk.passwords.hash(asked.password), asked.role))


@router.patch("/users/{name}")
def change_user(
    name: Annotated[str, Path(max_length=200)],
    asked: accounts.UserChange,
    desk: TheDesk,
    _: Curator,
) -> accounts.UserAccount:
    """Change a user, who must log in again then."""
    values: dict[str, object] = {}
    if asked.role is not None:
        values["role"] = asked.role
    if asked.disabled is not None:
        values["disabled"] = asked.disabled
    if asked.password is not None:
        values["password"] = desk.passwords.hash(asked.password)
    if not values:
        raise BadFact("nothing is to be changed: say role, password or disabled")
    desk.store.change_account(name, **values)
    (found,) = (each for each in desk.store.accounts() if each.name == name)
    return _account(found)


@router.get("/tokens")
def tokens(desk: TheDesk, asker: TheAsker) -> models.Page[accounts.Token]:
    """One's own tokens."""
    found = desk.store.tokens_of(asker.name)
    return models.Page(items=found, total=len(found))


@router.post("/tokens", status_code=HTTPStatus.CREATED)
def add_token(asked: accounts.NewToken, desk: TheDesk, asker: TheAsker) -> accounts.Token:
    """Make a token for a program, which sends it as ``Authorization: Bearer``."""
    role = asked.role or asker.role
    if not asker.may(role):
        raise Refused(HTTPStatus.FORBIDDEN, f"{asker.name} is no {role}")
    if desk.store.account(asker.name) is None:
        raise Refused(
            HTTPStatus.CONFLICT,
            f"{asker.name} has no account here, which a token needs: make one first",
        )
    return desk.store.add_token(asker.name, asked.label, role)


@router.delete("/tokens/{id}", status_code=HTTPStatus.NO_CONTENT)
def remove_token(id: Annotated[int, Path(ge=1, lt=2**63)], desk: TheDesk, asker: TheAsker) -> None:
    """End one of one's own tokens."""
    desk.store.remove_token(asker.name, id)


def _session(desk: TheDesk, asker: Asker | None) -> accounts.Session:
    return accounts.Session(
        user=accounts.User(name=asker.name, role=asker.role) if asker else None,
        csrf=asker.csrf or None if asker else None,
        login_required=desk.login_required,
        version=__version__,
    )


def _account(account: Account) -> accounts.UserAccount:
    return accounts.UserAccount(
        name=account.name,
        role=account.role,
        disabled=account.disabled,
        created_at=account.created_at,
    )
