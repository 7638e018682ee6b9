"""How one or two pictures hold over the frames of a clip that begins from them.

Of a clip's N frames, i from 0 to N-1, each begins from a mix of the pictures' latents and noise:

- easyphoto, one picture: z_i = z r_i + e_i (1 - r_i), where r_i falls evenly from 1 to 0.7.
- easyphoto, two pictures: z_i = z a_i + z' b_i + e_i (1 - a_i - b_i), where a_i = 1 - i/S and
  b_i = 1 - (N-1-i)/S' are cut off at 0, S = int(3N/4) and S' = int(N/4). The ends are the pictures.
  (aigc-apps/sd-webui-EasyPhoto; at N = 1, which it cannot, the first picture.)
- animatediff: the same with a_i = 1 - i^power/scale, and b_i likewise from the end
  (continue-revolution/sd-webui-animatediff).
- steady, ours: no noise is mixed in, which would take from the latents' variance, and two pictures
  cross over the whole clip. Instead of that the strength rises from 0 at a given picture, so that
  it stays as it is, and the frames near it begin from less noise than those far away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from easyphoto_video.engine import Mix, Weights

RESERVED = 0.7
"""Of EasyPhoto: what is left of a single picture in the last frame."""
REACH = 4
"""Frames from a given picture to full strength."""


@dataclass(frozen=True, kw_only=True)
class Fading:
    """The numbers of `animatediff`."""

    power: float = 1.0
    scale: float = 32.0
    power_last: float = 1.0
    scale_last: float = 32.0


def easyphoto(frames: int, pictures: int) -> Mix:
    """See above."""
    if pictures == 1:
        left = np.maximum(np.linspace(1.0, RESERVED, frames), 0.0)
        return Mix(weights=left[:, None], noise=1 - left)
    return animatediff(
        frames, pictures, Fading(scale=frames * 3 // 4 or 1, scale_last=frames // 4 or 1)
    )


def animatediff(frames: int, pictures: int, fading: Fading) -> Mix:
    """See above."""
    number = np.arange(frames, dtype=np.float64)
    first = np.maximum(0.0, 1 - number**fading.power / fading.scale)
    if pictures == 1:
        return Mix(weights=first[:, None], noise=1 - first)
    last = np.maximum(0.0, 1 - number[::-1] ** fading.power_last / fading.scale_last)
    both = np.stack([first, last], axis=1)
    both /= np.maximum(both.sum(axis=1, keepdims=True), 1.0)
    both[-1], both[0] = (0.0, 1.0), (1.0, 0.0)
    return Mix(weights=both, noise=np.maximum(0.0, 1 - both.sum(axis=1)))


def steady(frames: int, pictures: int) -> Mix:
    """See above."""
    if pictures == 1:
        return Mix(weights=np.ones((frames, 1)), noise=np.zeros(frames))
    last = np.linspace(0.0, 1.0, frames)
    return Mix(weights=np.stack([1 - last, last], axis=1), noise=np.zeros(frames))


def rising(frames: int, pictures: int, strength: float) -> Weights:
    """(F,) the strength of each frame under `steady`."""
    number = np.arange(frames)
    away = number if pictures == 1 else np.minimum(number, number[::-1])
    return strength * np.minimum(1.0, away / REACH)
