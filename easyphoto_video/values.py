"""Values of a request's fields: how each kind is read from plain JSON values, and written back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from easyphoto_video.errors import BadRequest
from easyphoto_video.setting import Setting

FINEST = 1_001_000
"""The largest numerator and denominator of a frame rate that ffmpeg takes as they are."""
FRACTION = r"[+-]?[0-9]{0,9}\.?[0-9]{0,9}(/[0-9]{1,9})?"
"""How a frame rate may be written."""
TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
"""How yes and no may be written."""


@dataclass(frozen=True)
class Lora:
    """A LoRA file by its name in the folder (no suffix needed) and its weight; 1 is as trained."""

    name: str
    weight: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Lora:
        """`NAME:WEIGHT`, or `NAME` for weight 1. Raises ValueError."""
        name, colon, weight = text.rpartition(":")
        lora = cls(name, float(weight)) if colon else cls(text)
        if not lora.name.strip() or not abs(lora.weight) <= 10:
            raise ValueError("give NAME or NAME:WEIGHT with a weight from -10 to 10")
        return lora

    def __str__(self) -> str:
        return f"{self.name}:{self.weight:g}"


def _loras(value: Any) -> tuple[Lora, ...]:
    items = [value] if isinstance(value, str) else list(value)
    return tuple(item if isinstance(item, Lora) else Lora.parse(str(item)) for item in items)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_text(item) for item in ([value] if isinstance(value, str) else list(value)))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _truth(value: Any) -> bool:
    if isinstance(value, str):
        return TRUTHS[value.strip().lower()]
    if not isinstance(value, bool):
        raise TypeError("neither true nor false")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or int(value) != float(value):
        raise ValueError("not a whole number")
    return int(value)


def _fraction(value: Any) -> Fraction:
    if isinstance(value, str) and not re.fullmatch(FRACTION, value.strip()):
        raise ValueError("1e999999999 would be worked out to its last digit")
    exact = Fraction(value).limit_denominator(1001) if isinstance(value, float) else Fraction(value)
    if max(exact.numerator, exact.denominator) > FINEST:
        raise ValueError("too fine a fraction for a file")
    return exact


READERS: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "str": (_text, "a text"),
    "bool": (_truth, "true or false"),
    "int": (_whole, "a whole number"),
    "float": (float, "a number"),
    "Fraction": (_fraction, f"a number or a fraction of whole numbers up to {FINEST}"),
    "tuple[Lora, ...]": (_loras, "NAME:WEIGHT"),
    "tuple[str, ...]": (_texts, "a list of texts"),
}
"""For each annotation of a field: how to read a value of it, and what to call it."""


def typed(annotation: Any, value: Any, setting: Setting) -> Any:
    """The value as the annotation says. Raises BadRequest."""
    read, name = READERS[annotation]
    try:
        return read(value)
    except (TypeError, ValueError, KeyError, ZeroDivisionError, OverflowError) as error:
        allowed = f" {setting.range}" if setting.range else ""
        raise BadRequest(
            setting.label, value, f"is not {name}", f"Give {name}{allowed}."
        ) from error


def plain(value: Any) -> Any:
    """The value as JSON has it."""
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, tuple):
        return [str(item) for item in value]
    return value
