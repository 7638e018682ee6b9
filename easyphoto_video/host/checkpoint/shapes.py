"""How large the networks in a file are, read from the shapes of its tensors.

Gives the configurations that diffusers' and transformers' classes take. Imports neither.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from easyphoto_video.errors import BadFile
from easyphoto_video.host.checkpoint.facts import Facts
from easyphoto_video.tensors import AGAIN

UNET = "model.diffusion_model."
VAE = "first_stage_model."
TEXT = "cond_stage_model.transformer."
GROUPS = 32
"""Of every group norm in LDM."""

Tensors = Mapping[str, Tensor]


class Misfit(ValueError):
    """The tensors are not those of a network that can be built."""


def unet_config(tensors: Tensors, facts: Facts, source: Path) -> dict[str, Any]:
    """UNet2DConditionModel's configuration, from tensors in LDM names. Raises BadFile."""
    try:
        return _unet(tensors, facts)
    except (KeyError, Misfit) as error:
        raise _not_built(source, "UNet", error) from error


def vae_config(tensors: Tensors, facts: Facts, source: Path) -> dict[str, Any]:
    """AutoencoderKL's configuration, from tensors in diffusers' names. Raises BadFile."""
    try:
        return _vae(tensors, facts)
    except (KeyError, Misfit) as error:
        raise _not_built(source, "VAE", error) from error


def text_config(tensors: Tensors, facts: Facts, source: Path) -> dict[str, Any]:
    """CLIPTextConfig's values, from tensors in transformers' names without prefix. Raises BadFile.

    Heads follow from the width unless the facts tell: 12 at CLIP-L's 768, else 16 wide each.
    """
    try:
        positions, width = tensors["embeddings.position_embedding.weight"].shape
        tokens = tensors["embeddings.token_embedding.weight"].shape[0]
        inner = tensors["encoder.layers.0.mlp.fc1.weight"].shape[0]
    except KeyError as error:
        raise _not_built(source, "text encoder", error) from error
    return {
        "vocab_size": tokens,
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": text_layers(tensors),
        "num_attention_heads": facts.text_heads or (12 if width == 768 else width // 16),
        "max_position_embeddings": positions,
        "hidden_act": facts.text_activation,
        "eos_token_id": tokens - 1,
        "bos_token_id": tokens - 2,
        "pad_token_id": tokens - 1,
    }


def text_layers(tensors: Tensors) -> int:
    """How many layers a text encoder has, from tensors in transformers' names without prefix."""
    return 1 + max(_numbers(tensors, r"encoder\.layers\.(\d+)\."), default=-1)


def clip_layers(tensors: Tensors) -> int:
    """How many layers the text encoder of a checkpoint has."""
    pattern = rf"{re.escape(TEXT)}(?:text_model\.)?encoder\.layers\.(\d+)\."
    return 1 + max(_numbers(tensors, pattern), default=-1)


def _unet(tensors: Tensors, facts: Facts) -> dict[str, Any]:
    own = {k.removeprefix(UNET): t for k, t in tensors.items() if k.startswith(UNET)}
    levels = _levels(own)
    firsts = [level[0] for level in levels]
    if any(set(level) != {first} for level, first in zip(levels, firsts, strict=True)):
        raise Misfit("its residual blocks differ within a level")
    if len({len(level) for level in levels}) != 1:
        raise Misfit("its levels have different numbers of residual blocks")
    channels = tuple(width for width, _ in firsts)
    if any(width % GROUPS for width in channels):
        raise Misfit(f"its widths {channels} are no multiples of {GROUPS}")
    crossed = [has for _, has in firsts]
    deepest = "middle_block.1.transformer_blocks."
    return {
        "sample_size": facts.family.side // facts.family.factor,
        "in_channels": own["input_blocks.0.0.weight"].shape[1],
        "out_channels": own["out.2.weight"].shape[0],
        "block_out_channels": channels,
        "layers_per_block": len(levels[0]),
        "down_block_types": tuple(f"{_cross(has)}DownBlock2D" for has in crossed),
        "up_block_types": tuple(f"{_cross(has)}UpBlock2D" for has in reversed(crossed)),
        "cross_attention_dim": own[f"{deepest}0.attn2.to_k.weight"].shape[1],
        "transformer_layers_per_block": 1 + max(_numbers(own, rf"{re.escape(deepest)}(\d+)\.")),
        # diffusers calls the number of heads so, for the sake of its first files.
        "attention_head_dim": _heads(channels, facts),
        "use_linear_projection": own["middle_block.1.proj_in.weight"].ndim == 2,
    }


def _levels(own: Tensors) -> list[list[tuple[int, bool]]]:
    """For each level its residual blocks on the way in: width, and whether attention follows."""
    levels: list[list[tuple[int, bool]]] = [[]]
    for i in range(1, 1 + max(_numbers(own, r"input_blocks\.(\d+)\."), default=0)):
        if f"input_blocks.{i}.0.op.weight" in own:
            levels.append([])
            continue
        width = own[f"input_blocks.{i}.0.out_layers.3.weight"].shape[0]
        levels[-1].append((width, f"input_blocks.{i}.1.proj_in.weight" in own))
    if not all(levels):
        raise Misfit("it has a level without residual blocks")
    return levels


def _cross(has_attention: bool) -> str:
    return "CrossAttn" if has_attention else ""


def _heads(channels: tuple[int, ...], facts: Facts) -> tuple[int, ...]:
    heads = tuple(c // facts.head_width if facts.head_width else facts.heads for c in channels)
    if any(h < 1 or c % h for c, h in zip(channels, heads, strict=True)):
        raise Misfit(f"its widths {channels} do not part into {heads} heads; a yaml tells how many")
    return heads


def _vae(tensors: Tensors, facts: Facts) -> dict[str, Any]:
    levels = 1 + max(_numbers(tensors, r"encoder\.down_blocks\.(\d+)\."), default=-1)
    channels = tuple(
        tensors[f"encoder.down_blocks.{i}.resnets.0.conv2.weight"].shape[0] for i in range(levels)
    )
    if not channels or any(width % GROUPS for width in channels):
        raise Misfit(f"its widths {channels} are no multiples of {GROUPS}")
    latents = tensors["decoder.conv_in.weight"].shape[1]
    family = facts.family
    if latents != family.channels:
        fitting = f"those of {family.name} have {family.channels}"
        raise Misfit(f"its latents have {latents} channels, and {fitting}")
    return {
        "in_channels": tensors["encoder.conv_in.weight"].shape[1],
        "out_channels": tensors["decoder.conv_out.weight"].shape[0],
        "block_out_channels": channels,
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
        "layers_per_block": 1
        + max(_numbers(tensors, r"encoder\.down_blocks\.0\.resnets\.(\d+)\."), default=0),
        "latent_channels": latents,
        "scaling_factor": family.scale,
        "sample_size": family.side,
    }


def _numbers(tensors: Tensors, pattern: str) -> set[int]:
    return {int(m[1]) for key in tensors if (m := re.match(pattern, key))}


def _not_built(source: Path, part: str, error: Exception) -> BadFile:
    if isinstance(error, KeyError):
        return BadFile(source, f"its {part} is not whole: {error.args[0]} is missing", AGAIN)
    return BadFile(source, f"its {part} cannot be built: {error}", "Choose another file.")
