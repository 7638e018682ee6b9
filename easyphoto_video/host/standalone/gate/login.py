"""Who may come in: a name with a password for people, a token for programs.

Only digests of both are kept. A wrong password costs a pause that all who try share, so that a
thousand guesses at once are no faster than one after the other.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable

from easyphoto_video.errors import BadRequest

PAUSE = 1.0
"""Seconds that a wrong guess costs."""
WAITING = 20
"""Guesses that may wait for their turn."""
KEPT = 30 * 24 * 3600.0
"""Seconds that a browser stays signed in."""
MOST = 1000
"""Browsers that are signed in."""
BEARER = "bearer "

Sleep = Callable[[float], Awaitable[None]]


class TooMany(BadRequest):
    """Others guess at this moment."""

    def __init__(self) -> None:
        super().__init__("Login", WAITING, "guesses wait already", "Try again soon.")


class Login:
    """One name and password, one token, and the browsers that are signed in."""

    def __init__(self, user: str, password: str, token: str, sleep: Sleep = asyncio.sleep) -> None:
        self._known = _digest(f"{user}\0{password}")
        self._token = _digest(token)
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._sessions: dict[bytes, float] = {}
        """Until when each lasts, by the digest of its cookie, the oldest first."""

    async def signed_in(self, user: str, password: str) -> str | None:
        """A cookie for who knows the password, else None after a pause. Raises TooMany."""
        given = _digest(f"{user}\0{password}")
        if not await self._guessed(given):
            return None
        cookie = secrets.token_urlsafe(32)
        while len(self._sessions) >= MOST:
            del self._sessions[next(iter(self._sessions))]
        self._sessions[_digest(cookie)] = time.time() + KEPT
        return cookie

    def sign_out(self, cookie: str) -> None:
        """The cookie opens nothing from now on."""
        self._sessions.pop(_digest(cookie), None)

    def is_signed_in(self, cookie: str) -> bool:
        """Whether it is a cookie that was given here and is not too old."""
        return self._sessions.get(_digest(cookie), 0.0) > time.time()

    def has_token(self, authorization: str) -> bool:
        """Whether the header `Authorization` holds the token, which is too long to be guessed."""
        given = _digest(authorization[len(BEARER) :].strip())
        is_bearer = authorization.lower().startswith(BEARER)
        return is_bearer and secrets.compare_digest(given, self._token)

    async def _guessed(self, given: bytes) -> bool:
        """Compared in a time that tells nothing; a wrong one holds up the next."""
        if self._waiting >= WAITING:
            raise TooMany
        self._waiting += 1
        try:
            async with self._turn:
                if secrets.compare_digest(given, self._known):
                    return True
                await self._sleep(PAUSE)
                return False
        finally:
            self._waiting -= 1


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
