"""Curve: a number over frames, written as Deforum's schedules are, `0:(1.0), 30:(0.5+0.1*sin(t))`.

Between two keys with plain numbers values are interpolated; an expression is evaluated anew at
every frame from its key to the next one; a number before an expression leads to the expression's
value at its key. Before the first key its value holds, after the last number too. Keys beyond the
clip are ignored, and of keys on one frame the last one written holds. docs/schedules.md has all of
it, with what differs from Deforum.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from easyphoto_video.expression import Expression, ScheduleError, parse_expression
from easyphoto_video.key_frame import PLAIN, frame_at, parse_frame, trimmed

if TYPE_CHECKING:
    import numpy as np

METHODS = ("linear", "quadratic", "cubic", "step")
LONGEST = 100_000
"""Characters of a curve's text at most."""
KEY_VARIABLES = ("max_f", "s")
PREFIX = re.compile(rf"\s*({'|'.join(METHODS)})\s*:", re.IGNORECASE)


@dataclass(frozen=True)
class Key:
    """A value from a frame on: each a number, or an expression that gives one."""

    frame: int | Expression
    value: float | Expression


@dataclass(frozen=True)
class Curve:
    """A number over frames; `keys` in any order, at least one."""

    keys: tuple[Key, ...]
    method: str = "linear"
    """How numbers are interpolated: one of METHODS; step holds each until the next key."""

    @classmethod
    def constant(cls, value: float) -> Curve:
        """The same number at every frame."""
        return cls((Key(0, value),))

    def at(self, frame: int, frames: int, seed: int) -> float:
        """The value at `frame` of a clip of `frames`. Raises ScheduleError, see `values`."""
        return float(self.values(range(frame, frame + 1), frames, seed)[0])

    def values(self, frames: range, total: int, seed: int) -> np.ndarray:
        """Values (len(frames),) float64 at ascending frames of a clip of `total`; all finite.

        `max_f` is total - 1, `s` the seed, `t` the frame. Raises ScheduleError, naming the frame,
        where a value is not finite, and where a key's expression gives no frame.
        """
        import numpy as np  # --help, which knows requests too, answers without it

        from easyphoto_video.spline import through

        names = {"max_f": float(total - 1), "s": float(seed)}
        starts, values = self._placed(total, names)
        rows = np.array(frames, dtype=np.float64)
        found = np.empty(len(rows))
        for first, past in _runs(values):
            low = 0 if first == 0 else np.searchsorted(rows, starts[first])
            high = len(rows) if past == len(starts) else np.searchsorted(rows, starts[past])
            if low >= high:
                continue
            value, here = values[first], rows[low:high]
            if isinstance(value, Expression):
                since = np.maximum(here, starts[first]).tolist()
                found[low:high] = [_finite(value, frame, names) for frame in since]
                continue
            # A run of numbers leads to the expression behind it, if there is one.
            x = starts[first : past + 1]
            y = [_number(*pair, names) for pair in zip(values[first : past + 1], x, strict=True)]
            found[low:high] = through(np.array(x, np.float64), np.array(y), here, self.method)
        for frame, value in zip(frames, found.tolist(), strict=True):
            if not math.isfinite(value):
                raise ScheduleError(1, 1, f"the value at frame {frame} is not a finite number")
        return found

    def _placed(
        self, total: int, names: dict[str, float]
    ) -> tuple[list[int], list[float | Expression]]:
        """Frames of the keys inside the clip, ascending, and their values; at least one."""
        placed = {frame_at(key.frame, names): key.value for key in self.keys}
        order = sorted(placed)
        inside = [frame for frame in order if frame < total] or order[:1]
        return inside, [placed[frame] for frame in inside]


def parse_curve(text: str) -> Curve:
    """The curve that a text describes: keys, a plain number or one expression for the whole clip.

    A method's name and a colon may stand before: `cubic: 0:(0), 8:(1)`. Raises ScheduleError with
    line and column.
    """
    if len(text) > LONGEST:
        raise ScheduleError(1, 1, f"a schedule has at most {LONGEST} characters")
    if not text.strip():
        raise ScheduleError(1, 1, "the schedule is empty; write a number or 0:(0.5), 8:(1)")
    prefix = PREFIX.match(text)
    method, start = (prefix[1].lower(), prefix.end()) if prefix else (METHODS[0], 0)
    closing = _pairs(text)
    parts = list(_parts(text, start))
    if len(parts) > 1 and not text[slice(*parts[-1])].strip():
        parts.pop()
    keys: list[Key] = []
    for begin, stop in parts:
        colon = text.find(":", begin, stop)
        if colon < 0 and len(parts) == 1:
            keys.append(Key(0, _value(text, *_bare(text, begin, stop, closing))))
            continue
        if colon < 0:
            place, _ = trimmed(text, begin, stop)
            raise ScheduleError.at(text, place, "a frame and a colon are missing, as in 8:(0.5)")
        frame = parse_frame(text, *_bare(text, begin, colon, closing), KEY_VARIABLES)
        keys.append(Key(frame, _value(text, *_bare(text, colon + 1, stop, closing))))
    return Curve(tuple(keys), method)


def _parts(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Begin and end of what stands between the commas outside parentheses."""
    depth = 0
    for match in re.compile(r"[(),]").finditer(text, start):
        depth = max(0, depth + {"(": 1, ")": -1, ",": 0}[match[0]])
        if match[0] == "," and not depth:
            yield start, match.start()
            start = match.end()
    yield start, len(text)


def _pairs(text: str) -> dict[int, int]:
    """For each closed parenthesis, where it opens and where it closes."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    for match in re.finditer(r"[()]", text):
        if match[0] == "(":
            opened.append(match.start())
        elif opened:
            pairs[opened.pop()] = match.start()
    return pairs


def _bare(text: str, begin: int, stop: int, closing: dict[int, int]) -> tuple[int, int]:
    """The part without space, quotes and parentheses around all of it."""
    while True:
        begin, stop = trimmed(text, begin, stop)
        quoted = stop - begin > 1 and text[begin] in "\"'" and text[begin] == text[stop - 1]
        if not quoted and closing.get(begin) != stop - 1:
            return begin, stop
        begin, stop = begin + 1, stop - 1


def _value(text: str, begin: int, stop: int) -> float | Expression:
    if not PLAIN.fullmatch(text, begin, stop):
        return parse_expression(text, start=begin, stop=stop)
    value = float(text[begin:stop])
    if not math.isfinite(value):
        raise ScheduleError.at(text, begin, "this number is too large")
    return value


def _runs(values: list[float | Expression]) -> Iterator[tuple[int, int]]:
    """First and past of each single expression and of each run of numbers."""
    first = 0
    for number, value in enumerate(values):
        if isinstance(value, Expression):
            if first < number:
                yield first, number
            yield number, number + 1
            first = number + 1
    if first < len(values):
        yield first, len(values)


def _number(value: float | Expression, frame: float, names: dict[str, float]) -> float:
    return _finite(value, frame, names) if isinstance(value, Expression) else value


def _finite(value: Expression, frame: float, names: dict[str, float]) -> float:
    found = value.at({**names, "t": float(frame)})
    if not math.isfinite(found):
        raise value.error(f"{value.text:.40} is not a finite number at frame {frame:g}")
    return found
