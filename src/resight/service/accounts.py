"""What travels over HTTP about those who use the desk."""

from __future__ import annotations

from typing import Annotated, Optional

from pydantic import BaseModel, Field, StringConstraints

from resight.service.models import Asked, Name, Role


class User(BaseModel):
    """Somebody who uses the desk."""

    name: str
    role: Role


class Session(BaseModel):
    """Who is asking; ``csrf`` goes into the header X-CSRF-Token of every request that writes."""

    user: Optional[User]
    csrf: Optional[str]
    login_required: bool
    version: str


class Login(Asked):
    """Name and password."""

    name: Name
    password: Annotated[str, StringConstraints(max_length=1000)]


class NewUser(Login):
    """A user to be made."""

    role: Role = "viewer"


class UserChange(Asked):
    """What is to be changed of a user; a new password ends all their sessions."""

    role: Optional[Role] = None
    password: Annotated[Optional[str], Field(max_length=1000)] = None
    disabled: Optional[bool] = None


class UserAccount(User):
    """A user as curators see them."""

    disabled: bool
    created_at: str


class NewToken(Asked):
    """An API token to be made, for a program; ``role`` is at most one's own."""

    label: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    role: Optional[Role] = None


class Token(BaseModel):
    """An API token. ``token`` itself is told once, when it is made."""

    id: int
    label: str
    role: Role
    created_at: str
    used_at: Optional[str] = None
    token: Optional[str] = None
