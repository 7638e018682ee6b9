"""A mode that draws without any diffusion and carries state from frame to frame: the smallest
example of a mode. Each frame is the one before, a step brighter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.film import Film
from easyphoto_video.kit import Making
from easyphoto_video.modes.mode import Mode, Settling
from easyphoto_video.modes.registry import MODES
from easyphoto_video.rendering import Strip
from easyphoto_video.request import Request
from easyphoto_video.setting import Setting, declared
from easyphoto_video.spans import spans

SPAN = 4
SIDE = 64


@dataclass(frozen=True, kw_only=True)
class Dawn(Request):
    """A grey that grows brighter."""

    mode = "dawn"
    step: int = declared(
        3,
        Setting(
            label="Step", low=0, high=50, step=1, help="Levels from frame to frame; 0 is none."
        ),
    )


class Lamp:
    """The engine: it knows the last frame alone."""

    def __init__(self, frame: Frames) -> None:
        self.frame = frame

    def drawn(self, count: int, step: int) -> Frames:
        """The next frames (count, H, W, 3) uint8."""
        frames = []
        for _ in range(count):
            self.frame = np.minimum(self.frame.astype(int) + step, 255).astype(np.uint8)
            frames.append(self.frame)
        return np.stack(frames)


def settle(job: Dawn, host: Settling) -> Dawn:
    """In a small size of its own."""
    from dataclasses import replace

    chosen = replace(job, width=job.width or SIDE, height=job.height or SIDE)
    return host.output(chosen)


def make(job: Dawn, making: Making) -> Film:
    """Span after span; one that is done says what the next begins from."""
    strip = Strip(making.work, "dawn", spans(range(job.frames), SPAN, 0))
    lamp = Lamp(np.zeros((job.height, job.width, 3), np.uint8))
    for span in strip.spans:
        making.watch("drawing", span.start / job.frames)
        name = strip.name(span)
        if making.work.has(name):
            lamp = Lamp(list(strip.frames(span.start, span.stop))[-1])
        else:
            making.work.keep(name, lamp.drawn(span.stop - span.start, job.step))
    return Film(
        width=job.width, height=job.height, count=job.frames, fps=job.fps, source=strip.frames
    )


MODE = Mode(request=Dawn, settle=settle, make=make)


@contextmanager
def registered() -> Iterator[None]:
    """The mode is there while the `with` lasts."""
    MODES[MODE.name] = MODE
    try:
        yield
    finally:
        del MODES[MODE.name]
