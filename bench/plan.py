"""What is measured, and how large."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.models import EMBEDDED, FULL


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Sizes of all cases; the defaults are for a CPU of a few cores."""

    device: str = "cpu"
    """`cpu` or `cuda`."""
    dtypes: tuple[str, ...] = ("fp32", "bf16")
    """Of the networks, as `device.target` takes them."""
    subjects: tuple[str, ...] = (EMBEDDED, FULL)
    """See `models`."""
    frames: int = 16
    px: int = 128
    """Sides of the pictures."""
    repeats: int = 5
    """Of which each time is the median."""
    clock: str = "wall"
    """See `measure.CLOCKS`; what other processes do is always measured by the wall."""
    lengths: tuple[int, ...] = (16, 32, 64, 256)
    """Frames of clips of different lengths."""
    video: Path | None = None
    """A film to follow a face in; None is one that the embedded model draws."""
    face_frames: int = 120
    """The most frames of it that are looked at."""
