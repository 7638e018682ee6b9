"""Between pictures and latents through the host's VAE, a frame at a time as the host does it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from modules import devices, processing, sd_samplers_common, shared
from torch import Tensor

from easyphoto_video.clip import Frames
from easyphoto_video.watch import Watch

SHOWN = 4
"""Frames of a look at what is becoming."""


def encoded(model: Any, frames: Frames, watch: Watch) -> Tensor:
    """The latents (F, 4, H/8, W/8) of the frames: means, scaled for the UNet."""
    done = []
    for i, frame in enumerate(frames):
        watch("encoding", i / len(frames))
        pixels = torch.from_numpy(frame).to(devices.device, devices.dtype_vae)
        picture = (pixels / 127.5 - 1).permute(2, 0, 1)[None]  # (1, 3, H, W), -1..1
        with devices.autocast():
            # The mean, not a sample: the same frames give the same latents.
            done.append(model.encode_first_stage(picture).mode() * model.scale_factor)
    watch("encoding", 1.0)
    return torch.cat(done).to(devices.device, torch.float32)


def decoded(model: Any, latents: Tensor, watch: Watch) -> Frames:
    """The frames of latents (F, 4, h, w)."""
    done = []
    for i in range(len(latents)):
        watch("decoding", i / len(latents))
        one = processing.decode_latent_batch(
            model, latents[i : i + 1], target_device=devices.cpu, check_for_nans=True
        )
        done.append(_pixels(one[0]))
    watch("decoding", 1.0)
    return np.stack(done)


def look() -> Frames | None:
    """Some frames as they look so far, drawn the way that the host's live preview is set to."""
    latents = shared.state.current_latent
    if latents is None or not shared.opts.live_previews_enable:
        return None
    some = latents[:: max(1, len(latents) // SHOWN)][:SHOWN]
    return np.stack([np.asarray(sd_samplers_common.single_sample_to_image(one)) for one in some])


def _pixels(picture: Tensor) -> Frames:
    """(3, H, W) in -1..1 -> (H, W, 3) uint8 RGB."""
    levels = (picture.float().clamp(-1, 1) + 1) * 127.5
    return levels.round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
