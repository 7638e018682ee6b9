"""Who finds the faces of a clip, who tells them apart, and whose they shall become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from easyphoto_video.clip import Frames
from easyphoto_video.faces.face import Detector, Face, Recogniser

Restorer = Callable[[Frames], Frames]
"""Sharpens a face: (H, W, 3) uint8 RGB in, (H', W', 3) out, of the same shape or a multiple."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Person:
    """Somebody as her reference picture shows her."""

    name: str
    picture: Frames
    """(H, W, 3) uint8 RGB."""
    face: Face
    """Her face there, with dense points where the detector has them, and an embedding where there
    is a recogniser."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cast:
    """What a face pass works with."""

    detector: Detector
    recogniser: Recogniser | None
    """None goes without: faces are told apart by their places alone, and likeness is not told."""
    people: tuple[Person, ...]
    """Those whose faces the clip gets, the first first."""
    restorer: Restorer | None = None
