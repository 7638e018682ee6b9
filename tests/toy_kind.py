"""A kind of setting that the package does not know, and a record with files: the smallest examples.

A mode that has them is all that there is besides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from easyphoto_video.modes.mode import Mode
from easyphoto_video.modes.registry import MODES
from easyphoto_video.setting import (
    FILM,
    PICTURE,
    Choice,
    CurveOverFrames,
    Kind,
    Setting,
    declared,
)
from easyphoto_video.setting.record import Record, Records
from tests.toy_mode import Dawn, make, settle

WRITTEN = re.compile(r"(-?\d+)deg")


@dataclass(frozen=True)
class Angle:
    """Degrees."""

    degrees: int


class AngleKind(Kind):
    """An angle, written `90deg`."""

    called = "an angle such as 90deg"

    def parse(self, value: Any) -> Angle:
        if isinstance(value, Angle):
            return value
        found = WRITTEN.fullmatch(value)
        if found is None:
            raise ValueError("no angle")
        return Angle(int(found[1]))

    def plain(self, value: Angle) -> str:
        return f"{value.degrees}deg"

    def schema(self, setting: Setting, default: Any, listed: tuple[str, ...]) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{WRITTEN.pattern}$"}

    def metavar(self, setting: Setting) -> str:
        return "ANGLE"

    def told(self, value: Angle) -> str:
        return self.plain(value)

    def to_form(self, value: Any) -> str:
        return self.plain(self.parse(value))


@dataclass(frozen=True, kw_only=True)
class Hint(Record):
    """What a frame is to look like."""

    sort: str = declared(
        "edges", Setting(label="Sort", kind=Choice(choices=("edges", "pose")), help="Of what.")
    )
    picture: str = declared("", Setting(label="Picture", kind=PICTURE, help="One for all frames."))
    film: str = declared("", Setting(label="Film", kind=FILM, help="One picture for each frame."))
    weight: float = declared(1.0, Setting(label="Weight", low=0, high=2, help="0 is off."))
    fading: str = declared(
        "",
        Setting(label="Fading", kind=CurveOverFrames(low=0, high=1), help="Over frames; or empty."),
    )
    names: tuple[str, ...] = declared((), Setting(label="Names", help="Anything."))


@dataclass(frozen=True, kw_only=True)
class Turned(Dawn):
    """A grey that grows brighter, at an angle."""

    mode = "turned"
    turn: Angle = declared(Angle(0), Setting(label="Turn", kind=AngleKind(), help="0deg is none."))
    hints: tuple[Hint, ...] = declared(
        (), Setting(label="Hints", kind=Records(Hint), help="What frames are to look like.")
    )


@contextmanager
def registered() -> Iterator[None]:
    """The mode is there while the `with` lasts."""
    MODES[Turned.mode] = Mode(request=Turned, settle=settle, make=make)
    try:
        yield
    finally:
        del MODES[Turned.mode]
