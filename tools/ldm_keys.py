"""From diffusers' key names to those of an SD1.x single file; diffusers has only the other way.

A rule is a pattern over the diffusers name and what it becomes; the first that fits holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from torch import Tensor

UNET = "model.diffusion_model."
VAE = "first_stage_model."
TEXT = "cond_stage_model.transformer.text_model."

Rules: TypeAlias = list[tuple[str, str | Callable[[re.Match[str]], str]]]

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_BLOCKS = 3
"""Blocks to a level: two residual and one resampling going in, three residual going out."""
_LAST = 3


def _input(match: re.Match[str]) -> str:
    level, kind, layer, rest = match.groups()
    return f"input_blocks.{_BLOCKS * int(level) + int(layer) + 1}." + _layer(kind, rest)


def _output(match: re.Match[str]) -> str:
    level, kind, layer, rest = match.groups()
    return f"output_blocks.{_BLOCKS * int(level) + int(layer)}." + _layer(kind, rest)


def _layer(kind: str, rest: str) -> str:
    return f"1.{rest}" if kind == "attentions" else f"0.{_resnet(rest)}"


def _resnet(rest: str) -> str:
    name, _, tail = rest.partition(".")
    return f"{_RESNET[name]}.{tail}"


def _upsampler(match: re.Match[str]) -> str:
    """The upsampling comes after the attention, which the lowest level has not."""
    level = int(match[1])
    return f"output_blocks.{_BLOCKS * level + 2}.{1 if level == 0 else 2}.conv.{match[2]}"


_UNET_RULES: Rules = [
    (r"conv_in\.(.+)", r"input_blocks.0.0.\1"),
    (r"time_embedding\.linear_1\.(.+)", r"time_embed.0.\1"),
    (r"time_embedding\.linear_2\.(.+)", r"time_embed.2.\1"),
    (r"conv_norm_out\.(.+)", r"out.0.\1"),
    (r"conv_out\.(.+)", r"out.2.\1"),
    (r"down_blocks\.(\d)\.(resnets|attentions)\.(\d)\.(.+)", _input),
    (
        r"down_blocks\.(\d)\.downsamplers\.0\.conv\.(.+)",
        lambda m: f"input_blocks.{_BLOCKS * (int(m[1]) + 1)}.0.op.{m[2]}",
    ),
    (r"up_blocks\.(\d)\.(resnets|attentions)\.(\d)\.(.+)", _output),
    (r"up_blocks\.(\d)\.upsamplers\.0\.conv\.(.+)", _upsampler),
    (r"mid_block\.attentions\.0\.(.+)", r"middle_block.1.\1"),
    (
        r"mid_block\.resnets\.(\d)\.(.+)",
        lambda m: f"middle_block.{2 * int(m[1])}.{_resnet(m[2])}",
    ),
]

_VAE_RULES: Rules = [
    (r"(post_)?quant_conv\.(.+)", r"\g<0>"),
    (r"(encoder|decoder)\.conv_norm_out\.(.+)", r"\1.norm_out.\2"),
    (r"(encoder|decoder)\.(conv_in|conv_out)\.(.+)", r"\g<0>"),
    (r"encoder\.down_blocks\.(\d)\.downsamplers\.0\.(.+)", r"encoder.down.\1.downsample.\2"),
    (
        r"decoder\.up_blocks\.(\d)\.upsamplers\.0\.(.+)",
        lambda m: f"decoder.up.{_LAST - int(m[1])}.upsample.{m[2]}",
    ),
    (r"encoder\.down_blocks\.(\d)\.resnets\.(\d)\.(.+)", r"encoder.down.\1.block.\2.\3"),
    (
        r"decoder\.up_blocks\.(\d)\.resnets\.(\d)\.(.+)",
        lambda m: f"decoder.up.{_LAST - int(m[1])}.block.{m[2]}.{m[3]}",
    ),
    (
        r"(encoder|decoder)\.mid_block\.resnets\.(\d)\.(.+)",
        lambda m: f"{m[1]}.mid.block_{int(m[2]) + 1}.{m[3]}",
    ),
    (r"(encoder|decoder)\.mid_block\.attentions\.0\.group_norm\.(.+)", r"\1.mid.attn_1.norm.\2"),
    (r"(encoder|decoder)\.mid_block\.attentions\.0\.to_([qkv])\.(.+)", r"\1.mid.attn_1.\2.\3"),
    (
        r"(encoder|decoder)\.mid_block\.attentions\.0\.to_out\.0\.(.+)",
        r"\1.mid.attn_1.proj_out.\2",
    ),
]


def _rename(name: str, rules: Rules) -> str:
    for pattern, becomes in rules:
        match = re.fullmatch(pattern, name)
        if match:
            return becomes(match) if callable(becomes) else match.expand(becomes)
    raise KeyError(f"no single-file name is known for {name}")


def unet_to_ldm(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a UNet2DConditionModel with four levels of two residual blocks, renamed."""
    return {UNET + _rename(name, _UNET_RULES): tensor for name, tensor in tensors.items()}


def vae_to_ldm(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a four-level AutoencoderKL, renamed; ldm's attention is 1x1 convolutions."""
    found = {}
    for name, tensor in tensors.items():
        renamed = _rename(name, _VAE_RULES).replace("conv_shortcut", "nin_shortcut")
        is_projection = ".attn_1." in renamed and tensor.ndim == 2
        found[VAE + renamed] = tensor[:, :, None, None] if is_projection else tensor
    return found


def text_to_ldm(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a CLIPTextModel, renamed."""
    return {TEXT + name.removeprefix("text_model."): tensor for name, tensor in tensors.items()}
