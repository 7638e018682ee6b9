"""The host's files by name: checkpoints, VAEs and LoRAs as the host itself names them.

Everything here may be asked while a job runs, ours or the host's. So the disk is looked at, and the
host's own lists are only read: to list anew, the host empties them first, and a job that looks just
then finds nothing, or finds what it had entered there gone.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from torch import Tensor

from easyphoto_video.engine import Scene
from easyphoto_video.errors import Missing
from easyphoto_video.host.library import EMBEDDED, FORMS, WEBUI_HASH
from easyphoto_video.host.webui import common, embedded
from easyphoto_video.host.webui.facade import here
from easyphoto_video.identity import LORA_PREFIX, People
from easyphoto_video.request import AUTO
from easyphoto_video.tensors import load_state_dict

TAG = re.compile(r"<lora:([^:>]+)")
WEIGHTS = (".ckpt", ".pt", ".safetensors")
VAES_BESIDE = (".vae.ckpt", ".vae.pt", ".vae.safetensors")
"""How a VAE's name ends among the checkpoints."""


def checkpoint_info(name: str) -> Any:
    """The host's CheckpointInfo; auto is the one that the host has loaded or would load.

    Raises Missing.
    """
    if name == AUTO:
        return _current()
    if name == EMBEDDED:
        return here().checkpoint_entry(str(embedded.laid_out(_cache())))
    found = _named(name, here().listed_checkpoints())
    if found is not None:
        return found
    infos = _checkpoints()
    if (found := _named(name, infos)) is None:
        raise _unknown(
            "Checkpoint", name, [info.name for info in infos], here().folders["checkpoint"]
        )
    return found


def checkpoint_names() -> list[str]:
    """Every checkpoint that the host can list, looked up anew."""
    return [info.name for info in _checkpoints()]


def checkpoint_name(info: Any) -> str:
    """The name under which `checkpoint_info` gives it again."""
    return EMBEDDED if Path(info.filename).is_relative_to(_cache()) else info.name


def checkpoint_tensors(info: Any) -> Mapping[str, Tensor]:
    """The tensors of a checkpoint's file by name; pickles are read by the host's own checks.

    Raises BadFile and Missing.
    """
    path = Path(info.filename)
    if path.suffix == ".safetensors" or not path.exists():
        return load_state_dict(path)
    return _pickled(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _pickled(path: Path, _stamp: int) -> Mapping[str, Tensor]:
    tensors = here().pickled(path)
    # Names and shapes are asked for, and a gigabyte of numbers would stay in memory.
    return {name: t.to("meta") for name, t in tensors.items() if isinstance(t, Tensor)}


def vae_names() -> list[str]:
    """Every VAE that the host can list, looked up anew."""
    beside = _files(here().folders["checkpoint"], common.flag("ckpt_dir"))
    own = _files(here().folders["vae"], common.flag("vae_dir"))
    files = [*(file for file in beside if file.lower().endswith(VAES_BESIDE)), *own]
    return sorted({Path(file).name for file in files}, key=str.casefold)


def vae_name(name: str) -> str:
    """The host's name of a VAE, given with or without suffix. Raises Missing."""
    for listed in (names := vae_names()):
        if name in (listed, Path(listed).stem):
            return listed
    raise _unknown("VAE", name, names, here().folders["vae"])


def lora_names() -> list[str]:
    """Every LoRA by its name in the host's prompts, looked up anew.

    The host enters one that is new when a prompt first names it. Raises Missing.
    """
    here().lora_networks()
    files = _files(common.flag("lora_dir"), common.flag("lyco_dir_backcompat"))
    return list(dict.fromkeys(Path(file).stem for file in files))


def lora_name(name: str) -> str:
    """The name for the host's `<lora:NAME>`, given with or without folder and suffix.

    Raises Missing.
    """
    known = lora_names()
    stem = PurePosixPath(name.replace("\\", "/")).name
    for form in (name, stem, stem.rpartition(".")[0]):
        if form in known or form in here().lora_networks().available_network_aliases:
            return form
    raise _unknown("LoRA", name, known, "models/Lora")


def person_loras(scene: Scene, people: People) -> dict[str, Path]:
    """The LoRAs of persons that a scene is drawn with, by the names in its tags.

    Raises BadRequest and Missing.
    """
    tagged = [name for text in scene.prompt.values for name in TAG.findall(text)]
    names = [*tagged, *(lora.name for lora in scene.loras)]
    return {
        name: people.lora(name.removeprefix(LORA_PREFIX))
        for name in names
        if name.startswith(LORA_PREFIX)
    }


def _named(name: str, infos: Sequence[Any]) -> Any:
    """The one of these CheckpointInfos that the name means, None for none."""
    for info in infos:
        if name in (info.title, info.short_title):
            return info
    wanted = WEBUI_HASH.sub("", name).replace("\\", "/")
    for form in FORMS:
        for info in infos:
            if form(PurePosixPath(info.name.replace("\\", "/"))) == wanted:
                return info
    return None


def _checkpoints() -> list[Any]:
    """A CheckpointInfo for every checkpoint that is there: the host's own where it has one."""
    known = {info.filename: info for info in here().listed_checkpoints()}
    files = here().checkpoint_files()
    # --ckpt may name one elsewhere; what lies in our cache is only lent to the host.
    elsewhere = [
        file
        for file in known.keys() - set(files)
        if Path(file).exists() and not Path(file).is_relative_to(_cache())
    ]
    there = [*files, *sorted(elsewhere)]
    return [known.get(file) or here().checkpoint_entry(file) for file in there]


def _files(*folders: str | None) -> list[str]:
    """Every file with weights below these folders, in the host's order."""
    there = [folder for folder in folders if folder]
    return [file for folder in there for file in common.walked(folder, WEIGHTS)]


def _cache() -> Path:
    return common.data_dir() / "cache" / "easyphoto-video"


def _current() -> Any:
    loaded = here().loaded()
    info = getattr(loaded, "sd_checkpoint_info", None)
    try:
        return info or here().selected()
    except FileNotFoundError as error:
        raise Missing(
            "A checkpoint in the WebUI",
            f"Put a Stable Diffusion 1.5 checkpoint into {here().folders['checkpoint']}, or choose "
            f"{EMBEDDED}.",
            (Path(here().folders["checkpoint"]).parents[1],),
        ) from error


def _unknown(label: str, name: str, known: Iterable[str], folder: str) -> Missing:
    near = difflib.get_close_matches(name, list(known), 3)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    step = f"{hint}Put the file into {folder} and refresh the list."
    return Missing(f"{label} {name!r}", step, (Path(folder).parent.parent,))
