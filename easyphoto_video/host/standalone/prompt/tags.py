"""`<lora:NAME:WEIGHT>` in a prompt: a LoRA named where one writes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from easyphoto_video.errors import BadRequest
from easyphoto_video.request import Lora

TAG = re.compile(r"<(\w+):([^<>]+)>")


@dataclass(frozen=True)
class LoraUse:
    """A LoRA by name, and its weights in the text encoder and in the UNet."""

    name: str
    text: float
    unet: float

    @classmethod
    def of(cls, lora: Lora) -> LoraUse:
        """A LoRA of the request has one weight for both."""
        return cls(lora.name, lora.weight, lora.weight)


def without_tags(prompt: str, field: str = "Prompt") -> tuple[str, list[LoraUse]]:
    """The prompt without its tags, and the LoRAs that they name. Raises BadRequest.

    `<lora:NAME>`, `<lora:NAME:WEIGHT>` or `<lora:NAME:TEXT_WEIGHT:UNET_WEIGHT>`.
    """
    uses = [_use(match, field) for match in TAG.finditer(prompt)]
    return TAG.sub("", prompt), uses


def _use(match: re.Match[str], field: str) -> LoraUse:
    kind, (name, *weights) = match[1], match[2].split(":")
    advice = "Write <lora:NAME:WEIGHT>."
    if kind not in ("lora", "lyco"):
        raise BadRequest(field, match[0], f"asks for a {kind}, which is not known", advice)
    try:
        numbers = [float(weight) for weight in weights] or [1.0]
    except ValueError as error:
        raise BadRequest(field, match[0], "has a weight that is no number", advice) from error
    if len(numbers) > 2 or not name.strip():
        raise BadRequest(field, match[0], "cannot be read", advice)
    return LoraUse(name.strip(), numbers[0], numbers[-1])
