"""The temporal transformer of AnimateDiff (arXiv 2307.04725, guoyww/AnimateDiff), in plain torch.

A `Motion` holds one temporal transformer for each place of a UNet, named as in the official files:
`down_blocks.I.motion_modules.J`, `mid_block.motion_modules.0`, `up_blocks.I.motion_modules.J`.
Shapes: B clips, F frames, C channels, P pixels, h heads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easyphoto_video.motion.spec import MotionSpec
from easyphoto_video.motion.tiles import moved
from easyphoto_video.motion.windows import Window

LARGEST_ATTENTION_BATCH = 65535
"""CUDA's fused attention refuses more (pixels x heads) at once."""


def pixels_at_once(device: torch.device, heads: int) -> int:
    """How many pixels go through time together; behind the group norm they are independent.

    Pieces bound the memory. On the CPU, those that stay in its cache are half as fast again.
    """
    wanted = 64 * torch.get_num_threads() if device.type == "cpu" else 4096
    return min(wanted, LARGEST_ATTENTION_BATCH // heads)


def sinusoids(positions: int, channels: int) -> Tensor:
    """Position table (1, positions, channels): sine, cosine in turn (arXiv 1706.03762, 3.5)."""
    position = torch.arange(positions, dtype=torch.float32)[:, None]
    step = -math.log(10000.0) / channels
    frequency = torch.exp(torch.arange(0, channels, 2, dtype=torch.float32) * step)
    table = torch.empty(1, positions, channels)
    table[0, :, 0::2] = torch.sin(position * frequency)
    table[0, :, 1::2] = torch.cos(position * frequency)
    return table


class Positions(nn.Module):
    """Adds to each frame the mark of its place inside the window."""

    pe: Tensor

    def __init__(self, count: int, channels: int) -> None:
        super().__init__()
        table = torch.empty(1, count, channels)
        # A hollow module's table has no values, and on meta working them out is slow.
        self.register_buffer("pe", table if table.is_meta else sinusoids(count, channels))

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        return x + self.pe[0, positions].to(x.dtype)  # (P, F, C)


class TemporalAttention(nn.Module):
    """Self-attention of each pixel over its frames; positions feed q, k and v alike."""

    def __init__(self, channels: int, spec: MotionSpec) -> None:
        super().__init__()
        self.heads = spec.heads
        self.pos_encoder = Positions(spec.positions, channels)
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k = nn.Linear(channels, channels, bias=False)
        self.to_v = nn.Linear(channels, channels, bias=False)
        self.to_out = nn.Sequential(nn.Linear(channels, channels))

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        x = self.pos_encoder(x, positions)
        q, k, v = (
            project(x).unflatten(2, (self.heads, -1)).transpose(1, 2)  # (P, h, F, C/h)
            for project in (self.to_q, self.to_k, self.to_v)
        )
        seen = F.scaled_dot_product_attention(q, k, v)
        return self.to_out(seen.transpose(1, 2).flatten(2))  # (P, F, C)


class GEGLU(nn.Module):
    """Gated linear unit with exact GELU (arXiv 2002.05202)."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.proj = nn.Linear(channels, 2 * inner)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    """C -> 4C -> C. The identity keeps the place, and so the number, of the official dropout."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = 4 * channels
        self.net = nn.Sequential(GEGLU(channels, inner), nn.Identity(), nn.Linear(inner, channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class TemporalBlock(nn.Module):
    """Two attentions over time and a feed-forward, each behind a layer norm and a residual."""

    def __init__(self, channels: int, spec: MotionSpec) -> None:
        super().__init__()
        self.attention_blocks = nn.ModuleList(TemporalAttention(channels, spec) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(2))
        self.ff = FeedForward(channels)
        self.ff_norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        for attention, norm in zip(self.attention_blocks, self.norms, strict=True):
            x = attention(norm(x), positions) + x
        return self.ff(self.ff_norm(x)) + x  # (P, F, C)


class TemporalTransformer(nn.Module):
    """What stands in one place of the UNet. New, its last layer is zero and it changes nothing."""

    def __init__(self, channels: int, spec: MotionSpec) -> None:
        super().__init__()
        self.channels = channels
        self.heads = spec.heads
        self.norm = nn.GroupNorm(spec.groups, channels, eps=1e-6)
        self.proj_in = nn.Linear(channels, channels)
        self.transformer_blocks = nn.ModuleList([TemporalBlock(channels, spec)])
        self.proj_out = nn.Linear(channels, channels)
        nn.init.zeros_(self.proj_out.weight)
        nn.init.zeros_(self.proj_out.bias)

    def forward(
        self,
        x: Tensor,
        frames: int,
        positions: Tensor | None = None,
        views: Sequence[Window] = (),
    ) -> Tensor:
        """x (B*F, C, H, W), the frames of a clip in a row -> the same shape and dtype.

        `positions` (F,) int64 says which place of the position table each frame takes; without it
        0 to F-1. With `views`, frames see each other in these windows only, each of which begins
        at place 0, and what comes out is averaged. Computes in the dtype of its own weights, or
        in float32 where that is half precision that a CPU would imitate.
        """
        if x.device.type == "cpu" and not self._wants_gradients(x):
            at_once = pixels_at_once(x.device, self.heads)
            return moved(self, x, frames, positions, views, at_once)
        return self.plain(x, frames, positions, views)

    def _wants_gradients(self, x: Tensor) -> bool:
        wanted = x.requires_grad or any(weight.requires_grad for weight in self.parameters())
        return torch.is_grad_enabled() and wanted

    def plain(
        self,
        x: Tensor,
        frames: int,
        positions: Tensor | None = None,
        views: Sequence[Window] = (),
    ) -> Tensor:
        """As `forward`, layer by layer: on other devices, and where gradients are wanted."""
        marks = torch.arange(frames, device=x.device) if positions is None else positions
        h = self.norm(x.to(self.proj_in.weight.dtype))  # each frame by itself
        h = h.flatten(2).unflatten(0, (-1, frames))  # (B, F, C, H*W)
        pixels = h.permute(0, 3, 1, 2).flatten(0, 1)  # (B*H*W, F, C)
        pieces = pixels.split(pixels_at_once(x.device, self.heads))
        moved = torch.cat(
            [
                self.over_views(piece, views) if views else self.over_time(piece, marks)
                for piece in pieces
            ]
        )
        h = moved.unflatten(0, (h.shape[0], -1))  # (B, H*W, F, C)
        return x + h.permute(0, 2, 3, 1).reshape(x.shape).to(x.dtype)

    def over_views(self, pixels: Tensor, views: Sequence[Window]) -> Tensor:
        """(P, F, C) -> (P, F, C); the sum is taken in float32 at least."""
        exact = torch.promote_types(pixels.dtype, torch.float32)
        total = torch.zeros_like(pixels, dtype=exact)
        for view in views:
            seen = list(view.frames)
            positions = torch.arange(len(seen), device=pixels.device)
            weights = torch.tensor(view.weights, dtype=exact, device=pixels.device)[:, None]
            total[:, seen] += weights * self.over_time(pixels[:, seen], positions)
        return total.to(pixels.dtype)

    def over_time(self, pixels: Tensor, positions: Tensor) -> Tensor:
        """(P, F, C) -> (P, F, C)."""
        pixels = self.proj_in(pixels)
        for block in self.transformer_blocks:
            pixels = block(pixels, positions)
        return self.proj_out(pixels)


class MotionModule(nn.Module):
    """A name's worth of the official layout: `motion_modules.J.temporal_transformer`."""

    def __init__(self, channels: int, spec: MotionSpec) -> None:
        super().__init__()
        self.temporal_transformer = TemporalTransformer(channels, spec)


class MotionBlock(nn.Module):
    """The temporal transformers of one block of the UNet."""

    def __init__(self, channels: int, count: int, spec: MotionSpec) -> None:
        super().__init__()
        self.motion_modules = nn.ModuleList(MotionModule(channels, spec) for _ in range(count))


class Motion(nn.Module):
    """All temporal transformers of one motion file; its state dict has the official key names."""

    def __init__(self, spec: MotionSpec) -> None:
        super().__init__()
        self.spec = spec
        widths, layers = spec.channels, spec.layers
        self.down_blocks = nn.ModuleList(MotionBlock(c, layers, spec) for c in widths)
        self.up_blocks = nn.ModuleList(MotionBlock(c, layers + 1, spec) for c in reversed(widths))
        if spec.has_mid:
            self.mid_block = MotionBlock(widths[-1], 1, spec)

    @classmethod
    def holding(cls, spec: MotionSpec, tensors: Mapping[str, Tensor]) -> Motion:
        """A Motion made of these very tensors (official names, all of them); nothing is copied."""
        motion = cls.hollow(spec)
        motion.load_state_dict(dict(tensors), assign=True)
        return motion

    @classmethod
    def hollow(cls, spec: MotionSpec) -> Motion:
        """A Motion that has names and shapes but no tensors, until some are loaded by `assign`."""
        with torch.device("meta"):
            return cls(spec)

    def transformers(self) -> Iterator[tuple[str, TemporalTransformer]]:
        """The name of each place, `down_blocks.0.motion_modules.0`, and what goes there."""
        for name, module in self.named_modules():
            if isinstance(module, MotionModule):
                yield name, module.temporal_transformer
