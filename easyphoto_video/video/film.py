"""What the sinks of all formats share: the film that is written, and how its frames go in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadRequest
from easyphoto_video.video.ffmpeg import Tick
from easyphoto_video.video.sound import Sound

PALETTES = ("film", "frame")
"""Whose colours a GIF's palette holds: one for the film, or another for each frame."""
DITHERS = ("bayer", "floyd-steinberg", "none")
"""How a GIF shows colours that its palette lacks."""
MOST_LOOPS = 65535
FASTEST = {"gif": 50, "webp": 90}
"""Frames a second that browsers play: GIF below 2/100 s and WEBP up to 10 ms are slowed to 1/10."""


@dataclass(frozen=True, kw_only=True)
class Extras:
    """What only some formats have; the others pass over it. Raises BadRequest."""

    sound: Sound | None = None
    """For MP4 and WEBM."""
    loop: int = 0
    """How often a GIF or WEBP is played, 0..65535; 0 is for ever."""
    palette: str = "film"
    """For GIF, one of PALETTES."""
    dither: str = "bayer"
    """For GIF, one of DITHERS."""

    def __post_init__(self) -> None:
        _one_of("GIF palette", self.palette, PALETTES)
        _one_of("GIF dither", self.dither, DITHERS)
        if not 0 <= self.loop <= MOST_LOOPS:
            step = f"Give a whole number from 0 to {MOST_LOOPS}; 0 plays for ever."
            raise BadRequest("Loop count", self.loop, "is out of range", step)


@dataclass(frozen=True, kw_only=True)
class Film:
    """What must be known before the first frame."""

    format: str
    width: int
    """px"""
    height: int
    """px"""
    fps: Fraction
    note: str
    extras: Extras


class Sink(Protocol):
    """Where frames go."""

    def add(self, frames: Frames) -> None:
        """Take frames, (n, H, W, 3) uint8 RGB."""
        ...

    def finish(self, tick: Tick) -> Path:
        """Finish the file, or folder of pictures, and say where it is."""
        ...


class Thinner:
    """Keeps every n-th frame, so that browsers play the format at its true speed."""

    def __init__(self, film: Film) -> None:
        self.every = math.ceil(film.fps / FASTEST[film.format])
        self.seen = 0

    def kept(self, frames: Frames) -> Frames:
        """Those of the next frames that stay."""
        first = -self.seen % self.every
        self.seen += len(frames)
        return frames[first :: self.every]


def piped(width: int, height: int, fps: Fraction) -> Sequence[str]:
    """Arguments for ffmpeg: frames of RGB bytes on its standard input."""
    rate = f"{fps.numerator}/{fps.denominator}"
    raw = ("-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", f"{width}x{height}")
    return (*raw, "-framerate", rate, "-i", "pipe:0")


def _one_of(label: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise BadRequest(label, value, "is no choice", f"Choose one of: {', '.join(choices)}.")
