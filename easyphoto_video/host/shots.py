"""What both hosts do with a shot before it is denoised."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from easyphoto_video.engine import Mask, Mix, Shot, Start
from easyphoto_video.errors import BadRequest
from easyphoto_video.motion.freeinit import Filter, freeinit_noise
from easyphoto_video.motion.noise import initial_noise, shuffled

APART = 2**40
"""Added to a seed for noise that no frame of any clip begins from."""


def check_start(start: Start, shot: Shot) -> None:
    """Raises BadRequest unless there are as many and as large pictures as the shot wants."""
    shape = (start.count, *start.frames.shape[1:])
    if shape != (shot.frames, shot.height, shot.width, 3):
        raise BadRequest(
            "Start",
            shape,
            "is not as long and large as the shot",
            f"Give {shot.frames} frames of {shot.width}x{shot.height} px.",
        )


def latent_mask(mask: Mask, latents: Tensor) -> Tensor:
    """A mask (F, H, W) at the size of the latents: (F, 1, h, w), each the mean of its pixels."""
    whole = torch.from_numpy(mask).to(latents.device, torch.float32)[:, None]
    return torch.nn.functional.interpolate(whole, size=latents.shape[2:], mode="area").clamp(0, 1)


def mixed(latents: Tensor, mix: Mix | None, noise: Tensor) -> Tensor:
    """Latents of the pictures (K, C, h, w) to those that the frames begin from (F, C, h, w).

    `noise` (F, C, h, w) is fresh: the sampler's own is another.
    """
    if mix is None:
        return latents
    weights, shares = (torch.from_numpy(part).to(latents) for part in (mix.weights, mix.noise))
    both = torch.einsum("fk,kchw->fchw", weights, latents)
    return both + shares.view(-1, 1, 1, 1) * noise.to(latents)


def noise_numbers(shot: Shot) -> tuple[int, ...]:
    """For each frame of the shot the number of the frame whose noise it begins from."""
    if not shot.free_noise:
        return tuple(shot.numbers)
    hop = max(1, shot.context // 4)  # the paper's 4 of 16
    return shuffled(shot.numbers, shot.seed, shot.context, hop)


def freed(shot: Shot, number: int, latents: Tensor, noise: Tensor, share: float) -> Tensor:
    """The noise (F, C, h, w) of the next pass of FreeInit, after pass `number`.

    `latents` are what that pass made of `noise`; `share` is what the sampler leaves of a picture at
    its first step.
    """
    assert shot.free_init is not None
    keep = Filter(kind=shot.free_init.filter, space=shot.free_init.space, time=shot.free_init.time)
    seed = shot.seed + APART * (2 + number)
    fresh = initial_noise(shot.numbers, _shape(latents), seed).to(latents)
    return freeinit_noise(latents, (noise.to(latents), fresh), share, keep)


def fresh_noise(shot: Shot, latents: Tensor) -> Tensor:
    """(F, C, h, w) float32 on the CPU for `mixed` of these latents, of no frame's own."""
    return initial_noise(shot.numbers, _shape(latents), shot.seed + APART)


def _shape(latents: Tensor) -> tuple[int, int, int]:
    channels, height, width = latents.shape[1:]
    return channels, height, width


def begins_at(strengths: Sequence[float], steps: int) -> list[int]:
    """The step from which each frame is denoised; `steps` leaves it as it is."""
    return [steps - round(steps * strength) for strength in strengths]
