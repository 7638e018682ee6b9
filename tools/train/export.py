"""Stage 6: everything in fp16 under the names that Stable Diffusion and AnimateDiff files have."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPTextModel

from easyphoto_video.host.standalone.prompt.tokens import TOKENS
from easyphoto_video.motion.module import Motion
from easyphoto_video.warp.fomm.generator import Fomm
from easyphoto_video.warp.fomm.read import notes_of
from tools.ldm_keys import text_to_ldm, unet_to_ldm, vae_to_ldm
from tools.models import GROUPS, HEADS, LATENT, SCALE, TEXT_HEADS, WIDTH
from tools.train.noise import BETAS, STEPS
from tools.train.unet import Painter
from tools.words import small_rows

CFG = 2.5
"""The guidance scale that the judge and the first command sample with."""

CHECKPOINT, CONFIG, MOTION = "portrait.safetensors", "portrait.yaml", "motion.safetensors"
DRIVEN = "driven.safetensors"
EMBEDDING = "embeddings.token_embedding.weight"

_YAML = f"""\
# What the tensors' shapes do not say, in the form of Stable Diffusion's v1-inference.yaml.
model:
  target: ldm.models.diffusion.ddpm.LatentDiffusion
  params:
    parameterization: "v"
    # ldm's name for betas that rise on a straight line, which are AnimateDiff's
    beta_schedule: sqrt_linear
    linear_start: {BETAS[0]}
    linear_end: {BETAS[1]}
    num_timesteps_cond: 1
    timesteps: {STEPS}
    first_stage_key: jpg
    cond_stage_key: txt
    image_size: {LATENT[1]}
    channels: {LATENT[0]}
    cond_stage_trainable: false
    conditioning_key: crossattn
    scale_factor: {SCALE}
    use_ema: false

    unet_config:
      target: ldm.modules.diffusionmodules.openaimodel.UNetModel
      params:
        image_size: {LATENT[1]}
        in_channels: {LATENT[0]}
        out_channels: {LATENT[0]}
        model_channels: {WIDTH}
        attention_resolutions: [4, 2, 1]
        num_res_blocks: 2
        channel_mult: [1, 1, 1, 1]
        num_heads: {HEADS}
        use_spatial_transformer: true
        transformer_depth: 1
        context_dim: {WIDTH}
        use_checkpoint: false
        legacy: false

    first_stage_config:
      target: ldm.models.autoencoder.AutoencoderKL
      params:
        embed_dim: {LATENT[0]}
        ddconfig:
          double_z: true
          z_channels: {LATENT[0]}
          resolution: 128
          in_channels: 3
          out_ch: 3
          ch: {WIDTH}
          ch_mult: [1, 1, 1, 1]
          num_res_blocks: 1
          attn_resolutions: []
          dropout: 0.0
        lossconfig:
          target: torch.nn.Identity

    cond_stage_config:
      target: ldm.modules.encoders.modules.FrozenCLIPEmbedder

# The guidance scale that suits the model; other readers pass over this part.
easyphoto_video:
  cfg: {CFG}
"""
assert WIDTH % GROUPS == 0


@torch.no_grad()
def whole_text(text: CLIPTextModel) -> dict[str, Tensor]:
    """The text encoder's tensors over all of CLIP's ids; rows of no use to the world are zero."""
    tensors = {name.removeprefix("text_model."): x for name, x in text.state_dict().items()}
    small = tensors[EMBEDDING]
    table = torch.zeros(TOKENS, small.shape[1])
    for row, token in small_rows().items():
        table[token] = small[row].cpu()
    return {**tensors, EMBEDDING: table}


def export(vae: AutoencoderKL, painter: Painter, motion: Motion, folder: Path) -> None:
    """Write the checkpoint, its yaml and the motion module into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = {
        **vae_to_ldm(vae.state_dict()),
        **text_to_ldm(whole_text(painter.text)),
        **unet_to_ldm(painter.unet.state_dict()),
    }
    heads = {"format": "pt", "unet_heads": str(HEADS), "text_heads": str(TEXT_HEADS)}
    _save(checkpoint, folder / CHECKPOINT, {**heads, "prediction": "v", "betas": "linear"})
    _save(motion.state_dict(), folder / MOTION, {"format": "pt", "betas": "linear"})
    (folder / CONFIG).write_text(_YAML, encoding="utf-8")


def export_driven(model: Fomm, folder: Path) -> None:
    """Write the network that is driven into `folder`, with what its shapes do not tell."""
    folder.mkdir(parents=True, exist_ok=True)
    _save(model.state_dict(), folder / DRIVEN, {"format": "pt", **notes_of(model.config)})


def _save(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    halves = {
        name: (x.half() if x.is_floating_point() else x).detach().cpu().contiguous()
        for name, x in tensors.items()
    }
    part = path.with_suffix(".part")
    save_file(halves, part, metadata)
    part.replace(path)
