"""Frames: the one form in which pictures cross a border of the house."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Frames = npt.NDArray[np.uint8]
"""(F, H, W, 3) uint8 RGB, 0..255."""
