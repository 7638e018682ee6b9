"""The gate around the page and the API: every call comes through it, or ends at it.

In this order: are we called by a name of ours, does no page elsewhere make the browser ask, is
there such a door, may who asks come in, and is what the call brings along its sender's own.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from easyphoto_video.errors import BadRequest, EasyPhotoError
from easyphoto_video.host.api.answers import PREFIX, Refused, failure
from easyphoto_video.host.standalone.gate.dropped import OWNER, Dropped
from easyphoto_video.host.standalone.gate.events import ADDRESS, LARGEST, check_event
from easyphoto_video.host.standalone.gate.intake import Intake
from easyphoto_video.host.standalone.gate.login import KEPT, Login, TooMany
from easyphoto_video.host.standalone.gate.names import Names

LOGIN, LOGOUT = "/login", "/logout"
PAGE = Path(__file__).with_name("login.html")
READING = ("GET", "HEAD")
GRADIO = "/gradio_api"
READ = (
    *("/", "/config", "/theme.css", "/favicon.ico", "/manifest.json", "/robots.txt", "/pwa_icon"),
    *(f"{GRADIO}/{name}" for name in ("queue/data", "queue/status", "upload_progress", "info")),
    *(f"{GRADIO}/{name}" for name in ("startup-events", "app_id", "login_check", "theme.css")),
)
READ_BELOW = ("/static/", "/assets/", f"{GRADIO}/heartbeat/", ADDRESS)
EVENTS = (f"{GRADIO}/queue/join", f"{GRADIO}/run/predict")
WRITE = (f"{GRADIO}/cancel", f"{GRADIO}/reset")
"""Doors of gradio's that the page uses; it has more, for what is not used here."""
UPLOAD = f"{GRADIO}/upload"
PRUNING = 600.0
"""Seconds between two looks at what is old."""
LONGEST_LOGIN = 4096
"""Bytes of what is typed there."""
SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Gate:
    """An ASGI app around another. Without `login` everybody may come in who knows our name."""

    def __init__(
        self, app: ASGIApp, names: Names, dropped: Dropped, login: Login | None = None
    ) -> None:
        self.app = app
        self._names = names
        self.dropped = dropped
        self._login = login
        self.intake = Intake(dropped)
        self._cookie = f"easyphoto_video_{secrets.token_hex(4)}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] == "http":
            await self._call(_Call(scope, receive, send, self._cookie))
        elif scope["type"] == "websocket":  # nothing here speaks it
            await send({"type": "websocket.close", "code": 1008})

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        pruning = asyncio.create_task(self._prune())
        try:
            await self.app(scope, receive, send)
        finally:
            pruning.cancel()
            with suppress(asyncio.CancelledError):
                await pruning

    async def _prune(self) -> None:
        while True:
            await asyncio.sleep(PRUNING)
            await run_in_threadpool(self.dropped.prune)

    async def _call(self, call: _Call) -> None:
        try:
            self._check(call)
            answer = await self._let_in(call)
            if answer is None:
                await self._pass(call)
                return
        except EasyPhotoError as error:
            answer = failure(error)
        await answer(call.scope, call.receive, call.send)

    def _check(self, call: _Call) -> None:
        """Raises Refused for who should not have asked at all."""
        host = call.headers.get("host", "")
        if not self._names.know(host):
            step = "Ask by localhost, or start with --host-name and that name."
            raise Refused(421, ("Host", host[:100]), "is no name of this page", step)
        asks = call.headers.get("origin") or call.headers.get("sec-fetch-site", "")
        if not self._names.came_from_us(call.headers, is_visit=call.is_visit):
            raise Refused(403, ("Origin", asks[:100]), "is another page", "Open the page itself.")
        if not self._is_door(call):
            raise Refused(
                404, ("Address", call.path[:100]), "is not there", "Open the page itself."
            )

    def _is_door(self, call: _Call) -> bool:
        path = call.path
        if path.startswith(f"{PREFIX}/"):
            return True
        if path in {LOGIN, LOGOUT}:
            return self._login is not None and (call.is_reading or path == LOGIN)
        if call.is_reading:
            return path in READ or path.startswith(READ_BELOW)
        return call.method == "POST" and path in {*EVENTS, *WRITE, UPLOAD}

    async def _let_in(self, call: _Call) -> Response | None:
        """What to answer instead, if anything; after it the call has an owner."""
        if self._login is None:
            if call.path == "/" and not call.cookie:
                call.give(secrets.token_urlsafe(32), None)
            call.scope[OWNER] = call.cookie
            return None
        if call.path == LOGIN:
            return await self._sign_in(self._login, call)
        if call.path == LOGOUT:
            self._login.sign_out(call.cookie)
            return RedirectResponse(f"{call.root}{LOGIN}", 303)
        if self._login.is_signed_in(call.cookie):
            call.scope[OWNER] = call.cookie
            return None
        call.scope[OWNER] = ""
        if self._login.has_token(call.headers.get("authorization", "")):
            return None
        if call.path == "/" and call.is_reading:
            return RedirectResponse(f"{call.root}{LOGIN}", 303)
        step = "Sign in at /login, or send the header Authorization: Bearer TOKEN."
        answer = failure(Refused(401, ("Cookie or token", ""), "opens nothing here", step))
        answer.headers["www-authenticate"] = "Bearer"
        return answer

    async def _sign_in(self, login: Login, call: _Call) -> Response:
        if call.is_reading:
            return _login_page(200)
        form = parse_qs((await call.body(LONGEST_LOGIN)).decode("utf-8", "replace"))
        user, password = (form.get(name, [""])[0] for name in ("user", "password"))
        try:
            cookie = await login.signed_in(user, password)
        except TooMany:
            return _login_page(429, "Too many try at once. Try again soon.")
        if cookie is None:
            return _login_page(401, "Name or password is wrong.")
        call.give(cookie, int(KEPT))
        return RedirectResponse(f"{call.root}/", 303)

    async def _pass(self, call: _Call) -> None:
        """On to the app, with what the call brings along looked at. Raises Refused."""
        owner = call.scope[OWNER]
        receive = call.receive
        if call.path == UPLOAD:
            if not owner:
                raise Refused(403, ("Cookie", ""), "is none of this page", "Load the page first.")
            await self.intake.take(self.app, call.scope, receive, call.send, owner)
            return
        if call.path in EVENTS:
            receive = await self._checked(call, owner)
        if call.path.startswith(ADDRESS) and not self.dropped.has(
            call.path.removeprefix(ADDRESS), owner
        ):
            raise Refused(
                404, ("File", Path(call.path).name[:100]), "is not there", "Drop it again."
            )
        await self.app(call.scope, receive, call.send)

    async def _checked(self, call: _Call, owner: str) -> Receive:
        kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Refused(415, ("Content-Type", kind[:100]), "is not JSON", "Reload the page.")
        body = await call.body(LARGEST)
        try:
            check_event(body, lambda path: self.dropped.has(path, owner))
        except BadRequest as error:
            raise Refused(403, (error.field, error.value), error.reason, error.next_step) from error
        return call.again(body)


