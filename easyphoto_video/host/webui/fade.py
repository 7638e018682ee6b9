"""LoRAs whose weight goes from frame to frame, beside the host's own way with LoRAs.

The host merges a LoRA into its weights, where every frame has as much of it as the others. So the
tags of a prompt are changed (`without_unet`) before the host reads them: the text encoder's part
stays the host's, the UNet's part is 0 there and comes in by our hooks (`over_frames`), whatever
kind of network the host has made of the file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from easyphoto_video.errors import BadRequest, Missing
from easyphoto_video.host.webui.facade import here
from easyphoto_video.identity import LORA_PREFIX
from easyphoto_video.motion.fading import LoraOverFrames

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
    loaded = here().loaded_loras() if names else ()
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


def over_frames(unet: nn.Module, shares: Sequence[LoraShare]) -> LoraOverFrames:
    """Each LoRA at its share, as something that enters the host's UNet.

    The host has activated the tags that `without_unet` gave. Raises Missing when it could not load
    one, and BadFile when one does not fit.
    """
    loaded = here().loaded_loras()
    totals: dict[str, float] = defaultdict(float)
    for share in shares:
        totals[share.name] += share.unet
    _check([name for name in totals if name not in loaded])
    return LoraOverFrames(
        [here().lora_changes(unet, name, weight) for name, weight in totals.items() if weight]
    )
