"""The UNet of latent diffusion in the shape that A1111 and Forge hold it (arXiv 2112.10752).

Module and attribute names are those of CompVis' openaimodel, so weights in single-file key names
load straight in and what finds its way by structure finds it here as in the real host. Made to
check against, not to render with: convolutional projections and one transformer block in each
spatial transformer, as in SD1.x.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easyphoto_video.motion.module import FeedForward


@dataclass(frozen=True, kw_only=True)
class UNetShape:
    """Sizes of a UNet; all but the heads can be read from its tensors."""

    channels: tuple[int, ...] = (320, 640, 1280, 1280)
    """Width of each level from the outside in; multiples of 32."""
    attention: tuple[bool, ...] = (True, True, True, False)
    """Which levels have spatial transformers; the middle always has."""
    context: int = 768
    """Width of the text encoder's output."""
    heads: int = 8
    layers: int = 2
    latent: int = 4

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], heads: int = 8) -> UNetShape:
        """Read from tensors in LDM names without prefix. Raises KeyError where one is missing."""
        ends = [int(m[1]) for key in tensors if (m := re.match(r"input_blocks\.(\d+)\.0\.op", key))]
        last = max(int(key.split(".")[1]) for key in tensors if key.startswith("input_blocks."))
        ends = sorted({*ends, last + 1})
        layers = ends[0] - 1
        firsts = [end - layers for end in ends]
        return cls(
            channels=tuple(
                tensors[f"input_blocks.{i}.0.out_layers.0.weight"].numel() for i in firsts
            ),
            attention=tuple(f"input_blocks.{i}.1.norm.weight" in tensors for i in firsts),
            context=tensors["middle_block.1.transformer_blocks.0.attn2.to_k.weight"].shape[1],
            heads=heads,
            layers=layers,
            latent=tensors["input_blocks.0.0.weight"].shape[1],
        )


class GroupNorm32(nn.GroupNorm):
    """Group norm over 32 groups, computed in float32."""

    def __init__(self, channels: int) -> None:
        super().__init__(32, channels, eps=1e-5)

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.float()).to(input.dtype)


