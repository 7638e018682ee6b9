"""Key frames in text: whole numbers from 0, or expressions such as `max_f/2`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from easyphoto_video.expression import Expression, ScheduleError, parse_expression

LAST = 10**9
"""The largest frame number."""
PLAIN = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
"""What Deforum takes for a number; `.5`, `1.` and `1e-2` are expressions to it."""


def parse_frame(text: str, start: int, stop: int, variables: Collection[str]) -> int | Expression:
    """The frame that stands in `text[start:stop]`, without space around. Raises ScheduleError."""
    if not PLAIN.fullmatch(text, start, stop):
        return parse_expression(text, variables, start, stop)
    digits = text[start:stop]
    if not digits.isdigit():
        raise ScheduleError.at(text, start, f"a frame is a whole number from 0, not {digits:.20}")
    digits = digits.lstrip("0") or "0"
    if len(digits) > len(str(LAST)) or int(digits) > LAST:
        raise ScheduleError.at(text, start, f"a frame is at most {LAST}")
    return int(digits)


def frame_at(frame: int | Expression, names: Mapping[str, float]) -> int:
    """The frame's number; an expression's is cut off behind the point. Raises ScheduleError."""
    if not isinstance(frame, Expression):
        return frame
    found = frame.at(names)
    if not -1 < found <= LAST:
        raise frame.error(f"{frame.text:.40} is no frame of the clip: it is {found:g}")
    return int(found)


def trimmed(text: str, begin: int, stop: int) -> tuple[int, int]:
    """Begin and stop of `text[begin:stop]` without space around it."""
    while begin < stop and text[begin].isspace():
        begin += 1
    while begin < stop and text[stop - 1].isspace():
        stop -= 1
    return begin, stop
