"""The host's lock: who waits is woken in the order of coming, and may find it taken again."""

from __future__ import annotations

import threading
from collections import deque


class FIFOLock:
    """Lets somebody who comes just after a release in before the one that it woke."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inner_lock = threading.Lock()
        self._pending_threads: deque[threading.Event] = deque()

    def acquire(self, blocking: bool = True) -> bool:
        """At once when it is free, else when it is one's turn."""
        with self._inner_lock:
            if self._lock.acquire(False):
                return True
            if not blocking:
                return False
            woken = threading.Event()
            self._pending_threads.append(woken)
        woken.wait()
        return self._lock.acquire()

    def release(self) -> None:
        """Wakes the first of the line."""
        with self._inner_lock:
            if self._pending_threads:
                self._pending_threads.popleft().set()
            self._lock.release()

    __enter__ = acquire

    def __exit__(self, *_: object) -> None:
        self.release()
