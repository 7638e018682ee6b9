"""The small model that comes along, in the form that the WebUI can load.

The WebUI builds a text encoder by the folder that the checkpoint's yaml names, by its full path.
So the model is laid into the host's cache folder together with such a folder and such a yaml.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import yaml

from easyphoto_video.host.checkpoint.facts import facts_beside
from easyphoto_video.host.checkpoint.shapes import TEXT, text_config
from easyphoto_video.host.library import CHECKPOINTS, EMBEDDED_FOLDER
from easyphoto_video.host.webui import clip_folder
from easyphoto_video.tensors import load_state_dict

SIZES = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
NAME = "easyphoto_embedded.safetensors"
"""Not a name that a user's own checkpoint has."""


def laid_out(cache: Path, source: Path = EMBEDDED_FOLDER / str(CHECKPOINTS.embedded)) -> Path:
    """The checkpoint in the cache folder, made when it is not there or the source has changed."""
    state = source.stat()
    folder = cache / f"embedded-{state.st_size:x}-{int(state.st_mtime):x}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as work:
            made = Path(work) / "whole"
            _write(made, folder, source)
            made.rename(folder)
    return folder / NAME


def _write(folder: Path, final: Path, source: Path) -> None:
    tensors = load_state_dict(source)
    facts = facts_beside(source, tensors)
    own = {key.removeprefix(TEXT): t for key, t in tensors.items() if key.startswith(TEXT)}
    own = {key.removeprefix("text_model."): t for key, t in own.items()}
    sizes = text_config(own, facts, source)
    clip_folder.write(folder / "clip", **{name: sizes[name] for name in SIZES})
    content: Any = yaml.safe_load(source.with_suffix(".yaml").read_text(encoding="utf-8"))
    content["model"]["params"]["cond_stage_config"]["params"] = {
        "version": str((final / "clip").resolve())
    }
    text = yaml.safe_dump(content, sort_keys=False)
    (folder / NAME).with_suffix(".yaml").write_text(text, encoding="utf-8")
    try:
        os.link(source, folder / NAME)
    except OSError:  # another disk, or one without hard links
        shutil.copyfile(source, folder / NAME)