class _Call:
    """One HTTP call, and the headers that its answer gets."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, cookie: str) -> None:
        self.scope = scope
        self.receive = receive
        self._send = send
        self._name = cookie
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.root: str = scope.get("root_path", "")
        self.headers = _headers(scope)
        self.cookie = _cookie(self.headers.get("cookie", ""), cookie)
        self._given: list[tuple[bytes, bytes]] = []

    @property
    def is_reading(self) -> bool:
        """Whether it changes nothing."""
        return self.method in READING

    @property
    def is_visit(self) -> bool:
        """Whether somebody follows a link to the page itself."""
        is_whole = self.headers.get("sec-fetch-dest") == "document"
        return self.method == "GET" and self.path in {"/", LOGIN} and is_whole

    def give(self, cookie: str, seconds: int | None) -> None:
        """Give the browser a cookie, for so long or until it is closed."""
        self.cookie = cookie
        age = "" if seconds is None else f"; Max-Age={seconds}"
        secure = "; Secure" if self.scope.get("scheme") == "https" else ""
        text = (
            f"{self._name}={cookie}; Path={self.root or '/'}; HttpOnly; SameSite=Lax{secure}{age}"
        )
        self._given.append((b"set-cookie", text.encode("latin-1")))

    async def body(self, largest: int) -> bytes:
        """All of it. Raises Refused when it is longer."""
        come = bytearray()
        while True:
            message = await self.receive()
            come += message.get("body", b"")
            if len(come) > largest:
                raise Refused(413, ("Body", None), f"is more than {largest} bytes", "Send less.")
            if message["type"] != "http.request" or not message.get("more_body", False):
                return bytes(come)

    def again(self, body: bytes) -> Receive:
        """A way to read a body that was read; then what comes after it."""
        rest: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            return rest.pop() if rest else await self.receive()

        return receive

    async def send(self, message: Message) -> None:
        """The answer, with what every answer of ours says."""
        if message["type"] == "http.response.start":
            names = {name.lower() for name, _ in message.get("headers", ())}
            more = [(name, value) for name, value in SAFE if name not in names]
            message = {**message, "headers": [*message.get("headers", ()), *more, *self._given]}
        await self._send(message)


def _headers(scope: Scope) -> Mapping[str, str]:
    """By name in small letters. Of a name that comes twice both count, so that neither passes."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        joint = "; " if key == "cookie" else ", "
        found[key] = f"{found[key]}{joint}{text}" if key in found else text
    return found


def _cookie(header: str, name: str) -> str:
    with suppress(CookieError):
        found = SimpleCookie(header).get(name)
        return found.value if found and re.fullmatch(r"[\w-]{43}", found.value) else ""
    return ""


def _login_page(status: int, said: str = "") -> Response:
    text = PAGE.read_text(encoding="utf-8").replace("<!--said-->", said)
    return HTMLResponse(text, status)
