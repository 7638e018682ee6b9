"""Who may use our API: whoever the host's `--api-auth` lets in."""

from __future__ import annotations

from secrets import compare_digest
from typing import Any

from fastapi import Depends, HTTPException
from fastapi.security import HTTPBasic, HTTPBasicCredentials


def dependencies(api_auth: str | None) -> list[Any]:
    """What every route must pass: nothing without `--api-auth`, which is NAME:PASSWORD,..."""
    if not api_auth:
        return []
    known = dict(pair.split(":", 1) for pair in api_auth.split(","))

    def check(credentials: HTTPBasicCredentials = Depends(HTTPBasic())) -> None:  # noqa: B008
        _check(credentials, known)

    return [Depends(check)]


def _check(credentials: HTTPBasicCredentials, known: dict[str, str]) -> None:
    password = known.get(credentials.username)
    if password is None or not _equal(credentials.password, password):
        raise HTTPException(
            status_code=401,
            detail="Incorrect username or password",
            headers={"WWW-Authenticate": "Basic"},
        )


def _equal(given: str, wanted: str) -> bool:
    """In a time that tells nothing of where they differ."""
    return compare_digest(given.encode(), wanted.encode())
