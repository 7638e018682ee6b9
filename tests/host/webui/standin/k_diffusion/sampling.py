"""One sampler of k-diffusion's; `torch` is replaced by the host for a run, and stays so."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["sample_euler_ancestral", "torch"]


def sample_euler_ancestral(model: Any, x: Any, sigmas: Any, extra_args: Any, callback: Any) -> Any:
    """Steps from sigma to sigma, with new noise behind each but the last."""
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i] * x.new_ones(len(x)), **extra_args)
        callback({"i": i, "denoised": denoised})
        up = min(
            sigmas[i + 1], (sigmas[i + 1] ** 2 * (1 - (sigmas[i + 1] / sigmas[i]) ** 2)) ** 0.5
        )
        down = (sigmas[i + 1] ** 2 - up**2) ** 0.5
        x = x + (x - denoised) / sigmas[i] * (down - sigmas[i])
        if sigmas[i + 1] > 0:
            x = x + torch.randn_like(x) * up
    return x
