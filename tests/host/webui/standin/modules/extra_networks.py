"""`<lora:NAME:WEIGHT>`; a LoRA here makes one layer of the UNet stronger."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from modules import shared

LAYER = "middle_block.1.proj_in"
FILM = SimpleNamespace(name="film", filename="film.safetensors", hash="f11")
networks = SimpleNamespace(
    available_networks={"film": FILM},
    available_network_aliases={"film": FILM},
    available_network_hash_lookup={"f11": FILM},
    networks_in_memory={},
)
networks.list_available_networks = lambda: None


class NetworkOnDisk:
    """A LoRA file; making one enters it by its hash, here its size."""

    def __init__(self, name: str, filename: str) -> None:
        self.name = name
        self.filename = filename
        size = Path(filename).stat().st_size
        networks.available_network_hash_lookup[f"{size:x}"] = self


networks.network = SimpleNamespace(NetworkOnDisk=NetworkOnDisk)


class ExtraNetworkParams:
    """What stands in a tag."""

    def __init__(self, items: list[str]) -> None:
        self.items = items


class ExtraNetworkLora:
    """The one kind."""

    name = "lora"

    def __init__(self) -> None:
        self.networks = networks

    def activate(self, p: Any, uses: list[Any]) -> None:
        """Replaces whatever was active before; what is not known has no effect."""
        known = [use for use in uses if use.items[0] in networks.available_network_aliases]
        networks.networks_in_memory.update({use.items[0]: use for use in known})
        layer = shared.sd_model.model.diffusion_model.get_submodule(LAYER)
        base = layer.__dict__.setdefault("unchanged_weight", layer.weight.detach().clone())
        factor = 1 + sum(float(use.items[1]) for use in known)
        layer.weight.data.copy_(base * factor)


extra_network_registry = {"lora": ExtraNetworkLora()}


def parse_prompt(prompt: str) -> tuple[str, dict[str, list[Any]]]:
    """The prompt without tags, and what they say."""
    found: dict[str, list[Any]] = defaultdict(list)

    def take(match: re.Match[str]) -> str:
        found[match[1]].append(ExtraNetworkParams(match[2].split(":")))
        return ""

    return re.sub(r"<(\w+):([^>]+)>", take, prompt), found


def activate(p: Any, data: dict[str, list[Any]]) -> None:
    """Every kind, also with nothing."""
    for name, network in extra_network_registry.items():
        network.activate(p, data.get(name, []))


assert sys.modules[ExtraNetworkLora.__module__].networks is networks
