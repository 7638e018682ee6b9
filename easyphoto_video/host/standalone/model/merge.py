"""LoRAs inside the weights of networks, for as long as a `with` lasts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import nn

from easyphoto_video.errors import BadFile
from easyphoto_video.host.checkpoint.kinds import CHOOSE
from easyphoto_video.host.standalone.model.lora import Change, PictureLora

TEXT_MODEL = "text_model_"
"""How the names of the text encoder's layers begin in LoRAs."""


@dataclass(frozen=True)
class Merge:
    """A LoRA, and how much of it goes into text encoder and UNet; 1 is as trained."""

    lora: PictureLora
    text: float
    unet: float


@contextmanager
def merged(unet: nn.Module, text_encoder: nn.Module, merges: Sequence[Merge]) -> Iterator[None]:
    """While it lasts, the LoRAs are in the weights; then the very same parameters are back.

    Raises BadFile before anything is touched when a LoRA does not fit.
    """
    plan: dict[Any, list[tuple[Change, float]]] = defaultdict(list)
    unet_layers, text_layers = layers_of(unet), layers_of(text_encoder, TEXT_MODEL)
    for merge in merges:
        source = merge.lora
        _plan(plan, source, (source.unet, unet_layers, merge.unet))
        _plan(plan, source, (source.text, text_layers, merge.text))
    originals = {layer: layer.weight for layer in plan}
    try:
        for layer, changes in plan.items():
            old = layer.weight
            new = old.float() + sum(weight * change.delta(old) for change, weight in changes)
            layer.weight = nn.Parameter(new.to(old.dtype), requires_grad=False)
        yield
    finally:
        for layer, parameter in originals.items():
            layer.weight = parameter


def _plan(
    plan: dict[Any, list[tuple[Change, float]]],
    source: PictureLora,
    part: tuple[Mapping[str, Change], Mapping[str, Any], float],
) -> None:
    """Add the changes of one network to the plan. Raises BadFile."""
    changes, layers, weight = part
    check_fits(source, changes, layers)
    for words, change in changes.items():
        plan[layers[words]].append((change, weight))


def check_fits(
    source: PictureLora, changes: Mapping[str, Change], layers: Mapping[str, Any]
) -> None:
    """Raises BadFile unless each of these changes of the file finds a layer of its size."""
    strange = [
        words
        for words, change in changes.items()
        if words not in layers or not change.fits(layers[words].weight)
    ]
    if strange:
        raise BadFile(
            source.source,
            f"this LoRA does not fit the checkpoint: {len(strange)} of its "
            f"{len(source.unet) + len(source.text)} changes find no layer of their size, such as "
            f"{strange[0]}",
            CHOOSE["LoRA"],
        )


def layers_of(network: nn.Module, level: str = "") -> dict[str, Any]:
    """Layers that a LoRA can change, by the words of their names, which begin with `level`."""
    named = (
        (name.replace(".", "_").removeprefix(level), layer)
        for name, layer in network.named_modules()
        if isinstance(layer, (nn.Linear, nn.Conv2d))
    )
    return {level + words: layer for words, layer in named}
