"""Schedule: a value over frames, parsed from text and printed back.

A plain value holds for the whole clip. Key frames are written one to a line, `N: value`, frame
numbers from 0; the value of a key holds until the next one. Blending between keys is the reader's
affair: `around` gives both neighbours and how far between them a frame lies.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
S = TypeVar("S")
KEY_LINE = re.compile(r"^\s*(\d+)\s*:\s?(.*)$")


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

    def around(self, frame: int) -> tuple[int, int, float]:
        """Indices of the keys on both sides of `frame` and the share (0..1) of the second."""
        after = next((i for i, (key, _) in enumerate(self.keys) if key > frame), len(self.keys))
        if after in (0, len(self.keys)):
            only = max(0, after - 1)
            return only, only, 0.0
        left, right = self.keys[after - 1][0], self.keys[after][0]
        return after - 1, after, (frame - left) / (right - left)

    def map(self, change: Callable[[T], S]) -> Schedule[S]:
        """The same keys with each value changed."""
        return Schedule(tuple((frame, change(value)) for frame, value in self.keys))


def parse_text(text: str) -> Schedule[str]:
    """Text with or without key lines to a schedule.

    Lines before the first key are a head, other lines without a frame number a tail; both are
    joined with commas to every key's text (the syntax of sd-webui-animatediff). Raises ValueError
    with the line's number when frame numbers do not ascend.
    """
    lines = text.splitlines()
    marks = [i for i, line in enumerate(lines) if KEY_LINE.match(line)]
    if not marks:
        return Schedule.constant(text)
    head = lines[: marks[0]]
    tail = [line for line in lines[marks[0] :] if not KEY_LINE.match(line)]
    keys: list[tuple[int, str]] = []
    for number in marks:
        match = KEY_LINE.match(lines[number])
        assert match is not None
        frame = int(match.group(1))
        if keys and frame <= keys[-1][0]:
            raise ValueError(f"line {number + 1}: frame {frame} does not come after {keys[-1][0]}")
        keys.append((frame, _joined([*head, match.group(2), *tail])))
    return Schedule(tuple(keys))


def print_text(schedule: Schedule[str]) -> str:
    """The schedule as text that `parse_text` reads back to the same schedule."""
    if schedule.is_constant and schedule.keys[0][0] == 0:
        return schedule.keys[0][1]
    return "\n".join(f"{frame}: {value}" for frame, value in schedule.keys)


def _joined(parts: list[str]) -> str:
    return ", ".join(part.strip().rstrip(",").rstrip() for part in parts if part.strip())
