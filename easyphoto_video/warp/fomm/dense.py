"""From key points to a flow for every pixel, and to what of the source cannot be seen."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from easyphoto_video.warp.blocks import Hourglass, Shrink
from easyphoto_video.warp.fomm.config import DenseConfig
from easyphoto_video.warp.fomm.points import KeyPoints
from easyphoto_video.warp.grids import grid, precise, sample


@dataclass(frozen=True, eq=False)
class Flow:
    """Where each pixel of the made picture comes from."""

    deformation: Tensor
    """(N, h, w, 2) in -1..1, x before y."""
    mask: Tensor
    """(N, K + 1, h, w): how much each motion counts; the first moves nothing."""
    occlusion: Tensor | None
    """(N, 1, h, w) in 0..1: 0 where the source does not show it; None for a model without."""
    candidates: Tensor
    """(N, K + 1, 3, h, w): the source moved by each motion."""


class DenseMotion(nn.Module):
    """Chooses for each pixel among the motions of the key points."""

    def __init__(self, config: DenseConfig, align_corners: bool) -> None:
        super().__init__()
        self.config, self.align_corners = config, align_corners
        motions = config.points + 1
        self.hourglass = Hourglass(motions * (config.channels + 1), config.widths)
        self.mask = nn.Conv2d(self.hourglass.outputs, motions, 7, padding=3)
        if config.occlusion:
            self.occlusion = nn.Conv2d(self.hourglass.outputs, 1, 7, padding=3)
        if config.shrink > 1:
            self.down = Shrink(config.channels, config.shrink)

    def forward(self, source: Tensor, driving: KeyPoints, at_source: KeyPoints) -> Flow:
        """Source (N, 3, H, W) in 0..1 and both key points -> the flow at 1 / shrink of the size."""
        if self.config.shrink > 1:
            source = self.down(source)
        height, width = source.shape[2:]
        motions = self._motions(height, width, driving, at_source)
        moved = self._moved(source, motions)
        heat = self._heat(height, width, driving, at_source).to(source.dtype)
        seen = self.hourglass(torch.cat([heat[:, :, None], moved], dim=2).flatten(1, 2))
        mask = torch.softmax(precise(self.mask(seen)), dim=1)
        return Flow(
            deformation=(mask[..., None] * motions).sum(1),
            mask=mask,
            occlusion=torch.sigmoid(self.occlusion(seen)) if self.config.occlusion else None,
            candidates=moved,
        )

    def _heat(self, height: int, width: int, driving: KeyPoints, at_source: KeyPoints) -> Tensor:
        """(N, K + 1, h, w): a hill where each point goes to, a hollow where it comes from."""
        places = grid(height, width, like=driving.value)

        def hills(points: KeyPoints) -> Tensor:
            far = (places - points.value[:, :, None, None]).square().sum(-1)
            return torch.exp(-far / (2 * self.config.variance))

        difference = hills(driving) - hills(at_source)
        return torch.cat([torch.zeros_like(difference[:, :1]), difference], dim=1)

    def _motions(self, height: int, width: int, driving: KeyPoints, at_source: KeyPoints) -> Tensor:
        """(N, K + 1, h, w, 2): the identity, and s + J_s J_d^-1 (z - d) of each point."""
        places = grid(height, width, like=driving.value)
        away = places - driving.value[:, :, None, None]
        if driving.jacobian is not None and at_source.jacobian is not None:
            turn = at_source.jacobian @ torch.linalg.inv(driving.jacobian)
            away = (turn[:, :, None, None] @ away[..., None]).squeeze(-1)
        moved = away + at_source.value[:, :, None, None]
        return torch.cat([places.expand(len(moved), 1, -1, -1, -1), moved], dim=1)

    def _moved(self, source: Tensor, motions: Tensor) -> Tensor:
        count = motions.shape[1]
        rows = source[:, None].expand(-1, count, -1, -1, -1).flatten(0, 1)
        sampled = sample(rows, motions.flatten(0, 1), self.align_corners)
        return sampled.unflatten(0, (-1, count))
