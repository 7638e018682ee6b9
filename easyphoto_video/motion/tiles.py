"""The temporal transformer without gradients, in tiles of pixels and with nothing done twice.

The same sums as `TemporalTransformer.plain`, which is the oracle. Behind the group norm pixels are
independent, so a tile goes from there to the end while it is in the cache. Sums go into the memory
of what they add to, and the result into that of the group norm. Shapes: B clips, F frames,
C channels, P pixels of a tile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easyphoto_video.motion.precision import multiplied
from easyphoto_video.motion.windows import Window

if TYPE_CHECKING:
    from easyphoto_video.motion.module import (
        TemporalAttention,
        TemporalBlock,
        TemporalTransformer,
    )


def moved(
    transformer: TemporalTransformer,
    x: Tensor,
    frames: int,
    positions: Tensor | None,
    views: Sequence[Window],
    at_once: int,
) -> Tensor:
    """x (B*F, C, H, W) -> the same shape and dtype; see TemporalTransformer.forward.

    `at_once` is the most pixels in a tile.
    """
    weights = Weights(transformer)
    result = transformer.norm(x.to(weights.stored)).to(x.dtype)
    before = x.flatten(2).unflatten(0, (-1, frames))  # (B, F, C, H*W)
    after = result.flatten(2).unflatten(0, (-1, frames))
    marks = torch.arange(frames) if positions is None else positions
    for tile in _tiles(after.shape, at_once):
        h = weights.entered(after[tile])  # (B, P, F, C)
        seen = _over_views(weights, h, views) if views else _over_time(weights, h, marks)
        torch.add(before[tile], weights.left(seen), out=after[tile])
    return after.unflatten(3, x.shape[2:]).flatten(0, 1)


def _tiles(shape: torch.Size, at_once: int) -> Iterator[tuple[slice, ...]]:
    """Of (B, F, C, P): some clips whole, or some pixels of one."""
    clips, _, _, pixels = shape
    clips_at_once = max(1, at_once // pixels)
    for clip in range(0, clips, clips_at_once):
        for pixel in range(0, pixels, at_once):
            some = slice(clip, clip + clips_at_once)
            yield some, slice(None), slice(None), slice(pixel, pixel + at_once)


def _over_views(weights: Weights, h: Tensor, views: Sequence[Window]) -> Tensor:
    """h (B, P, F, C) -> (B, P, F, C): frames see each other in windows, and are averaged."""
    total = torch.zeros_like(h)
    for view in views:
        seen = list(view.frames)
        part = _over_time(weights, h[:, :, seen], torch.arange(len(seen)))
        shares = torch.tensor(view.weights, dtype=h.dtype)[:, None]
        total[:, :, seen] += part.mul_(shares)
    return total


def _over_time(weights: Weights, h: Tensor, marks: Tensor) -> Tensor:
    """h (B, P, F, C) is used up -> (B, P, F, C)."""
    rows = h.flatten(0, 1)
    blocks: Any = weights.transformer.transformer_blocks
    for block in blocks:
        rows = weights.block(block, rows, marks)
    return rows.unflatten(0, h.shape[:2])


class Weights:
    """A transformer's layers over rows, in the dtype to multiply in."""

    def __init__(self, transformer: TemporalTransformer) -> None:
        self.transformer = transformer
        self.stored = transformer.proj_in.weight.dtype
        self.dtype = multiplied(self.stored, transformer.proj_in.weight.device)
        self._cast: dict[Tensor, Tensor] = {}

    def of(self, tensor: Tensor) -> Tensor:
        """The tensor in the dtype to multiply in; converted once for all tiles."""
        if tensor.dtype == self.dtype:
            return tensor
        if tensor not in self._cast:
            self._cast[tensor] = tensor.to(self.dtype)
        return self._cast[tensor]

    def entered(self, tile: Tensor) -> Tensor:
        """proj_in: (B, F, C, P) -> (B, P, F, C)."""
        rows = tile.permute(0, 3, 1, 2).to(self.dtype, memory_format=torch.contiguous_format)
        return self._linear(self.transformer.proj_in, rows)

    def left(self, rows: Tensor) -> Tensor:
        """proj_out: (B, P, F, C) -> (B, F, C, P)."""
        return self._linear(self.transformer.proj_out, rows).permute(0, 2, 3, 1)

    def block(self, block: TemporalBlock, rows: Tensor, marks: Tensor) -> Tensor:
        """rows (P, F, C) are used up -> (P, F, C)."""
        pairs: Any = zip(block.attention_blocks, block.norms, strict=True)
        for attention, norm in pairs:
            rows += self._attended(attention, self._normed(norm, rows), marks)
        rows += self._fed(block.ff.net, self._normed(block.ff_norm, rows))
        return rows

    def _attended(self, attention: TemporalAttention, rows: Tensor, marks: Tensor) -> Tensor:
        rows += self.of(attention.pos_encoder.pe)[0, marks]
        q, k, v = (
            F.linear(rows, self.of(project.weight))
            .unflatten(2, (attention.heads, -1))
            .transpose(1, 2)  # (P, h, F, C/h)
            for project in (attention.to_q, attention.to_k, attention.to_v)
        )
        seen = F.scaled_dot_product_attention(q, k, v)
        return self._linear(attention.to_out[0], seen.transpose(1, 2).flatten(2))

    def _fed(self, net: Any, rows: Tensor) -> Tensor:
        value, gate = self._linear(net[0].proj, rows).chunk(2, dim=-1)
        # An operator, because torch.nn.functional has none that works in place.
        value *= torch.ops.aten.gelu_(gate)
        return self._linear(net[2], value)

    def _normed(self, norm: nn.LayerNorm, rows: Tensor) -> Tensor:
        weight, bias = self.of(norm.weight), self.of(norm.bias)
        return F.layer_norm(rows, norm.normalized_shape, weight, bias, norm.eps)

    def _linear(self, layer: Any, rows: Tensor) -> Tensor:
        return F.linear(rows, self.of(layer.weight), self.of(layer.bias))
