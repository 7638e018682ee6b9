"""What samplers share."""

from __future__ import annotations

from typing import Any

import k_diffusion.sampling
import numpy as np
import torch
from modules import shared
from PIL import Image


class InterruptedException(BaseException):
    """The user's button, seen by the sampler."""


class TorchHijack:
    """Every picture of a batch draws its own noise."""

    def __init__(self, p: Any) -> None:
        self.rng = p.rng

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)

    def randn_like(self, x: Any) -> Any:
        """Of the same size as x."""
        return self.rng.next()


def hijack(p: Any) -> None:
    """Stays until the next run."""
    k_diffusion.sampling.torch = TorchHijack(p)


def single_sample_to_image(sample: Any, approximation: int | None = None) -> Image.Image:
    """A look at latents."""
    picture = shared.sd_model.decode_first_stage(sample[None])[0]
    levels = ((picture.clamp(-1, 1) + 1) * 127.5).byte()
    return Image.fromarray(np.ascontiguousarray(levels.permute(1, 2, 0).numpy()))
