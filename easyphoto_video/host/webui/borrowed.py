"""What a session borrows from the host, each in a `with` that puts it back as it was.

The host's own override_settings does not restore options that its config file lacks, and weights
that are loaded write options too; so everything is remembered and put back by us and by the facade.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch

from easyphoto_video.host.webui.checks import check_model
from easyphoto_video.host.webui.facade import here
from easyphoto_video.motion.module import Motion
from easyphoto_video.request import AUTO, NONE

LORA_TABLES = ("available_networks", "available_network_aliases", "available_network_hash_lookup")
"""Of the host's LoRA extension: its LoRAs by name, by alias and by hash."""


class BorrowedModel:
    """The checkpoint and the VAE that a session's scenes share.

    The clip and the faces in it are scenes of their own, and weights that are given back between
    them would be read twice for each.
    """

    def __init__(self) -> None:
        self._job: ExitStack | None = None
        self._what: tuple[str, str] | None = None

    @contextmanager
    def job(self) -> Iterator[None]:
        """While it lasts, what is borrowed stays so; only while the host's queue is ours."""
        with ExitStack() as self._job:
            try:
                yield
            finally:
                self._give_back()
                self._job = None

    @contextmanager
    def of(self, info: Any, vae: str) -> Iterator[Any]:
        """The host's model of this checkpoint's entry with the VAE of that name.

        Outside a job it is given back at once. Raises BadFile for what is no SD 1.5.
        """
        if self._job is None:
            with _model(info, vae) as model:
                yield model
            return
        what = (info.filename, vae)
        if self._what != what or not here().is_chosen():
            self._give_back()
            self._job.enter_context(_model(info, vae))
            self._what = what
        yield here().model()

    def _give_back(self) -> None:
        self._what = None
        if self._job is not None:
            self._job.close()


@contextmanager
def _model(info: Any, name: str) -> Iterator[Any]:
    with here().checkpoint(info) as model:
        check_model(model)
        with _vae(name):
            yield model


def _vae(name: str) -> AbstractContextManager[None]:
    """The host's VAE of that name; auto is what the host has, none the checkpoint's own.

    Only while the host's queue is ours. Raises Missing.
    """
    return nullcontext() if name == AUTO else here().vae(None if name == NONE else name)


@contextmanager
def loras(files: Mapping[str, Path]) -> Iterator[Callable[[], None]]:
    """The host finds these files as LoRAs by these names, wherever they lie.

    Gives what enters them again, should the host have made its lists anew meanwhile. Raises Missing
    when the host's LoRA extension is switched off.
    """
    if not files:
        yield lambda: None
        return
    networks = here().lora_networks()
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
def stage(motion: Motion | None) -> Iterator[None]:
    """The motion module on the host's device in its precision; after, back on the CPU."""
    if motion is None:
        yield
        return
    device, kind = here().device, here().unet_type
    half_on_cpu = device.type == "cpu" and kind == torch.float16
    try:
        motion.to(device, torch.float32 if half_on_cpu else kind)
        yield
    finally:
        motion.to("cpu")
