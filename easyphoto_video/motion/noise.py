"""Noise over diffusion time and over frames: beta schedules, and what a clip starts from."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

STEPS = 1000
"""Diffusion steps that Stable Diffusion was trained with."""


def _plain(start: float, end: float, steps: int) -> Tensor:
    return torch.linspace(start, end, steps, dtype=torch.float64)


def _scaled(start: float, end: float, steps: int) -> Tensor:
    return torch.linspace(start**0.5, end**0.5, steps, dtype=torch.float64) ** 2


SCHEDULES: dict[str, Callable[[float, float, int], Tensor]] = {
    "linear": _plain,
    "scaled_linear": _scaled,
    "sqrt_linear": _plain,
}
"""diffusers' names, and LDM's sqrt_linear, which is diffusers' linear. LDM's own linear is
scaled_linear here: the word alone does not tell which."""


def betas(name: str, start: float, end: float, steps: int = STEPS) -> Tensor:
    """The variance added in each diffusion step: (steps,) float64 from `start` to `end`.

    `betas(*spec.betas)` are those that a motion module was trained with. Raises ValueError for a
    name that is not in SCHEDULES.
    """
    if name not in SCHEDULES:
        raise ValueError(f"no beta schedule {name!r}; there are {', '.join(SCHEDULES)}")
    return SCHEDULES[name](start, end, steps)


def alphas_cumprod(variances: Tensor) -> Tensor:
    """Betas (steps,) -> the share of the picture's variance left after each step, in (0, 1)."""
    return torch.cumprod(1 - variances, dim=0)


def initial_noise(frames: Iterable[int], size: tuple[int, int, int], seed: int) -> Tensor:
    """Normal noise (F, C, h, w) float32 for the frames with these numbers in the clip.

    Frame i draws from its own generator, seeded with seed + i on the CPU: it gets the same noise
    however many frames there are, on every device, and the same as the WebUI's i-th picture of a
    batch with its random numbers from the CPU.
    """
    return torch.stack([_drawn(size, seed + i) for i in frames])


def shuffled(frames: Iterable[int], seed: int, window: int = 16, hop: int = 4) -> tuple[int, ...]:
    """FreeNoise (arXiv 2310.15169): the number of the frame whose noise each of these takes.

    `initial_noise(shuffled(numbers, seed), size, seed)` is the clip's noise. The frames of the
    first window keep their own; behind it, each `hop` frames have the noise of those a window
    earlier in another order, so that all windows see the same noise. Which one frame i takes
    depends on the seed and on i, not on how long the clip is. Needs 1 <= hop <= window.
    """
    return tuple(_source(frame, seed, window, hop) for frame in frames)


def _source(frame: int, seed: int, window: int, hop: int) -> int:
    while frame >= window:
        group, place = divmod(frame - window, hop)
        # Far from the seeds of the frames' own noise, which are below 2^33.
        generator = torch.Generator().manual_seed((seed + 1 << 30) + group)
        frame = group * hop + int(torch.randperm(hop, generator=generator)[place])
    return frame


def _drawn(size: tuple[int, int, int], seed: int) -> Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))
