"""What both hosts do with the pictures that a shot begins from."""

from __future__ import annotations

import torch
from torch import Tensor

from easyphoto_video.engine import Mask, Shot, Start
from easyphoto_video.errors import BadRequest


def check_start(start: Start, shot: Shot) -> None:
    """Raises BadRequest unless there are as many and as large pictures as the shot wants."""
    if start.frames.shape != (shot.frames, shot.height, shot.width, 3):
        raise BadRequest(
            "Start",
            start.frames.shape,
            "is not as long and large as the shot",
            f"Give {shot.frames} frames of {shot.width}x{shot.height} px.",
        )


def latent_mask(mask: Mask, latents: Tensor) -> Tensor:
    """A mask (F, H, W) at the size of the latents: (F, 1, h, w), each the mean of its pixels."""
    whole = torch.from_numpy(mask).to(latents.device, torch.float32)[:, None]
    return torch.nn.functional.interpolate(whole, size=latents.shape[2:], mode="area").clamp(0, 1)
