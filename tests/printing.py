"""Schedules as text, the way back from reading them."""

from __future__ import annotations

import json
from decimal import Decimal

from easyphoto_video.curve import METHODS, Curve
from easyphoto_video.expression import Expression
from easyphoto_video.schedule import Schedule, ScheduleError, parse_text


def print_curve(curve: Curve) -> str:
    """The curve as text that `parse_curve` reads back to an equal one."""
    first = curve.keys[0]
    plain = curve.method == METHODS[0] and len(curve.keys) == 1 and first.frame == 0
    if plain and not isinstance(first.value, Expression):
        return _printed(first.value)
    keys = []
    for key in curve.keys:
        frame = f'"{key.frame.text}"' if isinstance(key.frame, Expression) else f"{key.frame}"
        value = key.value.text if isinstance(key.value, Expression) else _printed(key.value)
        keys.append(f"{frame}:({value})")
    return ("" if curve.method == METHODS[0] else f"{curve.method}: ") + ", ".join(keys)


def _printed(value: float) -> str:
    """A number without an exponent, which would make an expression of it."""
    return format(Decimal(repr(float(value))), "f").removesuffix(".0")


def print_text(schedule: Schedule[str]) -> str:
    """The schedule as text that `parse_text` reads back to the same schedule.

    Plain text or key lines where those keep every character, else JSON. Raises ValueError where
    neither does: for a value with both a line break and `--neg`.
    """
    lines = "\n".join(f"{frame}: {value}" for frame, value in schedule.keys)
    plain = [schedule.keys[0][1]] if schedule.is_constant and not schedule.keys[0][0] else []
    pairs = {str(frame): value for frame, value in schedule.keys}
    for text in (*plain, lines, json.dumps(pairs, ensure_ascii=False)):
        if _reads(text) == schedule:
            return text
    raise ValueError("a prompt with both a line break and --neg cannot be written")


def _reads(text: str) -> Schedule[str] | None:
    try:
        return parse_text(text)
    except ScheduleError:
        return None
