"""Turns: whoever asks first comes first."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


class Turns:
    """A lock that is given in the order in which it was asked for."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._line: deque[object] = deque()

    @property
    def waiting(self) -> Sequence[object]:
        """Those who wait, in order, without who has the turn."""
        return [*self._line][1:]

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn, and have it until the `with` ends."""
        ticket = object()
        with self._changed:
            self._line.append(ticket)
        try:
            with self._changed:
                self._changed.wait_for(self._is_first(ticket))
            yield
        finally:
            with self._changed:
                self._line.remove(ticket)
                self._changed.notify_all()

    def _is_first(self, ticket: object) -> Callable[[], bool]:
        return lambda: self._line[0] is ticket
