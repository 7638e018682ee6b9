"""Windows over time: clips longer than a motion module can see at once.

Each step of the sampler, the UNet sees the clip in overlapping windows, and what it predicts for a
frame in several of them is averaged by weight (as MultiDiffusion does in space, arXiv 2302.08113).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Window:
    """Frames that the motion module sees together, in their order, each with its weight.

    Over all windows of a clip the weights of a frame add up to 1, so a frame that stands in one
    window only passes unchanged.
    """

    frames: tuple[int, ...]
    weights: tuple[float, ...]

    def rows(self, x: Tensor, frames: int) -> Tensor:
        """The rows of this window out of x (k*frames, ...), clip after clip: (k*n, ...)."""
        clips = x.unflatten(0, (-1, frames))
        return clips[:, list(self.frames)].flatten(0, 1)


def pyramid(length: int) -> tuple[float, ...]:
    """1, 2, .. 2, 1: a frame counts for more in the middle of a window than at its ends."""
    return tuple(float(min(i + 1, length - i)) for i in range(length))


def flat(length: int) -> tuple[float, ...]:
    """Every frame of a window counts the same."""
    return (1.0,) * length


def relative(length: int) -> tuple[float, ...]:
    """Falls evenly from 1 in the middle of a window to 0.01 at its ends."""
    middle, half = (length - 1) / 2, (length - 1 + 0.01) / 2
    return tuple(max(0.01, 1 - abs(i - middle) / half) for i in range(length))


def apart(frames: int, length: int) -> tuple[Window, ...]:
    """Windows of at most `length` frames side by side, for frames that do not know each other."""
    starts = range(0, frames, length)
    spans = (tuple(range(start, min(start + length, frames))) for start in starts)
    return tuple(Window(span, flat(len(span))) for span in spans)


def balanced(spans: Sequence[tuple[Sequence[int], Sequence[float]]]) -> tuple[Window, ...]:
    """Windows of frames and weights, which are scaled to add up to 1 for every frame."""
    totals: dict[int, float] = {}
    for frames, weights in spans:
        for frame, weight in zip(frames, weights, strict=True):
            totals[frame] = totals.get(frame, 0.0) + weight
    return tuple(
        Window(
            tuple(frames),
            tuple(weight / totals[frame] for frame, weight in zip(frames, weights, strict=True)),
        )
        for frames, weights in spans
    )


def fused(call: Callable[[Tensor, Window], Tensor], x: Tensor, windows: Sequence[Window]) -> Tensor:
    """What `call` predicts for x (k*F, ...), window by window, averaged by weight: x's shape.

    `call` gets the rows of one window (k*n, ...) and the window, with which the caller cuts what
    else has rows for frames, and returns as many rows. The sum is taken in float32 at least.
    """
    frames = 1 + max(max(window.frames) for window in windows)
    exact = torch.promote_types(x.dtype, torch.float32)
    total = torch.zeros_like(x, dtype=exact).unflatten(0, (-1, frames))  # (k, F, ...)
    for window in windows:
        seen = call(window.rows(x, frames), window).unflatten(0, (-1, len(window.frames)))
        weights = torch.tensor(window.weights, dtype=exact, device=x.device)
        weights = weights.view(-1, *(1 for _ in x.shape[1:]))  # (n, 1, ...)
        total[:, list(window.frames)] += weights * seen
    return total.flatten(0, 1).to(x.dtype)
