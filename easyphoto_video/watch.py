"""Watch: how progress is told, and how long each stage took."""

from __future__ import annotations

import time
from collections.abc import Callable

Watch = Callable[[str, float], None]
"""`watch(stage, fraction)` is told of progress, fraction 0..1; it may raise `Stopped`."""


def unwatched(stage: str, fraction: float) -> None:
    """A watch for those who do not look."""


class Stopwatch:
    """A watch that passes everything on and adds up the seconds of each stage."""

    def __init__(self, onward: Watch = unwatched) -> None:
        self._onward = onward
        self._stage = ""
        self._since = time.perf_counter()
        self._seconds: dict[str, float] = {}

    def __call__(self, stage: str, fraction: float) -> None:
        self._book(stage)
        self._onward(stage, fraction)

    def seconds(self) -> dict[str, float]:
        """Seconds by stage so far, in the order in which the stages first came."""
        self._book(self._stage)
        return dict(self._seconds)

    def _book(self, stage: str) -> None:
        now = time.perf_counter()
        if self._stage:
            spent = self._seconds.get(self._stage, 0.0)
            self._seconds[self._stage] = spent + now - self._since
        self._stage, self._since = stage, now
