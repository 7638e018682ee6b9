"""The three small networks: stitching, and changes of eyes and lips by their ratios."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from easyphoto_video.warp.grids import precise
from easyphoto_video.warp.shapes import Misfit, Tensors, count, shape_of


class Mlp(nn.Module):
    """Linear layers with ReLU between them."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(widths):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        self.mlp = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> Tensor:
        """(N, widths[0]) -> (N, widths[-1])."""
        return precise(self.mlp(x.to(next(self.parameters()).dtype)))


def mlp_widths(tensors: Tensors) -> tuple[int, ...]:
    """Of an `Mlp`, from its first input to its last output. Raises Misfit."""
    shapes = [
        shape_of(tensors, f"mlp.{i}.weight") for i in range(0, count(tensors, r"mlp\.(\d+)\."), 2)
    ]
    if not shapes:
        raise Misfit("it has no layers")
    return shapes[0][1], *(shape[0] for shape in shapes)


@dataclass(frozen=True, eq=False)
class Retargeting:
    """All points here are (N, K, 3), as `Motion.points`."""

    stitching: Mlp
    eyes: Mlp
    lips: Mlp

    def stitch_delta(self, source: Tensor, driving: Tensor) -> Tensor:
        """(N, 3 K + 2): what is added to each point, and a shift of all in x and y."""
        return self.stitching(torch.cat([source.flatten(1), driving.flatten(1)], dim=1))

    def stitched(self, source: Tensor, driving: Tensor) -> Tensor:
        """The driving points, moved so that shoulders stay where the source has them."""
        delta = self.stitch_delta(source, driving)
        moved = driving + delta[:, :-2].unflatten(1, (-1, 3))
        shift = torch.cat([delta[:, -2:], torch.zeros_like(delta[:, :1])], dim=1)
        return moved + shift[:, None]

    def eye_delta(self, source: Tensor, ratios: Tensor) -> Tensor:
        """(N, K, 3) by ratios (N, 3): the source's left and right, and what they shall be."""
        return self.eyes(torch.cat([source.flatten(1), ratios], dim=1)).unflatten(1, (-1, 3))

    def lip_delta(self, source: Tensor, ratios: Tensor) -> Tensor:
        """(N, K, 3) by ratios (N, 2): the source's own, and what it shall be."""
        return self.lips(torch.cat([source.flatten(1), ratios], dim=1)).unflatten(1, (-1, 3))
