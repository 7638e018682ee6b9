"""DDIM to its end in the host (arXiv 2010.02502).

v1.10 spaces the steps by a range that is one too long for most numbers of steps, leaves out the
last step, and begins one step below the noise of a start picture. The official AnimateDiff and our
stand-alone engine do none of that, so the sampler of our run is told the times, and finished here.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from easyphoto_video.host.webui.facade import here

NAME = "DDIM"
TRAINED = 1000
"""Diffusion steps that the checkpoint was trained with."""


def sampled(run: Any, noise: Tensor, kept: Tensor | None, steps: int, **told: Any) -> Tensor:
    """Latents (F, 4, h, w) after the last `steps` of the run's steps.

    `run` is the host's, its sampler made; `kept` are the latents to begin from, None is noise
    alone; `told` are the conditions that the sampler's `sample` takes.
    """
    sampler = run.sampler
    shares = here().shares(run.sd_model)
    times = torch.arange(steps, device=noise.device) * (TRAINED // run.steps) + 1
    x = noise if kept is None else _noised(kept, noise, shares[times[-1]])
    sampler.get_timesteps = lambda _p, _steps: times
    x = sampler.sample(run, x, **told)
    if sampler.model_wrap_cfg.step < steps - 1:  # interrupted
        return x
    told_times = times[0] * x.new_ones(len(x))
    eps = sampler.model_wrap_cfg(x, told_times, **sampler.sampler_extra_args)
    left = shares[times[0]]
    return (x - (1 - left).sqrt() * eps) / left.sqrt()


def _noised(latents: Tensor, noise: Tensor, share: Tensor) -> Tensor:
    return share.sqrt() * latents + (1 - share).sqrt() * noise
