"""An anti-aliased, supersampled canvas for filled shapes and strokes."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

SIZE = 128
_OVERSAMPLING = 2
_FRACTION_BITS = 4

Tint = tuple[float, float, float]


def mix(first: Sequence[float], second: Sequence[float], share: float) -> Tint:
    """The colour `share` of the way from `first` to `second`."""
    r, g, b = (x * (1 - share) + y * share for x, y in zip(first, second, strict=True))
    return r, g, b


def darker(colour: Sequence[float], factor: float) -> Tint:
    """The colour times `factor`."""
    return mix((0.0, 0.0, 0.0), colour, factor)


def smooth(points: np.ndarray, steps: int = 5) -> np.ndarray:
    """A closed Catmull-Rom curve through points (N, 2), as (N * steps, 2)."""
    t = np.linspace(0.0, 1.0, steps, endpoint=False)[:, None, None]
    before, here, after, then = (np.roll(points, shift, axis=0) for shift in (1, 0, -1, -2))
    bend = 2 * before - 5 * here + 4 * after - then
    twist = 3 * here - before - 3 * after + then
    curve = here + 0.5 * t * (after - before + t * (bend + t * twist))
    return curve.transpose(1, 0, 2).reshape(-1, 2)


class Canvas:
    """A square RGB picture of `SIZE` pixels; points are in pixels, x to the right and y down."""

    def __init__(self, colour: Sequence[float]) -> None:
        side = SIZE * _OVERSAMPLING
        self._pixels = np.empty((side, side, 3), np.uint8)
        self._pixels[:] = colour

    def fill(self, points: np.ndarray, colour: Sequence[float]) -> None:
        """Fill the polygon (N, 2)."""
        cv2.fillPoly(self._pixels, [_fixed(points)], colour, cv2.LINE_AA, _FRACTION_BITS)

    def stroke(
        self, points: np.ndarray, colour: Sequence[float], width: float, closed: bool = False
    ) -> None:
        """Draw the line through the points (N, 2), `width` pixels wide."""
        thick = max(1, round(width * _OVERSAMPLING))
        cv2.polylines(
            self._pixels, [_fixed(points)], closed, colour, thick, cv2.LINE_AA, _FRACTION_BITS
        )

    def image(self) -> np.ndarray:
        """The picture, (SIZE, SIZE, 3) uint8 RGB."""
        return cv2.resize(self._pixels, (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def _fixed(points: np.ndarray) -> np.ndarray:
    """Pixels as OpenCV's fixed point, with pixel centres at whole numbers plus a half."""
    scaled = np.asarray(points) * _OVERSAMPLING - 0.5
    return np.round(scaled * (1 << _FRACTION_BITS)).astype(np.int32).reshape(-1, 1, 2)
