"""EchoMimic's UNets by diffusers' parts; known by the keys and shapes of the official files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from easyphoto_video.errors import BadFile
from easyphoto_video.host.standalone import lean as lean  # first, see there
from easyphoto_video.talk.attention import blocks
from easyphoto_video.tensors import AGAIN

HEADS = 8
UNUSED = ("conv_norm_out.", "conv_out.")
"""What a reference network may have and never uses."""
MOTION = ".motion_modules."

_RESNET = re.compile(r"down_blocks\.(\d+)\.resnets\.0\.conv2\.weight")
_ATTENTION = re.compile(r"down_blocks\.(\d+)\.attentions\.0\.norm\.weight")
_AUDIO = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"


def denoiser(tensors: Mapping[str, Tensor], source: Path | str, heads: int = HEADS) -> nn.Module:
    """The denoising network without its temporal layers, whose tensors are passed over.

    Holds the given tensors themselves. Raises BadFile naming `source`.
    """
    spatial = {name: t for name, t in tensors.items() if MOTION not in name}
    if _AUDIO not in spatial:
        raise BadFile(source, "this is no denoising network of EchoMimic's", _TAKE)
    unet = _hollow(spatial, spatial[_AUDIO].shape[1], heads, source)
    return _filled(unet, spatial, source)


def reference(tensors: Mapping[str, Tensor], source: Path | str, heads: int = HEADS) -> nn.Module:
    """The reference network, which has no cross-attention. Raises BadFile naming `source`."""
    if any(".attn2." in name or MOTION in name for name in tensors):
        raise BadFile(source, "this is no reference network of EchoMimic's", _TAKE)
    used = {name: t for name, t in tensors.items() if not name.startswith(UNUSED)}
    unet = _hollow(used, heads, heads, source)
    unet.conv_norm_out = unet.conv_act = unet.conv_out = nn.Identity()
    for block in blocks(unet).values():
        block.norm2 = block.attn2 = None  # diffusers passes over what is not there
    return _filled(unet, used, source)


_TAKE = "Give reference_unet.pth and denoising_unet.pth of the same model."


def _hollow(tensors: Mapping[str, Tensor], context: int, heads: int, source: Path | str) -> Any:
    from diffusers import UNet2DConditionModel

    widths = {int(m[1]): t.shape[0] for name, t in tensors.items() if (m := _RESNET.match(name))}
    attends = {int(m[1]) for name in tensors if (m := _ATTENTION.match(name))}
    if sorted(widths) != list(range(len(widths))) or not widths:
        raise BadFile(source, "this is no UNet with diffusers' names", _TAKE)
    levels = [level in attends for level in range(len(widths))]
    with torch.device("meta"):
        return UNet2DConditionModel(
            block_out_channels=tuple(widths[i] for i in range(len(widths))),
            down_block_types=tuple(f"{'CrossAttn' * a}DownBlock2D" for a in levels),
            up_block_types=tuple(f"{'CrossAttn' * a}UpBlock2D" for a in reversed(levels)),
            cross_attention_dim=context,
            attention_head_dim=heads,  # in diffusers, the number of heads by an old mistake
        )


def _filled(unet: nn.Module, tensors: Mapping[str, Tensor], source: Path | str) -> nn.Module:
    try:
        unet.load_state_dict(dict(tensors), assign=True)
    except RuntimeError as error:
        raise BadFile(source, f"this network is not whole ({error})", AGAIN) from error
    return unet.requires_grad_(False).eval()
