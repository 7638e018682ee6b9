"""A clip from noise, window by window (antgroup/echomimic, the audio and pose pipelines)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from easyphoto_video.talk.noise import stepped, timesteps
from easyphoto_video.talk.windows import BY_VOICE, LENGTH, OVERLAP, moved, windows

Predict = Callable[[Tensor, int, Sequence[int], Sequence[bool]], Tensor]
"""Rows (k*n, 4, h, w), timestep, the numbers of n frames, whether each of k clips is told -> v."""

Beat = Callable[[float], None]
"""Hears the share that is done, after each window; what it raises ends the sampling."""

LARGEST = 1.5
"""Where the audio pipeline cuts off the noise it starts from; the pose pipelines do not."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """How a clip is denoised; the defaults are those of EchoMimic's audio pipeline."""

    steps: int = 30
    guidance: float = 2.5
    """At 1 or below nothing is computed without the voice."""
    length: int = LENGTH
    overlap: int = OVERLAP
    shift: int = BY_VOICE
    """Frames that the windows move with each step."""


def _silent(_done: float) -> None:
    """Nobody listens."""


def sampled(noise: Tensor, predict: Predict, course: Course, beat: Beat = _silent) -> Tensor:
    """Noise (F, 4, h, w) -> latents of the same shape and dtype; what windows share is averaged."""
    frames, x = len(noise), noise
    made = windows(frames, course.length, course.overlap)
    for step, t in enumerate(timesteps(course.steps)):
        total, count = torch.zeros_like(x), x.new_zeros(frames, 1, 1, 1)
        for number, window in enumerate(moved(made, frames, step, course.shift)):
            picked = list(window)
            total[picked] += guided(x[picked], predict, t, window, course.guidance)
            count[picked] += 1
            beat((step + (number + 1) / len(made)) / course.steps)
        x = stepped(x, total / count, t, course.steps)
    return x


def guided(
    rows: Tensor, predict: Predict, t: int, window: Sequence[int], guidance: float
) -> Tensor:
    """v of one window, with classifier-free guidance where it is above 1."""
    if guidance <= 1:
        return predict(rows, t, window, (True,))
    free, told = predict(torch.cat([rows, rows]), t, window, (False, True)).chunk(2)
    return free + guidance * (told - free)
