"""LoRAs whose weight goes from frame to frame, beside the host's own way with LoRAs.

The host merges a LoRA into its weights, where every frame has as much of it as the others. So the
tags of a prompt are changed (`without_unet`) before the host reads them: the text encoder's part
stays the host's, the UNet's part is 0 there and comes in by our hooks (`over_frames`), whatever
kind of network the host has made of the file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easyphoto_video.errors import BadFile, BadRequest, Missing
from easyphoto_video.host.checkpoint.kinds import CHOOSE
from easyphoto_video.host.webui.facade import here
from easyphoto_video.identity import LORA_PREFIX
from easyphoto_video.motion.fading import Chain, Change, LoraOverFrames

KINDS = ("lora", "lyco")
"""The host's tags for its LoRA extension."""


@dataclass(frozen=True)
class LoraShare:
    """A LoRA by the host's name, and the weight that its tag gives the UNet."""

    name: str
    unet: float


def without_unet(
    networks: Mapping[str, Sequence[Any]], text: float
) -> tuple[dict[str, list[Any]], tuple[LoraShare, ...]]:
    """The host's parsed tags, with weight 0 in the UNet and `text` times theirs in the text
    encoder, and what they gave the UNet.

    `networks` are lists of ExtraNetworkParams by the kind of tag, of which others than LoRAs stay
    as they are. For `text` take the mean of the weights over the whole clip, so that all its spans
    read a prompt alike. Raises BadRequest when a weight is no number.
    """
    changed: dict[str, list[Any]] = {}
    shares: list[LoraShare] = []
    for kind, uses in networks.items():
        changed[kind] = list(uses)
        if kind in KINDS:
            read = [(type(use), *_read(use.items, text)) for use in uses]
            changed[kind] = [made(items) for made, items, _ in read]
            shares += [share for _, _, share in read]
    return changed, tuple(shares)


def _read(items: Sequence[str], text: float) -> tuple[list[str], LoraShare]:
    """The items of a tag as they are to be, and what the UNet had: name, te, unet, dyn, te=, .."""
    placed = [item for item in items if "=" not in item]
    named = dict(item.split("=", 1) for item in items if "=" in item)
    try:
        te = float(named.pop("te", placed[1] if len(placed) > 1 else "1"))
        unet = float(named.pop("unet", placed[2] if len(placed) > 2 else str(te)))
    except ValueError as error:
        tag = f"<lora:{':'.join(items)}>"
        advice = "Write <lora:NAME:WEIGHT>."
        raise BadRequest("Prompt", tag, "has a weight that is no number", advice) from error
    rest = [f"{key}={value}" for key, value in named.items()]
    return [placed[0], str(te * text), "0", *placed[3:], *rest], LoraShare(placed[0], unet)


def lost(networks: Mapping[str, Sequence[Any]]) -> list[str]:
    """The LoRAs of these tags that the host has not loaded, although it was told to."""
    names = [use.items[0] for kind in KINDS for use in networks.get(kind, ())]
    loaded = _loaded() if names else {}
    return [name for name in names if name not in loaded]


def check_loaded(networks: Mapping[str, Sequence[Any]]) -> None:
    """Raise Missing when the host has gone on without one of these LoRAs."""
    _check(lost(networks))


def _check(gone: Sequence[str]) -> None:
    if gone:
        # What a person's LoRA is lent by goes with the host's list when it looks for another.
        name = next((name for name in gone if not name.startswith(LORA_PREFIX)), gone[0])
        raise Missing(
            f"LoRA {name!r} in the WebUI",
            "Its console says why it could not be loaded; choose another or load it anew.",
        )


def _loaded() -> dict[str, Any]:
    return {network.name: network for network in here().lora_networks().loaded_networks}


