"""EchoMimic's noise: DDIM over v (arXiv 2202.00512), betas that end in no signal at all.

Zero terminal SNR and trailing steps as in arXiv 2305.08891.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor

STEPS = 1000
BETAS = 0.00085, 0.012


@functools.cache
def alphas() -> Tensor:
    """(1000,) float32: the share of the signal's variance left at each step; at the last, none.

    In float32, as the official tables are.
    """
    roots = torch.cumprod(1 - torch.linspace(*BETAS, STEPS), 0).sqrt()
    first, last = roots[0].clone(), roots[-1].clone()
    scaled = (roots - last) * (first / (first - last))
    squares = scaled**2
    shares = torch.cat([squares[:1], squares[1:] / squares[:-1]])
    return torch.cumprod(1 - (1 - shares), 0)


def timesteps(steps: int) -> list[int]:
    """Trailing: from 999 on in even strides. Raises ValueError unless 1 <= steps <= 1000."""
    if not 1 <= steps <= STEPS:
        raise ValueError(f"{steps} steps of {STEPS}")
    stride = STEPS / steps
    return [round(STEPS - i * stride) - 1 for i in range(steps)]


def stepped(x: Tensor, v: Tensor, t: int, steps: int) -> Tensor:
    """The latents one step of `steps` later: DDIM without noise of its own, nothing clipped."""
    before = t - STEPS // steps
    now = alphas()[t].to(x)
    then = alphas()[before].to(x) if before >= 0 else torch.ones((), device=x.device, dtype=x.dtype)
    clean = now.sqrt() * x - (1 - now).sqrt() * v
    noise = now.sqrt() * v + (1 - now).sqrt() * x
    return then.sqrt() * clean + (1 - then).sqrt() * noise
