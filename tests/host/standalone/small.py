"""Small files of every kind that the stand-alone program reads, with random weights."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from easyphoto_video.engine import Shot, Start
from easyphoto_video.request import Text2Video
from easyphoto_video.tensors import load_state_dict
from tools import tiny_checkpoint
from tools.tiny_checkpoint import (
    Sizes,
    fitting_spec,
    write_checkpoint,
    write_motion,
)

SIZES = Sizes(channels=(32, 32, 64, 64), heads=2, vae_layers=1)
VAE = "first_stage_model."


def write_library(folder: Path) -> Path:
    """A data folder with files under their usual places, which is made once and then copied."""
    return shutil.copytree(_pattern().name, folder, dirs_exist_ok=True)


def write_tiny(path: Path) -> Path:
    """The library's `tiny` checkpoint, and its yaml."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for suffix in (".safetensors", ".yaml"):
        made = Path(_pattern().name, "models", "Stable-diffusion", "tiny").with_suffix(suffix)
        shutil.copy(made, path.with_suffix(suffix))
    return path


@cache
def _pattern() -> tempfile.TemporaryDirectory[str]:
    """The library that is copied; it goes with this process."""
    made = tempfile.TemporaryDirectory(prefix="library-")
    folder = Path(made.name)
    models = folder / "models"
    tiny = write_checkpoint(models / "Stable-diffusion" / "tiny.safetensors", SIZES)
    write_checkpoint(tiny.with_name("tiny_v.safetensors"), replace(SIZES, prediction="v"))
    write_checkpoint(tiny.with_name("plain.safetensors"), replace(SIZES, betas="sqrt_linear"))
    write_checkpoint(models / "Stable-diffusion" / "sub" / "other.safetensors", SIZES, seed=1)
    own = {k.removeprefix(VAE): t for k, t in load_state_dict(tiny).items() if k.startswith(VAE)}
    save(models / "VAE" / "same.safetensors", own)
    write_motion(models / "AnimateDiff" / "mm_v2.safetensors", fitting_spec(SIZES))
    still = write_motion(models / "AnimateDiff" / "still.safetensors", fitting_spec(SIZES))
    save(still, {k: zeroed(k, t) for k, t in load_state_dict(still).items()})
    save(models / "Lora" / "strong.safetensors", kohya())
    save(folder / "embeddings" / "mytoken.safetensors", {"emb_params": rows(2)})
    return made


def save(path: Path, tensors: dict[str, Tensor]) -> Path:
    """Writes a safetensors file, and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: t.clone().contiguous() for key, t in tensors.items()}, path)
    return path


def zeroed(key: str, tensor: Tensor) -> Tensor:
    """A motion module as new: its last layers are zero."""
    return torch.zeros_like(tensor) if ".temporal_transformer.proj_out." in key else tensor


def rows(count: int) -> Tensor:
    """Vectors of an embedding."""
    return torch.randn(count, SIZES.context, generator=torch.Generator().manual_seed(5))


def kohya(rank: int = 2, alpha: float = 1.0) -> dict[str, Tensor]:
    """A LoRA in kohya's names, for the checkpoints here."""
    return tiny_checkpoint.kohya(SIZES, rank, alpha)


def shot(start: Start | None = None, **changes: object) -> Shot:
    """A short, small shot; `changes` are fields of the request."""
    usual: dict[str, object] = {
        "prompt": "a photo of a cat",
        "negative": "blurry",
        "checkpoint": "tiny",
        "motion": "none",
        "seed": 7,
        "width": 64,
        "height": 64,
        "frames": 3,
        "steps": 3,
        "cfg": 5,
    }
    return Shot.of(Text2Video(**{**usual, **changes}), start)  # pyright: ignore[reportArgumentType]
