"""Plain windows, by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from easyphoto_video.motion.windows import Window, balanced, pyramid


def windows(
    frames: int,
    length: int,
    overlap: int,
    weights: Callable[[int], Sequence[float]] = pyramid,
) -> tuple[Window, ...]:
    """Windows of `length` frames, each `overlap` into the one before; the last ends the clip."""
    length = min(length, frames)
    starts = [*range(0, frames - length, max(length - overlap, 1)), frames - length]
    return balanced([(range(start, start + length), weights(length)) for start in starts])
