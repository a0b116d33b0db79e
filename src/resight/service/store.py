"""What the desk keeps beside the catalogue, in ``desk.sqlite``: accounts and kept answers.

Nothing that people decide about animals is here. Passwords are kept as Argon2id, sessions and
tokens as sha256, so whoever reads the file can use none of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text

from resight.catalogue.store import Store
from resight.errors import Conflict, NotFound
from resight.queries import Pair
from resight.service.accounts import Token
from resight.service.models import Role

FILE = "desk.sqlite"
#: A session ends so long after its last use, and so long after its login.
IDLE, LONGEST = timedelta(hours=12), timedelta(days=7)
_KEPT_KEYS = timedelta(days=1)

metadata = MetaData()
users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("password", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("disabled", Integer, nullable=False),
    Column("created_at", Text, nullable=False),
)
sessions = Table(
    "sessions",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("user", Text, nullable=False),
    Column("csrf", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("used_at", Text, nullable=False),
)
tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hash", Text, nullable=False, unique=True),
    Column("user", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("used_at", Text),
)
#: Requests that were answered: ``status`` is null while one is at work.
keys = Table(
    "idempotency_keys",
    metadata,
    Column("user", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("status", Integer),
    Column("body", LargeBinary),
)
identifications = Table(
    "identifications",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("annotations", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("summary", Text, nullable=False),
)
pairs = Table(
    "pairs",
    metadata,
    Column("identification", Integer, primary_key=True),
    Column("query", Text, primary_key=True),
    Column("annotation", Text, primary_key=True),
    Column("lines", LargeBinary, nullable=False),
    Column("transform", Text, nullable=False),
)


def now() -> datetime:
    """The present time, UTC."""
    return datetime.now(UTC)


def hashed(secret: str) -> str:
    """What is kept of a random secret."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True)
class Account:
    """A user as the desk keeps them."""

    name: str
    password: str
    role: Role
    disabled: bool
    created_at: str


@dataclass(frozen=True)
class Kept:
    """An identification that was made before."""

    id: int
    at: str
    actor: str
    annotations: list[str]
    answer: dict[str, Any]


@dataclass(frozen=True)
class Known:
    """What became of an earlier request with a key; no ``status`` while it is at work."""

    request: str
    status: int | None
    body: bytes


