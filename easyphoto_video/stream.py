"""An HTTP answer read in the background, so that a silent server cannot hold up a cancel."""

from __future__ import annotations

import http.client
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from email.message import Message
from types import TracebackType

CHUNK = 1 << 18
"""Most bytes handed on at once."""
HEARTBEAT = 0.2
"""Seconds between two looks at the caller while nothing arrives."""
AHEAD = 16
"""Chunks that may wait for the caller."""

Head = tuple[int, Message]
"""Status and headers."""


class Interrupted(Exception):
    """The connection could not be made or broke; the message says how. Trying again may help."""


class Refused(Exception):
    """The server answered with an error status."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        super().__init__(f"the server answers {status} {reason}")


class Stream:
    """One request; `with Stream(...) as stream`, then `head`, then `chunks`.

    `timeout` is in seconds without a byte. `beat` is called about every HEARTBEAT seconds while
    waiting; what it raises ends the wait.
    """

    def __init__(
        self, request: urllib.request.Request, timeout: float, beat: Callable[[], None]
    ) -> None:
        self._request = request
        self._timeout = timeout
        self._beat = beat
        self._arrived: queue.Queue[Head | bytes | Exception] = queue.Queue(AHEAD)
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._read, name="download", daemon=True)

    def __enter__(self) -> Stream:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._left.set()

    def head(self) -> Head:
        """Status (200 or 206) and headers. Raises Refused, Interrupted."""
        item = self._next()
        if isinstance(item, bytes):
            raise Interrupted("the connection ended before the server answered")
        return item

    def chunks(self) -> Iterator[bytes]:
        """The body in pieces, to its end. Raises Interrupted."""
        while (item := self._next()) and isinstance(item, bytes):
            yield item

    def _next(self) -> Head | bytes:
        while True:
            try:
                item = self._arrived.get(timeout=HEARTBEAT)
            except queue.Empty:
                self._beat()
                continue
            if isinstance(item, Exception):
                raise item
            return item

    def _read(self) -> None:
        try:
            with urllib.request.urlopen(self._request, timeout=self._timeout) as response:
                self._put((response.status, response.headers))
                while (chunk := response.read1(CHUNK)) and self._put(chunk):
                    pass
            self._put(b"")
        except urllib.error.HTTPError as error:
            error.close()
            self._put(Refused(error.code, error.reason))
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._put(Interrupted(_in_words(error)))

    def _put(self, item: Head | bytes | Exception) -> bool:
        """Hand on to the caller; False when the caller has left."""
        while not self._left.is_set():
            try:
                self._arrived.put(item, timeout=HEARTBEAT)
                return True
            except queue.Full:
                continue
        return False


def _in_words(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return "the server fell silent"
    if isinstance(cause, http.client.IncompleteRead):
        return "the connection ended early"
    return f"the connection failed ({cause})"
