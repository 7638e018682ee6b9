"""AnimateDiff's plain-linear noise and v-prediction (arXiv 2202.00512)."""

from __future__ import annotations

import torch
from torch import Tensor

STEPS = 1000
BETAS = (0.00085, 0.012)


def alphas() -> Tensor:
    """(1000,) float32: the share of the signal's variance left at each step."""
    return torch.cumprod(1 - torch.linspace(*BETAS, STEPS), 0)


def add_noise(x0: Tensor, noise: Tensor, alpha: Tensor) -> Tensor:
    """The noisy latents; `alpha` broadcasts over them."""
    return alpha.sqrt() * x0 + (1 - alpha).sqrt() * noise


def velocity(x0: Tensor, noise: Tensor, alpha: Tensor) -> Tensor:
    """What the denoiser is to say."""
    return alpha.sqrt() * noise - (1 - alpha).sqrt() * x0


def clean(noisy: Tensor, v: Tensor, alpha: Tensor) -> Tensor:
    """The latents that `v` stands for."""
    return alpha.sqrt() * noisy - (1 - alpha).sqrt() * v


def weight(alpha: Tensor, low: float = 0.3, high: float = 3.0) -> Tensor:
    """The weight of a squared error of v: x0's times the signal-to-noise ratio in low..high.

    High noise decides who is drawn and where she looks, so it must not drown, nor low noise rule.
    """
    ratio = alpha / (1 - alpha)
    return ratio.clamp(low, high) / (1 + ratio)
