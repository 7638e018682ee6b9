"""Where the temporal transformers of AnimateDiff belong in a UNet, found by its structure.

Two layouts are known: diffusers' UNet2DConditionModel (`down_blocks`, `mid_block`, `up_blocks`)
and the LDM UNet of A1111 and Forge (`input_blocks`, `middle_block`, `output_blocks`). A place is
the layer behind which a temporal transformer goes: the spatial transformer, or the residual block
where there is none, and so always before the down- or upsampling.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from torch import nn

from easyphoto_video.errors import BadRequest


def places(unet: nn.Module) -> dict[str, nn.Module]:
    """The official name of each place, as in `Motion.transformers`, and the layer it stands behind.

    Raises BadRequest when the model is no UNet of either layout.
    """
    if hasattr(unet, "down_blocks") and hasattr(unet, "up_blocks"):
        return dict(_diffusers_places(unet))
    if hasattr(unet, "input_blocks") and hasattr(unet, "output_blocks"):
        return dict(_ldm_places(unet))
    raise BadRequest(
        "Checkpoint",
        type(unet).__name__,
        "has neither diffusers' blocks (down_blocks, up_blocks) nor LDM's (input_blocks, "
        "output_blocks), so no place for motion is known in it",
        "Choose a Stable Diffusion 1.5 or SDXL checkpoint.",
    )


def deep_layers(unet: nn.Module) -> list[nn.Module]:
    """All layers between the first and the last residual block of a UNet, in their order.

    The first is `conv_in` and what it says goes by a skip connection to the last block, which
    joins it with what the deep layers say: the last of these hands that on.
    """
    places(unet)
    return list(_diffusers_deep(unet) if hasattr(unet, "down_blocks") else _ldm_deep(unet))


def width(layer: Any) -> int:
    """The channels that leave the layer at a place; its last group norm knows them."""
    norm: Any = layer.norm if _is_spatial(layer) else _norms(layer)[-1]
    return norm.num_channels


def residual_norms(unet: Any) -> list[nn.Module]:
    """The norms that AnimateDiff v1 runs over all frames: in residual blocks and at the output."""
    inside = [norm for layer in unet.modules() if _is_residual(layer) for norm in _norms(layer)]
    return [*inside, unet.conv_norm_out if hasattr(unet, "conv_norm_out") else unet.out[0]]


def _diffusers_places(unet: Any) -> Iterator[tuple[str, nn.Module]]:
    for i, block in enumerate(unet.down_blocks):
        yield from _numbered(f"down_blocks.{i}", getattr(block, "attentions", block.resnets))
    middle = unet.mid_block
    yield from _numbered("mid_block", list(getattr(middle, "attentions", middle.resnets))[:1])
    for i, block in enumerate(unet.up_blocks):
        yield from _numbered(f"up_blocks.{i}", getattr(block, "attentions", block.resnets))


def _ldm_places(unet: Any) -> Iterator[tuple[str, nn.Module]]:
    for i, layers in enumerate(_levels(unet.input_blocks)):
        yield from _numbered(f"down_blocks.{i}", layers)
    yield from _numbered("mid_block", _place_in(unet.middle_block))
    for i, layers in enumerate(_levels(unet.output_blocks)):
        yield from _numbered(f"up_blocks.{i}", layers)


def _diffusers_deep(unet: Any) -> Iterator[nn.Module]:
    for block in unet.down_blocks:
        yield from _in_turn(block, "downsamplers")
    yield unet.mid_block
    *rest, last = unet.up_blocks
    for block in rest:
        yield from _in_turn(block, "upsamplers")
    kept = 1 + hasattr(last, "attentions")
    yield from list(_in_turn(last, "upsamplers"))[:-kept]


def _ldm_deep(unet: Any) -> Iterator[nn.Module]:
    yield from list(unet.input_blocks)[1:]
    yield unet.middle_block
    yield from list(unet.output_blocks)[:-1]


def _in_turn(block: Any, resampling: str) -> Iterator[nn.Module]:
    """The layers of a block of diffusers' in their order."""
    for j, residual in enumerate(block.resnets):
        yield residual
        if hasattr(block, "attentions"):
            yield block.attentions[j]
    yield from getattr(block, resampling) or ()


def _levels(blocks: Iterable[Iterable[nn.Module]]) -> list[list[nn.Module]]:
    """The layers at the places of each level; a level ends where the picture changes its size."""
    levels: list[list[nn.Module]] = [[]]
    for block in blocks:
        levels[-1] += _place_in(block)
        if any(_is_resampling(layer) for layer in block):
            levels.append([])
    return levels


def _place_in(block: Iterable[nn.Module]) -> list[nn.Module]:
    """The one layer at the place in a row of layers, or none."""
    spatial = [layer for layer in block if _is_spatial(layer)]
    return (spatial or [layer for layer in block if _is_residual(layer)])[:1]


def _numbered(block: str, layers: Iterable[nn.Module]) -> Iterator[tuple[str, nn.Module]]:
    for j, layer in enumerate(layers):
        yield f"{block}.motion_modules.{j}", layer


def _is_spatial(layer: nn.Module) -> bool:
    return hasattr(layer, "transformer_blocks")


def _is_residual(layer: nn.Module) -> bool:
    ldm = hasattr(layer, "in_layers") and hasattr(layer, "out_layers")
    return ldm or (hasattr(layer, "norm2") and hasattr(layer, "conv2"))


def _is_resampling(layer: nn.Module) -> bool:
    """LDM calls the convolution `op` in a Downsample and `conv` in an Upsample."""
    return hasattr(layer, "op") or hasattr(layer, "conv")


def _norms(layer: Any) -> tuple[nn.Module, nn.Module]:
    if hasattr(layer, "in_layers"):
        return layer.in_layers[0], layer.out_layers[0]
    return layer.norm1, layer.norm2
