"""The host's files by name: checkpoints, VAEs and LoRAs as the host itself names them.

Everything here may be asked while a job runs, ours or the host's. So the disk is looked at, and the
host's own lists are only read: to list anew, the host empties them first, and a job that looks just
then finds nothing, or finds what it had entered there gone.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from modules import extra_networks, modelloader, paths_internal, sd_models, sd_vae, shared
from torch import Tensor

from easyphoto_video.engine import Shot
from easyphoto_video.errors import Missing
from easyphoto_video.host.library import EMBEDDED, FORMS, WEBUI_HASH
from easyphoto_video.host.webui import embedded
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
        return sd_models.CheckpointInfo(str(embedded.laid_out(_cache())))
    found = _named(name, list(sd_models.checkpoints_list.values()))
    if found is not None:
        return found
    infos = _checkpoints()
    if (found := _named(name, infos)) is None:
        raise _unknown("Checkpoint", name, [info.name for info in infos], sd_models.model_path)
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
    tensors = sd_models.read_state_dict(str(path), map_location="cpu")
    # Names and shapes are asked for, and a gigabyte of numbers would stay in memory.
    return {name: t.to("meta") for name, t in tensors.items() if isinstance(t, Tensor)}


def vae_names() -> list[str]:
    """Every VAE that the host can list, looked up anew."""
    beside = _files(sd_models.model_path, _flag("ckpt_dir"))
    own = _files(sd_vae.vae_path, _flag("vae_dir"))
    files = [*(file for file in beside if file.lower().endswith(VAES_BESIDE)), *own]
    return sorted({Path(file).name for file in files}, key=str.casefold)


def vae_name(name: str) -> str:
    """The host's name of a VAE, given with or without suffix. Raises Missing."""
    for listed in (names := vae_names()):
        if name in (listed, Path(listed).stem):
            return listed
    raise _unknown("VAE", name, names, sd_vae.vae_path)


def lora_names() -> list[str]:
    """Every LoRA by its name in the host's prompts, looked up anew.

    The host enters one that is new when a prompt first names it. Raises Missing.
    """
    lora_networks()
    files = _files(_flag("lora_dir"), _flag("lyco_dir_backcompat"))
    return list(dict.fromkeys(Path(file).stem for file in files))


def lora_name(name: str) -> str:
    """The name for the host's `<lora:NAME>`, given with or without folder and suffix.

    Raises Missing.
    """
    known = lora_names()
    stem = PurePosixPath(name.replace("\\", "/")).name
    for form in (name, stem, stem.rpartition(".")[0]):
        if form in known or form in lora_networks().available_network_aliases:
            return form
    raise _unknown("LoRA", name, known, "models/Lora")


def person_loras(shot: Shot, people: People) -> dict[str, Path]:
    """The LoRAs of persons that a shot is drawn with, by the names in its tags.

    Raises BadRequest and Missing.
    """
    tagged = [name for text in shot.prompt.values for name in TAG.findall(text)]
    names = [*tagged, *(lora.name for lora in shot.loras)]
    return {
        name: people.lora(name.removeprefix(LORA_PREFIX))
        for name in names
        if name.startswith(LORA_PREFIX)
    }


def lora_networks() -> Any:
    """The module of the host's LoRA extension. Raises Missing when that is switched off."""
    lora = extra_networks.extra_network_registry.get("lora")
    networks = getattr(sys.modules.get(type(lora).__module__), "networks", None)
    if networks is None:
        raise Missing("The WebUI's built-in extension Lora", "Switch it on in the Extensions tab.")
    return networks


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
    known = {info.filename: info for info in list(sd_models.checkpoints_list.values())}
    files = modelloader.load_models(
        model_path=sd_models.model_path,
        command_path=_flag("ckpt_dir"),
        ext_filter=[".ckpt", ".safetensors"],
        ext_blacklist=[".vae.ckpt", ".vae.safetensors"],
    )
    # --ckpt may name one elsewhere; what lies in our cache is only lent to the host.
    elsewhere = [
        file
        for file in known.keys() - set(files)
        if Path(file).exists() and not Path(file).is_relative_to(_cache())
    ]
    there = [*files, *sorted(elsewhere)]
    return [known.get(file) or sd_models.CheckpointInfo(file) for file in there]


def _files(*folders: str | None) -> list[str]:
    """Every file with weights below these folders, in the host's order."""
    there = [folder for folder in folders if folder]
    return [
        file for folder in there for file in shared.walk_files(folder, allowed_extensions=WEIGHTS)
    ]


def _flag(name: str) -> str | None:
    """A folder of the host's command line; a relative of it may not have them all."""
    return getattr(shared.cmd_opts, name, None)


def _cache() -> Path:
    return Path(paths_internal.data_path) / "cache" / "easyphoto-video"


def _current() -> Any:
    loaded = sd_models.model_data.sd_model
    info = getattr(loaded, "sd_checkpoint_info", None)
    try:
        return info or sd_models.select_checkpoint()
    except FileNotFoundError as error:
        raise Missing(
            "A checkpoint in the WebUI",
            f"Put a Stable Diffusion 1.5 checkpoint into {sd_models.model_path}, or choose "
            f"{EMBEDDED}.",
            (Path(sd_models.model_path).parents[1],),
        ) from error


def _unknown(label: str, name: str, known: Iterable[str], folder: str) -> Missing:
    near = difflib.get_close_matches(name, list(known), 3)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    step = f"{hint}Put the file into {folder} and refresh the list."
    return Missing(f"{label} {name!r}", step, (Path(folder).parent.parent,))
