"""Blocks that the networks are built of."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvBlock(nn.Module):
    """Convolution, batch norm, ReLU; the size stays."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W)."""
        return F.relu(self.norm(self.conv(x)))


class DownBlock(ConvBlock):
    """The same, then the mean of 2x2."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / 2, W / 2)."""
        return F.avg_pool2d(super().forward(x), 2)


class UpBlock(ConvBlock):
    """Each pixel four times, then the same."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, 2 H, 2 W)."""
        return super().forward(F.interpolate(x, scale_factor=2.0))


class ResidualBlock(nn.Module):
    """Twice batch norm, ReLU, convolution, and what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(width)
        self.norm2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> the same."""
        inner = self.conv1(F.relu(self.norm1(x)))
        return x + self.conv2(F.relu(self.norm2(inner)))


class _Encoder(nn.Module):
    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        pairs = itertools.pairwise((inputs, *widths[1:]))
        self.down_blocks = nn.ModuleList(DownBlock(a, b) for a, b in pairs)

    def forward(self, x: Tensor) -> list[Tensor]:
        levels = [x]
        for block in self.down_blocks:
            levels.append(block(levels[-1]))
        return levels


class _Decoder(nn.Module):
    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        pairs = list(itertools.pairwise(widths))[::-1]
        self.up_blocks = nn.ModuleList(
            UpBlock(below if i == 0 else 2 * below, above) for i, (above, below) in enumerate(pairs)
        )

    def forward(self, levels: list[Tensor]) -> Tensor:
        *skips, x = levels
        for block, skip in zip(self.up_blocks, reversed(skips), strict=True):
            x = torch.cat([block(x), skip], dim=1)
        return x


class Hourglass(nn.Module):
    """Down and up again with skips, of which the last is the input itself.

    `widths` are what the last block gives and then what each block on the way down gives.
    """

    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.encoder = _Encoder(inputs, widths)
        self.decoder = _Decoder(widths)
        self.outputs = widths[0] + inputs

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W)."""
        return self.decoder(self.encoder(x))


class Shrink(nn.Module):
    """A Gaussian blur, then every so many-th pixel from the first one on."""

    weight: Tensor

    def __init__(self, channels: int, times: int) -> None:
        super().__init__()
        self.times = times
        sigma = (times - 1) / 2
        side = kernel_side(times)
        line = torch.exp(-((torch.arange(side) - (side - 1) / 2) ** 2) / (2 * sigma**2))
        kernel = line[:, None] * line
        kernel = (kernel / kernel.sum()).expand(channels, 1, side, side)
        self.register_buffer("weight", kernel.contiguous())

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, channels, H / times, W / times)."""
        padding = self.weight.shape[-1] // 2
        blurred = F.conv2d(x, self.weight, padding=padding, groups=len(self.weight))
        return blurred[:, :, :: self.times, :: self.times]


def kernel_side(times: int) -> int:
    """Pixels along the Gaussian of a `Shrink`: 5 for 2 times, 13 for 4."""
    return 2 * round((times - 1) / 2 * 4) + 1
