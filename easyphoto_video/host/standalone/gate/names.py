"""By which names the page may be called, and from which pages.

A page elsewhere can lead its own name to this machine ("DNS rebinding") and is then of the same
origin for a browser. It cannot choose the name in `Host`, so what is no name of ours is refused. An
address in numbers cannot be led anywhere.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from easyphoto_video.errors import BadRequest

HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
LOCALHOST = "localhost"
SAME = ("same-origin", "none")
"""What a browser says of who asks: a page of ours, or a person by bookmark or address."""


@dataclass(frozen=True)
class Names:
    """`given` are those that the user named; `everywhere` is served to the whole network."""

    given: frozenset[str] = frozenset()
    everywhere: bool = False

    @classmethod
    def of(cls, names: Iterable[str], *, everywhere: bool) -> Names:
        """From what was typed. Raises BadRequest for what is no name."""
        for name in names:
            if not NAME.fullmatch(name):
                step = "Give the name alone, as in --host-name studio.example."
                raise BadRequest("--host-name", name, "is no name of a machine", step)
        return cls(frozenset(name.lower() for name in names), everywhere)

    def know(self, host: str) -> bool:
        """Whether a `Host` header names us."""
        name = _name(host)
        if name == LOCALHOST or name in self.given:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return self.everywhere or address.is_loopback

    def came_from_us(self, headers: Mapping[str, str], *, is_visit: bool) -> bool:
        """Whether no page elsewhere made the browser ask; `is_visit` is a link that is followed.

        A program that is no browser sends neither header.
        """
        site = headers.get("sec-fetch-site")
        if site is not None and site not in SAME and not is_visit:
            return False
        origin = headers.get("origin")
        return origin is None or self._is_ours(origin, headers["host"])

    def _is_ours(self, origin: str, host: str) -> bool:
        try:
            parts = urlsplit(origin)
            name = parts.hostname
        except ValueError:
            return False
        if parts.scheme not in {"http", "https"}:
            return False
        # A proxy may ask us by another name than the browser asks it.
        return parts.netloc.lower() == host.lower() or (name in self.given and name != _name(host))


def _name(host: str) -> str:
    found = HOST.fullmatch(host)
    return found[1].strip("[]").removesuffix(".").lower() if found else ""
