"""Cross-attention that reads each text once, though every frame of a clip asks for it."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from torch import Tensor, nn


class Texts:
    """The texts of the running call of a UNet; hang `begin` before it as a hook with keywords."""

    def __init__(self) -> None:
        self.call: tuple[Tensor, Tensor | None] | None = None
        """(R, tokens, width) as the UNet gets them, and (T, tokens, width), one for each run of
        equal rows; None where the runs are not of one length."""

    def begin(self, _unet: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Find the runs of equal rows."""
        rows: Tensor = named["encoder_hidden_states"] if len(args) < 3 else args[2]
        changes = (rows[1:] != rows[:-1]).flatten(1).any(1).nonzero().flatten() + 1
        starts = [0, *changes.tolist()]
        length, rest = divmod(len(rows), len(starts))
        is_even = not rest and starts == list(range(0, len(rows), length))
        self.call = rows, rows[starts] if is_even else None

    def distinct(self, rows: Tensor | None) -> Tensor | None:
        """The distinct ones of these very rows, as above."""
        known, distinct = self.call or (None, None)
        return distinct if rows is known else None


class TextAttention:
    """As AttnProcessor2_0, but keys and values are made once for a run of rows with one text."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self.plain = AttnProcessor2_0()

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        """See AttnProcessor2_0."""
        distinct = self.texts.distinct(encoder_hidden_states)
        if distinct is None or attention_mask is not None or not fits(attn):
            return self.plain(attn, hidden_states, encoder_hidden_states, attention_mask, temb)
        # All pixels of the frames that have a text are one long row of questions to it.
        q, k, v = (
            rows.reshape(len(distinct), -1, attn.heads, rows.shape[-1] // attn.heads)
            for rows in (attn.to_q(hidden_states), attn.to_k(distinct), attn.to_v(distinct))
        )
        seen = F.scaled_dot_product_attention(*(each.transpose(1, 2) for each in (q, k, v)))
        seen = seen.transpose(1, 2).reshape(*hidden_states.shape[:2], -1)
        return attn.to_out[1](attn.to_out[0](seen))


def fits(attn: Any) -> bool:
    """Whether it is a plain attention, and nobody else looks at the keys and values of each row."""
    more = (attn.spatial_norm, attn.group_norm, attn.norm_cross, attn.norm_q, attn.norm_k)
    watched = any(
        layer._forward_hooks or layer._forward_pre_hooks for layer in (attn.to_k, attn.to_v)
    )
    is_more = any(part is not None for part in more) or attn.residual_connection
    return not (watched or is_more) and attn.rescale_output_factor == 1.0


def is_stock(attn: nn.Module) -> bool:
    """Whether it is diffusers' cross-attention, with diffusers' own way through it."""
    return (
        isinstance(attn, Attention)
        and attn.is_cross_attention
        and type(attn.processor) is AttnProcessor2_0
    )
