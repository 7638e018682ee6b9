"""Grids of coordinates in -1..1, x before y, and pictures sampled along them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def precise(x: Tensor) -> Tensor:
    """The same in float32, in which half precision does not round positions to tenths of pixels.

    What is in float64 already stays so.
    """
    return x if x.dtype == torch.float64 else x.float()


def grid(height: int, width: int, like: Tensor | None = None) -> Tensor:
    """(height, width, 2): the middle of the first pixel is -1, of the last one 1.

    On the device and in the dtype of `like`, or float32 on the CPU.
    """
    kind = torch.zeros(()) if like is None else like
    y, x = (
        2 * (torch.arange(side, dtype=kind.dtype, device=kind.device) / (side - 1)) - 1
        for side in (height, width)
    )
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def sample(x: Tensor, flow: Tensor, align_corners: bool) -> Tensor:
    """`x` (N, C, H, W) where `flow` (N, h, w, 2) points to, bilinear, zero outside: (N, C, h, w).

    Computed in float32 at least; back in x's dtype.
    """
    sampled = F.grid_sample(
        precise(x),
        precise(flow),
        mode="bilinear",
        padding_mode="zeros",
        align_corners=align_corners,
    )
    return sampled.to(x.dtype)


def enlarged(flow: Tensor, height: int, width: int, aligned: bool) -> Tensor:
    """A flow (N, h, w, 2) at another size, bilinear: (N, height, width, 2).

    `aligned` keeps the corners at the corners. Without it, as in the official code, a flow that
    moves nothing moves by up to a pixel of the small grid once it is enlarged.
    """
    if flow.shape[1:3] == (height, width):
        return flow
    planes = flow.permute(0, 3, 1, 2)
    grown = F.interpolate(planes, (height, width), mode="bilinear", align_corners=aligned)
    return grown.permute(0, 2, 3, 1)
