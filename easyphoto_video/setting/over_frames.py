"""Kinds of texts that say something anew in every frame: numbers, and prompts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from easyphoto_video.curve import Curve, parse_curve
from easyphoto_video.errors import BadRequest
from easyphoto_video.schedule import Schedule, check_text, parse_text
from easyphoto_video.setting.kind import Setting
from easyphoto_video.setting.text import Text


@dataclass(frozen=True, kw_only=True)
class CurveOverFrames(Text):
    """A number over frames, `0:(0), 8:(0.8)`, that lies in low..high; empty is none at all."""

    lines: int = 2
    low: float = 0.0
    high: float = 1.0

    def check(self, value: Any, setting: Setting) -> None:
        """See Kind."""
        self._curve(value, setting)

    def numbers(
        self, text: str, setting: Setting, rows: range, total: int, chance: int
    ) -> tuple[float, ...]:
        """What it says of these frames of a clip of `total`; empty when it says nothing.

        `chance` is what its random numbers begin from. Raises BadRequest where it is no number or
        out of range.
        """
        curve = self._curve(text, setting)
        if curve is None:
            return ()
        try:
            found = curve.values(rows, total, chance)
        except ValueError as error:
            raise _unreadable(text, setting, error) from error
        for frame, value in zip(rows, found, strict=True):
            if not self.low <= value <= self.high:
                where = f"outside of {self.low:g} to {self.high:g}"
                reason = f"it is {value:.4g} at frame {frame}, {where}"
                raise _unreadable(text, setting, ValueError(reason))
        return tuple(map(float, found))

    def _curve(self, text: str, setting: Setting) -> Curve | None:
        if not text.strip():
            return None
        try:
            return parse_curve(text)
        except ValueError as error:
            raise _unreadable(text, setting, error) from error


@dataclass(frozen=True)
class PromptOverFrames(Text):
    """A prompt, or prompts from key frames on."""

    lines: int = 2

    def check_over(self, value: Any, setting: Setting, frames: int) -> None:
        """See Kind; as far as it can be, while the number of frames is still open."""
        if frames:
            self.schedule(value, setting, frames)
            return
        try:
            check_text(value)
        except ValueError as error:
            raise _unreadable(value, setting, error) from error

    def schedule(self, text: str, setting: Setting, frames: int) -> Schedule[str]:
        """The prompt at each key frame of a clip of so many frames. Raises BadRequest."""
        try:
            return parse_text(text, frames)
        except ValueError as error:
            raise _unreadable(text, setting, error) from error


def _unreadable(text: str, setting: Setting, error: ValueError) -> BadRequest:
    return BadRequest(setting.label, text, str(error), "See docs/schedules.md.")
