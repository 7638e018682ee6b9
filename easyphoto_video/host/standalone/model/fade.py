"""LoRAs whose weight goes from frame to frame, in the networks for as long as a `with` lasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from easyphoto_video.host.standalone.model.lora import Change
from easyphoto_video.host.standalone.model.merge import (
    TEXT_MODEL,
    Merge,
    check_fits,
    layers_of,
    merged,
)
from easyphoto_video.motion.fading import Chain, LoraOverFrames


@contextmanager
def fading(
    unet: nn.Module, text_encoder: nn.Module, merges: Sequence[Merge], text: float
) -> Iterator[LoraOverFrames]:
    """While it lasts, the text encoder has the LoRAs; gives what the UNet is to be entered with.

    That has each LoRA at its weight times a frame's. The text encoder reads a prompt once for all
    frames and has each at its weight times `text`; take the mean of the weights over the whole
    clip, so that all its spans read alike. Raises BadFile before anything is touched when a LoRA
    does not fit.
    """
    layers = layers_of(unet)
    for one in merges:
        check_fits(one.lora, one.lora.unet, layers)
        check_fits(one.lora, one.lora.text, layers_of(text_encoder, TEXT_MODEL))
    texts = [Merge(replace(one.lora, unet={}), one.text * text, 0.0) for one in merges]
    with merged(unet, text_encoder, texts):
        yield LoraOverFrames([_changes(one, layers) for one in merges if one.unet])


def _changes(one: Merge, layers: Mapping[str, Any]) -> dict[nn.Module, Chain]:
    """Each layer with its change at the LoRA's own weight, beside the layer's numbers."""
    return {
        layers[words]: _chain(change, one.unet, layers[words].weight)
        for words, change in one.lora.unet.items()
    }


def _chain(change: Change, weight: float, like: Tensor) -> Chain:
    scale = 1.0 if change.alpha is None else change.alpha / change.down.shape[0]
    middle = () if change.mid is None else (change.mid,)
    factors = (change.down, *middle, weight * scale * change.up.float())
    return Chain(tuple(factor.to(like.device, like.dtype) for factor in factors))
