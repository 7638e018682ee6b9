"""Film: a moving picture that is never held as a whole; frames are made or read when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from easyphoto_video.clip import Frames
from easyphoto_video.faces.cutout import Allowed
from easyphoto_video.video.sound import Sound

Source = Callable[[int, int], Iterator[Frames]]
"""(start, stop) -> the frames (H, W, 3) uint8 RGB from `start` to before `stop`, one by one."""


@dataclass(frozen=True, kw_only=True)
class Film:
    """What a clip is, with a way to its frames, as often as they are wanted."""

    width: int
    """px"""
    height: int
    """px"""
    count: int
    """Frames, at least 1."""
    fps: Fraction
    """Frames in a second, exact."""
    source: Source = field(repr=False)
    sound: Sound | None = None
    """None is silence."""
    allowed: Allowed | None = field(default=None, repr=False)
    """What the face pass may change in each frame; None is everything."""

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frames]:
        """(H, W, 3) uint8 RGB of the frames from `start` to before `stop`, to the end without."""
        return self.source(start, self.count if stop is None else min(stop, self.count))
