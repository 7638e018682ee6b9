"""Schedule: a value over frames; prompts over frames are parsed from text and printed back.

A plain value holds for the whole clip. Keys of a prompt are written one to a line, `N: prompt`, or
as JSON, `{"0": "...", "max_f/2": "..."}`; frames count from 0. Blending between keys is the
reader's affair: `around` gives both neighbours and how far between them a frame lies.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from easyphoto_video.prompt_keys import KEY_LINE, ScheduleError, has_keys, placed, read_keys

__all__ = ["KEY_LINE", "Schedule", "ScheduleError", "check_text", "has_keys", "parse_text"]

T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True)
class Schedule(Generic[T]):
    """Values at key frames in ascending order; the first also holds for the frames before it."""

    keys: tuple[tuple[int, T], ...]
    """(frame, value) pairs; frames from 0, strictly ascending, at least one."""

    def __post_init__(self) -> None:
        frames = [frame for frame, _ in self.keys]
        if not frames or frames[0] < 0 or any(a >= b for a, b in itertools.pairwise(frames)):
            raise ValueError(f"key frames must ascend from 0 or later, not {frames}")

    @classmethod
    def constant(cls, value: T) -> Schedule[T]:
        """The same value at every frame."""
        return cls(((0, value),))

    @property
    def is_constant(self) -> bool:
        return len(self.keys) == 1

    @property
    def values(self) -> tuple[T, ...]:
        """The value of each key, in order."""
        return tuple(value for _, value in self.keys)

    def at(self, frame: int) -> T:
        """The value that holds at `frame`: that of the last key at or before it."""
        return self.keys[self.around(frame)[0]][1]

    def around(self, frame: int, loop: int | None = None) -> tuple[int, int, float]:
        """Indices of the keys on both sides of `frame` and the share (0..1) of the second.

        In a closed `loop` of so many frames, more than the last key's, the first key follows on the
        last; else the outer keys hold.
        """
        after = next((i for i, (key, _) in enumerate(self.keys) if key > frame), len(self.keys))
        last = len(self.keys) - 1
        if 0 < after <= last:
            left, right = self.keys[after - 1][0], self.keys[after][0]
            return after - 1, after, (frame - left) / (right - left)
        if loop is None or not last:
            only = max(0, after - 1)
            return only, only, 0.0
        left, right = self.keys[last][0], self.keys[0][0] + loop
        return last, 0, (frame - left) % loop / (right - left)

    def map(self, change: Callable[[T], S]) -> Schedule[S]:
        """The same keys with each value changed."""
        return Schedule(tuple((frame, change(value)) for frame, value in self.keys))


def parse_text(text: str, frames: int | None = None) -> Schedule[str]:
    """A prompt with or without keys to a schedule; text without keys is taken as it is.

    `frames` is the length of the clip: with it no key may lie beyond, without it no key of JSON may
    ask for `max_f`. Raises ScheduleError, a ValueError with line and column, for what does not
    parse and for keys that do not ascend.
    """
    if not has_keys(text):
        return Schedule.constant(text)
    return Schedule(tuple(placed(text, read_keys(text), frames)))


def check_text(text: str) -> None:
    """Raise the ScheduleError that `parse_text` would raise for any length of the clip."""
    if has_keys(text):
        keys = read_keys(text)
        placed(text, [key for key in keys if isinstance(key.frame, int)], None)
