"""Key points with Jacobians, and the network that finds them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from easyphoto_video.warp.blocks import Hourglass, Shrink
from easyphoto_video.warp.fomm.config import DetectorConfig
from easyphoto_video.warp.grids import grid, precise


@dataclass(frozen=True, eq=False)
class KeyPoints:
    """Where K points lie in each of N pictures, and how the picture lies about them."""

    value: Tensor
    """(N, K, 2), float32 or finer, in -1..1, x before y."""
    jacobian: Tensor | None = None
    """(N, K, 2, 2), None for a model without."""

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, rows: slice) -> KeyPoints:
        jacobian = None if self.jacobian is None else self.jacobian[rows]
        return KeyPoints(self.value[rows], jacobian)


class KeyPointDetector(nn.Module):
    """An hourglass on a smaller picture; a softmax over each map says where its point lies."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        self.config = config
        self.predictor = Hourglass(config.channels, config.widths)
        outputs, padding = self.predictor.outputs, config.padding
        self.kp = nn.Conv2d(outputs, config.points, 7, padding=padding)
        if config.jacobians:
            self.jacobian = nn.Conv2d(outputs, 4 * config.jacobians, 7, padding=padding)
            self._begin_upright()
        if config.shrink > 1:
            self.down = Shrink(config.channels, config.shrink)

    def _begin_upright(self) -> None:
        """A Jacobian is the identity until something is learnt."""
        assert self.jacobian.bias is not None
        with torch.no_grad():
            self.jacobian.weight.zero_()
            self.jacobian.bias.copy_(torch.eye(2).flatten().repeat(self.config.jacobians))

    def forward(self, pictures: Tensor) -> KeyPoints:
        """(N, 3, H, W) RGB in 0..1 -> their key points."""
        return self.points(*self.maps(pictures))

    def maps(self, pictures: Tensor) -> tuple[Tensor, Tensor | None]:
        """Heat maps (N, K, h, w), each with the sum 1, and maps of Jacobians (N, 1 or K, 4, h, w).

        Both in float32 or finer.
        """
        if self.config.shrink > 1:
            pictures = self.down(pictures)
        seen = self.predictor(pictures)
        logits = precise(self.kp(seen))
        heat = torch.softmax(logits.flatten(2) / self.config.temperature, dim=2).view_as(logits)
        if not self.config.jacobians:
            return heat, None
        return heat, precise(self.jacobian(seen)).unflatten(1, (-1, 4))

    def points(self, heat: Tensor, jacobians: Tensor | None) -> KeyPoints:
        """The means of the maps under each point's heat."""
        places = grid(*heat.shape[2:], like=heat)
        value = (heat[..., None] * places).sum((2, 3))
        if jacobians is None:
            return KeyPoints(value)
        mean = (heat[:, :, None] * jacobians).flatten(3).sum(-1)
        return KeyPoints(value, mean.unflatten(-1, (2, 2)))
