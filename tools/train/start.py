"""Begin from files that an earlier run wrote: what `export` does, undone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file
from torch import nn
from transformers import CLIPTextModel

from easyphoto_video.host.standalone.device import target
from easyphoto_video.host.standalone.model.load import load_models
from easyphoto_video.motion.module import Motion
from tools.train.export import CHECKPOINT, EMBEDDING, MOTION
from tools.train.motion import SPEC
from tools.train.text import small_text_encoder
from tools.train.unet import Painter
from tools.words import small_rows


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a run has made so far."""

    vae: AutoencoderKL
    painter: Painter
    motion: Motion


def read_export(folder: Path, device: str) -> Trained:
    """The networks of exported files, in fp32 and ready to learn on."""
    models = load_models(folder / CHECKPOINT, None, target(device, "fp32"))
    painter = Painter(small_text(models.text_encoder))
    painter.unet.load_state_dict(models.unet.state_dict())
    motion = Motion(SPEC)
    motion.load_state_dict(load_file(folder / MOTION))
    return Trained(vae=models.vae, painter=painter.to(device), motion=motion.to(device))


@torch.no_grad()
def small_text(whole: CLIPTextModel) -> CLIPTextModel:
    """The text encoder over the cut-down vocabulary, from one over all of CLIP's ids."""
    small, tensors = small_text_encoder(), whole.state_dict()
    (name,) = (key for key in tensors if key.endswith(EMBEDDING))
    embedding, rows = small.get_input_embeddings(), small_rows()
    assert isinstance(embedding, nn.Embedding)
    table = embedding.weight.clone()
    table[list(rows)] = tensors[name][list(rows.values())].to(table)
    small.load_state_dict({**tensors, name: table})
    return small
