"""Turns in the host's queue that let those go first who wait already.

The host's lock wakes who came first and lets go, and whoever asks in that moment has it before the
one that wakes. A queue of ours asks for its next clip in just that moment, every time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LOOKS = 0.001
"""Seconds between two looks at whether the one that was woken has the lock."""
PATIENCE = 2.0
"""Most seconds for that; a run that fails at once may be over between two looks."""


class Turns:
    """The host's lock, from which each of our turns takes it. One thread at a time has a turn."""

    def __init__(self, lock: Any) -> None:
        self._lock = lock
        self._woken = False
        """Whether somebody waited when we last let go."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Holds the lock; who waited for it when our last turn ended has had it before."""
        self._let_pass()
        with self._lock:
            try:
                yield
            finally:
                self._woken = self._waits()

    def _let_pass(self) -> None:
        """Until the one that our last turn's end has woken holds the lock: now we wait behind."""
        until = time.monotonic() + PATIENCE
        while self._woken and not self._is_held() and time.monotonic() < until:
            time.sleep(LOOKS)
        self._woken = False

    def _waits(self) -> bool:
        """Whether somebody stands in the line; a host with another kind of lock has none to see."""
        return bool(getattr(self._lock, "_pending_threads", ()))

    def _is_held(self) -> bool:
        inner = getattr(self._lock, "_lock", None)
        return inner is None or inner.locked()
