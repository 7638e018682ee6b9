"""Frames between frames: a film with more of them, or a slower one, as a stream.

for frame in between(video.frames(), 4):
    out.add(frame[None])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from easyphoto_video.clip import Frames
from easyphoto_video.video.flow import by_flow

Method = Callable[[Frames, Frames, Sequence[float]], Iterable[Frames]]
"""(before, after, times) -> one picture for each time; 0 is `before` and 1 is `after`.

Pictures are (H, W, 3) uint8 RGB of one size, times lie between 0 and 1 and rise.
"""

SMALL = 32
"""px: the side of the pictures on which cuts are looked for."""
WINDOW, SIGMA = (11, 11), 1.5
"""px: the window of SSIM (Wang et al. 2004)."""
LIKE = 0.35
"""SSIM of neighbours below which they belong to two shots."""
STEADY, STEADY_CONTRAST = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""SSIM's constants for 8 bit."""


def between(
    frames: Iterable[Frames],
    factor: int,
    method: Method = by_flow,
    *,
    is_closed: bool = False,
) -> Iterator[Frames]:
    """The given frames (H, W, 3) uint8 RGB to the bit, and factor-1 made ones after each.

    After the last one frames are made only when the film `is_closed`: they lead to the first. Holds
    two frames, with `is_closed` the first as well. Neighbours that are the same have the same
    between them; across a cut the nearer one stands. Raises ValueError for a factor below 1 and for
    frames of different sizes.
    """
    if factor < 1:
        raise ValueError(f"there are at least 1 times as many frames, not {factor}")
    times = [step / factor for step in range(1, factor)]
    return _between(iter(frames), times, method, is_closed)


def frames_after(count: int, factor: int, *, is_closed: bool = False) -> int:
    """How many frames `between` makes of `count`."""
    return count * factor if is_closed or count == 0 else (count - 1) * factor + 1


def by_repeating(before: Frames, after: Frames, times: Sequence[float]) -> Iterator[Frames]:
    """A Method: the nearer picture stands; at half time the earlier one."""
    for time in times:
        yield before if time <= 0.5 else after


def is_cut(before: Frames, after: Frames) -> bool:
    """Whether a new shot begins between two pictures (H, W, 3) uint8 RGB."""
    return likeness(before, after) < LIKE


def likeness(one: Frames, other: Frames) -> float:
    """SSIM, at most 1, of two pictures (H, W, 3) uint8 RGB when they are SMALL."""
    x, y = _small(one), _small(other)
    mean_x, mean_y = _blur(x), _blur(y)
    variance = _blur(x * x) - mean_x**2 + _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    light = (2 * mean_x * mean_y + STEADY) / (mean_x**2 + mean_y**2 + STEADY)
    structure = (2 * covariance + STEADY_CONTRAST) / (variance + STEADY_CONTRAST)
    return float((light * structure).mean())


def _between(
    frames: Iterator[Frames], times: list[float], method: Method, is_closed: bool
) -> Iterator[Frames]:
    first = before = next(frames, None)
    if first is None or before is None:
        return
    yield first
    for after in frames:
        yield from _made(before, after, times, method)
        yield after
        before = after
    if is_closed:
        yield from _made(before, first, times, method)


def _made(before: Frames, after: Frames, times: list[float], method: Method) -> Iterable[Frames]:
    if before.shape != after.shape:
        raise ValueError(f"frames have one size, not {before.shape} and {after.shape}")
    if not times:
        return []
    if np.array_equal(before, after) or is_cut(before, after):
        return by_repeating(before, after, times)
    return method(before, after, times)


def _small(picture: Frames) -> npt.NDArray[np.float32]:
    small = cv2.resize(picture, (SMALL, SMALL), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _blur(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(values, WINDOW, SIGMA), np.float32)