class ResBlock(nn.Module):
    def __init__(self, channels: int, out_channels: int, emb: int) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(
            GroupNorm32(channels), nn.SiLU(), nn.Conv2d(channels, out_channels, 3, padding=1)
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(emb, out_channels))
        self.out_layers = nn.Sequential(
            GroupNorm32(out_channels),
            nn.SiLU(),
            nn.Identity(),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
        )
        same = channels == out_channels
        self.skip_connection = nn.Identity() if same else nn.Conv2d(channels, out_channels, 1)

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        h = self.in_layers(x) + self.emb_layers(emb)[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(h)


class CrossAttention(nn.Module):
    def __init__(self, channels: int, context: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k = nn.Linear(context, channels, bias=False)
        self.to_v = nn.Linear(context, channels, bias=False)
        self.to_out = nn.Sequential(nn.Linear(channels, channels))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        projected = (self.to_q(x), self.to_k(context), self.to_v(context))
        q, k, v = (p.unflatten(2, (self.heads, -1)).transpose(1, 2) for p in projected)
        return self.to_out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class BasicTransformerBlock(nn.Module):
    def __init__(self, channels: int, context: int, heads: int) -> None:
        super().__init__()
        self.attn1 = CrossAttention(channels, channels, heads)
        self.ff = FeedForward(channels)
        self.attn2 = CrossAttention(channels, context, heads)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(channels) for _ in range(3))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        h = self.norm1(x)
        x = self.attn1(h, h) + x
        x = self.attn2(self.norm2(x), context) + x
        return self.ff(self.norm3(x)) + x


class SpatialTransformer(nn.Module):
    def __init__(self, channels: int, context: int, heads: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(32, channels, eps=1e-6)
        self.proj_in = nn.Conv2d(channels, channels, 1)
        blocks = [BasicTransformerBlock(channels, context, heads)]
        self.transformer_blocks = nn.ModuleList(blocks)
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        h = self.proj_in(self.norm(x))
        tokens = h.flatten(2).transpose(1, 2)  # (N, H*W, C)
        for block in self.transformer_blocks:
            tokens = block(tokens, context)
        h = tokens.transpose(1, 2).contiguous()
        return self.proj_out(h.view(x.shape)) + x


class Downsample(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.op = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.op(x)


class Upsample(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))


class TimestepEmbedSequential(nn.Sequential):
    """Gives each layer what it takes: the time to residual blocks, the text to transformers."""

    def forward(self, input: Tensor, *given: Tensor) -> Tensor:
        x, (emb, context) = input, given
        for layer in self:
            if isinstance(layer, ResBlock):
                x = layer(x, emb)
            elif isinstance(layer, SpatialTransformer):
                x = layer(x, context)
            else:
                x = layer(x)
        return x


class UNetModel(nn.Module):
    """x (N, latent, H, W), timesteps (N,), context (N, tokens, context) -> (N, latent, H, W)."""

    def __init__(self, shape: UNetShape) -> None:
        super().__init__()
        self.shape = shape
        first, emb = shape.channels[0], 4 * shape.channels[0]
        self.time_embed = nn.Sequential(nn.Linear(first, emb), nn.SiLU(), nn.Linear(emb, emb))
        self.input_blocks, skips = self._descending()
        last = shape.channels[-1]
        self.middle_block = TimestepEmbedSequential(
            ResBlock(last, last, emb), self._spatial(last), ResBlock(last, last, emb)
        )
        self.output_blocks = self._ascending(skips)
        self.out = nn.Sequential(
            GroupNorm32(first), nn.SiLU(), nn.Conv2d(first, shape.latent, 3, padding=1)
        )

    def _spatial(self, channels: int) -> SpatialTransformer:
        return SpatialTransformer(channels, self.shape.context, self.shape.heads)

    def _layers(self, channels: int, level: int) -> list[nn.Module]:
        width = self.shape.channels[level]
        residual = ResBlock(channels, width, 4 * self.shape.channels[0])
        return [residual, self._spatial(width)] if self.shape.attention[level] else [residual]

    def _descending(self) -> tuple[nn.ModuleList, list[int]]:
        """The way down, and the widths it leaves for the way up."""
        width = self.shape.channels[0]
        blocks = [TimestepEmbedSequential(nn.Conv2d(self.shape.latent, width, 3, padding=1))]
        skips = [width]
        for level, width in enumerate(self.shape.channels):
            if level > 0:
                blocks.append(TimestepEmbedSequential(Downsample(skips[-1])))
                skips.append(skips[-1])
            for _ in range(self.shape.layers):
                blocks.append(TimestepEmbedSequential(*self._layers(skips[-1], level)))
                skips.append(width)
        return nn.ModuleList(blocks), skips

    def _ascending(self, skips: list[int]) -> nn.ModuleList:
        blocks: list[nn.Module] = []
        width = self.shape.channels[-1]
        for level in reversed(range(len(self.shape.channels))):
            for j in range(self.shape.layers + 1):
                layers = self._layers(width + skips.pop(), level)
                width = self.shape.channels[level]
                if level > 0 and j == self.shape.layers:
                    layers.append(Upsample(width))
                blocks.append(TimestepEmbedSequential(*layers))
        return nn.ModuleList(blocks)

    def forward(self, x: Tensor, timesteps: Tensor, context: Tensor) -> Tensor:
        emb = self.time_embed(timestep_embedding(timesteps, self.shape.channels[0]).to(x.dtype))
        skips: list[Tensor] = []
        for block in self.input_blocks:
            x = block(x, emb, context)
            skips.append(x)
        x = self.middle_block(x, emb, context)
        for block in self.output_blocks:
            x = block(torch.cat([x, skips.pop()], dim=1), emb, context)
        return self.out(x)


def timestep_embedding(timesteps: Tensor, channels: int) -> Tensor:
    """(N,) -> (N, channels): cosines, then sines."""
    half = channels // 2
    frequencies = torch.exp(torch.arange(half, device=timesteps.device) * (-math.log(10000) / half))
    angles = timesteps[:, None].float() * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)
