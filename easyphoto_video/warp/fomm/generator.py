"""The generator: features of the source, moved along the flow, and painted."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easyphoto_video.warp.blocks import ConvBlock, DownBlock, ResidualBlock, UpBlock
from easyphoto_video.warp.fomm.config import FommConfig
from easyphoto_video.warp.fomm.dense import DenseMotion, Flow
from easyphoto_video.warp.fomm.points import KeyPointDetector, KeyPoints
from easyphoto_video.warp.grids import enlarged, sample


@dataclass(frozen=True, eq=False)
class Source:
    """A picture, and what the generator makes of it once for all frames."""

    picture: Tensor
    """(N, 3, H, W) RGB in 0..1."""
    features: Tensor
    """(N, C, h, w)."""

    def expand(self, frames: int) -> Source:
        """One picture for so many frames; nothing is copied."""
        if len(self.picture) == frames:
            return self
        shape = (frames, -1, -1, -1)
        return Source(self.picture.expand(shape), self.features.expand(shape))


class Generator(nn.Module):
    """Down, moved, times occlusion, residual blocks, up."""

    def __init__(self, config: FommConfig) -> None:
        super().__init__()
        self.config = config
        shape = config.generator
        pairs = list(itertools.pairwise(shape.widths))
        self.dense_motion_network = DenseMotion(config.dense, config.align_corners)
        self.first = ConvBlock(shape.channels, shape.widths[0], 7)
        self.down_blocks = nn.ModuleList(DownBlock(a, b) for a, b in pairs)
        self.bottleneck = nn.Sequential(
            OrderedDict((f"r{i}", ResidualBlock(shape.widths[-1])) for i in range(shape.residuals))
        )
        self.up_blocks = nn.ModuleList(UpBlock(b, a) for a, b in reversed(pairs))
        self.final = nn.Conv2d(shape.widths[0], shape.channels, 7, padding=3)

    def encode(self, picture: Tensor) -> Source:
        """(N, 3, H, W) in 0..1 -> what all frames share."""
        features = self.first(picture)
        for block in self.down_blocks:
            features = block(features)
        return Source(picture, features)

    def flow(self, source: Source, driving: KeyPoints, at_source: KeyPoints) -> Flow:
        """The flow for each frame of `driving`; the source is one picture, or one for each."""
        source = source.expand(len(driving))
        return self.dense_motion_network(source.picture, driving, at_source)

    def moved(self, x: Tensor, flow: Flow) -> Tensor:
        """Pictures or features (N, C, H, W) along the flow, which is brought to their size."""
        grown = enlarged(flow.deformation, *x.shape[2:], aligned=self.config.aligned_flow)
        return sample(x, grown, self.config.align_corners)

    def paint(self, source: Source, flow: Flow) -> Tensor:
        """(N, 3, H, W) in 0..1."""
        x = self.moved(source.expand(len(flow.mask)).features, flow)
        if flow.occlusion is not None:
            x = x * _resized(flow.occlusion, *x.shape[2:])
        x = self.bottleneck(x)
        for block in self.up_blocks:
            x = block(x)
        return torch.sigmoid(self.final(x))

    def forward(self, picture: Tensor, driving: KeyPoints, at_source: KeyPoints) -> Tensor:
        """Pictures (N, 3, H, W) in 0..1, moved from `at_source` to `driving`."""
        source = self.encode(picture)
        return self.paint(source, self.flow(source, driving, at_source))


class Fomm(nn.Module):
    """Both networks of a file, with the file's names: `kp_detector.` and `generator.`."""

    def __init__(self, config: FommConfig) -> None:
        super().__init__()
        self.config = config
        self.kp_detector = KeyPointDetector(config.detector)
        self.generator = Generator(config)


def _resized(occlusion: Tensor, height: int, width: int) -> Tensor:
    if occlusion.shape[2:] == (height, width):
        return occlusion
    return F.interpolate(occlusion, (height, width), mode="bilinear")
