"""Clip: frames at rest, and how fast they play."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

Frames = npt.NDArray[np.uint8]
"""(F, H, W, 3) uint8 RGB, 0..255; the one form in which pictures cross a border of the house."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A moving picture in memory."""

    frames: Frames
    """(F, H, W, 3) uint8 RGB, F >= 1."""

    fps: Fraction
    """Frames in a second, exact: 30000/1001, not 29.97."""

    sound: Path | None = None
    """A file whose first sound track belongs to the clip; None is silence."""

    def __post_init__(self) -> None:
        shape, dtype = self.frames.shape, self.frames.dtype
        if dtype != np.uint8 or len(shape) != 4 or shape[3] != 3 or shape[0] < 1:
            raise ValueError(f"a clip holds (F, H, W, 3) uint8 frames, not {shape} {dtype}")
        if self.fps <= 0:
            raise ValueError(f"a clip plays at more than 0 frames a second, not {self.fps}")

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def width(self) -> int:
        """Pixels."""
        return self.frames.shape[2]

    @property
    def height(self) -> int:
        """Pixels."""
        return self.frames.shape[1]

    @property
    def seconds(self) -> Fraction:
        """Duration."""
        return len(self) / self.fps
