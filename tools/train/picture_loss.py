"""How far made pictures are from the true ones, and where that counts most."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from easyphoto_video.warp.grids import grid
from tools.acting import EYES, MOUTH

_LEVELS = 3
_EYE_COUNTS, _MOUTH_COUNTS = 5.0, 12.0
"""What pixels about lids and lips count, where others count one; with 5 at the mouth it never
learnt to open."""
_REACH = 0.012
"""Of the hills about lids and lips, in units of half the picture's side, squared: 7 pixels."""
_SQUARES = 2.0


def counts(points: Tensor, side: int) -> Tensor:
    """(N, 1, side, side): what each pixel counts, by the true key points (N, K, 2)."""
    places = grid(side, side)
    total = torch.ones(len(points), 1, side, side)
    for part, most in ((EYES, _EYE_COUNTS), (MOUTH, _MOUTH_COUNTS)):
        far = (places - points[:, part, None, None]).square().sum(-1)
        near = torch.exp(-far / _REACH).amax(1, keepdim=True)
        total = torch.maximum(total, 1 + (most - 1) * near)
    return total


def distance(made: Tensor, true: Tensor, weight: Tensor) -> Tensor:
    """Of pictures (N, 3, H, W): absolute and squared, at three sizes, and of the gradients at two.

    Gradients keep edges crisp; squares are what PSNR counts.
    """
    total = made.new_zeros(())
    for level in range(_LEVELS):
        if level:
            made, true, weight = (F.avg_pool2d(x, 2) for x in (made, true, weight))
        error = made - true
        total = total + ((error.abs() + _SQUARES * error.square()) * weight).mean()
        if level < _LEVELS - 1:
            total = total + sum(
                (error.diff(dim=dim).abs() * weight.narrow(dim, 1, weight.shape[dim] - 1)).mean()
                for dim in (2, 3)
            )
    return total


def blurless(moved: Tensor, true: Tensor, weight: Tensor) -> Tensor:
    """The weighted absolute distance of the source that was only moved."""
    return ((moved - true).abs() * weight).mean()
