"""Progress for people: a bar for each stage on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from easyphoto_video.watch import Watch

BAR = "{desc:<11} {percentage:3.0f}% |{bar:30}| {elapsed}<{remaining}"
TENTHS = 10


class Bars:
    """A watch that draws a bar for each stage."""

    def __init__(self, stream: TextIO) -> None:
        from tqdm import tqdm

        self._tqdm = tqdm
        self._stream = stream
        self._bar: tqdm | None = None  # type: ignore[type-arg]

    def __call__(self, stage: str, fraction: float) -> None:
        if self._bar is None or self._bar.desc != stage:
            self.close()
            self._bar = self._tqdm(
                desc=stage, total=1.0, bar_format=BAR, file=self._stream, leave=True
            )
        self._bar.n = min(1.0, fraction)
        with suppress(OSError):  # a terminal that was closed is no reason to stop
            self._bar.refresh()

    def close(self) -> None:
        """Leave the last bar on the screen."""
        if self._bar is not None:
            with suppress(OSError):
                self._bar.close()


class Lines:
    """A watch that prints a line when a stage begins and at each tenth of it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last = ("", -1)

    def __call__(self, stage: str, fraction: float) -> None:
        now = (stage, int(min(1.0, fraction) * TENTHS))
        if now != self._last:
            self._last = now
            with suppress(OSError):  # nobody reads it any more
                print(f"{stage} {fraction:.0%}", file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing to leave behind."""


@contextmanager
def progress(stream: TextIO) -> Iterator[Watch]:
    """A watch that shows itself on `stream`, as the stream can show it."""
    shown = Bars(stream) if stream.isatty() else Lines(stream)
    try:
        yield shown
    finally:
        shown.close()
