"""Small UNets in both layouts and motions that move, all of random weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor, nn

from easyphoto_video.motion.module import Motion
from easyphoto_video.motion.spec import V2, MotionSpec
from tools.ldm_unet import UNetModel, UNetShape

WIDTHS = (32, 32, 64, 64)
CONTEXT = 16


@dataclass(frozen=True)
class Host:
    """A UNet and how to call it: `host(x, seed)` for x (N, 4, h, w)."""

    unet: nn.Module
    call: Callable[[Tensor, Tensor, Tensor], Tensor]

    def __call__(self, x: Tensor) -> Tensor:
        context = torch.linspace(-1, 1, 5 * CONTEXT).view(1, 5, CONTEXT)
        with torch.no_grad():
            return self.call(x, torch.full((x.shape[0],), 501), context.expand(x.shape[0], -1, -1))


def spec(like: MotionSpec = V2, **changes: object) -> MotionSpec:
    """A variant at the small widths."""
    return replace(like, **{"channels": WIDTHS[: len(like.channels)], **changes})


@cache
def lively(spec: MotionSpec, seed: int = 0) -> Motion:
    """A Motion that changes what it is attached to; the same one for the same arguments."""
    torch.manual_seed(seed)
    motion = Motion(spec)
    for _, transformer in motion.transformers():
        nn.init.normal_(transformer.proj_out.weight, std=0.1)
    return motion


def clip(rows: int, seed: int = 0, side: int = 8) -> Tensor:
    """(rows, 4, side, side) of noise.

    With 8 the deepest norms see one pixel, and rounding grows there: too little to compare sums
    that were taken in another order.
    """
    return torch.randn(rows, 4, side, side, generator=torch.Generator().manual_seed(seed))


def near(one: Tensor, other: Tensor, share: float = 1e-5) -> bool:
    """Whether they are the same but for rounding."""
    return bool((one - other).norm() <= share * other.norm())


def ldm(levels: int = 4) -> Host:
    torch.manual_seed(1)
    attention = (True, True, True, False) if levels == 4 else (False, True, True)
    shape = UNetShape(channels=WIDTHS[:levels], attention=attention, context=CONTEXT)
    unet = UNetModel(shape)
    return Host(unet, unet)


def diffusers(levels: int = 4) -> Host:
    from diffusers import UNet2DConditionModel

    torch.manual_seed(2)
    sd15 = levels == 4
    down = ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"]
    if not sd15:
        down = ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"]
    unet = UNet2DConditionModel(
        block_out_channels=WIDTHS[:levels],
        down_block_types=tuple(down),
        up_block_types=tuple(name.replace("Down", "Up") for name in reversed(down)),
        cross_attention_dim=CONTEXT,
    )
    return Host(unet.eval(), lambda x, t, context: unet(x, t, context).sample)


HOSTS = {"diffusers": diffusers, "ldm": ldm}
