"""Files on their way into the page: not too large, not too many, and never the last of the disk."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from easyphoto_video.host.api.answers import Refused, failure
from easyphoto_video.host.standalone.gate.dropped import Dropped
from easyphoto_video.private import private_folder

STEP = 2**26
"""Bytes between two looks at the disk."""
AT_ONCE = 8
"""Calls that may bring files at one time."""
ROOM = 2**20
"""Bytes of a body beside its files: their names and what stands between them."""


class Intake:
    """Lets gradio take files, and says whose they are."""

    largest = 4 * 2**30
    """Bytes of a call."""
    spared = 2**30
    """Bytes of the disk that stay free."""

    def __init__(self, dropped: Dropped) -> None:
        self._dropped = dropped
        self._now = 0
        """Calls on their way."""

    async def take(
        self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, owner: str
    ) -> None:
        """Answer a call that brings files, for the browser that is their owner."""
        refused = self._refused(scope)
        if refused is not None:
            await failure(refused)(scope, receive, send)
            return
        self._now += 1
        try:
            await _Taking(self, receive, send, owner).run(app, scope)
        finally:
            self._now -= 1
            if not self._now:
                await run_in_threadpool(self._dropped.sweep_parts)

    def keep(self, paths: list[str], owner: str) -> None:
        """These came, for that owner."""
        for path in paths:
            self._dropped.add(path, owner)

    def full(self, need: int) -> Refused | None:
        """Why so many bytes more cannot be taken, if so."""
        free = shutil.disk_usage(private_folder(self._dropped.folder)).free
        if free >= need + self.spared:
            return None
        what = ("File", f"{free >> 20} MB free")
        return Refused(507, what, "is too little room for it", "Free some on the disk of the page.")

    def _refused(self, scope: Scope) -> Refused | None:
        length = dict(scope["headers"]).get(b"content-length", b"0").decode("latin-1")
        need = int(length[:20]) if length.isdecimal() else 0
        if need > self.largest + ROOM:
            return self.too_large()
        if self._now >= AT_ONCE:
            return Refused(429, ("Files", self._now), "are on their way already", "Try again soon.")
        return self.full(need)

    def too_large(self) -> Refused:
        """Why a call cannot be taken whole."""
        most = f"{self.largest >> 20} MB"
        return Refused(413, ("File", most), "is the most at once", "Drop a smaller one.")


class _Taking:
    """One call: its body is counted, its answer held back until it is known whose the files are."""

    def __init__(self, intake: Intake, receive: Receive, send: Send, owner: str) -> None:
        self._intake, self._owner = intake, owner
        self._receive, self._send = receive, send
        self._come = 0
        self._looked = 0
        self._refused: Refused | None = None
        self._start: Message = {}
        self._body = bytearray()

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        with suppress(_Broken):
            await app(scope, self._counted, self._held)
        await self._answer()(scope, self._receive, self._send)

    def _answer(self) -> Response:
        if self._refused is not None:
            return failure(self._refused)
        status = self._start.get("status", 500)
        if status == 200:
            self._intake.keep(json.loads(self._body), self._owner)
            return Response(bytes(self._body), status, media_type="application/json")
        return failure(Refused(status, ("Body", status), "holds no files", "Drop them again."))

    async def _counted(self) -> Message:
        message = await self._receive()
        self._come += len(message.get("body", b""))
        if self._come > self._intake.largest + ROOM:
            self._refused = self._intake.too_large()
        elif self._come - self._looked >= STEP:
            self._looked = self._come
            self._refused = await run_in_threadpool(self._intake.full, 0)
        if self._refused is not None:
            raise _Broken
        return message

    async def _held(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        self._body += message.get("body", b"")


class _Broken(Exception):
    """The call is not read to its end."""
