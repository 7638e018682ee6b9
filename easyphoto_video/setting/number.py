"""Kinds of numbers: whole ones, any, frame rates, and true or false."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from easyphoto_video.errors import BadRequest
from easyphoto_video.setting.kind import Kind, Setting, shortened

FINEST = 1_001_000
"""The largest numerator and denominator of a frame rate that ffmpeg takes as they are."""
FRACTION = r"[+-]?[0-9]{0,9}\.?[0-9]{0,9}(/[0-9]{1,9})?"
"""How a frame rate may be written."""
TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
"""How yes and no may be written."""


class Truth(Kind):
    """True or false."""

    called = "true or false"
    json = (bool,)
    flag = True
    widget = "checkbox"

    def parse(self, value: Any) -> bool:
        """See Kind."""
        if isinstance(value, str):
            return TRUTHS[value.strip().lower()]
        if not isinstance(value, bool):
            raise TypeError("neither true nor false")
        return value

    def fits(self, value: Any) -> bool:
        """See Kind."""
        return isinstance(value, bool)

    def schema(self, setting: Setting, default: Any, listed: tuple[str, ...]) -> dict[str, Any]:
        """See Kind."""
        return {"type": "boolean"}

    def told(self, value: Any) -> str:
        """See Kind."""
        return "on" if value else "off"


class Number(Kind):
    """Any number within the setting's bounds."""

    called = "a number"
    json = (int, float)
    widget = "number"
    types: Any = "number"
    """JSON Schema's word."""

    def parse(self, value: Any) -> Any:
        """See Kind."""
        return float(value)

    def allowed(self, setting: Setting) -> str:
        """See Kind."""
        low = "" if setting.low is None else f"from {shortened(setting.low)}"
        high = "" if setting.high is None else f"to {shortened(setting.high)}"
        step = f"in steps of {setting.step}" if setting.step and setting.step > 1 else ""
        auto = "" if setting.auto is None else f"or {setting.auto:g} for automatic"
        return " ".join(part for part in (low, high, step, auto) if part)

    def check(self, value: Any, setting: Setting) -> None:
        """See Kind."""
        if value == setting.auto and setting.auto is not None:
            return
        finite = value == value and abs(value) != float("inf")
        low_enough = setting.low is None or value >= setting.low
        high_enough = setting.high is None or value <= setting.high
        step = f"Give {self.allowed(setting)}."
        if not (finite and low_enough and high_enough):
            shown = value if isinstance(value, int) else float(value)
            raise BadRequest(setting.label, shown, "is out of range", step)
        if setting.step and value % setting.step:
            reason = f"is not a multiple of {setting.step}"
            raise BadRequest(setting.label, value, reason, step)

    def schema(self, setting: Setting, default: Any, listed: tuple[str, ...]) -> dict[str, Any]:
        """See Kind."""
        bounds: dict[str, Any] = {"minimum": setting.low, "maximum": setting.high}
        if setting.step and setting.step > 1:
            bounds["multipleOf"] = setting.step
        bounds = {name: bound for name, bound in bounds.items() if bound is not None}
        if setting.auto is not None:
            bounds = {"auto": setting.auto, "anyOf": [{"const": setting.auto}, bounds]}
        return {"type": self.types, **bounds}

    def metavar(self, setting: Setting) -> str:
        """See Kind."""
        return (setting.unit or "NUMBER").upper()


class Whole(Number):
    """A whole number."""

    called = "a whole number"
    types = "integer"

    def parse(self, value: Any) -> int:
        """See Kind."""
        if isinstance(value, bool) or int(value) != float(value):
            raise ValueError("not a whole number")
        return int(value)


class FrameRate(Number):
    """Frames in a second, exactly: 24, 23.976 or 30000/1001."""

    called = f"a number or a fraction of whole numbers up to {FINEST}"
    json = (int, float, str)
    widget = "text"
    types = ("number", "string")

    def parse(self, value: Any) -> Fraction:
        """See Kind."""
        if isinstance(value, str) and not re.fullmatch(FRACTION, value.strip()):
            raise ValueError("1e999999999 would be worked out to its last digit")
        is_float = isinstance(value, float)
        exact = Fraction(value).limit_denominator(1001) if is_float else Fraction(value)
        if max(exact.numerator, exact.denominator) > FINEST:
            raise ValueError("too fine a fraction for a file")
        return exact

    def plain(self, value: Any) -> str:
        """See Kind."""
        return str(value)

    def schema(self, setting: Setting, default: Any, listed: tuple[str, ...]) -> dict[str, Any]:
        """See Kind."""
        bounds = super().schema(setting, default, listed)
        return {"type": list(bounds.pop("type")), "pattern": f"^{FRACTION}$", **bounds}

    def to_form(self, value: Any) -> Any:
        """See Kind."""
        return str(value) if isinstance(value, Fraction) else value


TRUTH, NUMBER, WHOLE, FRAME_RATE = Truth(), Number(), Whole(), FrameRate()
