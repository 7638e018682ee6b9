"""EchoMimic's windows: made once in a closed loop, and moved along with every step."""

from __future__ import annotations

from easyphoto_video.errors import BadRequest

LENGTH, OVERLAP = 12, 3
BY_VOICE, BY_LANDMARKS = 2, 3
"""Frames that windows move with each step, where a mask and where drawings locate the face."""

Windows = tuple[tuple[int, ...], ...]
"""The numbers of the frames that are denoised together."""


def windows(frames: int, length: int = LENGTH, overlap: int = OVERLAP) -> Windows:
    """The windows of the first step; the last ones go on at the clip's start.

    A clip no longer than a window is one. Raises BadRequest unless 0 <= overlap < length.
    """
    if frames < 1 or not 0 <= overlap < length:
        raise BadRequest(
            "Context overlap",
            overlap,
            f"makes no windows of {length} over {frames} frames",
            "Give fewer frames of overlap than the windows have, and at least one frame.",
        )
    if frames <= length:
        return (tuple(range(frames)),)
    starts = range(0, frames, length - overlap)
    return tuple(tuple((start + i) % frames for i in range(length)) for start in starts)


def moved(made: Windows, frames: int, step: int, by: int) -> Windows:
    """The windows of a step, counted from 0: so no seam stays where it is."""
    return tuple(tuple((i + step * by) % frames for i in window) for window in made)
