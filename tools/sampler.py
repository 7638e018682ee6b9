"""A small DDIM sampler with classifier-free guidance, to look at a model in training."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from tools.models import LATENT, SCALE, decode
from tools.train import noise
from tools.train.vae import to_pictures

Denoise = Callable[[Tensor, Tensor, Tensor], Tensor]


@torch.no_grad()
def sample(
    denoise: Denoise,
    words: Tensor,
    empty: Tensor,
    *,
    steps: int = 20,
    cfg: float = 2.0,
    seed: int = 0,
) -> Tensor:
    """Latents (B, 4, 16, 16) for words (B, 77, C); `empty` (1, 77, C) is the empty caption's."""
    generator, alphas = torch.Generator().manual_seed(seed), noise.alphas().to(words.device)
    x = torch.randn((len(words), *LATENT), generator=generator).to(words.device)
    both = torch.cat([empty.expand_as(words), words])
    times = [int(t) for t in torch.linspace(noise.STEPS - 1, 0, steps + 1)]
    for now, then in itertools.pairwise(times):
        t = torch.full((2 * len(x),), now, device=x.device)
        free, guided = denoise(torch.cat([x, x]), t, both).chunk(2)
        v, alpha = free + cfg * (guided - free), alphas[now]
        x0, eps = noise.clean(x, v, alpha), alpha.sqrt() * v + (1 - alpha).sqrt() * x
        x = noise.add_noise(x0, eps, alphas[then])
    return x


@torch.no_grad()
def pictures(vae: AutoencoderKL, latents: Tensor) -> np.ndarray:
    """(B, 4, 16, 16) -> (B, 128, 128, 3) uint8 RGB."""
    return np.concatenate([to_pictures(decode(vae, part / SCALE)) for part in latents.split(8)])


def grid(images: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Pictures (H, W, 3) in rows of `columns`."""
    rows = [np.concatenate(images[i : i + columns], axis=1) for i in range(0, len(images), columns)]
    return np.concatenate(rows, axis=0)
