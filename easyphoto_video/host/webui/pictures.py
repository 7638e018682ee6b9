"""Between pictures and latents through the host's VAE, a frame at a time as the host does it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from easyphoto_video.clip import Frames
from easyphoto_video.host.webui.facade import here
from easyphoto_video.watch import Watch


def encoded(model: Any, frames: Frames, watch: Watch) -> Tensor:
    """The latents (F, 4, H/8, W/8) of the frames: means, scaled for the UNet."""
    done = []
    for i, frame in enumerate(frames):
        watch("encoding", i / len(frames))
        done.append(here().encode(model, frame))
    watch("encoding", 1.0)
    return torch.cat(done).to(here().device, torch.float32)


def decoded(model: Any, latents: Tensor, watch: Watch) -> Frames:
    """The frames of latents (F, 4, h, w)."""
    done = []
    for i in range(len(latents)):
        watch("decoding", i / len(latents))
        done.append(_pixels(here().decode(model, latents[i : i + 1])))
    watch("decoding", 1.0)
    return np.stack(done)


def _pixels(picture: Tensor) -> Frames:
    """(3, H, W) in -1..1 -> (H, W, 3) uint8 RGB."""
    levels = (picture.float().clamp(-1, 1) + 1) * 127.5
    return levels.round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
