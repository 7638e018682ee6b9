"""W: the volume of features, moved from the source's key points to others."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easyphoto_video.warp.grids import precise
from easyphoto_video.warp.shapes import Tensors, hourglass, shape_of, size, under

_VARIANCE = 0.01
_FLAT = (1, 2, 2)
"""Depth is never halved."""


@dataclass(frozen=True, kw_only=True)
class WarpingConfig:
    """The defaults are the public weights'."""

    points: int = 21
    channels: int = 32
    depth: int = 16
    """Of the volume."""
    compressed: int = 4
    widths: tuple[int, ...] = (32, 64, 128, 256, 512, 1024)
    """Of the hourglass: what its last block gives, then what each on the way down gives."""
    outputs: int = 256
    occlusion: bool = True

    @classmethod
    def of(cls, tensors: Tensors) -> WarpingConfig:
        """As the shapes tell. Raises Misfit."""
        dense = under(tensors, "dense_motion_network.")
        compressed, channels = shape_of(dense, "compress.weight")[:2]
        outputs, flat = shape_of(tensors, "third.conv.weight")[:2]
        return cls(
            points=size(dense, "mask.weight") - 1,
            channels=channels,
            depth=flat // channels,
            compressed=compressed,
            widths=hourglass(under(dense, "hourglass.")),
            outputs=outputs,
            occlusion="occlusion.weight" in dense,
        )


@dataclass(frozen=True, eq=False)
class Warped:
    """What the generator paints from, and how it came to be."""

    features: Tensor
    """(N, C, h, w)."""
    flow: Tensor
    """(N, D, h, w, 3) in -1..1, x, y, z."""
    mask: Tensor
    """(N, K + 1, D, h, w): how much each motion counts; the first moves nothing."""
    occlusion: Tensor | None
    """(N, 1, h, w) in 0..1."""


class _Block3d(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm3d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)))


class _Down3d(_Block3d):
    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool3d(super().forward(x), _FLAT)


class _Up3d(_Block3d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.interpolate(x, scale_factor=[float(times) for times in _FLAT]))


class _Encoder3d(nn.Module):
    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        pairs = itertools.pairwise((inputs, *widths[1:]))
        self.down_blocks = nn.ModuleList(_Down3d(a, b) for a, b in pairs)


class _Decoder3d(nn.Module):
    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        pairs = list(itertools.pairwise(widths))[::-1]
        self.up_blocks = nn.ModuleList(
            _Up3d(below if i == 0 else 2 * below, above) for i, (above, below) in enumerate(pairs)
        )
        outputs = widths[0] + inputs
        self.conv = nn.Conv3d(outputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm3d(outputs)


class _Hourglass3d(nn.Module):
    """As First Order Motion Model's in 3-D, with one convolution more at its end."""

    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.encoder = _Encoder3d(inputs, widths)
        self.decoder = _Decoder3d(inputs, widths)
        self.outputs = widths[0] + inputs

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for block in self.encoder.down_blocks:
            skips.append(x)
            x = block(x)
        for block, skip in zip(self.decoder.up_blocks, reversed(skips), strict=True):
            x = torch.cat([block(x), skip], dim=1)
        return F.relu(self.decoder.norm(self.decoder.conv(x)))


class DenseMotion3d(nn.Module):
    """Chooses for each place of the volume among the key points' shifts."""

    def __init__(self, config: WarpingConfig) -> None:
        super().__init__()
        self.config = config
        motions = config.points + 1
        self.compress = nn.Conv3d(config.channels, config.compressed, 1)
        self.norm = nn.BatchNorm3d(config.compressed)
        self.hourglass = _Hourglass3d(motions * (config.compressed + 1), config.widths)
        self.mask = nn.Conv3d(self.hourglass.outputs, motions, 7, padding=3)
        if config.occlusion:
            self.occlusion = nn.Conv2d(self.hourglass.outputs * config.depth, 1, 7, padding=3)

    def forward(
        self, volume: Tensor, driving: Tensor, source: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Volume (N, C, D, h, w), points (N, K, 3) -> flow, mask and occlusion as in `Warped`."""
        seen = F.relu(self.norm(self.compress(volume)))
        places = grid3d(volume.shape[2:], like=precise(driving))
        motions = _motions(places, driving, source)
        moved = sample3d(
            seen[:, None].expand(-1, motions.shape[1], -1, -1, -1, -1).flatten(0, 1),
            motions.flatten(0, 1),
        ).unflatten(0, motions.shape[:2])
        heat = _heat(places, driving, source).to(seen.dtype)
        seen = self.hourglass(torch.cat([heat[:, :, None], moved], dim=2).flatten(1, 2))
        mask = torch.softmax(precise(self.mask(seen)), dim=1)
        flow = (mask[..., None] * motions).sum(1)
        if not self.config.occlusion:
            return flow, mask, None
        return flow, mask, torch.sigmoid(self.occlusion(seen.flatten(1, 2)))


class _LeakyBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.norm(self.conv(x)), 0.01)


class WarpingNetwork(nn.Module):
    """Moves the volume, and makes of its depth the channels of a picture of features."""

    def __init__(self, config: WarpingConfig) -> None:
        super().__init__()
        self.config = config
        self.dense_motion_network = DenseMotion3d(config)
        self.third = _LeakyBlock(config.channels * config.depth, config.outputs)
        self.fourth = nn.Conv2d(config.outputs, config.outputs, 1)

    def forward(self, volume: Tensor, driving: Tensor, source: Tensor) -> Warped:
        """Volume (N, C, D, h, w), points it goes to and comes from (N, K, 3)."""
        flow, mask, occlusion = self.dense_motion_network(volume, driving, source)
        features = self.fourth(self.third(sample3d(volume, flow).flatten(1, 2)))
        if occlusion is not None:
            features = features * occlusion
        return Warped(features, flow, mask, occlusion)


def grid3d(sides: torch.Size, like: Tensor) -> Tensor:
    """(D, H, W, 3) of x, y, z in -1..1, corners at corners, on the device and in the dtype."""
    z, y, x = (
        2 * (torch.arange(side, dtype=like.dtype, device=like.device) / (side - 1)) - 1
        for side in sides
    )
    planes = torch.meshgrid(z, y, x, indexing="ij")
    return torch.stack(planes[::-1], dim=-1)


def sample3d(x: Tensor, flow: Tensor) -> Tensor:
    """`x` (N, C, D, H, W) where `flow` points to; the official weights know corners astray."""
    sampled = F.grid_sample(precise(x), precise(flow), align_corners=False)
    return sampled.to(x.dtype)


def _motions(places: Tensor, driving: Tensor, source: Tensor) -> Tensor:
    """(N, K + 1, D, h, w, 3): the identity, and each point's shift."""
    shifts = (source - driving)[:, :, None, None, None]
    moved = places + shifts
    return torch.cat([places.expand(len(moved), 1, -1, -1, -1, -1), moved], dim=1)


def _heat(places: Tensor, driving: Tensor, source: Tensor) -> Tensor:
    """(N, K + 1, D, h, w): a hill where each point goes to, a hollow where it comes from."""

    def hills(points: Tensor) -> Tensor:
        far = (places - points[:, :, None, None, None]).square().sum(-1)
        return torch.exp(-far / (2 * _VARIANCE))

    difference = hills(driving) - hills(source)
    return torch.cat([torch.zeros_like(difference[:, :1]), difference], dim=1)
