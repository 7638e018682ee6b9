"""F: a portrait as a volume of features."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from easyphoto_video.warp.blocks import ConvBlock, DownBlock
from easyphoto_video.warp.shapes import Tensors, count, size, widths


@dataclass(frozen=True, kw_only=True)
class AppearanceConfig:
    """The defaults are the public weights'."""

    widths: tuple[int, ...] = (64, 128, 256)
    """After the first convolution, and after each block on the way down."""
    channels: int = 32
    depth: int = 16
    """Of the volume."""
    residuals: int = 6

    @classmethod
    def of(cls, tensors: Tensors) -> AppearanceConfig:
        """As the shapes tell. Raises Misfit."""
        channels = size(tensors, "resblocks_3d.3dr0.conv1.weight")
        return cls(
            widths=(size(tensors, "first.conv.weight"), *widths(tensors, "down_blocks")),
            channels=channels,
            depth=size(tensors, "second.weight") // channels,
            residuals=count(tensors, r"resblocks_3d\.3dr(\d+)\."),
        )


class ResidualBlock3d(nn.Module):
    """Twice batch norm, ReLU, convolution, and what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(width, width, 3, padding=1)
        self.conv2 = nn.Conv3d(width, width, 3, padding=1)
        self.norm1 = nn.BatchNorm3d(width)
        self.norm2 = nn.BatchNorm3d(width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, D, H, W) -> the same."""
        inner = self.conv1(F.relu(self.norm1(x)))
        return x + self.conv2(F.relu(self.norm2(inner)))


class AppearanceExtractor(nn.Module):
    """2-D features whose channels become depth, then residual blocks in 3-D."""

    def __init__(self, config: AppearanceConfig) -> None:
        super().__init__()
        self.config = config
        self.first = ConvBlock(3, config.widths[0])
        pairs = itertools.pairwise(config.widths)
        self.down_blocks = nn.ModuleList(DownBlock(a, b) for a, b in pairs)
        self.second = nn.Conv2d(config.widths[-1], config.channels * config.depth, 1)
        blocks = ((f"3dr{i}", ResidualBlock3d(config.channels)) for i in range(config.residuals))
        self.resblocks_3d = nn.Sequential(OrderedDict(blocks))

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in 0..1 -> (N, channels, depth, H / 4, W / 4)."""
        x = self.first(pictures)
        for block in self.down_blocks:
            x = block(x)
        volume = self.second(x).unflatten(1, (self.config.channels, self.config.depth))
        return self.resblocks_3d(volume)
