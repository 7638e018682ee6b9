"""Watch: how progress is told, how long each stage took, and a look at what is becoming."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from easyphoto_video.clip import Frames

Watch = Callable[[str, float], None]
"""`watch(stage, fraction)` is told of progress, fraction 0..1; it may raise `Stopped`."""


@runtime_checkable
class Viewer(Protocol):
    """A watch that also looks at pictures."""

    def __call__(self, stage: str, fraction: float, /) -> None:
        """See Watch."""
        ...

    def wants_picture(self) -> bool:
        """Whether it would look at one now; engines ask before they make one."""
        ...

    def show(self, frames: Frames) -> None:
        """Some frames of the clip as they look so far: (n, h, w, 3) uint8 RGB, of any size."""
        ...


def wants_picture(watch: Watch) -> bool:
    """Whether the watch would look at a picture now."""
    return isinstance(watch, Viewer) and watch.wants_picture()


def unwatched(stage: str, fraction: float) -> None:
    """A watch for those who do not look."""


class _Onward:
    """A watch that passes on what it is told, and what it is shown."""

    def __init__(self, onward: Watch) -> None:
        self._onward = onward

    def __call__(self, stage: str, fraction: float) -> None:
        self._onward(stage, fraction)

    def wants_picture(self) -> bool:
        """See Viewer."""
        return wants_picture(self._onward)

    def show(self, frames: Frames) -> None:
        """See Viewer."""
        if isinstance(self._onward, Viewer):
            self._onward.show(frames)


class Within(_Onward):
    """A watch for a part of the work, its stages named after the part."""

    def __init__(self, part: str, onward: Watch) -> None:
        super().__init__(onward)
        self._part = part

    def __call__(self, stage: str, fraction: float) -> None:
        super().__call__(f"{self._part} {stage}", fraction)


class Share(_Onward):
    """A watch for one of several like parts of the work: fractions become those of the whole."""

    def __init__(self, part: int, parts: int, onward: Watch) -> None:
        super().__init__(onward)
        self._part, self._parts = part, parts

    def __call__(self, stage: str, fraction: float) -> None:
        super().__call__(stage, (self._part + min(1.0, fraction)) / self._parts)


class Stopwatch(_Onward):
    """A watch that adds up the seconds of each stage."""

    def __init__(self, onward: Watch = unwatched) -> None:
        super().__init__(onward)
        self._stage = ""
        self._since = time.perf_counter()
        self._seconds: dict[str, float] = {}

    def __call__(self, stage: str, fraction: float) -> None:
        self._book(stage)
        super().__call__(stage, fraction)

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
