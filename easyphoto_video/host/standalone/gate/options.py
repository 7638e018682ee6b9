"""The options that say who may come to the page, and what follows from them."""

from __future__ import annotations

import argparse
import getpass
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.standalone.gate.login import Login
from easyphoto_video.host.standalone.gate.names import Names

AUTH, TOKEN = "EASYPHOTO_VIDEO_AUTH", "EASYPHOTO_VIDEO_TOKEN"
"""Variables of the environment, which no list of processes shows."""
SHORTEST_TOKEN = 20
"""Characters: what is shorter can be guessed."""
FROM_FILE = "@"
HOW = (
    "Give --auth NAME, which asks for a password, and --host-name for each name that the page is "
    "called by; or --no-auth, if whoever reaches this machine may make, see and delete everything."
)

Ask = Callable[[str], str]


@dataclass(frozen=True)
class Access:
    """Who may come to the page."""

    names: Names
    login: Login | None = None
    said: tuple[str, ...] = ()
    """Lines to print once: what was drawn and not typed."""


def add_access_options(parser: argparse.ArgumentParser) -> None:
    """The options of `page`."""
    group = parser.add_argument_group("who may come")
    group.add_argument(
        "--listen", action="store_true", help="to the whole network, not to this machine alone"
    )
    group.add_argument(
        "--host-name",
        action="append",
        default=[],
        metavar="NAME",
        help="a name that the page is called by, as in http://NAME:7870; may be given many times",
    )
    group.add_argument(
        "--auth",
        metavar="NAME[:PASSWORD]",
        help="who may come in; without a password it is asked for, or drawn and printed where "
        f"nobody can be asked; @FILE has it in the file's first line; else from ${AUTH}. The token "
        f"for the API is ${TOKEN}, or drawn and printed",
    )
    group.add_argument(
        "--no-auth", action="store_true", help="whoever reaches the page may come in"
    )


def access_of(args: argparse.Namespace, ask: Ask | None = None) -> Access:
    """What the options say. `ask` asks for a password. Raises BadRequest."""
    names = Names.of(args.host_name, everywhere=args.listen)
    given = args.auth or (None if args.no_auth else os.environ.get(AUTH))
    if args.no_auth and given:
        raise BadRequest("--no-auth", given.partition(":")[0], "has a login", "Give one of both.")
    if given:
        return _with_login(names, given, ask or _asking())
    if args.listen and not args.no_auth:
        reason = "opens the page to the whole network, and it has no login"
        raise BadRequest("--listen", True, reason, HOW)
    return Access(names)


def _with_login(names: Names, given: str, ask: Ask | None) -> Access:
    text = _first_line(Path(given[1:]).expanduser()) if given.startswith(FROM_FILE) else given
    user, colon, password = text.partition(":")
    if not user.strip() or (colon and not password):
        raise BadRequest("--auth", user, "lacks a name or a password", "Give NAME:PASSWORD.")
    said = []
    if not colon:
        password = ask(f"Password for {user}: ") if ask else ""
        if not password:
            password = secrets.token_urlsafe(12)
            said.append(f"Name: {user}, password: {password}")
    token = os.environ.get(TOKEN, "")
    if token and len(token) < SHORTEST_TOKEN:
        reason = f"has fewer than {SHORTEST_TOKEN} characters"
        raise BadRequest(f"${TOKEN}", "...", reason, "Take a longer one, or none.")
    if not token:
        token = secrets.token_urlsafe(24)
        said.append(f"For the API: Authorization: Bearer {token}")
    return Access(names, Login(user, password, token), tuple(said))


def _first_line(path: Path) -> str:
    try:
        return next(_lines(path), "")
    except (OSError, UnicodeDecodeError) as error:
        reason = f"cannot be read ({getattr(error, 'strerror', None) or 'no text'})"
        raise BadRequest("--auth", str(path), reason, "Give @ and a file.") from error


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        yield from (line.strip() for line in file)


def _asking() -> Ask | None:
    """Who sits at the terminal, if anybody does."""
    return getpass.getpass if sys.stdin is not None and sys.stdin.isatty() else None
