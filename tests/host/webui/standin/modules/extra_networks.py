"""`<lora:NAME:WEIGHT>`; a LoRA here makes one layer of the UNet stronger."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import torch
from modules import paths_internal, shared

LAYER = "middle_block.1.proj_in"
networks = SimpleNamespace(
    loaded_networks=[],
    available_networks={},
    available_network_aliases={},
    available_network_hash_lookup={},
    networks_in_memory={},
)


class NetworkOnDisk:
    """A LoRA file; making one enters it by its hash, here its size."""

    def __init__(self, name: str, filename: str) -> None:
        self.name = name
        self.filename = filename
        size = Path(filename).stat().st_size
        networks.available_network_hash_lookup[f"{size:x}"] = self


networks.network = SimpleNamespace(NetworkOnDisk=NetworkOnDisk)


def process_network_files(names: Collection[str] | None = None) -> None:
    """Enters the files of the folder, or those of these names."""
    folder = str(Path(paths_internal.data_path) / "models" / "Lora")
    for file in shared.walk_files(folder, [".safetensors"]):
        name = Path(file).stem
        if names is None or name in names:
            entry = NetworkOnDisk(name, file)
            networks.available_networks[name] = networks.available_network_aliases[name] = entry


def list_available_networks() -> None:
    """As new, from nothing: whatever somebody entered is gone."""
    networks.available_networks.clear()
    networks.available_network_aliases.clear()
    networks.available_network_hash_lookup.clear()
    process_network_files()


networks.list_available_networks = list_available_networks


class NetworkModule:
    """What a LoRA changes in its layer, computed as a whole."""

    extra_kwargs: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, network: Any) -> None:
        self.network = network
        self.ops = torch.nn.functional.conv2d

    def calc_updown(self, weight: torch.Tensor) -> tuple[torch.Tensor, None]:
        """See the Lora extension: the change at the network's weight, and that of the bias."""
        return weight * self.network.unet_multiplier, None


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
        """Replaces whatever was active before; what is not known has no effect.

        What the lists do not know is looked for on the disk, and then everything is.
        """
        names = {use.items[0] for use in uses}
        if lacking := names - networks.available_network_aliases.keys():
            process_network_files(lacking)
        if names - networks.available_network_aliases.keys():
            list_available_networks()
        known = [use for use in uses if use.items[0] in networks.available_network_aliases]
        networks.networks_in_memory.update({use.items[0]: use for use in known})
        networks.loaded_networks[:] = [_loaded(*use.items) for use in known]
        layer = shared.sd_model.model.diffusion_model.get_submodule(LAYER)
        layer.network_layer_name = LAYER
        base = layer.__dict__.setdefault("unchanged_weight", layer.weight.detach().clone())
        factor = 1 + sum(network.unet_multiplier for network in networks.loaded_networks)
        layer.weight.data.copy_(base * factor)


def _loaded(name: str, text: str, *unet: str) -> Any:
    """A network with its weights; that of the UNet is by default the text encoder's."""
    weight = float(unet[0] if unet else text)
    there = networks.available_network_aliases[name]
    network = SimpleNamespace(name=name, unet_multiplier=weight, network_on_disk=there)
    network.modules = {LAYER: NetworkModule(network)}
    return network


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
