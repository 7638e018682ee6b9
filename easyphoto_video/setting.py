"""Setting: what a field of a request says of itself, once, for every surface that shows it.

The tab, the API's schema, the command line, the infotext and the checks all read these.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from easyphoto_video.errors import BadRequest

KEY = "setting"
PICTURE, FILM = "picture", "film"
"""Kinds of files that a field may name; a film may be an animation or a folder of pictures."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The declaration of one field."""

    label: str
    """The name that people see, in sentence case; unique within a request."""

    help: str
    """One sentence for somebody who never saw the field; says what the neutral value means."""

    unit: str = ""
    """Unit of a number: px, frames, 1/s."""

    low: float | None = None
    """Smallest allowed number; None is unbounded."""

    high: float | None = None
    """Largest allowed number; None is unbounded."""

    step: int | None = None
    """A number must be a multiple of this; None allows any."""

    auto: int | float | None = None
    """A number outside low..high that leaves the choice to us; None when there is none."""

    choices: tuple[str, ...] = ()
    """The allowed texts; empty allows any text."""

    lines: int = 1
    """Height of a text field in lines."""

    curve: tuple[float, float] | None = None
    """For a text that is a curve over frames: what its numbers must lie in."""

    file: str = ""
    """PICTURE or FILM for the name of a file that is read; empty for any other field."""

    @property
    def range(self) -> str:
        """The allowed values in words, for a message or a help text."""
        if self.choices:
            return ", ".join(self.choices)
        low = "" if self.low is None else f"from {_plain(self.low)}"
        high = "" if self.high is None else f"to {_plain(self.high)}"
        step = f"in steps of {self.step}" if self.step and self.step > 1 else ""
        auto = "" if self.auto is None else f"or {self.auto:g} for automatic"
        return " ".join(part for part in (low, high, step, auto) if part)

    def check(self, value: object) -> None:
        """Raise BadRequest when `value` is not allowed."""
        if isinstance(value, (int, float, Fraction)) and not isinstance(value, bool):
            self._check_number(value)
        elif self.choices and value not in self.choices:
            raise BadRequest(self.label, value, "is not known", f"Choose one of: {self.range}.")

    def _check_number(self, value: float | Fraction) -> None:
        if value == self.auto and self.auto is not None:
            return
        finite = value == value and abs(value) != float("inf")
        low_enough = self.low is None or value >= self.low
        high_enough = self.high is None or value <= self.high
        if not (finite and low_enough and high_enough):
            raise BadRequest(
                self.label,
                value if isinstance(value, int) else float(value),
                "is out of range",
                f"Give {self.range}.",
            )
        if self.step and value % self.step:
            reason = f"is not a multiple of {self.step}"
            raise BadRequest(self.label, value, reason, f"Give {self.range}.")


def declared(default: Any, setting: Setting) -> Any:
    """A dataclass field with its declaration; the type is the annotation's affair."""
    return dataclasses.field(default=default, metadata={KEY: setting})


def settings(request: Any) -> Iterator[tuple[dataclasses.Field[Any], Setting]]:
    """Every declared field of a request (class or object) with its declaration, in order."""
    for field in dataclasses.fields(request):
        if KEY in field.metadata:
            yield field, field.metadata[KEY]


def _plain(value: float | Fraction) -> float | int:
    """A whole number without its decimal point, for a message."""
    return int(value) if value == value // 1 else float(value)
