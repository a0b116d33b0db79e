"""Passwords: hashed, compared, and guessed only slowly."""

from __future__ import annotations

import threading
import time
from collections import deque
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from resight.errors import BadFact

SHORTEST = 10
#: So many wrong passwords of one name, or from one address, in so many seconds are allowed.
TRIES, SECONDS = 5, 300
_MOST = 10_000  # names and addresses remembered


class TooMany(Exception):
    """Too many wrong passwords; ``seconds`` until another may be tried."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many wrong passwords: try again in {seconds} s")
        self.seconds = seconds


class Passwords:
    """Argon2id by RFC 9106 (argon2-cffi's defaults). Safe to use from several threads."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = threading.Lock()  # a hash takes 64 MiB: one at a time
        self._wrong: dict[str, deque[float]] = {}

    @cached_property
    def _nobody(self) -> str:
        """Compared with where there is no such user, so that time tells nothing."""
        kept: str = self._hasher.hash("nobody has this password")
        return kept

    def hash(self, password: str) -> str:
        """What is kept of a password. Raises ``BadFact`` for one that is easily guessed."""
        if len(password) < SHORTEST:
            raise BadFact(f"the password is too short: {SHORTEST} characters or more")
        with self._turn:
            kept: str = self._hasher.hash(password)
        return kept

    def check(self, password: str, kept: str | None, who: tuple[str, ...]) -> bool:
        """Whether this is the password that was kept; ``None`` where there is no such user.

        Raises ``TooMany`` for a ``who`` (a name, an address) of whom too many were wrong.
        """
        with self._turn:
            self._check_rate(who)
            right = self._verified(kept or self._nobody, password) and kept is not None
            for each in who:
                if right:
                    self._wrong.pop(each, None)
                else:
                    self._wrong.setdefault(each, deque()).append(time.monotonic())
            while len(self._wrong) > _MOST:
                self._wrong.pop(next(iter(self._wrong)))
        return right

    def _verified(self, kept: str, password: str) -> bool:
        try:
            self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False
        return True

    def _check_rate(self, who: tuple[str, ...]) -> None:
        now = time.monotonic()
        for each in who:
            tried = self._wrong.get(each, deque())
            while tried and now - tried[0] > SECONDS:
                tried.popleft()
            if len(tried) >= TRIES:
                raise TooMany(int(SECONDS - (now - tried[0])) + 1)