class DeskStore:
    """The tables of ``desk.sqlite`` in a catalogue's folder. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        file = folder / FILE
        # Made for its owner alone before anything is in it.
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        self._store = Store(file)
        self._store.keep_log()
        with self._store.writing() as connection:
            metadata.create_all(connection)
            # Of a process that has ended: what became of these is not known.
            connection.execute(keys.delete().where(keys.c.status.is_(None)))

    def close(self) -> None:
        """Close the database's connections."""
        self._store.close()

    # Users

    def accounts(self) -> list[Account]:
        """All users, by name."""
        with self._store.reading() as connection:
            rows = connection.execute(sa.select(users).order_by(users.c.name)).all()
        return [_account(row) for row in rows]

    def account(self, name: str) -> Account | None:
        """A user, if there is one of this name."""
        with self._store.reading() as connection:
            row = connection.execute(sa.select(users).where(users.c.name == name)).first()
        return _account(row) if row else None

    def add_account(self, name: str, password: str, role: Role) -> Account:
        """Make a user; ``password`` is a hash. Raises ``Conflict`` for a name that is taken."""
        made = Account(name, password, role, False, _text(now()))
        with self._store.writing() as connection:
            if connection.execute(sa.select(users.c.name).where(users.c.name == name)).first():
                raise Conflict(f"there is a user {name!r} already")
            connection.execute(users.insert().values(**vars(made)))
        return made

    def change_account(self, name: str, **values: Any) -> None:
        """Change a user, who is logged out everywhere; a new password ends tokens too.

        Raises ``NotFound``.

        Raises ``Conflict`` where no curator would be left.
        """
        with self._store.writing() as connection:
            done = connection.execute(users.update().where(users.c.name == name).values(**values))
            if not done.rowcount:
                raise NotFound(f"no user {name!r}")
            curators = (users.c.role == "curator") & (users.c.disabled == 0)
            if not connection.execute(sa.select(users.c.name).where(curators)).first():
                raise Conflict("somebody must stay who is a curator")
            connection.execute(sessions.delete().where(sessions.c.user == name))
            if "password" in values:  # whoever knew the old one may have made tokens with it
                connection.execute(tokens.delete().where(tokens.c.user == name))

    # Sessions and tokens

    def open_session(self, user: str, before: str = "") -> tuple[str, str]:
        """A new session's secret and its CSRF token; the session of ``before`` ends."""
        secret, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        at = _text(now())
        with self._store.writing() as connection:
            old = sessions.c.hash == hashed(before)
            stale = sessions.c.used_at < _text(now() - IDLE)
            connection.execute(sessions.delete().where(old | stale))
            connection.execute(
                sessions.insert().values(
                    hash=hashed(secret), user=user, csrf=csrf, created_at=at, used_at=at
                )
            )
        return secret, csrf

    def session(self, secret: str) -> tuple[Account, str] | None:
        """Whose session this is, and its CSRF token; ``None`` if it is none or has ended."""
        with self._store.reading() as connection:
            row = connection.execute(
                sa.select(sessions).where(sessions.c.hash == hashed(secret))
            ).first()
        if row is None or row.used_at < _text(now() - IDLE):
            return None
        if row.created_at < _text(now() - LONGEST):
            return None
        account = self.account(row.user)
        if account is None or account.disabled:
            return None
        if row.used_at < _text(now() - timedelta(minutes=10)):  # not a write at each request
            with self._store.writing() as connection:
                own = sessions.c.hash == row.hash
                connection.execute(sessions.update().where(own).values(used_at=_text(now())))
        return account, row.csrf

    def end_session(self, secret: str) -> None:
        """Log out."""
        with self._store.writing() as connection:
            connection.execute(sessions.delete().where(sessions.c.hash == hashed(secret)))

    def add_token(self, user: str, label: str, role: Role) -> Token:
        """A new token with its secret, which is told this once."""
        secret, at = f"resight_{secrets.token_urlsafe(32)}", _text(now())
        values = {"hash": hashed(secret), "user": user, "label": label, "role": role}
        with self._store.writing() as connection:
            made = tokens.insert().values(**values, created_at=at).returning(tokens.c.id)
            id = connection.execute(made).scalar_one()
        return Token(id=id, label=label, role=role, created_at=at, token=secret)

    def tokens_of(self, user: str) -> list[Token]:
        """A user's tokens, without their secrets."""
        with self._store.reading() as connection:
            own = sa.select(tokens).where(tokens.c.user == user).order_by(tokens.c.id)
            return [
                Token(
                    id=row.id,
                    label=row.label,
                    role=row.role,
                    created_at=row.created_at,
                    used_at=row.used_at,
                )
                for row in connection.execute(own)
            ]

    def remove_token(self, user: str, id: int) -> None:
        """End a token of a user. Raises ``NotFound``."""
        with self._store.writing() as connection:
            own = (tokens.c.user == user) & (tokens.c.id == id)
            if not connection.execute(tokens.delete().where(own)).rowcount:
                raise NotFound(f"no token {id} of {user!r}")

    def token(self, secret: str) -> tuple[Account, Role] | None:
        """Whose token this is, and the role it was made for."""
        with self._store.reading() as connection:
            row = connection.execute(
                sa.select(tokens).where(tokens.c.hash == hashed(secret))
            ).first()
        account = self.account(row.user) if row else None
        if row is None or account is None or account.disabled:
            return None
        if (row.used_at or "") < _text(now() - timedelta(minutes=10)):
            with self._store.writing() as connection:
                own = tokens.c.id == row.id
                connection.execute(tokens.update().where(own).values(used_at=_text(now())))
        return account, row.role

    # Requests

    def begin(self, user: str, key: str, request: str) -> Known | None:
        """Enter a request under its key; what is known of it if it was entered before."""
        with self._store.writing() as connection:
            old = keys.c.at < _text(now() - _KEPT_KEYS)
            connection.execute(keys.delete().where(old))
            this = (keys.c.user == user) & (keys.c.key == key)
            row = connection.execute(sa.select(keys).where(this)).first()
            if row is not None:
                return Known(row.request, row.status, row.body or b"")
            values = {"user": user, "key": key, "request": request, "at": _text(now())}
            connection.execute(keys.insert().values(**values))
        return None

    def finish(self, user: str, key: str, status: int, body: bytes) -> None:
        """Keep the answer to a request; one that was refused may be sent again."""
        this = (keys.c.user == user) & (keys.c.key == key)
        with self._store.writing() as connection:
            if 200 <= status < 300:
                connection.execute(keys.update().where(this).values(status=status, body=body))
            else:
                connection.execute(keys.delete().where(this))

    # Identifications

    def keep(
        self,
        actor: str,
        annotations: list[str],
        answer: Mapping[str, Any],
        summary: Mapping[str, Any],
        found: Mapping[tuple[str, str], Pair],
    ) -> Kept:
        """Keep an answer, and where its pairs match, by annotation asked about and compared."""
        at = _text(now())
        values = {"at": at, "actor": actor, "annotations": json.dumps(annotations)}
        with self._store.writing() as connection:
            made = identifications.insert().values(
                **values, answer=json.dumps(answer), summary=json.dumps(summary)
            )
            id = connection.execute(made.returning(identifications.c.id)).scalar_one()
            for (query, annotation), pair in found.items():
                connection.execute(
                    pairs.insert().values(
                        identification=id, query=query, annotation=annotation, **_packed(pair)
                    )
                )
        return Kept(id, at, actor, annotations, dict(answer))

    def kept(self, id: int) -> Kept:
        """An identification that was made before. Raises ``NotFound``."""
        with self._store.reading() as connection:
            row = connection.execute(
                sa.select(identifications).where(identifications.c.id == id)
            ).first()
        if row is None:
            raise NotFound(f"no identification {id} is kept")
        return Kept(row.id, row.at, row.actor, json.loads(row.annotations), json.loads(row.answer))

    def pair(self, identification: int, query: str, annotation: str) -> Pair | None:
        """Where two photos of a kept answer match, if that is kept."""
        this = (
            (pairs.c.identification == identification)
            & (pairs.c.query == query)
            & (pairs.c.annotation == annotation)
        )
        with self._store.reading() as connection:
            row = connection.execute(sa.select(pairs).where(this)).first()
        return _unpacked(row.lines, row.transform) if row else None

    def summaries(self, after: int) -> list[tuple[int, list[str], dict[str, Any]]]:
        """Id, annotations and summary of the identifications kept after one, oldest first.

        With ``photo``, the best of the first candidate's photos.
        """
        i = identifications.c
        photo = sa.func.json_extract(i.answer, "$.candidates[0].photos[0].annotation")
        query = sa.select(i.id, i.annotations, i.summary, photo.label("photo"))
        with self._store.reading() as connection:
            rows = connection.execute(query.where(i.id > after).order_by(i.id)).all()
        return [
            (row.id, json.loads(row.annotations), {**json.loads(row.summary), "photo": row.photo})
            for row in rows
        ]


def _account(row: sa.Row[Any]) -> Account:
    return Account(row.name, row.password, row.role, bool(row.disabled), row.created_at)


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _packed(pair: Pair) -> dict[str, Any]:
    transform = None if pair.transform is None else pair.transform.tolist()
    return {
        "lines": zlib.compress(np.ascontiguousarray(pair.lines, np.float32).tobytes()),
        "transform": json.dumps(transform),
    }


def _unpacked(lines: bytes, transform: str) -> Pair:
    model = json.loads(transform)
    return Pair(
        np.frombuffer(zlib.decompress(lines), np.float32).reshape(-1, 6),
        None if model is None else np.array(model),
    )