def over_frames(unet: nn.Module, shares: Sequence[LoraShare]) -> LoraOverFrames:
    """Each LoRA at its share, as something that enters the host's UNet.

    The host has activated the tags that `without_unet` gave. Raises Missing when it could not load
    one, and BadFile when one does not fit.
    """
    loaded = _loaded()
    totals: dict[str, float] = defaultdict(float)
    for share in shares:
        totals[share.name] += share.unet
    _check([name for name in totals if name not in loaded])
    return LoraOverFrames(
        [_changes(unet, loaded[name], weight) for name, weight in totals.items() if weight]
    )


def _changes(unet: nn.Module, network: Any, weight: float) -> dict[nn.Module, Change]:
    """What a network changes in each layer, at the weight. Raises BadFile."""
    found: dict[nn.Module, Change] = {}
    strange: list[str] = []
    for layer in unet.modules():
        name = getattr(layer, "network_layer_name", None)
        if name in network.modules:
            change = _change(layer, network.modules[name], weight)
            if change is None:
                strange.append(str(name))
            else:
                found[layer] = change
    if strange:
        raise BadFile(
            network.network_on_disk.filename,
            f"this LoRA does not fit the checkpoint: {len(strange)} of its {len(network.modules)} "
            f"changes find no layer of their size, such as {strange[0]}",
            CHOOSE["LoRA"],
        )
    return found


def _change(layer: Any, module: Any, weight: float) -> Change | None:
    """What the host's NetworkModule changes in its layer; None when it does not fit."""
    factors = _factors(module)
    if factors is None:
        rebuilt = _Rebuilt(module, weight)
        return rebuilt if rebuilt.fits(layer) else None
    down, *middle, up = factors
    down = _widened(down, layer.weight)
    if up.shape[0] != layer.weight.shape[0] or down.shape[1] != layer.weight.shape[1]:
        return None
    exact = weight * module.calc_scale() * up.float()
    return Chain(tuple(part.to(here().device) for part in (down, *middle, exact.to(up.dtype))))


def _widened(change: Tensor, weight: Tensor) -> Tensor:
    """With nothing for those channels of an inpainting model's first layer that only it has."""
    if weight.shape[1:2] == (9,) and change.shape[1:2] == (4,):
        return F.pad(change, (0, 0, 0, 0, 0, 5))
    return change


def _factors(module: Any) -> tuple[Tensor, ...] | None:
    """Down, maybe mid, and up of a plain LoRA; None for every other kind of network."""
    names = ("down_model", "mid_model", "up_model")
    models = [getattr(module, name, None) for name in names]
    is_plain = models[0] is not None and models[2] is not None
    if not is_plain or module.network.dyn_dim is not None:
        return None
    if module.dora_scale is not None or module.bias is not None:
        return None
    return tuple(model.weight.detach() for model in models if model is not None)


class _Rebuilt:
    """Any other kind, whose change the host computes as a whole: anew each time, to keep memory."""

    def __init__(self, module: Any, weight: float) -> None:
        self._module = copy(module)
        # The host's own stays at 0; the copy has a network of its own with our weight.
        self._module.network = copy(module.network)
        self._module.network.unet_multiplier = weight

    def fits(self, layer: Any) -> bool:
        """Whether the host can compute a change of the layer's size."""
        try:
            change, _ = self._parts(layer)
        except RuntimeError:
            return False
        return change.shape == layer.weight.shape

    def __call__(self, layer: Any, x: Tensor) -> Tensor:
        """See Change."""
        change, bias = self._parts(layer)
        more = None if bias is None else bias.to(x)
        return self._module.ops(x, weight=change.to(x), bias=more, **self._module.extra_kwargs)

    def _parts(self, layer: Any) -> tuple[Tensor, Tensor | None]:
        # In fp8 storage the host keeps the exact weight beside.
        exact = getattr(layer, "fp16_weight", None)
        weight = layer.weight if exact is None else exact
        with torch.no_grad():
            change, bias = self._module.calc_updown(weight)
        return _widened(change, weight), bias
