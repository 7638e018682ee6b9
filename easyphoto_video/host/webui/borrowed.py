"""What is changed in the host for a run, each in a `with` that puts it back as it was.

The host's own override_settings does not restore options that its config file lacks, and weights
that are loaded write options too; so everything here is remembered and put back by us.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import k_diffusion.sampling
import torch
from modules import devices, sd_models, sd_vae, shared
from torch import Tensor

from easyphoto_video.errors import Missing
from easyphoto_video.host.webui.files import lora_networks
from easyphoto_video.motion.module import Motion
from easyphoto_video.request import AUTO, NONE

CHOSEN = "sd_model_checkpoint"
"""The option that says which checkpoint the host has."""
LOADING = (CHOSEN, "sd_checkpoint_hash")
"""Options that the host itself writes when it loads weights."""
BETAS = ("alphas_cumprod", "alphas_cumprod_original")
LORA_TABLES = ("available_networks", "available_network_aliases", "available_network_hash_lookup")
"""Of the host's LoRA extension: its LoRAs by name, by alias and by hash."""
INSIDE = "None"
"""The host's name for the VAE inside the checkpoint."""


@contextmanager
def remembered(*names: str) -> Iterator[dict[str, Any]]:
    """Puts these options back at the end, absent ones too, whoever changes them meanwhile.

    Gives what will be put back.
    """
    data = shared.opts.data
    before = {name: data[name] for name in names if name in data}
    try:
        yield before
    finally:
        for name in names:
            data.pop(name, None)
        data.update(before)


@contextmanager
def options(**changes: Any) -> Iterator[None]:
    """The host's options with these changes; on a fresh install they are absent again after."""
    with remembered(*changes):
        shared.opts.data.update(changes)
        yield


@contextmanager
def checkpoint(info: Any) -> Iterator[Any]:
    """The host's model of this CheckpointInfo; the one before comes back after.

    One that the host does not list is listed for as long as it is in use. A host that had no
    checkpoint at all keeps it, having nothing to go back to.
    """
    before = getattr(shared.sd_model, "sd_checkpoint_info", None)
    if before is not None and before.filename == info.filename:
        with _listed(before), remembered(*LOADING) as kept, _chosen(before, kept):
            # A changed setting such as fp8 reloads the weights: now, not after ours is inside.
            sd_models.reload_model_weights()
            yield shared.sd_model
        return
    with _listed(info), remembered(*LOADING) as kept:
        try:
            with _chosen(info, kept):
                sd_models.reload_model_weights(info=info)
                yield shared.sd_model
        finally:
            if before is not None:
                shared.opts.data[CHOSEN] = before.title
                sd_models.reload_model_weights(info=before)


@contextmanager
def _chosen(info: Any, kept: dict[str, Any]) -> Iterator[None]:
    """This checkpoint is the host's chosen one, unless somebody chooses another meanwhile.

    That one stays chosen: the host, which waits for our turn to end, loads it by the option.
    """
    shared.opts.data[CHOSEN] = info.title
    try:
        yield
    finally:
        if shared.opts.data.get(CHOSEN) != info.title:
            kept[CHOSEN] = shared.opts.data[CHOSEN]


@contextmanager
def _listed(info: Any) -> Iterator[None]:
    """The host finds a checkpoint by its title, which changes once its hash is known."""
    tables = (sd_models.checkpoints_list, sd_models.checkpoint_aliases)
    if info.title in tables[0]:
        yield
        return
    before = [dict(table) for table in tables]
    info.register()
    try:
        yield
    finally:
        for table, old in zip(tables, before, strict=True):
            gone = [key for key, one in list(table.items()) if one.filename == info.filename]
            for name in gone:
                table.pop(name, None)
            table.update({name: old[name] for name in gone if name in old})


def list_again(info: Any) -> None:
    """The host finds a checkpoint that is in use, also when it has made its list anew meanwhile.

    It would go on with the first of the list instead.
    """
    is_chosen = shared.opts.data.get(CHOSEN) == info.title
    if is_chosen and info.title not in sd_models.checkpoints_list:
        info.register()


@contextmanager
def vae(name: str) -> Iterator[None]:
    """The host's VAE of that name; auto is what the host has, none the checkpoint's own.

    Only while the host's queue is ours. Raises Missing.
    """
    if name == AUTO:
        yield
        return
    if name != NONE and name not in sd_vae.vae_dict:
        sd_vae.refresh_vae_list()  # it is newer than the host's list
        if name not in sd_vae.vae_dict:
            raise Missing(f"VAE {name!r}", "It is not there any more; choose another.")
    try:
        with options(sd_vae=INSIDE if name == NONE else name):
            sd_vae.reload_vae_weights()
            yield
    finally:
        sd_vae.reload_vae_weights()  # by the option that is back now


@contextmanager
def loras(files: Mapping[str, Path]) -> Iterator[Callable[[], None]]:
    """The host finds these files as LoRAs by these names, wherever they lie.

    Gives what enters them again, should the host have made its lists anew meanwhile. Raises Missing
    when the host's LoRA extension is switched off.
    """
    if not files:
        yield lambda: None
        return
    networks = lora_networks()
    tables = [getattr(networks, name) for name in LORA_TABLES]
    before = [dict(table) for table in tables]
    entries: list[Any] = []

    def enter() -> None:
        for name, path in files.items():
            entries.append(networks.network.NetworkOnDisk(name, str(path)))
            tables[0][name] = tables[1][name] = entries[-1]

    try:
        enter()
        yield enter
    finally:
        for table, old in zip(tables, before, strict=True):
            _take_out(table, old, entries)
        for name in files:
            networks.networks_in_memory.pop(name, None)


def _take_out(table: dict[str, Any], old: Mapping[str, Any], entries: list[Any]) -> None:
    """What was there before is there again, in its place; our entries are gone."""
    for key in [key for key, entry in list(table.items()) if entry in entries]:
        if key in old:
            table[key] = old[key]
        else:
            table.pop(key, None)


@contextmanager
def betas(model: Any, shares: Tensor | None) -> Iterator[None]:
    """The model with these alphas_cumprod (1000,), None leaves its own; both of its tables."""
    if shares is None:
        yield
        return
    before = {name: getattr(model, name) for name in BETAS}
    for name, old in before.items():
        setattr(model, name, shares.to(old.device, old.dtype))
    try:
        yield
    finally:
        for name, old in before.items():
            setattr(model, name, old)


@contextmanager
def sampling() -> Iterator[None]:
    """k-diffusion as it was, whatever the sampler's constructor put into it."""
    before = k_diffusion.sampling.torch
    try:
        yield
    finally:
        k_diffusion.sampling.torch = before


@contextmanager
def stage(motion: Motion | None) -> Iterator[None]:
    """The motion module on the host's device in its precision; after, back on the CPU."""
    if motion is None:
        yield
        return
    half_on_cpu = devices.device.type == "cpu" and devices.dtype_unet == torch.float16
    try:
        motion.to(devices.device, torch.float32 if half_on_cpu else devices.dtype_unet)
        yield
    finally:
        motion.to("cpu")
