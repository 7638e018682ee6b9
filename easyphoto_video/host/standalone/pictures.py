"""Between pictures and latents, a few frames at a time, through diffusers' AutoencoderKL."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from easyphoto_video.clip import Frames
from easyphoto_video.errors import HostFailed
from easyphoto_video.watch import Watch

FRAMES_AT_ONCE = 4
SKETCHED = 4
"""Frames of a sketch."""
SKETCH_SIDE = 32
"""Latent pixels, the longest side of a sketch."""


def encoded(vae: Any, frames: Frames, watch: Watch) -> Tensor:
    """The latents (F, 4, H/8, W/8) float32 of the frames: means, scaled for the UNet."""
    done = []
    for i in range(0, len(frames), FRAMES_AT_ONCE):
        watch("encoding", i / len(frames))
        pixels = torch.from_numpy(frames[i : i + FRAMES_AT_ONCE]).to(vae.device, vae.dtype)
        pictures = pixels.permute(0, 3, 1, 2) / 127.5 - 1  # (n, 3, H, W), -1..1
        # The mean, not a sample: the same frames give the same latents.
        done.append(vae.encode(pictures).latent_dist.mode().float())
    watch("encoding", 1.0)
    return torch.cat(done) * vae.config.scaling_factor


def decoded(vae: Any, latents: Tensor, watch: Watch) -> Frames:
    """The frames of latents (F, 4, h, w). Raises HostFailed when they are no numbers."""
    if not latents.isfinite().all():
        raise HostFailed(
            "The latents are not finite, so there is no picture. Give --precision fp32, a lower "
            "CFG scale or a lower LoRA weight."
        )
    done = []
    for i in range(0, len(latents), FRAMES_AT_ONCE):
        watch("decoding", i / len(latents))
        done.append(_decoded(vae, latents[i : i + FRAMES_AT_ONCE]))
    watch("decoding", 1.0)
    return np.concatenate(done)


def sketched(vae: Any, latents: Tensor) -> Frames | None:
    """Small pictures of a few frames of latents (F, 4, h, w), evenly spread.

    None when they are no numbers: unlike `decoded`, this never changes the VAE.
    """
    some = latents[torch.linspace(0, len(latents) - 1, SKETCHED).round().long().unique()]
    stride = -(-max(some.shape[2:]) // SKETCH_SIDE)
    size = [max(1, side // stride) for side in some.shape[2:]]
    small = torch.nn.functional.interpolate(some, size=size, mode="area")
    pictures = _pictures(vae, small)
    return _pixels(pictures) if pictures.isfinite().all() else None


def _decoded(vae: Any, latents: Tensor) -> Frames:
    pictures = _pictures(vae, latents)
    if not pictures.isfinite().all() and vae.dtype == torch.float16:
        # Some VAEs of SD1.x exceed fp16's range. From here on this one computes in fp32.
        vae.to(torch.float32)
        return _decoded(vae, latents)
    return _pixels(pictures)


def _pictures(vae: Any, latents: Tensor) -> Tensor:
    """(n, 3, H, W) float32, -1..1 where they are in range."""
    return vae.decode(latents.to(vae.dtype) / vae.config.scaling_factor).sample.float()


def _pixels(pictures: Tensor) -> Frames:
    pixels = (pictures.clamp(-1, 1) + 1) * 127.5
    return pixels.round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
